"""Adding imports to a file and taking them out again."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.imports.place import Home, add_to_block, header_end, merge, spell
from skills_engine.codemods.imports.reaching import deleted_by, is_imported
from skills_engine.codemods.imports.statements import statements, type_checking_blocks
from skills_engine.codemods.imports.unused import uses
from skills_engine.codemods.match.expressions import bound_otherwise
from skills_engine.codemods.source.edits import Draft, is_blank_at, lines_at
from skills_engine.codemods.source.sequences import Sequence as Entries
from skills_engine.codemods.source.source import Source, Splice
from skills_engine.codemods.source.syntax import descend, expressions, flatten
from skills_engine.import_order import ImportedName

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.codemods.imports.statements import Guard, ImportStatement
    from skills_engine.import_order import ImportSettings

__all__ = ["add", "drop", "missing_from"]

_TYPE_CHECKING = ImportedName("typing", "TYPE_CHECKING")


def missing_from(
    source: Source, names: Sequence[ImportedName], under: Guard, doing: str
) -> list[ImportedName]:
    """The names that are not bound as asked, on every path. Raises CannotEnsure if one is bound to
    something else.
    """
    every = statements(source)
    missing = []
    for name in names:
        if is_imported(source, name, under):
            continue
        hint = "import it `as` another name"
        for statement in every:
            if any(theirs.clashes(name, source.path) for theirs in statement.names):
                what = f"{name.bound} is imported from somewhere else"
                raise source.drifted(doing, what, statement.node, hint=hint)
        defined = [d.node for d in source.definitions if d.qualname == name.bound]
        other = defined or bound_otherwise(source, name.bound)
        if other and name.bound:
            what = f"{name.bound} is the name of something else in this file"
            partly = [s.node for s in every if any(n.means(name, source.path) for n in s.names)]
            if partly:
                lines = source.place(partly[0]).line, source.place(other[0]).line
                what = f"{name.bound} is imported in line {lines[0]}, and is the name of something"
                what += f" else in line {lines[1]}"
                hint = "import it on every path first, and give the other another name"
            raise source.drifted(doing, what, other[0], hint=hint)
        if gone := _deletions(source, name.bound):
            what = f"{name.bound} is deleted again"
            raise source.drifted(doing, what, gone[0], hint=hint)
        missing.append(name)
    return missing


def _deletions(source: Source, name: str) -> list[cst.Del]:
    """The `del name` statements of a module's own code."""
    smalls = (small for block in descend(source.module) for small in flatten(block))
    return [s for s in smalls if isinstance(s, cst.Del) and name in deleted_by(s)]


def add(
    draft: Draft,
    names: Sequence[ImportedName],
    under: Guard,
    own: Callable[[str], bool],
    settings: ImportSettings,
) -> None:
    """Import names that the file does not import yet; for one that it imports for type checking
    only, move it.
    """
    if not under:
        for name in names:
            _leave_type_checking(draft, name)
    elif not type_checking_blocks(draft.source):
        if missing_from(draft.source, [_TYPE_CHECKING], "", ""):
            add(draft, [_TYPE_CHECKING], "", own, settings)
        draft.make([_new_block(draft.source, names)])
        return
    else:
        _open_block(draft)
    straight = [name for name in names if not name.name]
    for together in [[name] for name in straight] or [list(names)]:
        home = _home(draft.source, under, own, settings, together)
        if splices := merge(home, together):
            draft.make(splices)
            continue
        apart = together if len(together) > 1 and not _alike(together, home) else []
        for group in _groups(home, together) if apart else [together]:
            fresh = _home(draft.source, under, own, settings, group)
            draft.make(merge(fresh, group) or (add_to_block(fresh, group),))


def drop(draft: Draft, statement: ImportStatement, name: ImportedName) -> None:
    """Take one name out of a statement of the draft's file, and what is empty without it."""
    source = draft.source
    if isinstance(statement.line, cst.SimpleStatementSuite) and len(statement.names) == 1:
        span = source.span(statement.node)
        draft.make([Splice(span.start, span.end, "pass")])
        return
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


