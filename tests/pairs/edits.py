"""An edit, made twice: as splices of the text, and as a change of the syntax tree."""

from __future__ import annotations

import ast
import copy
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Edit", "Kind", "Site", "Tree", "applied", "meaning"]

Splice = tuple[int, int, str]
"""Start, end and what stands there instead."""


class Tree:
    """A syntax tree whose nodes keep their numbers when it is copied and changed."""

    def __init__(self, module: ast.Module) -> None:
        self.module = module

    @classmethod
    def of(cls, text: str) -> Tree:
        module = ast.parse(text)
        for number, node in enumerate(ast.walk(module)):
            node.number = number  # type: ignore[attr-defined]
        return cls(module)

    def copy(self) -> Tree:
        return Tree(copy.deepcopy(self.module))

    def place(self, number: int) -> tuple[ast.AST, str, int | None]:
        """The parent of a node, the field and the place in it. Raises LookupError if it is gone."""
        for parent in ast.walk(self.module):
            for name, value in ast.iter_fields(parent):
                if isinstance(value, list):
                    for at, child in enumerate(value):
                        if getattr(child, "number", None) == number:
                            return parent, name, at
                elif getattr(value, "number", None) == number:
                    return parent, name, None
        raise LookupError(number)

    def node(self, number: int) -> ast.AST:
        parent, name, at = self.place(number)
        value = getattr(parent, name)
        found = value if at is None else value[at]
        assert isinstance(found, ast.AST)
        return found

    def replace(self, number: int, new: Callable[[ast.AST], ast.AST]) -> None:
        """Put something in a node's place, which may hold the node."""
        parent, name, at = self.place(number)
        value = getattr(parent, name)
        if at is None:
            setattr(parent, name, new(value))
        else:
            value[at] = new(value[at])

    def row(self, number: int) -> tuple[list[ast.AST], int]:
        """The list that a node stands in, and its place."""
        parent, name, at = self.place(number)
        if at is None:
            raise LookupError(number)
        row = getattr(parent, name)
        assert isinstance(row, list)
        return row, at


@dataclass(frozen=True)
class Edit:
    """`tree` changes a tree; it raises LookupError where what it needs is gone."""

    splices: tuple[Splice, ...]
    tree: Callable[[Tree], None]


@dataclass(frozen=True)
class Site:
    """Where edits are made: a text, its tree, a function in it and a statement to be near."""

    text: str
    tree: Tree
    function: ast.FunctionDef
    focus: ast.stmt

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Offsets of a node. Texts are ASCII."""
        starts = self._starts()
        first, last = starts[node.lineno - 1], starts[node.end_lineno - 1]  # type: ignore[attr-defined]
        return first + node.col_offset, last + node.end_col_offset  # type: ignore[attr-defined]

    def source(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def lines(self, stmt: ast.stmt) -> tuple[int, int] | None:
        """Offsets of a statement's whole lines, or None where it shares one."""
        start, end = self.span(stmt)
        for decorator in getattr(stmt, "decorator_list", ()):
            start = min(start, self.span(decorator)[0] - 1)
        first = self.text.rfind("\n", 0, start) + 1
        stop = self.text.find("\n", end)
        if stop < 0 or self.text[first:start].strip() or self.text[end:stop].strip():
            return None
        return first, stop + 1

    def indent(self, stmt: ast.stmt) -> str:
        return " " * stmt.col_offset

    def one_line(self, node: ast.AST) -> bool:
        return "\n" not in self.source(node)

    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts


Kind = Callable[[Site, random.Random], Edit | None]


def number(node: ast.AST) -> int:
    return int(node.number)  # type: ignore[attr-defined]


def applied(text: str, edit: Edit) -> str:
    """The text with an edit's splices; those at one place in their order."""
    for start, end, new in sorted(edit.splices, key=lambda s: (s[0], s[1]), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def meaning(text: str | ast.AST) -> str | None:
    """A syntax tree to compare; None for what does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(text) if isinstance(text, str) else text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def statement(text: str) -> ast.stmt:
    return ast.parse(text).body[0]
