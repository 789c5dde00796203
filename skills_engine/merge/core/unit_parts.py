"""The units of blocks as they are aligned, and what both sides added."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.merge.core.levels import below
from skills_engine.merge.core.tree import words

if TYPE_CHECKING:
    from skills_engine.merge.core.alignment import Alignment
    from skills_engine.merge.core.rules import Rules
    from skills_engine.merge.core.tree import Unit

__all__ = ["UnitPart", "added_by_both"]


class UnitPart:
    """A unit as `align` sees it."""

    def __init__(self, unit: Unit, rules: Rules) -> None:
        self.sig, self.kind, self.key, self.strong = unit.sig, unit.node.kind, unit.key, unit.strong
        self.unit, self._rules, self.placed, self.nameless = unit, rules, False, False

    @cached_property
    def value(self) -> int:
        """That of a statement's expression, if it says enough to be known again; else none's."""
        node = self._rules.value(self.unit.node)
        return node.sig if node is not None and node.shape is not None else -1

    @cached_property
    def inner(self) -> frozenset[int]:
        return frozenset(node.sig for node, _ in below(self.unit.node))

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(words(self.unit.node.text))


def added_by_both(
    parts: tuple[list[UnitPart], list[UnitPart], list[UnitPart]],
    by_ours: Alignment,
    by_theirs: Alignment,
) -> dict[int, int]:
    """What both sides added: the same definition or import anywhere, one name for two things
    anywhere, the same statement at the same place.
    """
    _, ours, theirs = parts
    back_o, back_t = by_ours.back, by_theirs.back
    places = {}
    base = -1
    for k, part in enumerate(theirs):
        base = back_t.get(k, base)
        if k not in back_t:
            places[("key", part.key) if part.strong else (base, part.sig)] = k
    found: dict[int, int] = {}
    base = -1
    for k, part in enumerate(ours):
        base = back_o.get(k, base)
        there = places.get(("key", part.key) if part.strong else (base, part.sig))
        if k not in back_o and there is not None and there not in found.values():
            found[k] = there
    named = {
        name: k for k, part in enumerate(theirs) if k not in back_t for name, _ in part.unit.binds
    }
    for k, part in enumerate(ours if named else ()):
        if k in back_o or k in found:
            continue
        for name, _ in sorted(part.unit.binds):
            there = named.get(name)
            if (
                there is not None
                and there not in found.values()
                and part.unit.rebinds(theirs[there].unit)
            ):
                found[k] = there
                break
    return found
