"""The definitions of a file: classes, functions, variables, type aliases, by qualified name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Body",
    "Definition",
    "Kind",
    "definitions_in",
    "how_to_say",
    "implementation",
    "named",
    "role",
    "suites",
]


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


def named(definitions: Sequence[Definition], selector: str) -> list[Definition]:
    """Those with that qualified name. Of a property's functions, which have one name,
    `A.x.getter`, `A.x.setter` and `A.x.deleter` are one each.
    """
    owner, _, part = selector.rpartition(".")
    return [d for d in definitions if d.qualname == selector] or [
        d
        for d in definitions
        if d.qualname == owner and isinstance(d.node, cst.FunctionDef) and d.node.decorators
        if part == (role(d.node, d.name) or "getter")
    ]


def role(node: cst.CSTNode, name: str) -> str:
    """What tells apart the functions that share a name and live together: `setter` for
    `@name.setter`.
    """
    for decorator in node.decorators if isinstance(node, cst.FunctionDef) else ():
        match decorator.decorator:
            case cst.Attribute(
                value=cst.Name(value=owner),
                attr=cst.Name(value="setter" | "getter" | "deleter" as part),
            ):
                return part if owner == name else ""
    return ""


def implementation(several: Sequence[Definition]) -> Definition | None:
    """The one of these functions that runs: the last, where the others are overloads without a
    body.
    """
    *others, last = several
    apart = [d for d in others if d.body is not last.body or not _is_overload(d.node)]
    return None if apart or _is_overload(last.node) else last


def _is_overload(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.FunctionDef):
        return False
    names = {
        d.decorator.attr if isinstance(d.decorator, cst.Attribute) else d.decorator
        for d in node.decorators
    }
    if not any(isinstance(n, cst.Name) and n.value == "overload" for n in names):
        return False
    lines = node.body.body
    smalls = [
        s
        for each in lines
        for s in (each.body if isinstance(each, cst.SimpleStatementLine) else [each])
    ]
    return all(
        isinstance(s, cst.Pass)
        or (isinstance(s, cst.Expr) and isinstance(s.value, cst.Ellipsis | cst.SimpleString))
        for s in smalls
    )


def how_to_say(several: Sequence[Definition], runs: Definition | None) -> str:
    """How to say which one of the definitions that share a name is meant."""
    qualname, name = several[0].qualname, several[0].name
    if any(role(d.node, name) for d in several):
        parts = dict.fromkeys(role(d.node, name) or "getter" for d in several)
        return "write " + " or ".join(f"`of: {qualname}.{part}`" for part in parts)
    if runs is not None:
        return "its overloads say it, too: give the source of all of them, with `replace: true`"
    return "no name tells them apart: `ensure: text` changes one by its lines"


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
