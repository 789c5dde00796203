"""Statements of four texts by their source: what all four share need not be read."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.judge.labels import label_of
from skills_engine.syntax import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "ParsedText",
    "StatementPiece",
    "Suite",
    "guards_imports",
    "parsed",
    "shared",
    "suites",
]

parsed = kept(parse)
"""The tree of a text. Raises what `ast.parse` does."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A body of a statement. `clause` is the handler or case whose body it is, if it is one's."""

    role: str
    body: list[ast.stmt]
    clause: ast.AST | None = None


@dataclass(frozen=True, slots=True)
class StatementPiece:
    """A statement with its lines (from 0, `end` not included), what stands above it included. `key`
    is its text with the place that it is in.
    """

    stmt: ast.stmt
    start: int
    end: int
    key: str
    scope: str


class ParsedText:
    """A parsed text and its lines, cut into pieces as far as they were asked for."""

    def __init__(self, text: str, module: ast.Module) -> None:
        self.module = module
        self.rows = text.split("\n")
        self.pieces: dict[int, StatementPiece] = {}

    def cut(self, body: list[ast.stmt], first: int, scope: str, place: str) -> list[StatementPiece]:
        """The pieces of a body that begins on the line `first`."""
        found, at = [], first
        for stmt in body:
            end = stmt.end_lineno or stmt.lineno
            text = "\n".join(self.rows[at:end]).strip("\n")
            if end <= at:  # behind a semicolon
                text = f"{self.rows[end - 1]}@{stmt.col_offset}"
            piece = StatementPiece(stmt, at, end, f"{place}\0{text}", scope)
            self.pieces[id(stmt)] = piece
            found.append(piece)
            at = max(at, end)
        return found

    def below(self, piece: StatementPiece) -> Iterator[StatementPiece]:
        """The pieces of a statement's bodies."""
        stmt, scope, label = piece.stmt, piece.scope, ""
        below = suites(stmt)
        if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = f"{scope}.{stmt.name}".lstrip(".")
        elif below:
            label = label_of(stmt)
        at = top(below[0].body[0]) if below else 0
        depth = piece.key.partition(" ")[0]
        for suite in below:
            place = f"{int(depth) + 1} {scope} {label} {suite.role}"
            yield from self.cut(suite.body, at, scope, place)
            at = suite.body[-1].end_lineno or at


def top(stmt: ast.stmt) -> int:
    """A statement's first line, from 0, decorators included."""
    lines = [stmt.lineno, *(d.lineno for d in getattr(stmt, "decorator_list", ()))]
    return int(min(lines)) - 1


def suites(stmt: ast.stmt) -> list[Suite]:
    """A statement's bodies in their order."""
    found = [Suite("body", body)] if (body := getattr(stmt, "body", None)) else []
    for clause in (*getattr(stmt, "handlers", ()), *getattr(stmt, "cases", ())):
        found.append(Suite("clause", clause.body, clause))
    orelse = getattr(stmt, "orelse", None)
    if orelse:
        chained = len(orelse) == 1 and isinstance(orelse[0], ast.If) and isinstance(stmt, ast.If)
        found.append(Suite("elif" if chained else "orelse", orelse))
    if last := getattr(stmt, "finalbody", None):
        found.append(Suite("finalbody", last))
    return found


def guards_imports(stmt: ast.stmt) -> bool:
    """Whether a statement only imports, on a condition or as far as it can, and sets names to what
    stands for the imported."""
    waiting, leaves = [stmt], list[ast.stmt]()
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.If | ast.Try):
            waiting += [inner for suite in suites(each) for inner in suite.body]
        else:
            leaves.append(each)
    imports = [leaf for leaf in leaves if isinstance(leaf, ast.Import | ast.ImportFrom)]
    return (
        bool(imports)
        and stmt not in leaves
        and all(
            isinstance(leaf, ast.Import | ast.ImportFrom | ast.Pass)
            or (isinstance(leaf, ast.Assign) and all(isinstance(t, ast.Name) for t in leaf.targets))
            for leaf in leaves
        )
    )


def shared(sources: Sequence[ParsedText]) -> frozenset[str]:
    """The keys of pieces that all texts have equally often; what holds one of them is no such
    piece itself.
    """
    rows = [source.cut(source.module.body, 0, "", "0 ") for source in sources]
    found: set[str] = set()
    while any(rows):
        bags = [Counter(piece.key for piece in row) for row in rows]
        alike = {key for key, n in bags[0].items() if all(n == bag[key] for bag in bags[1:])}
        found |= alike
        rows = [
            [inner for piece in row if piece.key not in alike for inner in source.below(piece)]
            for source, row in zip(sources, rows, strict=True)
        ]
    return frozenset(found)
