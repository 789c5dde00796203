"""The functions of a file that another version has word for word: most of them, after most
operations.

What is inside them cannot be new, so the dear rules pass them over.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.check.scopes import Function
    from skills_engine.check.version import Parsed

__all__ = ["unchanged"]


def unchanged(parsed: Parsed, other: bytes | None) -> frozenset[Function]:
    """The module's functions, and its classes' methods, whose lines stand together in `other`
    too.
    """
    if parsed.tree is None or other is None:
        return frozenset()
    lines = split_lines(parsed.data)
    text = b"\n" + other
    return frozenset(
        node
        for node in _functions(parsed.tree.body)
        if b"\n" + b"".join(lines[_first(node) - 1 : node.end_lineno]) in text
    )


def _first(node: Function) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _functions(body: list[ast.stmt]) -> Iterator[Function]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from _functions(statement.body)
