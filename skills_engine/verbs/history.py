"""The operations in a fork's history, read from the trailers of its commits, and which of them
stand.

operations   every commit of the engine's, newest first
timeline     those that are done and those that were taken back, as undo and redo see them
find         one of them, by its commit or by where it stands (`@`, `@-`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.git import Git

__all__ = ["REDOES", "UNDOES", "EngineCommit", "Timeline", "find", "operations", "timeline"]

UNDOES, REDOES = "Skills-Undoes", "Skills-Redoes"
_FORMAT = "%x01%H%x00%aI%x00%an%x00%s%x00%(trailers:only,unfold)"


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


@dataclass(frozen=True, slots=True)
class Timeline:
    """Both oldest first: `undo` takes back the last of `done`, `redo` does the last of `undone`
    again. A redone operation stands there as the commit that did it again.
    """

    done: tuple[EngineCommit, ...]
    undone: tuple[EngineCommit, ...]


def operations(git: Git, head: str, *, limit: int = 0) -> Iterator[EngineCommit]:
    """Newest first, along the first parents (what upstream did to itself is not this fork's
    doing).
    """
    count = [f"--max-count={limit}"] if limit else []
    out = git.run(
        "log", "--first-parent", *count, "--grep=^Skills-Operation: ", f"--format={_FORMAT}", head
    )
    for record in out.decode("utf-8", "replace").split("\x01")[1:]:
        commit, when, who, title, block = record.split("\0", 4)
        trailers = [line.partition(": ")[::2] for line in block.splitlines() if ": " in line]
        said = dict(trailers)
        names = [value for key, value in trailers if key == "Skill"]
        versions = [value for key, value in trailers if key == "Skill-Version"]
        verb = next((value for key, value in trailers if key == "Skills-Operation"), "")
        skills = tuple(zip(names, versions, strict=False))
        of = said.get(UNDOES) or said.get(REDOES) or ""
        yield EngineCommit(commit, when, who, title, verb, skills, of)


def timeline(git: Git, head: str) -> Timeline:
    """What stands at a commit. An operation that is done anew ends what could be redone."""
    done: list[EngineCommit] = []
    undone: list[EngineCommit] = []
    for each in reversed(list(operations(git, head))):
        if each.verb == "undo" and done and each.of == done[-1].commit:
            undone.append(done.pop())
        elif each.verb == "redo" and undone and each.of == undone[-1].commit:
            undone.pop()
            done.append(each)
        else:
            done.append(each)
            undone.clear()
    return Timeline(tuple(done), tuple(undone))


def find(git: Git, head: str, name: str) -> EngineCommit:
    """An operation by its commit, abbreviated or not; `@` is the last one, `@-` the one before.
    Raises Refused where there is none.
    """
    every = list(operations(git, head))
    back = re.fullmatch(r"@(-*)(?:~(\d+))?", name)
    if back is not None:
        number = len(back[1]) + int(back[2] or 0)
        found = every[number : number + 1]
    else:
        found = [each for each in every if len(name) >= 4 and each.commit.startswith(name)]
    if len(found) != 1:
        what = "several operations" if found else "no operation of this fork"
        raise Refused(f"{name} is {what}", hint="see: skills op log")
    return found[0]
