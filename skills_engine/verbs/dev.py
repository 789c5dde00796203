"""The verb `dev`: a worktree with a skill applied, kept up with its package, and its tests run.

The worktree is a linked one, detached at a commit that has what the skill gives, so that
`git diff` there shows what was edited since; `record --into` takes that back into the package.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, SkillsError
from skills_engine.git import Git, GitError
from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import Goal
from skills_engine.graft.operation import networked_tests
from skills_engine.tree import Tree
from skills_engine.types import Event
from skills_engine.verbs.accept import accept_trial
from skills_engine.verbs.environment import test_plan
from skills_engine.verbs.paths import package_folders
from skills_engine.verbs.reports import Options
from skills_engine.verbs.trials.subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.types import Progress

__all__ = ["Desk", "Round", "dev"]

_TIMEOUT = 600
_PAUSE = 0.2

Line = Callable[[str], None]
"""Gets what pytest prints, a line at a time, from another thread."""


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one look at the package: whether it was applied (`seconds`) and its tests
    passed, or what was wrong, in the words of the refusal.
    """

    name: str
    folder: str
    ok: bool
    applied: bool
    seconds: float
    problem: str = ""
    hint: str = ""
    tests: tuple[str, ...] = ()


class Desk:
    """A skill's package, and its worktree: `.git/skills/dev/NAME`, unless another is named."""

    def __init__(self, directory: Path, name: str, out: Path | None = None) -> None:
        fork = Fork.open(directory)
        try:
            self.directory = fork.repository.root
            (self.package,) = package_folders(fork, (name,))
            self.name = self.package.name
            default = fork.repository.state / "dev" / self.name
            self.folder = (out.absolute() if out else default).resolve()
            self._looked: dict[Path, tuple[int, int]] = {}
        finally:
            fork.close()

    @property
    def made(self) -> bool:
        return (self.folder / ".git").exists()

    def subjects(self) -> Subjects:
        """The package as it is now, on the core. The caller closes its fork."""
        fork = Fork.open(self.directory)
        try:
            return Subjects.read(fork, (str(self.package),))
        except BaseException:
            fork.close()
            raise

    def apply(self, subjects: Subjects) -> None:
        """Bring the worktree to what the skill gives now; what was edited there stays.

        Raises Refused where the edits and the package changed the same, with the markers left
        there, or where a merge waits there still.
        """
        git, tree = subjects.fork.git, subjects.graft((self.name,)).tree
        if (
            self.made
            and git.run("rev-parse", "HEAD^{tree}", cwd=self.folder).decode().strip() == tree
        ):
            return
        git.objects.flush(tree)
        commit = git.commit_tree(
            tree, [subjects.base.base], f"{self.name}, as skills dev applies it\n"
        )
        try:
            if not self.made:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                git.run("worktree", "prune")
                git.run("worktree", "add", "--quiet", "--detach", str(self.folder), commit)
                return
            git.run("checkout", "--quiet", "--merge", "--detach", commit, cwd=self.folder)
        except GitError as error:
            raise Refused(
                f"the worktree cannot be brought up to date: {error.message}",
                hint=f"settle it in {self.folder}, or remove that: git worktree remove --force",
            ) from None
        if git.run("ls-files", "--unmerged", cwd=self.folder):
            raise Refused(
                "the package and the worktree changed the same",
                hint=f"settle the markers in {self.folder}, then: git add",
            )

    def stand_on(self, git: Git, tree: str, base: str) -> None:
        """Take what the skill gives now for what it gave: the worktree's files stay as they are."""
        git.objects.flush(tree)
        commit = git.commit_tree(tree, [base], f"{self.name}, as it was recorded\n")
        git.run("update-ref", "--no-deref", "HEAD", commit, cwd=self.folder)
        git.run("read-tree", commit, cwd=self.folder)

    def edited(self, git: Git) -> tuple[str, str]:
        """The tree that the skill gave, and the tree of the worktree's files as they are."""
        index = self.folder.with_name(f"{self.folder.name}.index")
        env = {"GIT_INDEX_FILE": str(index)}
        try:
            git.run("read-tree", "HEAD", cwd=self.folder, env=env)
            git.run("add", "--all", cwd=self.folder, env=env)
            after = git.run("write-tree", cwd=self.folder, env=env).decode().strip()
        finally:
            index.unlink(missing_ok=True)
        return git.run("rev-parse", "HEAD^{tree}", cwd=self.folder).decode().strip(), after

    def look(self) -> None:
        """Remember the worktree's files as they are."""
        self._looked = _seen(self.folder)

    def edited_since(self) -> bool:
        """Whether one of them is another now. What tests write is none of them."""
        now = _seen(self.folder)
        return any(now.get(path) != was for path, was in self._looked.items())


