"""Names that both sides of a merge bind to different things."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from skills_engine.merge.python.source import parse
from skills_engine.merge.python.statements import Compound, bodies_of
from skills_engine.merge.types import Unsupported
from skills_engine.syntax import written

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bound_by", "rebound"]

Where = tuple[str, str]
"""A scope or a value, and a name."""

_ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})


def rebound(base: str, ours: str, theirs: str, result: str) -> str:
    """A name that each side newly binds in a module or a class, or by an import, to another thing,
    so that the result binds it to both; or two members of an `Enum` that get one value so. '' if
    there is none, or a version does not parse.

    Where the base binds the name, too, each side must bind it once: else these are branches.
    """
    try:
        b, o, t, r = (_bound(parse(text)) for text in (base, ours, theirs, result))
    except Unsupported:
        return ""
    for place, found in r.items():
        before, here, there = (version.get(place, set()) for version in (b, o, t))
        if before and not len(here) == len(there) == 1:
            continue
        mine, his = here - there - before, there - here - before
        if found & mine and found & his:
            scope, name = place
            return f"each side adds another {name}{f' in {scope}' if scope else ''}"
    return ""


def bound_by(stmt: ast.stmt) -> frozenset[tuple[str, str]]:
    """The names that a statement imports, defines or assigns, each with what it stands for."""
    return frozenset(_bindings(stmt))


def _bound(module: ast.Module) -> dict[Where, set[str]]:
    """What is bound in each scope, and to what. Variables of functions are set again and again:
    of functions only imports count.
    """
    found: dict[Where, set[str]] = defaultdict(set)
    waiting: list[tuple[list[ast.stmt], str, bool]] = [(module.body, "", False)]
    while waiting:
        body, scope, local = waiting.pop()
        for stmt in body:
            if not local or isinstance(stmt, ast.Import | ast.ImportFrom):
                for name, what in _bindings(stmt):
                    found[scope, name].add(what)
            if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{scope}.{stmt.name}".lstrip(".")
                waiting.append((stmt.body, inner, not isinstance(stmt, ast.ClassDef)))
                for value, name in _members(stmt):
                    found[inner, f"member with the value {value}"].add(name)
            elif isinstance(stmt, Compound) and not _is_main(stmt):
                waiting += [(inside, scope, local) for _, inside in bodies_of(stmt)]
    return found


def _bindings(stmt: ast.stmt) -> Iterator[tuple[str, str]]:
    match stmt:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield stmt.name, "def"
        case ast.Import():
            for alias in stmt.names:
                root = alias.name.partition(".")[0]
                yield alias.asname or root, f"import {alias.name if alias.asname else root}"
        case ast.ImportFrom():
            module = "." * stmt.level + (stmt.module or "")
            for alias in stmt.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, f"from {module} import {alias.name}"
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            yield name, written(value)


def _members(stmt: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Where]:
    """The constants of an `Enum`, and their names; none of what is no `Enum`."""
    bases = {ast.unparse(base).rpartition(".")[2] for base in getattr(stmt, "bases", ())}
    for each in stmt.body if bases & _ENUMS else ():
        match each:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                yield repr(value), name


def _is_main(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.If) and "__name__" in ast.unparse(stmt.test)
