"""A Python text read once: its syntax tree, its nodes, its comments, its lines inside strings."""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.judge.pieces import parsed
from skills_engine.merge.types import NotPython, Unsupported
from skills_engine.syntax import walk

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "SILENT",
    "comments",
    "docstring",
    "every",
    "parse",
    "strings",
    "told_apart",
]

_LITERALS = (ast.Constant, ast.JoinedStr)
_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


SILENT = re.compile(
    r"""\#[^\n]*
    | \"{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*\"{3} | '{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'{3}
    | "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\\\n]*(?:\\.[^'\\\n]*)*'""",
    re.VERBOSE | re.DOTALL,
)
"""Comments, and strings, which may hold what looks like one."""

_FORMATTED = re.compile(r"""\b(?:[fFtT][rR]?|[rR][fFtT])["']""")
_NESTS = sys.version_info >= (3, 12)
"""Whether strings with fields may hold strings with the same quotes (PEP 701)."""


def parse(text: str) -> ast.Module:
    """The tree that the judge reads, too. Raises Unsupported for what does not parse."""
    try:
        return parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPython("a version does not parse") from error


@kept
def every(text: str) -> tuple[ast.AST, ...]:
    """All nodes of a text but for operators and contexts, outer ones first. Raises NotPython for
    what does not parse.
    """
    return tuple(walk(parse(text)))


def told_apart(text: str) -> bool:
    """Whether SILENT finds just the comments and strings of Python code."""
    return not (_NESTS and _FORMATTED.search(text))


@kept
def comments(text: str) -> list[tuple[int, str]]:
    """The comments of Python code with their offsets. Raises Unsupported for what cannot be
    cut into tokens.
    """
    if "#" not in text:
        return []
    if told_apart(text):
        return [
            (match.start(), match.group())
            for match in SILENT.finditer(text)
            if match.group().startswith("#")
        ]
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    try:
        return [
            (starts[token.start[0] - 1] + token.start[1], token.string)
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, IndentationError) as error:
        raise Unsupported("a version cannot be cut into tokens") from error


def strings(nodes: Iterable[ast.AST]) -> frozenset[int]:
    """Lines (from 0) that begin inside a string literal that is no docstring."""
    literals: list[ast.expr] = []
    docs: set[int] = set()
    for node in nodes:
        if isinstance(node, _LITERALS):
            if node.end_lineno and node.end_lineno > node.lineno:
                literals.append(node)
        elif isinstance(node, _DOCUMENTED) and docstring(node.body) is not None:
            docs.add(id(node.body[0].value))  # type: ignore[attr-defined]
    inside: set[int] = set()
    for node in literals:
        literal = isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)  # type: ignore[attr-defined]
        if literal and id(node) not in docs:
            inside.update(range(node.lineno, node.end_lineno or node.lineno))
    return frozenset(inside)


def _blanks_cut(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def docstring(body: list[ast.stmt]) -> str | None:
    """A body's docstring without indentation and blanks at the ends of its lines."""
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        value = body[0].value.value
        return _blanks_cut(inspect.cleandoc(value)) if isinstance(value, str) else None
    return None
