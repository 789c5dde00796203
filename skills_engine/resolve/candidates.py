"""Candidates: for a region that no merge could decide, the texts that people most often put there.

They are offered, in the order that history suggests, and decide nothing. What would not parse, or
would define a name twice, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.check import Changed, check
from skills_engine.merge import Region, filled, regions_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text for a region, and what it is made of: `theirs`, `ours`, `ours+theirs`,
    `theirs+ours`.
    """

    name: str
    text: bytes


def candidates(path: str, data: bytes, region: Region) -> tuple[Candidate, ...]:
    """At most four texts for one of the conflicts of `data`, the likeliest first."""
    found: dict[bytes, Candidate] = {}
    for name in _order(region):
        text = b"".join(
            _lines(region.ours if part == "ours" else region.theirs) for part in name.split("+")
        )
        found.setdefault(text, Candidate(name, text))
    sound = _soundness(path, data, region)
    return tuple(candidate for candidate in found.values() if sound(candidate.text))


def _lines(side: bytes) -> bytes:
    return side if not side or side.endswith(b"\n") else side + b"\n"


def _order(region: Region) -> Sequence[str]:
    """Measured by benchmarks/candidates.py: people mostly take what comes in, but leave what a side
    deleted.
    """
    if region.base.strip() and not region.ours.strip():
        return ("ours", "theirs", "ours+theirs", "theirs+ours")
    return ("theirs", "ours", "ours+theirs", "theirs+ours")


def _soundness(path: str, data: bytes, region: Region) -> Callable[[bytes], bool]:
    """Whether a text can stand in a region, the others' being ours, as far as the file shows it."""
    regions = regions_in(data)
    ours = filled(data, regions, lambda each: each.ours)
    theirs = filled(data, regions, lambda each: each.theirs)

    def sound(text: bytes) -> bool:
        whole = filled(data, regions, lambda each: text if each.line == region.line else each.ours)
        findings = check([Changed(path, whole, (ours, theirs))], _Alone(path, whole))
        return all(finding.rule not in {"syntax", "duplicate", "data"} for finding in findings)

    return sound


@dataclass(frozen=True, slots=True)
class _Alone:
    """A tree of one file: what other files say is asked when the operation goes on."""

    path: str
    data: bytes

    def read(self, path: str) -> bytes | None:
        return self.data if path == self.path else None

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        return []
