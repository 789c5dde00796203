"""A module's tree, where Python reads the file at all."""

from __future__ import annotations

import ast

__all__ = ["python_tree"]


def python_tree(source: str | bytes) -> ast.Module | None:
    """None for what is no Python, or is deeper than Python's parser goes."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
