"""The definitions of a file: classes, functions, variables, type aliases, by qualified name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Body", "Definition", "Kind", "definitions_in", "suites"]


Kind = Literal["class", "function", "variable", "type"]


Body = cst.Module | cst.IndentedBlock


@dataclass(frozen=True, slots=True)
class Definition:
    """A name bound by a class, a function, an assignment or `type`, at module level or in a class
    or function.

    `qualname` is dotted (`App.start`); `statement` is the statement in the body that holds it (the
    node itself for classes and functions, a SimpleStatementLine for variables); `body` is that
    body.
    """

    qualname: str
    kind: Kind
    node: cst.ClassDef | cst.FunctionDef | cst.Assign | cst.AnnAssign | cst.TypeAlias
    statement: cst.BaseStatement
    body: Body

    @property
    def name(self) -> str:
        return self.qualname.rpartition(".")[2]


def definitions_in(body: Body, prefix: str) -> Iterator[Definition]:
    for statement in body.body:
        match statement:
            case cst.ClassDef() | cst.FunctionDef():
                qualname = prefix + statement.name.value
                kind: Kind = "class" if isinstance(statement, cst.ClassDef) else "function"
                yield Definition(qualname, kind, statement, statement, body)
                if isinstance(statement.body, cst.IndentedBlock):
                    yield from definitions_in(statement.body, qualname + ".")
            case cst.SimpleStatementLine():
                for small in statement.body:
                    for name, node in _bound(small):
                        alias = isinstance(node, cst.TypeAlias)
                        what: Kind = "type" if alias else "variable"
                        yield Definition(prefix + name, what, node, statement, body)
            case _:
                for block in suites(statement):
                    if not isinstance(block, cst.IndentedBlock):
                        continue
                    yield from definitions_in(block, prefix)


def _bound(
    small: cst.BaseSmallStatement,
) -> Iterator[tuple[str, cst.Assign | cst.AnnAssign | cst.TypeAlias]]:
    if isinstance(small, cst.TypeAlias):
        yield small.name.value, small
    elif isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
        yield small.target.value, small
    elif isinstance(small, cst.Assign):
        for target in small.targets:
            if isinstance(target.target, cst.Name):
                yield target.target.value, small


def suites(node: cst.CSTNode) -> list[cst.BaseSuite]:
    """The suites of a compound statement: its own, those of its handlers, cases and branches."""
    found: list[cst.BaseSuite] = []
    for child in node.children:
        if isinstance(child, cst.BaseSuite):
            found.append(child)
        elif isinstance(
            child,
            cst.If
            | cst.Else
            | cst.ExceptHandler
            | cst.ExceptStarHandler
            | cst.Finally
            | cst.MatchCase,
        ):
            found += suites(child)
    return found
