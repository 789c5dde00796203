"""Parts of Python texts: those that the judge need not read, and those that a name says."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from skills_engine.judge import Doubt, doubts
from skills_engine.merge.python.fold import fold
from skills_engine.merge.python.source import parse
from skills_engine.merge.python.statements import Compound, Definition, bodies_of, lines_of
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

__all__ = ["definition_with", "doubts_of", "lines_of_definition"]


def doubts_of(base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt] | None:
    """What the judge doubts in a result, of which it reads what is not alike; None where a version
    does not parse. Raises RecursionError.
    """
    folded = fold(base, ours, theirs, result)
    try:
        for version in folded.versions[:3]:
            parse(version)
    except Unsupported:
        return None
    rest = doubts("merged.py", *folded.versions)
    first = next(rest, None)
    if first is None:
        return iter(())
    opened = folded.opened(*folded.versions) if folded.sided else None
    if opened is not None:
        rest = doubts("merged.py", *opened)
        first = next(rest, None)
    return chain([first], rest) if first else iter(())


def lines_of_definition(text: str, where: str) -> tuple[int, int] | None:
    """The lines, from 0 and the second not included, of the definition that a path of names says,
    decorators included; None where there is not just one."""
    try:
        body = parse(text).body
    except Unsupported:
        return None
    found: list[Definition] = []
    for name in where.split("."):
        found = [d for d in _definitions(body) if d.name == name]
        if len(found) != 1:
            return None
        body = found[0].body
    return lines_of(found[0])


def definition_with(text: str, line: str) -> str:
    """The path of names of the innermost definition that has a line; '' for none."""
    at = [row.strip() for row in text.split("\n")].index(line)
    found: list[str] = []
    try:
        inner = _definitions(parse(text).body)
    except Unsupported:
        return ""
    while inner:
        around = [d for d in inner if lines_of(d)[0] <= at < lines_of(d)[1]]
        found += [d.name for d in around]
        inner = _definitions(around[0].body) if around else []
    return ".".join(found)


def _definitions(body: list[ast.stmt]) -> list[Definition]:
    """The definitions in a body, and in the statements that it has, but not in one another."""
    out: list[Definition] = []
    for stmt in body:
        if isinstance(stmt, Definition):
            out.append(stmt)
        elif isinstance(stmt, Compound):
            for _, inner in bodies_of(stmt):
                out += _definitions(inner)
    return out