def _seen(root: Path) -> dict[Path, tuple[int, int]]:
    """Time and size of every file below a folder, but for hidden ones."""
    found = {}
    for path in _files(root):
        try:
            status = path.stat()
        except OSError:
            continue  # it went away meanwhile
        found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _files(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not name.startswith(".") and name != "__pycache__"]
        for name in files:
            if not name.startswith(".") and not name.endswith((".pyc", "~")):
                yield Path(folder, name)


def dev(
    directory: Path,
    name: str,
    words: Sequence[str],
    *,
    out: Path | None = None,
    once: bool = False,
    trust: bool = False,
    line: Line | None = None,
    seen: Callable[[Round], None] | None = None,
) -> Progress[Round]:
    """Apply the skill in its worktree and run its tests with pytest's `words`; again whenever a
    file of the package, or of the worktree, changes, or just `once`. The last round.

    Raises what `skills test` does for a package that is none; afterwards a round says it.
    """
    desk = Desk(directory, name, out)
    while True:
        package = _seen(desk.package)
        done = yield from _round(desk, words, line, trust=trust, raises=once)
        if once:
            return done
        if seen is not None:
            seen(done)
        yield Event(f"wait for a change of {desk.package}")
        while _seen(desk.package) == package and not desk.edited_since():
            time.sleep(_PAUSE)


def _round(
    desk: Desk, words: Sequence[str], line: Line | None, *, trust: bool, raises: bool
) -> Progress[Round]:
    began = time.monotonic()
    try:
        yield Event(f"apply {desk.name}")
        subjects = desk.subjects()
        try:
            accept_trial(
                subjects.fork,
                Goal(subjects.base, subjects.pins((desk.name,))),
                Options(trust=trust),
            )
            desk.apply(subjects)
            desk.look()
            seconds = time.monotonic() - began
            tests = subjects.tests((desk.name,))
            networked = networked_tests(subjects.fork, subjects.pins((desk.name,)))
            problem = ""
            if tests:
                yield Event(f"applied in {seconds:.2f} s; test {', '.join(tests)}")
                problem = _tested(desk, subjects, tests, networked, words, line)
        finally:
            subjects.fork.close()
    except SkillsError as error:
        if raises:
            raise
        seconds = time.monotonic() - began
        return Round(
            desk.name,
            str(desk.folder),
            ok=False,
            applied=False,
            seconds=round(seconds, 3),
            problem=error.message,
            hint=error.hint,
        )
    return Round(
        desk.name,
        str(desk.folder),
        ok=not problem,
        applied=True,
        seconds=round(seconds, 3),
        problem=problem,
        tests=tests,
    )


def _tested(
    desk: Desk,
    subjects: Subjects,
    tests: Sequence[str],
    networked: frozenset[str],
    words: Sequence[str],
    line: Line | None,
) -> str:
    """Why the tests do not pass, in a few words; nothing if they do."""
    from skills_engine.check.environment import default_cache, ensure_environment  # noqa: PLC0415
    from skills_engine.check.tests import run_tests  # noqa: PLC0415

    files = Tree(subjects.fork.objects, subjects.graft((desk.name,)).tree)
    plan = test_plan(subjects.fork, files)
    python = ensure_environment(plan, cache=default_cache(), report=_deaf)
    for network in (False, True):
        some = [path for path in tests if (path in networked) is network]
        run = run_tests(
            python,
            desk.folder,
            some,
            timeout=_TIMEOUT,
            report=_deaf,
            network=network,
            words=words,
            on_line=line,
            plan=plan,
        )
        if not run.passed:
            return run.reason
    return ""


def _deaf(text: str) -> None:
    """The events of the verb say it already."""
