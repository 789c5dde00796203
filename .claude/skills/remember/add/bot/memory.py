"""The history of a group's memory: its Markdown files in a git repository of the host's own.

The repository lies beside the folder (`memory/<folder>.git`), where no agent reaches it. Git sees
copies that were read through `bot.confined`, and no settings but those given here.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from filelock import FileLock

from bot.confined import Folder, Tree, WalkLimits
from bot.errors import BotError
from bot.groups import FOLDER, one_line
from bot.paths import Paths
from bot.text import visible

MOST_BYTES = 1 << 18
WALK = WalkLimits(depth=16, entries=50_000)
BESIDE = frozenset({"attachments", "conversations"})
AGENT, OWNER = "the agent", "the owner"
UNSAID = "Changed without a word"
NO_CHANGE = "Nothing has been remembered yet."


@dataclass(frozen=True, slots=True)
class _Git:
    """Git on one repository, with a work tree that is thrown away."""

    repository: Path
    tree: Path

    def __call__(self, *arguments: str, given: str = "", who: str = OWNER) -> str:
        """What it prints. Raises BotError with what it says if it fails."""
        people = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", who), ("EMAIL", "memory@localhost"))
        }
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.tree),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": str(self.repository),
            "GIT_WORK_TREE": str(self.tree),
            "GIT_INDEX_FILE": f"{self.tree}.index",
            **people,
        }
        try:
            ended = subprocess.run(
                ("git", "-c", "gc.autoDetach=false", "-c", "core.quotePath=false", *arguments),
                cwd=self.tree,
                env=environment,
                input=given.encode("utf-8", "replace"),
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise BotError(f"git cannot be run: {error}", hint="install git") from None
        if ended.returncode:
            said = ended.stderr.decode("utf-8", "replace").strip() or ended.stdout.decode()
            raise BotError(f"git {arguments[0]} failed: {one_line(said)}")
        return ended.stdout.decode("utf-8", "replace")


class Memory:
    """The memory of one group while nobody else changes its history: see `opened`."""

    def __init__(self, tree: Tree, git: _Git) -> None:
        self._tree, self.git = tree, git

    def commit(self, message: str, who: str) -> str:
        """Commit what has changed; what was committed, file by file, "" if nothing was."""
        whole = self._copy()
        self.git("add", "--force", "--all" if whole else "--ignore-removal", ".")
        if not self.git("diff", "--cached", "--name-only"):
            return ""
        self.git("commit", "--quiet", "--file=-", given=one_line(message) or UNSAID, who=who)
        return self.git("show", "--stat", "--format=%h %s")

    def undo(self, commit: str) -> str:
        """Take a commit back, in the history and in the folder; what has changed."""
        before = self.git("rev-parse", "HEAD").strip()
        if not self.git("rev-list", "--max-count=1", "--skip=1", commit):
            hint = "what it holds was there before: edit the files"
            raise BotError(f"{commit[:12]} is the first commit", hint=hint)
        try:
            self.git("revert", "--no-edit", commit)
        except BotError:
            self.git("reset", "--hard", "--quiet", before)
            raise BotError(
                f"{commit[:12]} cannot be taken back: what it wrote was changed since",
                hint="see `bot memory diff`, and edit the file",
            ) from None
        try:
            self._write_back(before)
        except BaseException:
            self.git("reset", "--hard", "--quiet", before)
            raise
        return self.git("show", "--stat", "--format=%h %s")

    def named(self, commit: str) -> str:
        """A commit of this history in full. Raises BotError if there is none."""
        try:
            found = self.git("rev-parse", "--verify", "--quiet", f"{commit or 'HEAD'}^{{commit}}")
            self.git("merge-base", "--is-ancestor", found.strip(), "HEAD")
        except BotError:
            hint = "`bot memory log` has them"
            raise BotError(f"{commit!r} is no commit of this memory", hint=hint) from None
        return found.strip()

    def _copy(self) -> bool:
        """Copy the pages into git's work tree; False if there may be more than were seen."""
        skipped: list[str] = []
        with self._tree.open() as top:
            for path, file in top.files(lambda path, _: skipped.append(path), WALK):
                if not is_page(path):
                    continue
                data = file.read(MOST_BYTES + 1)
                if len(data) > MOST_BYTES:
                    skipped.append(path)
                    continue
                copy = self.git.tree / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
        return not any(is_page(path) or not path.endswith(".md") for path in skipped)

    def _write_back(self, before: str) -> None:
        """Bring into the folder what differs from `before`, unless it is no more as it was then."""
        changed = self.git("diff", "--name-only", "-z", before, "HEAD").split("\0")[:-1]
        with ExitStack() as opened:
            top = opened.enter_context(self._tree.open())
            places = [(path, *_place(opened, top, path)) for path in changed]
            for path, folder, name in places:
                if _read(folder, name) != self._at(before, path):
                    raise BotError(f"{path} is being written", hint="try again")
            for path, folder, name in places:
                if (data := self._at("HEAD", path)) is None:
                    folder.remove(name)
                else:
                    folder.put(name, data)
            if os.getuid() == 0:  # the agent is somebody else, and goes on writing there
                top.give(*top.owner, lambda *_: None)

    def _at(self, commit: str, path: str) -> bytes | None:
        """A page as it was; None if there was none."""
        if not self.git("ls-tree", "--name-only", "-z", commit, "--", path):
            return None
        self.git("checkout", "--quiet", commit, "--", path)
        return (self.git.tree / path).read_bytes()


