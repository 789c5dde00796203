"""Where a new import goes, as the file sorts and groups its imports.

The sections are isort's and ruff's: `__future__`, the standard library, third
parties, the repository's own packages, relative ones. Which order a file keeps
inside them, and whether a blank line stands between them, is read off the file;
where it shows nothing, ruff's defaults hold.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import libcst as cst

from skills_engine.codemods.drafts import is_blank_at, lines_above, lines_at
from skills_engine.codemods.ordering import (
    MEMBER_ORDERS,
    by_kind,
    by_natural,
    by_text,
    in_order,
    index_of,
)
from skills_engine.codemods.sequences import Sequence as Entries
from skills_engine.codemods.source import Source, Splice

if TYPE_CHECKING:
    from skills_engine.codemods.imports import Imported, Statement

__all__ = ["Home", "add_to_block", "header_end", "merge", "section", "spell"]

Local = Callable[[str], bool]
"""Whether a top-level name is a package or module of the repository."""
_CODING = re.compile(rb"#.*coding[:=]")


@dataclass(frozen=True)
class Home:
    """A body that holds imports: the module's before its first definition, or that of `if
    TYPE_CHECKING:`.

    `imports` are those directly in it; `every` are all of the file, from which its habits are read.
    """

    source: Source
    body: Sequence[cst.CSTNode]
    imports: tuple[Statement, ...]
    every: tuple[Statement, ...]
    local: Local
    indent: str = ""


def section(module: str, local: Local) -> int:
    top = module.partition(".")[0]
    if not top:
        return 4
    if top == "__future__":
        return 0
    if top in sys.stdlib_module_names:
        return 1
    return 3 if local(top) else 2


def spell(names: Sequence[Imported]) -> str:
    """The statement that imports some names from one module, or one module."""
    inside = ", ".join(str(name) for name in names)
    return f"from {names[0].module} import {inside}" if names[0].name else f"import {inside}"


# --- into a from-import that is there


def merge(home: Home, names: Sequence[Imported]) -> tuple[Splice, ...]:
    """Splices that add names to a from-import of the same module; none where the file would not."""
    same = [
        s for s in home.imports if s.module == names[0].module and s.names[0].name not in {"", "*"}
    ]
    if not names[0].name or names[0].name == "*" or not same:
        return ()
    if not _combines_aliases(home.every):
        same = [s for s in same if not any(name.alias for name in s.names)]
        if any(name.alias for name in names):
            return ()
    if not same or (len(same) > 1 and all(len(s.names) == 1 for s in same)):
        return ()  # one name a statement is this file's habit
    target = same[-1]
    if not isinstance(target.node, cst.ImportFrom):
        return ()
    present = [name.name for name in target.names]
    order = _member_order(home.every, present)
    entries = Entries.of_imported(home.source, target.node)
    if order is None:
        return entries.insert(len(present), *(str(name) for name in names))
    by_index: dict[int, list[str]] = {}
    for name in sorted(names, key=lambda name: order(name.name)):
        by_index.setdefault(index_of(present, name.name, order), []).append(str(name))
    return tuple(
        splice for index, texts in by_index.items() for splice in entries.insert(index, *texts)
    )


def _combines_aliases(every: Sequence[Statement]) -> bool:
    return any(s.module and len(s.names) > 1 and any(name.alias for name in s.names) for s in every)


def _member_order(
    every: Sequence[Statement], present: Sequence[str]
) -> Callable[[str], Any] | None:
    """The order that all from-imports of the file keep, or else this one; None if it keeps none."""
    lists = [[name.name for name in s.names] for s in every if s.module]
    for scope in (lists, [list(present)]):
        for order in MEMBER_ORDERS:
            if all(in_order(members, order) for members in scope) and in_order(present, order):
                return order
    return None


# --- a line of its own


def add_to_block(home: Home, names: Sequence[Imported]) -> Splice:
    """A splice that adds an import statement in the section, and at the place in it, that the
    file's habits say.
    """
    source = home.source
    order = _member_order(home.every, [])
    names = sorted(names, key=lambda name: order(name.name)) if order and names[0].name else names
    text = home.indent + spell(names) + "\n"
    kind = section(names[0].module, home.local)
    if not home.imports or (kind == 0 and not any(_section(s, home) == 0 for s in home.imports)):
        return _first(home, text)
    groups = _groups(home)
    if (siblings := _siblings(home, groups, names[0], kind)) is not None:
        return _among(home, groups, siblings, names, text)
    lower = [s for s in home.imports if _section(s, home) < kind]
    separated = all(len({_section(s, home) for s in group}) == 1 for group in groups)
    if lower:
        at = source.line_end(source.span(lower[-1].line).end)
        gap = "\n" if separated else ""
        after = gap if source.data[at:].strip() and not is_blank_at(source, at) else ""
        return lines_at(source, at, gap + text + after)
    at = lines_above(source, source.line_start(source.span(home.imports[0].line).start))
    return Splice(at, at, text + ("\n" if separated else ""))


def _section(statement: Statement, home: Home) -> int:
    return section(statement.names[0].module, home.local)


def _groups(home: Home) -> list[list[Statement]]:
    """Imports with neither a blank line nor another statement between them."""
    source = home.source
    groups: list[list[Statement]] = []
    last = -1
    for statement in home.imports:
        start = source.line_start(source.span(statement.line).start)
        between = source.data[last:start] if last >= 0 else b""
        lines = between.splitlines()
        if last < 0 or any(
            not line.strip() or not line.lstrip().startswith(b"#") for line in lines
        ):
            groups.append([])
        groups[-1].append(statement)
        last = source.line_end(source.span(statement.line).end)
    return groups


def _siblings(
    home: Home, groups: list[list[Statement]], name: Imported, kind: int
) -> list[Statement] | None:
    """The imports of the same section in the group that the new one joins."""
    candidates = [
        mine for group in groups if (mine := [s for s in group if _section(s, home) == kind])
    ]
    top = name.module.partition(".")[0]
    alike = [
        mine for mine in candidates if any(s.names[0].module.partition(".")[0] == top for s in mine)
    ]
    return next(iter(alike or candidates), None)


def _among(
    home: Home,
    groups: list[list[Statement]],
    siblings: list[Statement],
    names: Sequence[Imported],
    text: str,
) -> Splice:
    source = home.source
    runs = [
        [s for s in group if _section(s, home) == kind] for group in groups for kind in range(5)
    ]
    keys = [partial(_key, style) for style in _STYLES]
    style = next((key for key in keys if all(_sorted(run, key) for run in runs)), None)
    style = style or next((key for key in keys if _sorted(siblings, key)), None)
    index = len(siblings)
    if style is not None:
        new = style(names)
        index = next((n for n, s in enumerate(siblings) if style(s.names) > new), index)
    if index == 0:
        at = source.line_start(source.span(siblings[0].line).start)
        return Splice(at, at, text)
    return lines_at(source, source.line_end(source.span(siblings[index - 1].line).end), text)


@dataclass(frozen=True, slots=True)
class _Style:
    """How a file sorts statements: `import` before `from` or both by module; the far relative ones
    first or last.
    """

    straight_first: bool = True
    far_first: bool = True
    case: Callable[[str], Any] = by_natural


_STYLES = tuple(
    _Style(straight, far, case)
    for case in (by_natural, by_text)
    for straight in (True, False)
    for far in (True, False)
)


def _key(style: _Style, names: Sequence[Imported]) -> Any:
    first = names[0]
    bare = first.module.lstrip(".")
    dots = len(first.module) - len(bare)
    straight = 0 if not first.name or not style.straight_first else 1
    return (
        straight,
        -dots if style.far_first else dots,
        style.case(bare),
        bool(first.name),
        by_kind(first.name),
        first.alias,
    )


def _sorted(run: Sequence[Statement], key: Callable[[Sequence[Imported]], Any]) -> bool:
    keys = [key(statement.names) for statement in run]
    return keys == sorted(keys)


# --- where there is no import yet


def _first(home: Home, text: str) -> Splice:
    source = home.source
    if home.indent:
        first = source.span(home.body[0])
        match home.body:
            case [cst.SimpleStatementLine(body=[cst.Pass()])]:
                return Splice(first.start, first.end, text.strip())
        at = source.line_start(first.start)
        return Splice(at, at, text)
    at = header_end(source)
    rest = source.data[at:]
    below = "\n" if rest.strip() and not is_blank_at(source, at) else ""
    return lines_at(source, at, ("\n" if at else "") + text + below)


def header_end(source: Source) -> int:
    """The end of the module docstring's line, or of the comments that begin a file: 0 where there
    are none.
    """
    match source.module.body:
        case [
            cst.SimpleStatementLine(
                body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()), *_]
            ),
            *_,
        ]:
            return source.line_end(source.span(source.module.body[0]).end)
    at = end = 0
    number = 0
    while at < len(source.data):
        line = source.data[at : source.line_end(at)]
        if line.strip() and not line.lstrip().startswith(b"#"):
            break
        at, number = source.line_end(at), number + 1
        special = (line.startswith(b"#!") and number == 1) or (number <= 2 and _CODING.match(line))
        if line.strip() and (special or at == len(source.data) or is_blank_at(source, at)):
            end = at
    return end
