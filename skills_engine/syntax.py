"""Python's own tree of a file: made once for the same bytes, and walked quickly.

The trees are shared: nobody changes one.
"""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache

__all__ = ["children", "nodes", "parse", "python_tree", "walk", "written"]

_KEPT = 64
"""Files of which the tree is kept."""
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


def parse(source: str | bytes) -> ast.Module:
    """`ast.parse` without its warnings. Raises what that does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


@lru_cache(_KEPT)
def python_tree(source: str | bytes) -> ast.Module | None:
    """None for what is no Python, or is deeper than Python's parser goes. Bytes that declare an
    encoding are decoded as Python does.
    """
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(_KEPT)
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


def written(node: ast.AST) -> str:
    """What a node says, as text: the same for two where `ast.dump` is, and several times as
    fast. Contexts are left out: they follow from the place.
    """
    parts = [node.__class__.__name__]
    for name in node._fields:
        if name == "ctx":
            continue
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            parts.append(written(value))
        elif value.__class__ is list:
            said = (written(each) if isinstance(each, ast.AST) else repr(each) for each in value)
            parts.append(f"[{' '.join(said)}]")
        else:
            parts.append(repr(value))
    return f"({' '.join(parts)})"