@contextmanager
def opened(paths: Paths, folder: str) -> Iterator[Memory]:
    """A group's memory, with its repository, which is made if there is none."""
    tree = tree_of(paths, folder)
    room = paths.data / "memory"
    room.mkdir(mode=0o700, parents=True, exist_ok=True)
    repository = room / f"{folder}.git"
    with FileLock(room / f"{folder}.lock"), TemporaryDirectory() as work:
        (copies := Path(work, "tree")).mkdir()
        git = _Git(repository, copies)
        if not (repository / "HEAD").exists():
            git("init", "--quiet", "--initial-branch=memory")
            git("config", "core.bare", "true")
        if (repository / "refs/heads/memory").exists() or (repository / "packed-refs").exists():
            git("read-tree", "HEAD")
        yield Memory(tree, git)


def tree_of(paths: Paths, folder: str) -> Tree:
    """A group's folder. Raises BotError if there is none."""
    if FOLDER.fullmatch(folder):
        tree = paths.group(folder)
        with suppress(OSError), tree.open():
            return tree
    raise BotError(f"no group has the folder {folder!r}", hint="`bot status` names them")


def is_page(path: str) -> bool:
    """Whether a file of a group's folder is memory that has a history."""
    parts = PurePosixPath(path).parts
    return (
        path.endswith(".md")
        and parts[0] not in BESIDE
        and not any(part.startswith(".") for part in parts)
    )


def _place(opened: ExitStack, top: Folder, path: str) -> tuple[Folder, str]:
    *folders, name = PurePosixPath(path).parts
    for one in folders:
        top = opened.enter_context(top.make(one))
    return top, name


def _read(folder: Folder, name: str) -> bytes | None:
    try:
        return folder.read(name, MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError:
        return b"\0"  # no page any more: equal to none that was


def _log(paths: Paths, folder: str, which: str) -> str:
    def ask(memory: Memory) -> str:
        form = "--format=%h %ad %an: %s"
        return memory.git("log", "--stat", form, "--date=format:%Y-%m-%d %H:%M", *_limit(which))

    return _asked(paths, folder, ask)


def _limit(which: str) -> list[str]:
    return ["--", which] if which else []


def _diff(paths: Paths, folder: str, which: str) -> str:
    def ask(memory: Memory) -> str:
        if which:
            return memory.git("diff", memory.named(which), "HEAD")
        return memory.git("show", "--format=%h %ad %an: %s%n", "--date=iso")

    return _asked(paths, folder, ask)


def _blame(paths: Paths, folder: str, which: str) -> str:
    if not which:
        raise BotError("blame needs a file", hint="bot memory blame CLAUDE.md")
    return _asked(paths, folder, lambda memory: memory.git("blame", "--date=short", "--", which))


def _undo(paths: Paths, folder: str, which: str) -> str:
    return _asked(paths, folder, lambda memory: memory.undo(memory.named(which)))


def _search(paths: Paths, folder: str, which: str) -> str:
    from bot.memory_search import search  # noqa: PLC0415  # it imports what is a page from here

    found = search(paths, folder, which)
    return "\n".join(f"{one['path']}: {visible(one['text'])}" for one in found) or "Nothing."


def _asked(paths: Paths, folder: str, ask: Callable[[Memory], str]) -> str:
    with opened(paths, folder) as memory:
        memory.commit(UNSAID, AGENT)
        try:
            memory.git("rev-parse", "--verify", "--quiet", "HEAD")
        except BotError:
            return NO_CHANGE
        return visible(ask(memory)).rstrip()


VERBS: dict[str, Callable[[Paths, str, str], str]] = {
    "log": _log,
    "diff": _diff,
    "blame": _blame,
    "undo": _undo,
    "search": _search,
}
"""What the owner may ask of a group's memory, with a commit, a file or words."""
