"""An addition in the form that its neighbours had, where the other side gave all of them another
form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.tree import Node

    Row = tuple[Node | None, Node | None, Node | None]

__all__ = ["OTHERWISE", "left_behind"]

OTHERWISE = "are written otherwise now"

_ENOUGH = 2
"""Neighbours in a row that show a form."""

_VALUE = re.compile(r"""[a-zA-Z]{0,2}("[^"\n]*"|'[^'\n]*')|\w+""")


def left_behind(rows: Sequence[Row], at: int) -> bool:
    """Whether the part at an index (base, ours, theirs of each part in order) is new in one side
    and written as its neighbours were, which the other side writes in one other way now."""
    base, ours, theirs = rows[at]
    new = ours or theirs
    if (
        base is not None
        or new is None
        or (ours is not None and theirs is not None)
        or isinstance(new.shape, Block)
    ):
        return False
    mine, form = (1 if ours is not None else 2), _form(new)
    nearest = (range(at + step, at + step * (_ENOUGH + 1), step) for step in (-1, 1))
    return any(_turned(rows, places, mine, form) for places in nearest) or _exchanged(
        rows, at, mine, form
    )


def _turned(rows: Sequence[Row], places: range, mine: int, form: str) -> bool:
    """Whether the parts at all places had the form, and the other side edited them to one other
    form.
    """
    forms = set()
    for k in places:
        if not 0 <= k < len(rows):
            return False
        other = rows[k][3 - mine]
        if other is None or not _kept(rows[k], mine, form):
            return False
        forms.add(_form(other))
    return len(forms) == 1 and form not in forms


def _exchanged(rows: Sequence[Row], at: int, mine: int, form: str) -> bool:
    """Whether the parts around a place had the form, and the other side put as many of another
    there.
    """
    gone, forms = 0, []
    for step in (-1, 1):
        k = at + step
        while 0 <= k < len(rows):
            base, other = rows[k][0], rows[k][3 - mine]
            if base is None and rows[k][mine] is None and other is not None:
                forms.append(_form(other))
            elif other is None and _kept(rows[k], mine, form):
                gone += 1
            else:
                break
            k += step
    return gone >= _ENOUGH and len(forms) == gone and len({*forms, form}) == 2


def _kept(row: Row, mine: int, form: str) -> bool:
    """Whether a part had the form, and the side that adds left it alone."""
    base, same = row[0], row[mine]
    return base is not None and same is not None and same.sig == base.sig and _form(base) == form


def _form(node: Node) -> str:
    """A node's text with one word for each name and value."""
    return "".join(_VALUE.sub("x", node.text).split())
