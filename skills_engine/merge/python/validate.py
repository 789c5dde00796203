"""Reasons not to believe a merge of Python without conflicts."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.merge.python.newer import definitions
from skills_engine.merge.python.source import parse
from skills_engine.merge.python.statements import (
    Compound,
    bodies_of,
    clause_of,
    statements_in,
    telling,
)
from skills_engine.merge.types import Unsupported
from skills_engine.syntax import written

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["census", "doubled", "revived"]

_SPACE = re.compile(r"\s+")


def doubled(ours: str, theirs: str, result: str) -> str:
    """What a result has twice that each side has at most once, or that it does not compile; '' if
    nothing is amiss.

    Of sides in newer syntax than the running Python's only definitions are counted; sides that
    nothing can read allow no judgement: ''.
    """
    count = census
    try:
        sides = [census(text) for text in (ours, theirs)]
    except Unsupported:
        count = definitions
        try:
            sides = [definitions(text) for text in (ours, theirs)]
        except Unsupported:
            return ""
    try:
        found = count(result)
    except Unsupported:
        return "the result would not parse"
    for (place, what), number in found.items():
        if number > 1 and all(side[place, what] <= 1 for side in sides):
            return f"{what} would stand twice in {place or 'the module'}"
    return _uncompilable(ours, theirs, result) if count is census else ""


def _uncompilable(ours: str, theirs: str, result: str) -> str:
    """Why a result does not compile though both sides do, or ''. Of what parses: two arguments of
    one name, `await` in a function that is not async any more, `break` in what was a loop."""
    why = _mistake(parse(result).body)
    if not why or any(_mistake(parse(text).body) for text in (ours, theirs)):
        return ""
    return f"the result would not compile: {why}"


def _mistake(body: list[ast.stmt]) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(ast.Module(body, []), "merged", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error.msg if isinstance(error, SyntaxError) else str(error)
    return ""


def revived(base: str, ours: str, theirs: str, result: str) -> str:
    """A statement that stands in the base once, that one side deleted and that the result has: the
    other side moved it or wrapped it, for had it stayed it would be gone. '' if there is none, or a
    version does not parse."""
    rows_b, rows_o, rows_t, rows = (
        {line.strip() for line in text.split("\n")} for text in (base, ours, theirs, result)
    )
    if not (rows_b & rows) - (rows_o & rows_t):
        return ""  # most merges bring back no line, which is quickly seen
    try:
        b, o, t, found = (_statements(text) for text in (base, ours, theirs, result))
    except Unsupported:
        return ""
    for what, there in b.items():
        if (
            len(there) != 1
            or what not in found
            or sorted((len(o.get(what, ())), len(t.get(what, ())))) != [0, 1]
        ):
            continue
        side, other = ("theirs", t) if what in o else ("ours", o)
        meaning = written(there[0])
        if not any(written(stmt) == meaning for stmts in other.values() for stmt in stmts):
            return (
                f"{side} no longer has {what if len(what) <= 50 else what[:47] + '...'}, which "
                "the other side moved"
            )
    return ""


@kept
def _statements(text: str) -> dict[str, list[ast.stmt]]:
    """A file's statements without bodies by their text on one line. Raises Unsupported for what
    does not parse.
    """
    lines = text.split("\n")
    found: dict[str, list[ast.stmt]] = {}
    for stmt in statements_in(parse(text)):
        if not isinstance(stmt, Compound) and telling(stmt):
            found.setdefault(_text(stmt, lines), []).append(stmt)
    return found


def census(text: str) -> Counter[tuple[str, str]]:
    """How often each definition, import, clause, statement and element of an assigned literal
    stands in its place: definitions and elements in their body, statements in their function.
    """
    return Counter(_bodies(parse(text).body, "", "", text.split("\n"), scope=True))


def _bodies(
    body: list[ast.stmt], place: str, owner: str, lines: list[str], *, scope: bool = False
) -> Iterator[tuple[str, str]]:
    """`place` is where a body is, `owner` the definition that it belongs to; a `scope` is the body
    of a module or a class."""
    for stmt in body:
        match stmt:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from _definition(stmt, place, lines)
            case ast.Import() | ast.ImportFrom():
                module = (
                    "." * stmt.level + (stmt.module or "")
                    if isinstance(stmt, ast.ImportFrom)
                    else ""
                )
                for alias in stmt.names:
                    yield place, f"import {module} {alias.name} {alias.asname or ''}".rstrip()
            case ast.Pass() | ast.Continue() | ast.Break():
                pass
            case _ if isinstance(stmt, Compound):
                for where, body_ in _parts(stmt, place, lines):
                    if isinstance(body_, str):
                        yield where, body_
                    else:
                        yield from _bodies(body_, where, owner, lines)
            case _:
                yield from _simple(stmt, place, owner, lines, scope=scope)


def _definition(
    stmt: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, place: str, lines: list[str]
) -> Iterator[tuple[str, str]]:
    marks = [_text(d, lines) for d in stmt.decorator_list]
    plain = not re.search(r"overload|\.(setter|getter|deleter|register)", " ".join(marks))
    yield place, f"def {stmt.name}" if plain else f"@{' '.join(marks)} def {stmt.name}"
    inside = f"{place}.{stmt.name}".lstrip(".")
    yield from ((inside, f"the decorator {mark}") for mark in marks)
    if isinstance(stmt, ast.ClassDef):
        yield from ((inside, f"the base {_text(base, lines)}") for base in stmt.bases)
    yield from _bodies(stmt.body, inside, inside, lines, scope=isinstance(stmt, ast.ClassDef))


def _parts(
    stmt: Compound, place: str, lines: list[str]
) -> Iterator[tuple[str, str | list[ast.stmt]]]:
    """The bodies of a statement with their places, and its clauses that say which case they are
    for. The branches of one `if` are side by side.
    """
    whole = where = _place(stmt, place, lines)
    while isinstance(stmt, ast.If) and len(stmt.orelse) == 1 and isinstance(stmt.orelse[0], ast.If):
        yield f"{where} body", stmt.body
        stmt = stmt.orelse[0]
        where = _place(stmt, place, lines)
        yield whole, f"elif {_text(stmt.test, lines)}"
    if isinstance(stmt, ast.Try | ast.TryStar):
        yield from ((whole, f"except {_text(h.type, lines)}") for h in stmt.handlers if h.type)
    elif isinstance(stmt, ast.Match):
        yield from ((whole, f"case {written(c.pattern)}") for c in stmt.cases if not c.guard)
    for name, body in bodies_of(stmt):
        yield f"{where} {name}", body


def _place(stmt: Compound, place: str, lines: list[str]) -> str:
    header = " ".join(_text(part, lines) for part in clause_of(stmt)[1])
    return f"{place} {type(stmt).__name__} {header}".strip()


def _simple(
    stmt: ast.stmt, place: str, owner: str, lines: list[str], *, scope: bool
) -> Iterator[tuple[str, str]]:
    match stmt:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            yield from _literal(value, f"{place} {name}".strip(), lines)
            if scope:
                yield place, f"{name} ="
                return
        case _ if type(stmt).__name__ == "TypeAlias":
            yield place, f"def {stmt.name.id}"  # type: ignore[attr-defined]
            return
    if telling(stmt):
        yield f"{owner} as a whole" if owner else "", _text(stmt, lines)


def _literal(value: ast.expr | None, place: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        yield from ((place, _text(element, lines)) for element in value.elts)
    elif isinstance(value, ast.Dict):
        for key in value.keys:
            if key is not None:
                yield place, _key(key.value) if isinstance(key, ast.Constant) else _text(key, lines)


def _key(value: object) -> str:
    """A constant as a key of a dict: True, 1 and 1.0 are one."""
    whole = isinstance(value, int | float) and value == value // 1
    return repr(int(value) if whole else value)  # type: ignore[call-overload]


def _text(node: ast.expr | ast.stmt, lines: list[str]) -> str:
    """A node's text on one line, decorators left out."""
    end = node.end_lineno or node.lineno
    if end == node.lineno:
        raw = lines[end - 1].encode()[node.col_offset : node.end_col_offset]
        return raw.decode("utf-8", "replace")
    first = lines[node.lineno - 1].encode()[node.col_offset :].decode("utf-8", "replace")
    last = lines[end - 1].encode()[: node.end_col_offset].decode("utf-8", "replace")
    return _SPACE.sub(" ", " ".join([first, *lines[node.lineno : end - 1], last]))
