"""The order that a file keeps imported names in.

The orders are those of isort and of Ruff's rule I001: by case or not, constants before classes
before functions or not. What a file's own imports do not follow is not its order.
"""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.merge.python.source import every
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["name_order"]

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


def name_order(*texts: str) -> Callable[[str], _Key] | None:
    """The order in which all imports of the texts keep their names, if there are enough to tell."""
    for order in _NAMES:
        rows = [row for text in texts for row in _lists(text)]
        if len(rows) >= 2 * len(texts) and all(_sorted(row, order) for row in rows):
            return order
    return None


@kept
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


def _sorted(row: Sequence[str], order: Callable[[str], _Key]) -> bool:
    return all(order(one) <= order(two) for one, two in pairwise(row))