def _alike(names: Sequence[ImportedName], home: Home) -> bool:
    if home.splits(names[0].module):
        return False
    return home.settings.combine_as or len({bool(name.alias) for name in names}) == 1


def _groups(home: Home, names: Sequence[ImportedName]) -> list[list[ImportedName]]:
    """The names of one statement each: those without an alias together, unless each stands
    alone.
    """
    if home.splits(names[0].module):
        return [[name] for name in names]
    plain = [name for name in names if not name.alias]
    return [group for group in (plain, *([name] for name in names if name.alias)) if group]


def _home(
    source: Source,
    under: Guard,
    own: Callable[[str], bool],
    settings: ImportSettings,
    names: Sequence[ImportedName],
) -> Home:
    """Where imports of these names are: above the first definition, and above their first use."""
    every = tuple(statements(source))
    if under:
        block = type_checking_blocks(source)[0].body
        body = _body(block)
        inside = tuple(s for s in every if s.block is block)
        indent = source.indent_at(source.span(body[0]).start)
        return Home(source, body, inside, every, own, settings, indent)
    wanted = {name.bound for name in names}
    head = list(takewhile(lambda line: not _needs(line, wanted), source.module.body))
    within = {id(line) for line in head}
    directly = tuple(s for s in every if id(s.line) in within)
    return Home(source, head, directly, every, own, settings)


def _needs(line: cst.CSTNode, names: set[str]) -> bool:
    """Whether it defines something, or uses one of the names as it runs."""
    if isinstance(line, cst.ClassDef | cst.FunctionDef):
        return True
    imports = isinstance(line, cst.SimpleStatementLine) and all(
        isinstance(small, cst.Import | cst.ImportFrom) for small in line.body
    )
    return not imports and any(
        isinstance(e, cst.Name) and e.value in names for e in expressions(line)
    )


def _open_block(draft: Draft) -> None:
    """Put a one-line `if TYPE_CHECKING: import a` on two lines."""
    source = draft.source
    block = type_checking_blocks(source)[0]
    if isinstance(block.body, cst.SimpleStatementSuite):
        first = source.span(block.body.body[0]).start
        colon = source.data.rfind(b":", 0, first) + 1
        indent = source.indent_at(source.span(block).start) + source.indent_unit
        draft.make([Splice(colon, first, "\n" + indent)])


def _body(block: cst.CSTNode) -> Sequence[cst.CSTNode]:
    return block.body if isinstance(block, cst.IndentedBlock | cst.Module) else ()


# --- `if TYPE_CHECKING:`


def _new_block(source: Source, names: Sequence[ImportedName]) -> Splice:
    """The block, after the last statement before the first definition that imports anything."""
    lines = [spell([name]) for name in names] if not names[0].name else [spell(names)]
    text = "if TYPE_CHECKING:\n" + "".join(f"{source.indent_unit}{line}\n" for line in lines)
    importing = {id(s.top) for s in statements(source)}
    head = takewhile(lambda line: not _needs(line, set()), source.module.body)
    at = header_end(source)
    for node in reversed([node for node in head if id(node) in importing]):
        span = source.span(node)
        at = source.line_end(span.start + len(source.data[span.start : span.end].rstrip()))
        break
    below = "\n" if source.data[at:].strip() and not is_blank_at(source, at) else ""
    return lines_at(source, at, ("\n" if at else "") + text + below)


def _leave_type_checking(draft: Draft, name: ImportedName) -> None:
    path = draft.source.path
    for statement in statements(draft.source):
        same = [theirs for theirs in statement.names if theirs.means(name, path)]
        if statement.guard == "TYPE_CHECKING" and same:
            drop(draft, statement, same[0])
            return


def _drop_block(draft: Draft, statement: ImportStatement) -> None:
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


def _without(source: Source, statement: ImportStatement) -> Splice:
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
