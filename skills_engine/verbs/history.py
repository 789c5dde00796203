"""The operations in a fork's history, read from the trailers of its commits, and which of them
stand.

operations   every commit of the engine's, newest first
timeline     those that are done and those that were taken back, as undo and redo see them, by
             the engine or by plain git (`git revert`)
find         one of them, by its commit or by where it stands (`@`, `@-`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.intent import TREES
from skills_engine.manifest import FOLDER, read_core
from skills_engine.tree import Entry, Tree, difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.git import Git

__all__ = ["REDOES", "UNDOES", "EngineCommit", "Timeline", "find", "operations", "timeline"]

UNDOES, REDOES = "Skills-Undoes", "Skills-Redoes"
_FORMAT = "%x01%H%x00%P%x00%aI%x00%an%x00%s%x00%(trailers:only,unfold)"


@dataclass(frozen=True, slots=True)
class EngineCommit:
    """A commit that the engine made; `of` is the commit that an undo or a redo is about."""

    commit: str
    when: str
    who: str
    title: str
    verb: str
    skills: tuple[tuple[str, str], ...]
    """Name and version of each skill that came, went or changed."""
    of: str = ""
    trees: tuple[str, ...] = ()
    """The trees that it led from, and to, as it was made; () of older ones."""

    @property
    def plain(self) -> str:
        """The title of what was done, however often it was done again."""
        return self.title.removeprefix("Redo: ") if self.verb == "redo" else self.title


@dataclass(frozen=True, slots=True)
class Timeline:
    """Both oldest first: `undo` takes back the last of `done`, `redo` does the last of `undone`
    again. A redone operation stands there as the commit that did it again.
    """

    done: tuple[EngineCommit, ...]
    undone: tuple[EngineCommit, ...]


def operations(git: Git, head: str, *, limit: int = 0) -> tuple[EngineCommit, ...]:
    """Newest first: along the first parents, and of other clones whose work was merged. What
    upstream did to itself is not this fork's doing.
    """
    found, _ = _own(git, head)
    return found[:limit] if limit else found


def _own(git: Git, head: str) -> tuple[tuple[EngineCommit, ...], tuple[str, ...]]:
    """The operations, and the revisions that are this fork's own work."""
    first = dict(_logged(git, "--first-parent", head))
    core = read_core(Tree(git.objects, git.tree_of(head)))
    bases = _merged(first) | ({core.base} if core is not None and git.commit(core.base) else set())
    while True:
        own = (head, *(f"^{base}" for base in sorted(bases)))
        every = dict(_logged(git, "--topo-order", *own))
        if _merged(every) <= bases:
            return tuple({**every, **first}), own
        bases |= _merged(every)


def _merged(found: dict[EngineCommit, tuple[str, ...]]) -> set[str]:
    """What the engine itself has merged: commits of upstream's."""
    return {parent for parents in found.values() for parent in parents[1:]}


def _logged(git: Git, *revisions: str) -> Iterator[tuple[EngineCommit, tuple[str, ...]]]:
    """The engine's commits of these, each with its parents."""
    out = git.run("log", "--grep=^Skills-Operation: ", f"--format={_FORMAT}", *revisions)
    for record in out.decode("utf-8", "replace").split("\x01")[1:]:
        commit, parents, when, who, title, block = record.split("\0", 5)
        trailers = [line.partition(": ")[::2] for line in block.splitlines() if ": " in line]
        said = dict(trailers)
        names = [value for key, value in trailers if key == "Skill"]
        versions = [value for key, value in trailers if key == "Skill-Version"]
        verb = next((value for key, value in trailers if key == "Skills-Operation"), "")
        skills = tuple(zip(names, versions, strict=False))
        of = said.get(UNDOES) or said.get(REDOES) or ""
        trees = tuple(said.get(TREES, "").split())
        found = EngineCommit(commit, when, who, title, verb, skills, of, trees)
        yield found, tuple(parents.split())


