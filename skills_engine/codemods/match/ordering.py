"""The place of an element in a list that is kept sorted."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from skills_engine.codemods.source.snippets import normal_text
from skills_engine.import_order import by_kind, by_natural, by_text, in_order, index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["sorted_index"]


_ORDERS = (by_text, by_natural, by_kind)


def sorted_index(texts: Sequence[str], new: str) -> int:
    """Where an element goes among others: by text, unless they are sorted in another order, or
    nearly so. Of a list that is not quite sorted, the place that leaves fewest out of order.
    """
    plain, wanted = [normal_text(text) for text in texts], normal_text(new)
    key = next((key for key in _ORDERS if in_order(plain, key)), None)
    if key is not None:
        return index_of(plain, wanted, key)
    key = min(_ORDERS, key=lambda key: sum(key(a) > key(b) for a, b in pairwise(plain)))
    greater = [key(text) > key(wanted) for text in plain]
    wrong = [sum(greater[:at]) + greater[at:].count(False) for at in range(len(plain) + 1)]
    return wrong.index(min(wrong))
