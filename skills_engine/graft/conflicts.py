"""Conflicts of whole trees: which file, what kind, and the versions that a decision is between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.merge import Region
    from skills_engine.tree import Entry

__all__ = ["FileConflict", "Stage", "enclosed", "stages"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One version of what is in conflict, as git's index keeps it: stage 1 base, 2 ours,
    3 theirs.
    """

    number: int
    path: str
    mode: int
    oid: str


@dataclass(frozen=True, slots=True)
class FileConflict:
    """A file that could not be merged.

    `kind` is `content` (markers enclose the `regions`), or one that has no markers, as git names
    it: `modify/delete`, `rename/delete`, `rename/rename`, `rename/add`, `binary`, `file/folder`,
    `type` (a link, a submodule); `add/add` has markers unless a side is binary. Without markers it
    is the owner who says what becomes of the paths of `versions`.
    """

    path: str
    reason: str
    kind: str = "content"
    regions: tuple[Region, ...] = ()
    versions: tuple[Stage, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether markers show what there is to decide."""
        return bool(self.regions)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that a decision is about: one, or the names that two sides gave to a file."""
        return tuple(dict.fromkeys([self.path, *(version.path for version in self.versions)]))


def stages(
    path: str,
    base: Entry | None = None,
    ours: Entry | None = None,
    theirs: Entry | None = None,
) -> tuple[Stage, ...]:
    """The versions that there are of one path."""
    versions = enumerate((base, ours, theirs), start=1)
    return tuple(Stage(n, path, e.mode, e.oid) for n, e in versions if e is not None)


def enclosed(base: bytes, ours: bytes, theirs: bytes, reason: str) -> tuple[bytes, Region]:
    """Ours with one conflict: all paragraphs from the first to the last in which the versions
    differ. A paragraph is what stands between blank lines: in code, half of it is no side.
    """
    from skills_engine.merge import Region, size_for  # noqa: PLC0415  (most operations merge nothing)

    one, two, three = (split_lines(data) for data in (ours, theirs, base))
    sides = (one, two, three) if base else (one, two)
    head = _common(sides)
    while head and one[head - 1].strip():
        head -= 1
    tail = _common([side[head:][::-1] for side in sides])
    while tail and one[-tail].strip():
        tail -= 1
    end = b"\r\n" if b"\r\n" in ours else b"\n"
    middle = [_whole(side[head : len(side) - tail], end) for side in sides]
    inside = (middle[2] if base else [], middle[0], middle[1])
    before, mine, yours = (b"".join(lines) for lines in inside)
    region = Region(head + 1, before, mine, yours, reason)
    size = size_for(base, ours, theirs)
    labels = ((b"<", b" ours"), (b"|", b" base"), (b"=", b""), (b">", b" theirs"))
    marks = [sign * size + label + end for sign, label in labels]
    lines = [marks[0], *inside[1], marks[1], *inside[0], marks[2], *inside[2], marks[3]]
    return b"".join([*_whole(one[:head], end), *lines, *one[len(one) - tail :]]), region


def _common(sides: Iterable[list[bytes]]) -> int:
    """How many first lines all sides share."""
    count = 0
    for lines in zip(*sides, strict=False):
        if len(set(lines)) > 1:
            break
        count += 1
    return count


def _whole(lines: list[bytes], end: bytes) -> list[bytes]:
    """Lines of which the last has its end, too."""
    if lines and not lines[-1].endswith(b"\n"):
        return [*lines[:-1], lines[-1] + end]
    return lines