def timeline(git: Git, head: str) -> Timeline:
    """What stands at a commit. An operation that is done anew ends what could be redone; one that
    plain git takes back, or does again, is as if undo or redo had.
    """
    done: list[EngineCommit] = []
    undone: list[EngineCommit] = []
    every, own = _own(git, head)
    there = {each.commit for each in every}
    for each in reversed(_with_plain(git, every, own)):
        if isinstance(each, str):
            back, forth = _turned(git, each, done, undone)
            done = [one for one in done if one not in back] + forth
            undone = [one for one in undone if one not in forth] + back
            continue
        undoes = _meant(each, done, there) if each.verb == "undo" else None
        redoes = _meant(each, undone, there) if each.verb == "redo" else None
        if undoes is not None:
            done.remove(undoes)
            undone.append(undoes)
        elif redoes is not None:
            undone.remove(redoes)
            done.append(each)
        else:
            done.append(each)
            undone.clear()
    return Timeline(tuple(done), tuple(undone))


def _with_plain(
    git: Git, every: tuple[EngineCommit, ...], own: tuple[str, ...]
) -> tuple[EngineCommit | str, ...]:
    """The operations, and between them the commits of plain git that changed manifests."""
    there = {each.commit: each for each in every}
    asked = ("log", "--full-history", "--no-merges", "--format=%H", *own, "--", FOLDER)
    plain = set(git.text(*asked).split()) - there.keys()
    if not plain:
        return every
    order = git.text("rev-list", "--topo-order", *own).split()
    found = [there.pop(commit, commit) for commit in order if commit in there or commit in plain]
    return (*found, *there.values())


_Change = dict[str, tuple[Entry | None, Entry | None]]
"""What a commit did to the manifests: what was at a path before it, and after it."""


def _turned(
    git: Git, commit: str, done: Sequence[EngineCommit], undone: Sequence[EngineCommit]
) -> tuple[list[EngineCommit], list[EngineCommit]]:
    """The operations that a commit of plain git took back, and those that it did again: where all
    that it did to the manifests is just that, whatever its message says.
    """
    change = _change(git, commit)
    back = _explained(git, change, done, backwards=True)
    return back, [] if back else _explained(git, change, undone, backwards=False)


def _explained(
    git: Git, change: _Change, among: Sequence[EngineCommit], *, backwards: bool
) -> list[EngineCommit]:
    now = {path: before for path, (before, _) in change.items()}
    steps = []
    for each in reversed(among):
        step = _change(git, each.commit)
        if backwards:
            step = {path: (after, before) for path, (before, after) in step.items()}
        if step and all(path in now and now[path] == before for path, (before, _) in step.items()):
            now.update({path: after for path, (_, after) in step.items()})
            steps.append(each)
        if all(now[path] == after for path, (_, after) in change.items()):
            return steps
    return []


def _change(git: Git, commit: str) -> _Change:
    """Nothing where the commit before it is not in this repository."""
    sides = [git.commit(f"{commit}{parent}") for parent in ("^", "")]
    folders = [Tree(git.objects, git.tree_of(side)).entry(FOLDER) for side in sides if side]
    if len(folders) < len(sides):
        return {}
    old, new = (folder.oid if folder else None for folder in folders)
    return {path: (before, after) for path, before, after in difference(git.objects, old, new)}


def _meant(
    each: EngineCommit, among: Sequence[EngineCommit], there: set[str]
) -> EngineCommit | None:
    """The operation that an undo or a redo is about: the commit that it names or, where history
    was rewritten since (`git pull --rebase`) and has no such commit, the last of that title.
    """
    word = each.verb.capitalize()
    for other in reversed(among):
        if other.commit == each.of:
            return other
        if each.of not in there and each.title == f"{word}: {other.plain}":
            return other
    return None


def find(git: Git, head: str, name: str) -> EngineCommit:
    """An operation by its commit, abbreviated or not; `@` is the last one, `@-` the one before.
    Raises Refused where there is none.
    """
    every = operations(git, head)
    back = re.fullmatch(r"@(-*)(?:~(\d+))?", name)
    if back is not None:
        number = len(back[1]) + int(back[2] or 0)
        found = every[number : number + 1]
    else:
        found = tuple(each for each in every if len(name) >= 4 and each.commit.startswith(name))
    if len(found) != 1:
        what = "several operations" if found else "no operation of this fork"
        raise Refused(f"{name} is {what}", hint="see: skills op log")
    return found[0]
