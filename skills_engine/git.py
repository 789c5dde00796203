"""The only room that talks to git.

Commands run as processes, always as lists of arguments, with a locale and a
configuration that make their output predictable, and without the variables that
a hook has. Objects (`git_objects`) are written only when `flush` is called for
what they belong to: until then they exist in memory, so computing something
leaves no trace in the repository.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.durable import sync_folders
from skills_engine.errors import Refused
from skills_engine.git_objects import PREDICTABLE, Objects
from skills_engine.git_settings import Settings
from skills_engine.lines import bare_lines
from skills_engine.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["BACKUPS", "EMPTY_TREE", "Git", "GitError", "Identity", "Objects", "Repository"]

BACKUPS = "refs/skills/backup/"
"""Where the engine keeps what branches were at before its operations."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

_OF_THE_USER = re.compile(
    r"GIT_(AUTHOR|COMMITTER|SSH|ASKPASS|PROXY|SSL|HTTP|TRACE|EXEC_PATH|ALLOW_PROTOCOL|"
    r"CEILING_DIRECTORIES|DISCOVERY_ACROSS|CONFIG_(NOSYSTEM|GLOBAL|SYSTEM|COUNT|KEY_|VALUE_))"
)
_BRANCH = re.compile(r"ref: (refs/heads/\S+)\n?")
_CAUSE = re.compile(r"fatal: |error: ")
_SPACE = "see whether the disk has space and you may write there"
_HINTS = {
    **dict.fromkeys(("unable to create", "unable to write", "cannot update"), _SPACE),
    **dict.fromkeys(("could not write", "failed to write"), _SPACE),
    ".lock': File exists": "wait for that git process, or remove the file if none is running",
    "aborted by hook": "your hook reference-transaction refuses it; hooks are in .git/hooks",
}


class GitError(Refused):
    """A git command failed; the message has its own last words."""


@dataclass(frozen=True)
class Repository:
    """Where a repository keeps its parts."""

    root: Path
    """The top of the working tree."""
    git_dir: Path
    """Of this working tree: HEAD, index."""
    common_dir: Path
    """Of the repository: objects, refs, the engine's own state in `skills/`."""
    shallow: bool

    @property
    def state(self) -> Path:
        return self.common_dir / "skills"


@dataclass(frozen=True)
class Identity:
    name: str
    email: str


