"""Mistakes that can be made in a module: each is a span of its text and what stands there instead.

The kinds are the common ones of mutation testing (Offutt's sufficient set, for what Python has):
relational, logical and arithmetic operators, conditions, constants, statements that are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants"]

_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_JOINED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
}


@dataclass(frozen=True)
class Mutant:
    """A module by its path, and what becomes of a span of it.

    `line` counts from 1; `begin` and `end` count bytes of the module in UTF-8.
    """

    path: str
    where: str
    line: int
    kind: str
    code: str
    begin: int
    end: int
    instead: str

    @property
    def name(self) -> str:
        """What stays when lines move."""
        return f"{self.path}:{self.where}: {self.kind}: {self.code}"

    def applied(self, source: bytes) -> bytes:
        """The module with the mistake."""
        return source[: self.begin] + self.instead.encode() + source[self.end :]


def mutants(path: str, source: bytes) -> list[Mutant]:
    """All that can be made of a module, as they stand in it, without two of one name."""
    return list({one.name: one for one in _Maker(path, source).all()}.values())


class _Maker:
    def __init__(self, path: str, source: bytes) -> None:
        self._path, self._source = path, source
        lines = source.split(b"\n")
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._tree = ast.parse(source)

    def all(self) -> Iterator[Mutant]:
        yield from self._inside(self._tree, "")

    def _inside(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        for child in ast.iter_child_nodes(node):
            inner = where
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{where}.{child.name}".strip(".")
            if where and isinstance(child, ast.expr | ast.stmt | ast.comprehension):
                yield from self._changes(child, where)
            if not isinstance(child, ast.arguments):  # a default or a type is no behaviour
                yield from self._inside(child, inner)

    def _changes(self, node: ast.AST, where: str) -> Iterator[Mutant]:
        if isinstance(node, ast.stmt):
            yield from self._of_statement(node, where)
        for test in _conditions(node):
            yield self._replaced(where, "negated", test, f"not ({self._text(test)})")
        if isinstance(node, ast.expr):
            yield from self._of_operator(node, where)
            yield from self._of_value(node, where)

    def _of_statement(self, node: ast.stmt, where: str) -> Iterator[Mutant]:
        if isinstance(node, ast.Break | ast.Continue):
            new = "continue" if isinstance(node, ast.Break) else "break"
            yield self._replaced(where, new, node, new)
        elif isinstance(node, ast.Return) and _says_something(node.value):
            yield self._replaced(where, "returns nothing", node, "return None")
        elif _left_out(node):
            yield self._replaced(where, "left out", node, "pass")

    def _of_operator(self, node: ast.expr, where: str) -> Iterator[Mutant]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            signs = _COMPARED[type(node.ops[0])]
            yield from self._between(where, node.left, node.comparators[0], *signs)
        elif isinstance(node, ast.BoolOp):
            signs = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            yield from self._between(where, node.values[0], node.values[1], *signs)
        elif isinstance(node, ast.BinOp) and type(node.op) in _JOINED:
            yield from self._between(where, node.left, node.right, *_JOINED[type(node.op)])

    def _of_value(self, node: ast.expr, where: str) -> Iterator[Mutant]:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._replaced(where, "not negated", node, f"bool({self._text(node.operand)})")
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield self._replaced(where, "one more", node, str(node.value + 1))
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            yield self._replaced(where, "the other", node, str(not node.value))

    def _text(self, node: ast.expr) -> str:
        begin, end = self._span(node)
        return self._source[begin:end].decode()

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def _replaced(self, where: str, kind: str, node: ast.expr | ast.stmt, new: str) -> Mutant:
        begin, end = self._span(node)
        return self._mutant(where, kind, node, (begin, end), new)

    def _between(
        self, where: str, left: ast.expr, right: ast.expr, old: str, new: str
    ) -> Iterator[Mutant]:
        """An operator instead of the one between two operands, where it is all that stands there
        but for white space and parentheses.
        """
        begin, end = self._span(left)[1], self._span(right)[0]
        between = self._source[begin:end].decode()
        if between.strip("() \n") == old:
            at = begin + between.index(old)
            yield self._mutant(where, f"{old} is {new}", right, (at, at + len(old)), new)

    def _mutant(
        self, where: str, kind: str, node: ast.expr | ast.stmt, span: tuple[int, int], new: str
    ) -> Mutant:
        first = self._starts[node.lineno - 1]
        line = self._source[first : self._starts[node.lineno]].decode().strip()
        code = f"{line[:80]} [{span[0] - first}]"
        return Mutant(self._path, where, node.lineno, kind, code, *span, new)


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return [node.test]
    return node.ifs if isinstance(node, ast.comprehension) else []


def _says_something(value: ast.expr | None) -> bool:
    """Whether a function that returned nothing instead would say something else."""
    return value is not None and not (isinstance(value, ast.Constant) and not value.value)


def _left_out(node: ast.AST) -> bool:
    """Whether a statement does something without which the rest can still be run."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    if isinstance(node, ast.Assign):
        return all(isinstance(one, ast.Attribute | ast.Subscript) for one in node.targets)
    return isinstance(node, ast.AugAssign | ast.Delete | ast.Raise)
