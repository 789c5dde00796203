"""Edits that say nothing at run time: comments that are gone, annotations that are written
otherwise.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["silent"]


def silent(base: str, side: str, said_base: Sequence[str], said_side: Sequence[str]) -> bool:
    """Whether a statement does in both texts (without indentation) the same, and the side has no
    comment of its own.
    """
    if Counter(said_side) - Counter(said_base):
        return False
    try:
        return _deeds(base) == _deeds(side)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _deeds(text: str) -> str:
    """A text's syntax tree without annotations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = ast.parse(text)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            node.annotation = ast.Constant(None)
    return ast.dump(module)
