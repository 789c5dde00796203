"""What makes a merge of Python without conflicts hard to believe."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from skills_engine.merge.python.source import parse
from skills_engine.merge.python.statements import Compound, clause_of, statements_in, telling
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

__all__ = ["census", "doubled", "revived"]

_SPACE = re.compile(r"\s+")


def doubled(ours: str, theirs: str, result: str) -> str:
    """What a result has twice that each side has at most once, or that it does not parse; '' if
    nothing is amiss.

    Sides that do not parse allow no judgement: ''.
    """
    try:
        sides = [census(text) for text in (ours, theirs)]
    except Unsupported:
        return ""
    try:
        found = census(result)
    except Unsupported:
        return "the result would not parse"
    for (place, what), count in found.items():
        if count > 1 and all(side[place, what] <= 1 for side in sides):
            return f"{what} would stand twice in {place or 'the module'}"
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
        meaning = ast.dump(there[0])
        if not any(ast.dump(stmt) == meaning for stmts in other.values() for stmt in stmts):
            return (
                f"{side} deleted {what if len(what) <= 50 else what[:47] + '...'}, which "
                "the other side moved"
            )
    return ""


@lru_cache(maxsize=8)
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
    """How often each definition, import, statement and element of an assigned literal stands in its
    body.
    """
    return Counter(
        (str(place), str(what))
        for place, what in _bodies(parse(text).body, "", text.split("\n"), scope=True)
    )


def _bodies(
    body: list[ast.stmt], place: str, lines: list[str], *, scope: bool = False
) -> Iterator[tuple[Hashable, Hashable]]:
    for stmt in body:
        match stmt:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                marks = " ".join(_text(d, lines) for d in stmt.decorator_list)
                plain = not re.search(r"overload|\.(setter|getter|deleter|register)", marks)
                yield place, f"def {stmt.name}" if plain else f"@{marks} def {stmt.name}"
                yield from _bodies(
                    stmt.body,
                    f"{place}.{stmt.name}".lstrip("."),
                    lines,
                    scope=isinstance(stmt, ast.ClassDef),
                )
            case ast.Import() | ast.ImportFrom():
                module = (
                    "." * stmt.level + (stmt.module or "")
                    if isinstance(stmt, ast.ImportFrom)
                    else ""
                )
                for alias in stmt.names:
                    yield place, f"import {module} {alias.name} {alias.asname or ''}".rstrip()
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                if scope:
                    yield place, f"{name} ="
                yield from _literal(value, f"{place} {name}".strip(), lines)
            case ast.Pass() | ast.Continue() | ast.Break():
                pass
            case ast.Match():
                pass
            case _ if isinstance(stmt, Compound):
                header = " ".join(_text(part, lines) for part in clause_of(stmt)[1])
                for field in ("body", "orelse", "finalbody"):
                    inner = getattr(stmt, field, [])
                    yield from _bodies(
                        inner, f"{place} {type(stmt).__name__} {header} {field}".strip(), lines
                    )
            case _:
                yield place, _text(stmt, lines)


def _literal(
    value: ast.expr | None, place: str, lines: list[str]
) -> Iterator[tuple[Hashable, Hashable]]:
    if isinstance(value, ast.List | ast.Tuple | ast.Set):
        for element in value.elts:
            yield place, _text(element, lines)
    elif isinstance(value, ast.Dict):
        for key in value.keys:
            if key is not None:
                yield place, _text(key, lines)


def _text(node: ast.expr | ast.stmt, lines: list[str]) -> str:
    """A node's text on one line, decorators left out."""
    end = node.end_lineno or node.lineno
    if end == node.lineno:
        raw = lines[end - 1].encode()[node.col_offset : node.end_col_offset]
        return raw.decode("utf-8", "replace")
    first = lines[node.lineno - 1].encode()[node.col_offset :].decode("utf-8", "replace")
    last = lines[end - 1].encode()[: node.end_col_offset].decode("utf-8", "replace")
    return _SPACE.sub(" ", " ".join([first, *lines[node.lineno : end - 1], last]))
