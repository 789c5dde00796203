"""Python statements as the merge sees them: their names, their lines, and their clauses."""

from __future__ import annotations

import ast
import re
import types
from typing import TYPE_CHECKING

from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from skills_engine.merge.python.expressions import Expressions

__all__ = [
    "Compound",
    "Definition",
    "bodies_of",
    "clause_of",
    "groups_of",
    "last_suite",
    "lines_of",
    "naming",
    "statements_in",
    "telling",
]

_OVERLOAD = re.compile(r"\boverload\b|\.(?:setter|getter|deleter|register)\b")

Compound = (
    ast.FunctionDef
    | ast.AsyncFunctionDef
    | ast.ClassDef
    | ast.If
    | ast.For
    | ast.AsyncFor
    | ast.While
    | ast.Try
    | ast.TryStar
    | ast.With
    | ast.AsyncWith
    | ast.Match
)
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def lines_of(stmt: ast.stmt) -> tuple[int, int]:
    """A statement's first line (its decorators' included) and the line behind it, from 0."""
    first = stmt.lineno
    if isinstance(stmt, Definition) and stmt.decorator_list:
        first = min(first, *(d.lineno for d in stmt.decorator_list))
    return first - 1, stmt.end_lineno or first


def groups_of(stmts: list[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements that share a line stand together."""
    out: list[list[ast.stmt]] = []
    for stmt in stmts:
        if out and lines_of(stmt)[0] < lines_of(out[-1][-1])[1]:
            out[-1].append(stmt)
        else:
            out.append([stmt])
    return out


def clause_of(stmt: Compound) -> tuple[str, list[ast.expr], list[ast.stmt]]:
    """A statement's first clause: its word, the expressions in its header, its body."""
    match stmt:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return "def", [], stmt.body
        case ast.ClassDef():
            return "class", [], stmt.body
        case ast.If():
            return "if", [stmt.test], stmt.body
        case ast.While():
            return "while", [stmt.test], stmt.body
        case ast.For() | ast.AsyncFor():
            return "for", [stmt.target, stmt.iter], stmt.body
        case ast.With() | ast.AsyncWith():
            header = [
                e
                for item in stmt.items
                for e in (item.context_expr, item.optional_vars)
                if e is not None
            ]
            return "with", header, stmt.body
        case ast.Try() | ast.TryStar():
            return "try", [], stmt.body
        case ast.Match():
            return "match", [stmt.subject], []
    raise Unsupported("a statement that is not understood")


def bodies_of(stmt: Compound) -> Iterator[tuple[str, list[ast.stmt]]]:
    """A statement's bodies, each with what its clause is called."""
    for name in ("body", "orelse", "finalbody"):
        yield name, getattr(stmt, name, [])
    for name in ("handlers", "cases"):
        for at, part in enumerate(getattr(stmt, name, [])):
            yield f"{name} {at}", part.body


def last_suite(stmt: Compound) -> list[ast.stmt]:
    match stmt:
        case ast.Match():
            return stmt.cases[-1].body
        case ast.Try() | ast.TryStar():
            return (
                stmt.finalbody
                or stmt.orelse
                or (stmt.handlers[-1].body if stmt.handlers else stmt.body)
            )
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
            if len(stmt.orelse) == 1 and isinstance(stmt.orelse[0], ast.If):
                return last_suite(stmt.orelse[0])
            return stmt.orelse or stmt.body
    return stmt.body


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements below a node, those in bodies of bodies included, in order of place."""
    for name in ("body", "handlers", "cases", "orelse", "finalbody"):
        for part in getattr(node, name, ()):
            if isinstance(part, ast.stmt):
                yield part
            yield from statements_in(part)


def telling(stmt: ast.stmt) -> bool:
    """Whether a statement says enough to be known again where it stands elsewhere."""
    match stmt:
        case (
            ast.Pass()
            | ast.Break()
            | ast.Continue()
            | ast.Global()
            | ast.Nonlocal()
            | ast.Raise(exc=None)
        ):
            return False
        case ast.Expr(value=value) | ast.Return(value=value):
            return value is not None and not isinstance(value, ast.Constant | ast.Name)
    return True


def naming(stmt: ast.stmt, prefix: str, python: Expressions) -> tuple[str, Hashable, str]:
    """A statement's role, key and title."""
    match stmt:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            found = (
                _OVERLOAD.search(python.text[slice(*python.span(d))]) for d in stmt.decorator_list
            )
            marks = tuple(mark.group() for mark in found if mark)
            return "definition", ("def", stmt.name, marks), f"{prefix}{stmt.name}"
        case ast.ImportFrom():
            module = "." * stmt.level + (stmt.module or "")
            return "import", ("from", module), f"the import from {module}"
        case ast.Import():
            names = tuple((alias.name, alias.asname) for alias in stmt.names)
            return (
                "import",
                ("import", names),
                f"the import of {', '.join(alias.name for alias in stmt.names)}",
            )
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            name = ast.unparse(target)
            return "assignment", ("=", name), prefix + name
        case _ if type(stmt).__name__ == "TypeAlias":
            name = stmt.name.id  # type: ignore[attr-defined]
            return "assignment", ("=", name), prefix + name
        case ast.Pass() | ast.Expr(value=ast.Constant(value=types.EllipsisType())):
            return "filler", None, "pass"
        case ast.Expr(value=ast.Call() as call):
            return "statement", ("call", python.sig(call.func)), _short(stmt, prefix, python)
        case ast.If() | ast.While() | ast.For() | ast.AsyncFor() | ast.With() | ast.AsyncWith():
            header = tuple(python.sig(part) for part in clause_of(stmt)[1])
            name = type(stmt).__name__.removeprefix("Async")
            return "statement", (name, header), _short(stmt, prefix, python)
    return "statement", (type(stmt).__name__,), _short(stmt, prefix, python)


def _short(stmt: ast.stmt, prefix: str, python: Expressions) -> str:
    line = python.text[slice(*python.span(stmt))].split("\n")[0].strip()
    place = f" in {prefix.rstrip('.')}" if prefix else ""
    return (line if len(line) <= 50 else line[:47] + "...") + place
