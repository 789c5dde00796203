"""Statements that one side deleted and the other moved or wrapped: a merge of the two would bring
them back.

Such a statement is in the base once, in one side once and in the other nowhere. Where it stayed in
its place, the deletion holds; where it stands among what its side added, both sides deleted it
there and one added it elsewhere, and nothing else would show that they disagree.
"""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.merge.core.tree import Node, Unit, Version

__all__ = ["Revivals"]


class Revivals:
    """What a merge of three versions may bring back."""

    def __init__(self, base: Version, ours: Version, theirs: Version) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs

    def within(self, part: Node | Unit) -> frozenset[int]:
        """Signatures of the statements in a side's part that the base has and the other side
        deleted.
        """
        suspects = self._of_ours if part.version is self.ours else self._of_theirs
        return suspects.intersection(part.holds) if suspects else suspects

    def title(self, sigs: frozenset[int]) -> str:
        """The first of such statements, as the base has it."""
        found = next(s for s in self.base.statements if s.sig in sigs)
        line = self.base.text[found.start : self.base.text.find("\n", found.start)].strip()
        return line if len(line) <= 50 else line[:47] + "..."

    def lost(self, side: str, sigs: Iterable[int]) -> str:
        """What a side ("ours" or "theirs") does to statements of the base which it has not where
        they were: "moves" or "deletes"; "no longer has" where others stand in their place, or a
        file has none.
        """
        wanted = Counter(sigs)
        if not wanted:
            return "no longer has"
        version = self.ours if side == "ours" else self.theirs
        base, there = ([s.sig for s in each.statements] for each in (self.base, version))
        kept = sum(there.count(sig) >= base.count(sig) for sig in wanted)
        if 2 * kept > len(wanted):
            return "moves"
        first = next((at for at, sig in enumerate(base) if sig in wanted), 0)
        for tag, start, end, *_ in SequenceMatcher(None, base, there, autojunk=False).get_opcodes():
            if start <= first < end:
                return "deletes" if tag == "delete" else "no longer has"
        return "no longer has"

    @cached_property
    def _of_ours(self) -> frozenset[int]:
        return self._suspects(self.ours, self.theirs)

    @cached_property
    def _of_theirs(self) -> frozenset[int]:
        return self._suspects(self.theirs, self.ours)

    def _suspects(self, one: Version, other: Version) -> frozenset[int]:
        base, adds, keeps = (
            Counter(s.sig for s in version.statements) for version in (self.base, one, other)
        )
        return frozenset(
            sig for sig, count in base.items() if count == adds[sig] == 1 and not keeps[sig]
        )
