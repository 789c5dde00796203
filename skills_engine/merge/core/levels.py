"""A node that moved a level down: what one side wrapped stands inside what is there now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import Fixed, Node, Seq
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.merge.core.rules import Rules

__all__ = ["below", "stands_in", "value_in"]


def stands_in(rules: Rules, base: Node, side: Node) -> tuple[Node, Node] | None:
    """The node inside `side` that is the base's, and the node that holds it; None where there is
    none.

    One that means what the base means, else the only one with the base's head (a call's function)
    where the side's own head is another. Raises NodeConflict where several mean the same.
    """
    if not rules.nests(base) or side.sig == base.sig:
        return None
    found = value_in(base, side)
    if found is not None:
        return found
    head = rules.head(base)
    if head is None or rules.head(side) == head:
        return None
    near = [pair for pair in below(side) if rules.head(pair[0]) == head]
    return near[0] if len(near) == 1 else None


def value_in(wanted: Node, side: Node) -> tuple[Node, Node] | None:
    """The only node below `side` that means what the wanted one means, and the node that holds
    it.
    """
    same = [pair for pair in below(side) if pair[0].sig == wanted.sig]
    if len(same) > 1:
        raise NodeConflict("")
    return same[0] if same else None


def below(node: Node) -> Iterator[tuple[Node, Node]]:
    """The nodes below one, outer ones first, each with the node that holds it; no statements."""
    match node.shape:
        case Fixed(parts=parts):
            inner = list(parts)
        case Seq(items=items):
            inner = [item.node for item in items]
        case _:
            return
    for child in inner:
        yield child, node
        yield from below(child)
