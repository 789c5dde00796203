"""Cutting a range into elements and their separators."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import Item, Seq

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from skills_engine.merge.core.tree import Node

__all__ = ["find", "infix", "split"]

_TRAIL = re.compile(r"[ \t]*#[^\n]*")
_SKIP = re.compile(r"#[^\n]*")


def find(text: str, wanted: str, start: int, end: int) -> int:
    """Where `wanted` first stands between two offsets, outside comments, in text without strings;
    -1 if nowhere.
    """
    at = start
    while at < end:
        if text[at] == "#":
            match = _SKIP.match(text, at, end)
            at = match.end() if match else at + 1
        elif text.startswith(wanted, at, end):
            return at
        else:
            at += 1
    return -1


def split(
    text: str,
    start: int,
    end: int,
    elements: Sequence[tuple[Node, Hashable, bool]],
    *,
    separator: str = ",",
    single: bool = False,
    trailing: bool = True,
    filled: bool = False,
) -> Seq | None:
    """The elements (node, key, free) between `start` and `end`; None for a layout that is not
    understood.
    """
    if "\\" in "".join(_gaps(text, start, end, [node for node, _, _ in elements])):
        return None
    if not elements:
        return Seq(
            start,
            end,
            "",
            [],
            text[start:end],
            separator,
            single=single,
            trailing=trailing,
            filled=filled,
        )
    rest = text[start : elements[0][0].start]
    match = _TRAIL.match(rest)
    head = match.group() if match else ""
    lead = rest[len(head) :]
    items: list[Item] = []
    for at, (node, key, free) in enumerate(elements):
        stop = elements[at + 1][0].start if at + 1 < len(elements) else end
        gap = text[node.end : stop]
        cutting = find(gap, separator, 0, len(gap))
        if cutting < 0 and at + 1 < len(elements):
            return None
        pre, gap = (gap[:cutting], gap[cutting + 1 :]) if cutting >= 0 else ("", gap)
        if "#" in pre:
            return None
        match = _TRAIL.match(gap)
        trail = match.group() if match else ""
        items.append(Item(lead, node, pre, cutting >= 0, trail, key, free))
        lead = gap[len(trail) :]
    return Seq(
        start, end, head, items, lead, separator, single=single, trailing=trailing, filled=filled
    )


def infix(text: str, start: int, end: int, nodes: Sequence[Node]) -> Seq | None:
    """Operands with operators between them, which belong to the lead of the operand behind them."""
    gaps = _gaps(text, start, end, nodes)
    if any("#" in gap or "\\" in gap for gap in gaps):
        return None
    items = [Item(gap, node, "", False, "") for gap, node in zip(gaps, nodes, strict=False)]
    return Seq(start, end, "", items, gaps[-1], infix=True, trailing=False, filled=True)


def _gaps(text: str, start: int, end: int, nodes: Sequence[Node]) -> list[str]:
    out, at = [], start
    for node in nodes:
        out.append(text[at : node.start])
        at = node.end
    return [*out, text[at:end]]
