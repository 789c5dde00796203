"""Python's rules, which the core of the merge asks."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.tree import Fixed, Node, Seq
from skills_engine.merge.python.import_order import name_order

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


__all__ = ["PythonRules"]

_EXPRESSIONS = frozenset(cls.__name__ for cls in ast.expr.__subclasses__())
_DISPLAYS = frozenset({"List", "Dict", "Set", "ListComp", "SetComp", "DictComp"})
_CLOSED = _DISPLAYS | {"Name", "Call", "Attribute", "Subscript", "Constant"}
"""Kinds that can stand anywhere without parentheses."""

_ROWS = frozenset({"arguments", "List", "Tuple", "Set", "pair", "keyword"})
"""Kinds in which an element needs none either."""

_OPEN = frozenset(["NamedExpr", "Yield", "YieldFrom", "GeneratorExp", "Starred", "Tuple"])
"""... but these do."""

_VALUED = frozenset({"Return", "Expr", "Assign", "AnnAssign"})


class PythonRules(Rules):
    """Python's answers."""

    def name_order(self, ours: str, theirs: str) -> Callable[[str], tuple[str, ...]] | None:
        return name_order(ours, theirs)

    def nests(self, node: Node) -> bool:
        return node.kind.split()[0] in _EXPRESSIONS

    def head(self, node: Node) -> Hashable:
        if node.kind != "Call" or not isinstance(node.shape, Fixed):
            return None
        function = node.shape.parts[0]
        if function.kind == "Attribute" and isinstance(function.shape, Fixed):
            return function.shape.parts[-1].sig
        return ("name", function.text) if function.kind == "Name" else function.sig

    def row(self, node: Node) -> Seq | None:
        if node.kind != "Call" or not isinstance(node.shape, Fixed):
            return None
        shape = node.shape.parts[-1].shape
        return shape if isinstance(shape, Seq) else None

    def ordered(self, node: Node) -> Seq | None:
        if node.kind not in {"List", "Tuple"} or not isinstance(node.shape, Seq):
            return None
        return node.shape if node.shape.start > node.start else None

    def value(self, node: Node) -> Node | None:
        if node.kind not in _VALUED or not isinstance(node.shape, Fixed):
            return None
        return node.shape.parts[-1]

    def enclosed(self, text: str, node: Node, holder: Node) -> str:
        word = node.kind.split()[0]
        if word in _CLOSED or text.startswith("(") or (holder.kind in _ROWS and word not in _OPEN):
            return text
        return f"({text})"
