"""Python's own tree of a file: made once for the same bytes, and walked quickly.

The trees are shared: nobody changes one.
"""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

__all__ = ["children", "nodes", "python_tree", "walk"]

_LEAVES = {"ctx", "op", "ops"}
_VALUES = {"asname", "attr", "conversion", "id", "is_async", "kind", "kwd_attrs"} | {
    *("level", "module", "simple", "type_comment", "type_ignores")
}
"""Fields whose values are no nodes."""
_fields: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Constant: (),
    ast.Global: (),
    ast.Nonlocal: (),
}
"""The fields of a kind of node that may hold others, found when the first is met."""


@lru_cache(128)
def python_tree(source: str | bytes) -> ast.Module | None:
    """None for what is no Python, or is deeper than Python's parser goes. Bytes that declare an
    encoding are decoded as Python does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


@lru_cache(128)
def nodes(source: str | bytes) -> tuple[ast.AST, ...]:
    """All nodes of a file's tree, in the order of `ast.walk`, as `children` sees them; none where
    it has no tree.
    """
    tree = python_tree(source)
    return () if tree is None else tuple(walk(tree))


def walk(node: ast.AST) -> list[ast.AST]:
    """`ast.walk`, as `children` sees the nodes."""
    found = [node]
    for each in found:
        found += children(each)
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """`ast.iter_child_nodes` without contexts and operators, and several times as fast."""
    kind = node.__class__
    if kind not in _fields:
        _fields[kind] = tuple(name for name in kind._fields if name not in _LEAVES | _VALUES)
    found: list[ast.AST] = []
    for name in _fields[kind]:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += filter(None, value)  # a key of a display may be None
        elif isinstance(value, ast.AST):
            found.append(value)
    return found
