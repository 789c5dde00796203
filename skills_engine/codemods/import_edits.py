"""Adding imports to a file and taking them out again."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.drafts import Draft, is_blank_at, lines_at
from skills_engine.codemods.import_places import Home, add_to_block, header_end, merge, spell
from skills_engine.codemods.imports import Imported, statements, type_checking_blocks
from skills_engine.codemods.sequences import Sequence as Entries
from skills_engine.codemods.source import Source, Splice
from skills_engine.codemods.uses import uses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.codemods.imports import Guard, Statement

__all__ = ["add", "drop", "missing_from"]

_TYPE_CHECKING = Imported("typing", "TYPE_CHECKING")


def missing_from(
    source: Source, names: Sequence[Imported], under: Guard, doing: str
) -> list[Imported]:
    """The names that are not bound as asked. Raises CannotEnsure if one is bound to something
    else.
    """
    every = statements(source)
    missing = []
    for name in names:
        enough = [s for s in every if under or s.guard != "TYPE_CHECKING"]
        if any(theirs.means(name, source.path) for s in enough for theirs in s.names):
            continue
        for statement in every:
            if any(theirs.clashes(name, source.path) for theirs in statement.names):
                what = f"{name.bound} is imported from somewhere else"
                raise source.drifted(
                    doing, what, statement.node, hint="import it `as` another name"
                )
        for definition in source.definitions:
            if definition.qualname == name.bound:
                what = f"{name.bound} is the name of something else in this file"
                raise source.drifted(
                    doing, what, definition.node, hint="import it `as` another name"
                )
        missing.append(name)
    return missing


def add(
    draft: Draft, names: Sequence[Imported], under: Guard, local: Callable[[str], bool]
) -> None:
    """Import names that the file does not import yet; for one that it imports for type checking
    only, move it.
    """
    if not under:
        for name in names:
            _leave_type_checking(draft, name)
    elif not type_checking_blocks(draft.source):
        if missing_from(draft.source, [_TYPE_CHECKING], "", ""):
            add(draft, [_TYPE_CHECKING], "", local)
        draft.make([_new_block(draft.source, names)])
        return
    straight = [name for name in names if not name.name]
    for together in [[name] for name in straight] or [list(names)]:
        home = _home(draft.source, under, local)
        if splices := merge(home, together):
            draft.make(splices)
            continue
        apart = together if len(together) > 1 and not _alike(together) else []
        for group in _by_alias(together) if apart else [together]:
            draft.make(_one_more(_home(draft.source, under, local), group))


def drop(draft: Draft, statement: Statement, name: Imported) -> None:
    """Take one name out of a statement of the draft's file, and what is empty without it."""
    source = draft.source
    if len(statement.names) > 1:
        draft.make(Entries.of_imported(source, statement.node).remove(statement.index(name)))
        return
    if (
        statement.guard == "TYPE_CHECKING"
        and len(_body(statement.block)) == 1
        and len(statement.line.body) == 1
    ):
        _drop_block(draft, statement)
        return
    draft.make([_without(source, statement)])


def _alike(names: Sequence[Imported]) -> bool:
    return len({bool(name.alias) for name in names}) == 1


def _one_more(home: Home, names: Sequence[Imported]) -> tuple[Splice, ...]:
    return merge(home, names) or (add_to_block(home, names),)


def _by_alias(names: Sequence[Imported]) -> list[list[Imported]]:
    plain = [name for name in names if not name.alias]
    return [plain, *([name] for name in names if name.alias)]


def _home(source: Source, under: Guard, local: Callable[[str], bool]) -> Home:
    every = tuple(statements(source))
    if under:
        block = type_checking_blocks(source)[0].body
        inside = tuple(s for s in every if s.block is block)
        body = _body(block)
        indent = source.indent_at(source.span(body[0]).start)
        return Home(source, body, inside, every, local, indent)
    head = list(
        takewhile(
            lambda line: not isinstance(line, cst.ClassDef | cst.FunctionDef), source.module.body
        )
    )
    within = {id(line) for line in head}
    directly = tuple(s for s in every if id(s.line) in within)
    return Home(source, head, directly, every, local)


def _body(block: cst.CSTNode) -> Sequence[cst.CSTNode]:
    return block.body if isinstance(block, cst.IndentedBlock | cst.Module) else ()


# --- `if TYPE_CHECKING:`


def _new_block(source: Source, names: Sequence[Imported]) -> Splice:
    """The block, after the last statement before the first definition that imports anything."""
    lines = [spell([name]) for name in names] if not names[0].name else [spell(names)]
    text = "if TYPE_CHECKING:\n" + "".join(f"{source.indent_unit}{line}\n" for line in lines)
    importing = {id(s.top) for s in statements(source)}
    head = takewhile(
        lambda line: not isinstance(line, cst.ClassDef | cst.FunctionDef), source.module.body
    )
    at = header_end(source)
    for node in reversed([node for node in head if id(node) in importing]):
        span = source.span(node)
        at = source.line_end(span.start + len(source.data[span.start : span.end].rstrip()))
        break
    below = "\n" if source.data[at:].strip() and not is_blank_at(source, at) else ""
    return lines_at(source, at, ("\n" if at else "") + text + below)


def _leave_type_checking(draft: Draft, name: Imported) -> None:
    path = draft.source.path
    for statement in statements(draft.source):
        same = [theirs for theirs in statement.names if theirs.means(name, path)]
        if statement.guard == "TYPE_CHECKING" and same:
            drop(draft, statement, same[0])
            return


def _drop_block(draft: Draft, statement: Statement) -> None:
    """Remove a block of one import; and TYPE_CHECKING with it, if nothing else uses that."""
    source = draft.source
    for block in type_checking_blocks(source):
        if block.body is not statement.block:
            continue
        if block.orelse is not None:
            span = source.span(statement.node)
            draft.make([Splice(span.start, span.end, "pass")])
            return
        span = source.span(block)
        end = span.start + len(source.data[span.start : span.end].rstrip())
        draft.make([_cut(source, source.line_start(span.start), source.line_end(end))])
        for other in statements(draft.source):
            for name in other.names:
                if name == _TYPE_CHECKING and not uses(draft.source, name, other):
                    drop(draft, other, name)
                    return
        return
    span = source.span(statement.node)
    draft.make([Splice(span.start, span.end, "pass")])


# --- removing a line


def _without(source: Source, statement: Statement) -> Splice:
    smalls = list(statement.line.body)
    span = source.span(statement.node)
    if len(smalls) > 1:
        index = smalls.index(statement.node)
        if index + 1 < len(smalls):
            return Splice(span.start, source.span(smalls[index + 1]).start, "")
        return Splice(source.span(smalls[index - 1]).end, span.end, "")
    if len(_body(statement.block)) == 1 and statement.guard:
        return Splice(span.start, span.end, "pass")
    return _cut(source, source.line_start(span.start), source.line_end(span.end))


def _cut(source: Source, start: int, end: int) -> Splice:
    """Whole lines without the blank ones that would be left over: those before, or at the top those
    after.
    """
    data = source.data
    if end == len(data) and start and not data.endswith(b"\n"):
        newline = re.search(rb"\r?\n$", data[:start])
        return Splice(newline.start() if newline else start, end, "")
    before, after = start, end
    while before and not data[source.line_start(before - 1) : before].strip():
        before = source.line_start(before - 1)
    if end == len(data) or is_blank_at(source, end):
        if before:
            return Splice(before, end, "")
        while is_blank_at(source, after):
            after = source.line_end(after)
        return Splice(start, after, "")
    return Splice(start, end, "")
