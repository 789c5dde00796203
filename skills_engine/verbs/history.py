"""The operations in a fork's history, read from the trailers of its commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.git import Git

__all__ = ["EngineCommit", "operations"]

_FORMAT = "%x01%H%x00%aI%x00%an%x00%s%x00%(trailers:only,unfold)"


@dataclass(frozen=True, slots=True)
class EngineCommit:
    """A commit that the engine made."""

    commit: str
    when: str
    who: str
    title: str
    verb: str
    skills: tuple[tuple[str, str], ...]
    """Name and version of each skill that came, went or changed."""


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
        names = [value for key, value in trailers if key == "Skill"]
        versions = [value for key, value in trailers if key == "Skill-Version"]
        verb = next((value for key, value in trailers if key == "Skills-Operation"), "")
        yield EngineCommit(
            commit, when, who, title, verb, tuple(zip(names, versions, strict=False))
        )
