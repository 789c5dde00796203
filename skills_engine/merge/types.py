"""The answers of a merge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from skills_engine.lines import split_lines

__all__ = ["LineMerge", "Merged", "NodeConflict", "NotPython", "Region", "Unsupported"]


@dataclass(frozen=True, slots=True)
class Region:
    """One conflict, as small as it could be made.

    `line` counts from 1 and is that of the region's first marker in `Merged.data`;
    `base`, `ours` and `theirs` are what stands between the markers.
    """

    line: int
    base: bytes
    ours: bytes
    theirs: bytes
    reason: str

    @property
    def height(self) -> int:
        """How many lines it takes in the file, its four markers included."""
        return 4 + sum(len(split_lines(side)) for side in (self.base, self.ours, self.theirs))


@dataclass(frozen=True, slots=True)
class Merged:
    """The result of a merge. `data` holds diff3 conflict markers where `regions` are.

    `how` is the rung that answered: "trivial" (one side changed nothing, or both did the same),
    "lines", "structure", "data" or "whole" (nothing can be said of parts: `data` is ours, and the
    one region is the file). `notes` are what a person should know although nothing conflicts.
    """

    data: bytes
    regions: tuple[Region, ...] = ()
    how: str = "same"
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not self.regions


LineMerge = Callable[[bytes, bytes, bytes], Merged]
"""git's line merge of base, ours and theirs, with diff3 markers; `from_lines` makes its answer from
git's output.
"""


class Unsupported(Exception):
    """A rung cannot merge these inputs. Never leaves the room."""


class NotPython(Unsupported):
    """A version does not parse."""


class NodeConflict(Exception):
    """Both sides changed a part and it cannot be joined; the nearest part that has whole lines
    becomes a region.
    """