@dataclass
class Git:
    """Git in one directory."""

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    # --- running

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ok: Sequence[int] = (0,),
        globs: bool = False,
    ) -> bytes:
        """The standard output of a command. Paths are literal unless `globs`.

        Raises GitError when the exit code is not among `ok`.
        """
        return self._run(args, stdin, env, cwd, ok, globs=globs).stdout

    def text(self, *args: str, **options: str) -> str:
        return os.fsdecode(self.run(*args)).strip()

    def succeeds(self, *args: str) -> bool:
        return self._run(args, None, None, None, None).returncode == 0

    def _run(
        self,
        args: Sequence[str],
        stdin: bytes | None,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        ok: Sequence[int] | None,
        *,
        globs: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            done = subprocess.run(
                ["git", *([] if globs else ["--literal-pathspecs"]), *PREDICTABLE, *args],
                cwd=cwd or self.directory,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                env=self._env(env),
                check=False,
            )
        except FileNotFoundError:
            if not (cwd or self.directory).is_dir():
                raise Refused(f"{cwd or self.directory} is not a directory") from None
            raise Refused("git is not installed", hint="install git 2.30 or newer") from None
        if ok is not None and done.returncode not in ok:
            said = [line for line in os.fsdecode(done.stderr).splitlines() if line.strip()]
            # the cause is named first, and what ssh says of it right before
            at = next((n for n, line in enumerate(said) if _CAUSE.match(line)), len(said) - 2)
            words = "; ".join(said[max(at - 1, 0) :][:3]) or f"exit code {done.returncode}"
            hint = next((hint for sign, hint in _HINTS.items() if sign in words), "")
            raise GitError(f"git {args[0]} failed: {words}", hint=hint)
        return done

    def _env(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return self.environ() | dict(more or {})

    def environ(self) -> dict[str, str]:
        """What a git process gets: of git's own variables, those that are the user's. What a hook
        that the engine was started from has (GIT_DIR, GIT_INDEX_FILE …) speaks of another command.
        """
        theirs = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("GIT_") or _OF_THE_USER.match(key)
        }
        return {**theirs, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **self.environment}

    # --- the repository

    @cached_property
    def repository(self) -> Repository:
        """Raises Refused outside a working tree and in a bare repository."""
        asked = (
            "--is-bare-repository --is-shallow-repository --absolute-git-dir "
            "--git-common-dir --show-object-format"
        )
        done = self._run(["rev-parse", *asked.split(), "--show-toplevel"], None, None, None, None)
        lines = bare_lines(os.fsdecode(done.stdout))
        if lines and lines[0] == "true":
            raise Refused(
                f"{self.directory} is a bare repository",
                hint="run skills in a clone with a working tree",
            )
        if done.returncode or len(lines) < 6:
            self._check_damaged(done.stderr)
            raise Refused(
                f"{self.directory} is not inside a git repository",
                hint=(
                    "run it in your fork, or name it with -C DIR; a downloaded copy needs git "
                    "init and a commit first"
                ),
            )
        if len(lines) > 6:
            raise Refused(
                f"the path of the repository has a line feed: {one_line(str(self.directory))}",
                hint="rename that folder",
            )
        _, shallow, git_dir, common, object_format, top = lines
        if object_format != "sha1":
            raise Refused(
                f"{top} uses {object_format} objects, which this version cannot write",
                hint="use a repository of the usual kind: git init --object-format=sha1",
            )
        return Repository(
            Path(top), Path(git_dir), (self.directory / common).resolve(), shallow == "true"
        )

    def _check_damaged(self, said: bytes) -> None:
        """Raises Refused where a repository is, and git cannot read it: its HEAD is cut off, say,
        or it is somebody else's.
        """
        here = self.directory.absolute()
        for folder in (here, *here.parents):
            if (folder / ".git" / "HEAD").exists():
                words = os.fsdecode(said).strip().partition("\n")[0]
                hint = f"see what {folder / '.git' / 'HEAD'} holds: ref: refs/heads/BRANCH"
                if b"safe.directory" in said:
                    hint = f"if you trust it: git config --global --add safe.directory {folder}"
                raise Refused(f"git cannot read the repository {folder}: {words}", hint=hint)

    @cached_property
    def objects(self) -> Objects:
        return Objects(self)

    def identity(self) -> Identity:
        """Who commits. Raises Refused, with the two commands that set it, when git does not
        know.
        """
        done = self._run(["var", "GIT_COMMITTER_IDENT"], None, None, None, None)
        if done.returncode:
            raise Refused(
                "git does not know who you are, and the result must be committed",
                hint=(
                    'run: git config user.name "Your Name" && git config user.email you@example.org'
                ),
            )
        name, _, rest = os.fsdecode(done.stdout).partition(" <")
        return Identity(name, rest.partition(">")[0])

    # --- history

    def head(self) -> str:
        """The commit that HEAD is at. Raises Refused in a repository without commits."""
        found = self.objects.resolve("HEAD^{commit}")
        if found is not None:
            return found
        named = self._unreadable()
        if named is None:
            raise Refused("the repository has no commit yet", hint="commit something first")
        newest = self.text_or_none(
            "for-each-ref", "--sort=-refname", "--count=1", "--format=%(refname)", BACKUPS
        )
        back = newest or "ORIG_HEAD, or what git reflog shows"
        raise Refused(
            f"HEAD is at {named}, which cannot be read: its objects are missing or damaged",
            hint=(
                f"commit nothing; see git fsck. Before the last operation it was {back}; if that "
                f"can be read, go back to it: git update-ref HEAD {back}"
            ),
        )

    def _unreadable(self) -> str | None:
        """What HEAD names, if it is there and no commit can be read by it; None where none was
        made yet.
        """
        oid = self.text_or_none("rev-parse", "--verify", "--quiet", "HEAD")
        if oid is not None:
            return oid
        said = (self.repository.git_dir / "HEAD").read_text(encoding="utf-8", errors="replace")
        ref = said.strip().removeprefix("ref: ")  # git names none whose file it cannot read
        there = (self.repository.common_dir / ref).is_file()
        return f"{ref} (which names no commit)" if there else None

    def branch(self) -> str | None:
        """The full name of the branch that HEAD is on, or None when it is detached."""
        path = self.repository.git_dir / "HEAD"
        said = "" if path.is_symlink() else os.fsdecode(path.read_bytes())
        named = _BRANCH.fullmatch(said)
        if (
            named is not None and named[1] != "refs/heads/.invalid"
        ):  # another storage of refs says so
            return named[1]
        found = self._run(["symbolic-ref", "-q", "HEAD"], None, None, None, None)
        return os.fsdecode(found.stdout).strip() or None

    def commit(self, spec: str) -> str | None:
        return self.objects.resolve(f"{spec}^{{commit}}")

    def tree_of(self, commit: str) -> str:
        found = self.objects.resolve(f"{commit}^{{tree}}")
        if found is None:
            hint = self.how_to_get_more("fetch it first")
            raise Refused(f"{commit} is not a commit of this repository", hint=hint)
        return found

    def how_to_get_more(self, otherwise: str) -> str:
        """The hint of a message about history that is not here."""
        shallow = (self.repository.common_dir / "shallow").exists()
        return (
            "this clone is shallow; get the rest: git fetch --unshallow" if shallow else otherwise
        )

    def merge_base(self, one: str, other: str) -> str | None:
        return self.text_or_none("merge-base", one, other)

    def is_ancestor(self, one: str, other: str) -> bool:
        return self.succeeds("merge-base", "--is-ancestor", one, other)

    def text_or_none(self, *args: str) -> str | None:
        done = self._run(args, None, None, None, None)
        return (os.fsdecode(done.stdout).strip() or None) if done.returncode == 0 else None

    def fetch(self, remote: str, branch: str) -> str | None:
        """Fetch a branch of a remote into its remote-tracking ref; the commit that it is at, or
        None without one.
        """
        tracking = f"refs/remotes/{remote}/{branch}"
        if not self.text("ls-remote", remote, f"refs/heads/{branch}"):
            return None
        before = self.commit(tracking)
        self.run("fetch", "--quiet", remote, f"+refs/heads/{branch}:{tracking}")
        after = self.commit(tracking)
        if after != before:  # git syncs the files that it writes, and not their folders
            objects = self.repository.common_dir / "objects"
            sync_folders([objects, *(path for path in objects.iterdir() if path.is_dir())])
        return after

    def fetch_aside(self, remote: str, branch: str, folder: Path) -> str | None:
        """The same without a trace in the repository: new objects go to `folder`, where this Git
        looks from now on.
        """
        found = self.text("ls-remote", remote, f"refs/heads/{branch}").split()
        if not found:
            return None
        real = self.repository.common_dir / "objects"
        self.environment = {
            **self.environment,
            "GIT_OBJECT_DIRECTORY": str(folder),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(real),
        }
        self.objects.close()
        self.run("fetch", "--quiet", "--no-write-fetch-head", "--refmap=", remote, found[0])
        return self.commit(found[0])

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, sign: bool = False
    ) -> str:
        """A new commit object (nothing points at it yet). `tree` must have been flushed."""
        flags = [word for parent in parents for word in ("-p", parent)]
        words = ("commit-tree", tree, *flags, *(["-S"] if sign else []))
        try:
            return self.run(*words, stdin=os.fsencode(message)).decode().strip()
        except GitError as error:
            if not sign or error.hint:
                raise
            hint = "commit.gpgSign is set: mend the key, or run: git config commit.gpgSign false"
            raise GitError(error.message, hint=hint) from None

    def update_refs(self, commands: Iterable[str], *, message: str) -> None:
        """One transaction of `update REF NEW OLD`, `create REF NEW`, `delete REF [OLD]`, `option
        no-deref` lines.
        """
        script = "start\n" + "".join(line + "\n" for line in commands) + "prepare\ncommit\n"
        self.run(
            "update-ref", "-m", message, "--create-reflog", "--stdin", stdin=os.fsencode(script)
        )

    # --- settings

    @cached_property
    def settings(self) -> Settings:
        return Settings.read(os.fsdecode(self.run("config", "--list", "-z")))

    def configure(self, *args: str) -> None:
        """`git config ARGS`; to take away what is not there is no fault."""
        self._run(["config", *args], None, None, None, (0, 5))
        self.__dict__.pop("settings", None)

    def merge_lines(
        self,
        base: bytes,
        ours: bytes,
        theirs: bytes,
        labels: tuple[str, str, str] = ("ours", "base", "theirs"),
        size: int = 7,
        style: str = "diff3",
    ) -> tuple[bytes, int]:
        """git's own three-way line merge: the merged bytes with markers of `size` characters, and
        how many conflicts there are.

        `labels` stand in the order of the markers: at `<<<<<<<`, at `|||||||`, at `>>>>>>>`;
        `style` is one of `merge.conflictStyle`. Raises GitError where git takes a version for
        binary (a NUL byte).
        """
        import tempfile  # noqa: PLC0415  (most operations never merge lines)

        with tempfile.TemporaryDirectory(prefix="skills-") as folder:
            names = []
            for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
                path = Path(folder, name)
                path.write_bytes(data)
                names.append(str(path))
            marks = [word for label in labels for word in ("-L", label)]
            shown = ["-c", "merge.conflictStyle=merge", "merge-file", "-p", f"--marker-size={size}"]
            full = [] if style == "merge" else [f"--{style}"]
            done = self._run([*shown, *full, *marks, *names], None, None, None, range(128))
        return done.stdout, done.returncode


def paths_from(output: bytes) -> Iterator[str]:
    """The NUL-separated paths that git's `-z` prints."""
    return (os.fsdecode(part) for part in output.split(b"\0") if part)
