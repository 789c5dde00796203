"""Where an import belongs: in the order that a file keeps its imports in.

The orders are those of isort and of Ruff's rule I001: statements by module, with `import x` before
`from x` or among them; names by case or not, constants before classes before functions or not. What
a file's own imports do not follow is not its order.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from skills_engine.merge.python.source import every
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.merge.core.order import Entry
    from skills_engine.merge.core.tree import Unit

    Units = Callable[[Entry], tuple[Unit | None, Unit | None, Unit | None]]

__all__ = ["name_order", "settled"]

_Key = tuple[str, ...]

_NAMES: tuple[Callable[[str], _Key], ...] = (
    lambda text: (_type(text), text.lower()),
    lambda text: (_type(text), text),
    lambda text: (text.lower(),),
    lambda text: (text,),
)


def _type(name: str) -> str:
    if name.isupper() and len(name) > 1:
        return "0"
    return "1" if name[:1].isupper() else "2"


_STATEMENTS: tuple[Callable[[str], _Key], ...] = (
    lambda text: ("1" if text.startswith("from") else "0", _module(text).lower()),
    lambda text: (_module(text).lower(),),
)


def _module(text: str) -> str:
    words = text.split(None, 2)
    return words[1] if len(words) > 1 else ""


def name_order(*texts: str) -> Callable[[str], _Key] | None:
    """The order in which all imports of the texts keep their names, if there are enough to tell."""
    for order in _NAMES:
        rows = [row for text in texts for row in _lists(text)]
        if len(rows) >= 2 * len(texts) and all(_sorted(row, order) for row in rows):
            return order
    return None


@lru_cache(maxsize=8)
def _lists(text: str) -> tuple[tuple[str, ...], ...]:
    """The names of each `from` import that has several."""
    try:
        nodes = every(text)
    except Unsupported:
        return ()
    return tuple(
        tuple(alias.name for alias in node.names)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and len(node.names) > 1
    )


def settled(entries: list[Entry], units: Units, theirs: Sequence[Unit]) -> list[Entry]:
    """Entries with the imports that only theirs has moved to where their order puts them in their
    paragraph.

    Only where ours keeps that paragraph in an order, and theirs, too, has the import there, beside
    others that both have; one that would come to stand above all others of the paragraph stays.
    `theirs` are all units of theirs.
    """
    out = list(entries)
    shared = {entry.theirs for entry in entries if entry.ours is not None}
    for entry in entries:
        unit = units(entry)[2]
        if entry.ours is not None or unit is None or unit.role != "import" or unit.lead.strip():
            continue
        place = out.index(entry)
        first, last = _paragraph(out, place, units)
        known = [k for k in range(first, last) if out[k].ours is not None]
        order = _common([_text(out[k], units) for k in known], unit.node.text)
        if order is None or entry.theirs is None or not _in_place(theirs, entry.theirs, order):
            continue
        if shared.isdisjoint(_around(theirs, entry.theirs)):  # it began a paragraph of its own
            continue
        key = order(unit.node.text)
        before = [k for k in known if order(_text(out[k], units)) <= key]
        goal = before[-1] + 1 if before else known[0]
        if not before and _gap(out[goal], units):
            continue
        del out[place]
        goal -= goal > place
        while goal < len(out) and out[goal].ours is None and _joins(out[goal], units):
            if order(_text(out[goal], units)) > key:
                break
            goal += 1
        out.insert(goal, entry)
    return out


def _in_place(units: Sequence[Unit], at: int, order: Callable[[str], _Key]) -> bool:
    """Whether an import stands in order between the imports right above and below it."""
    near = [units[at]]
    if at > 0 and units[at - 1].role == "import" and not units[at].gap:
        near.insert(0, units[at - 1])
    if at + 1 < len(units) and units[at + 1].role == "import" and not units[at + 1].gap:
        near.append(units[at + 1])
    return _sorted([unit.node.text for unit in near], order)


def _around(units: Sequence[Unit], at: int) -> range:
    """The imports of the paragraph in which an import stands."""
    first, last = at, at + 1
    while first > 0 and units[first - 1].role == "import" and not units[first].gap:
        first -= 1
    while last < len(units) and units[last].role == "import" and not units[last].gap:
        last += 1
    return range(first, last)


def _paragraph(entries: Sequence[Entry], place: int, units: Units) -> tuple[int, int]:
    """The range of imports around a place that no blank line of ours parts."""
    first, last = place, place + 1
    while first > 0 and _joins(entries[first - 1], units) and not _gap(entries[first], units):
        first -= 1
    while last < len(entries) and _joins(entries[last], units) and not _gap(entries[last], units):
        last += 1
    return first, last


def _joins(entry: Entry, units: Units) -> bool:
    _, ours, theirs = units(entry)
    unit = ours or theirs
    return unit is not None and unit.role == "import"


def _gap(entry: Entry, units: Units) -> bool:
    unit = units(entry)[1]
    return unit is not None and bool(unit.gap)


def _text(entry: Entry, units: Units) -> str:
    return next((unit.node.text for unit in reversed(units(entry)[1:]) if unit is not None), "")


def _common(texts: list[str], new: str) -> Callable[[str], _Key] | None:
    if len(texts) < 2 or not _module(new):
        return None
    return next((order for order in _STATEMENTS if _sorted(texts, order)), None)


def _sorted(row: Sequence[str], order: Callable[[str], _Key]) -> bool:
    return all(order(one) <= order(two) for one, two in pairwise(row))
