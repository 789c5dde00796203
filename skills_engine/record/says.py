"""The ways to say that statements were added, removed or exchanged: entries of a `codemod`
block.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.code import is_docstring, rigid_lines
from skills_engine.codemods.source.syntax import extract
from skills_engine.lines import bare_lines
from skills_engine.record.align import variable
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.source.definitions import Body
    from skills_engine.codemods.source.source import Source
    from skills_engine.record.align import BodyStatement
    from skills_engine.record.delta import Entries, Entry

__all__ = [
    "added",
    "anchor",
    "bare_code",
    "imports",
    "in_function",
    "is_import",
    "named",
    "of",
    "removed",
    "replaced",
    "whole_code",
    "wrapped",
]


def of(owner: str) -> Entry:
    return {"of": owner} if owner else {}


def named(items: Sequence[BodyStatement], owner: str) -> str:
    """What a run of statements is about: the one definition or variable that it is, or what is
    around it.
    """
    name = items[0].name or variable(items[0].node) if len(items) == 1 else None
    return f"{owner}.{name}" if name and owner else name or owner


def is_import(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(body=[cst.Import() | cst.ImportFrom()]):
            return True
    return False


def whole_code(source: Source, items: Sequence[BodyStatement]) -> str:
    """Statements with their comments, at the left margin, `\\n` at the end of lines, without the
    last.
    """
    return _at_margin(source, items, Span(items[0].whole.start, items[-1].whole.end)).strip("\n")


def bare_code(source: Source, items: Sequence[BodyStatement]) -> str:
    """The same without the comments around them."""
    start = source.line_start(items[0].span.start)
    return _at_margin(source, items, Span(start, items[-1].span.end)).strip("\n")


def _at_margin(source: Source, items: Sequence[BodyStatement], span: Span) -> str:
    """Lines at the left margin, four spaces a level; those inside strings as they are, but for
    docstrings.
    """
    pad, unit = source.indent_at(items[0].span.start), source.indent_unit
    rigid = {line for item in items for line in rigid_lines(source, item.node)} - _docstring_lines(
        source, span, pad
    )
    out = []
    for number, line in enumerate(
        source.text(span).replace("\r\n", "\n").split("\n"), source.line(span.start)
    ):
        out.append(line if number in rigid else _levels(line.removeprefix(pad), unit))
    return "\n".join(out)


def _docstring_lines(source: Source, span: Span, pad: str) -> set[int]:
    found: set[int] = set()
    for definition in source.definitions:
        body = getattr(definition.node, "body", None)
        inside = span.start <= source.span(definition.node).start < span.end
        if inside and isinstance(body, cst.IndentedBlock) and is_docstring(body.body[0]):
            lines = rigid_lines(source, body.body[0])
            text = source.text(source.span(body.body[0])).split("\n")[1:]
            if all(line.startswith(pad) or not line.strip() for line in text):
                found |= lines
    return found


def _levels(line: str, unit: str) -> str:
    if unit == "    ":
        return line
    level = 0
    while line.startswith(unit):
        level, line = level + 1, line.removeprefix(unit)
    return "    " * level + line


def anchor(source: Source, item: BodyStatement) -> str:
    """A pattern for a statement: all of a simple one, the header of one with a block."""
    body = getattr(item.node, "body", None)
    return _header(item) if isinstance(body, cst.BaseSuite) else bare_code(source, [item])


def _header(item: BodyStatement) -> str:
    """The statement without decorators, body and further clauses."""
    node = item.node
    if isinstance(node, cst.Try | cst.TryStar):
        return "try:"
    if isinstance(node, cst.If | cst.For | cst.While):
        node = node.with_changes(orelse=None)
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        node = node.with_changes(decorators=(), lines_after_decorators=())
    if not isinstance(node, cst.BaseCompoundStatement):
        return item.code
    body = cst.SimpleStatementSuite([cst.Expr(cst.Ellipsis())])
    text = cst.Module([node.with_changes(body=body, leading_lines=())]).code.strip()
    return text.removesuffix("...").rstrip()


# --- added


def added(
    group: Sequence[BodyStatement],
    b: Source,
    body: Body,
    owner: str,
    before: BodyStatement | None,
    after: BodyStatement | None,
) -> Iterator[Entries]:
    """Ways to add statements after `before` and before `after` in the body of `owner`."""
    path = b.path
    code = whole_code(b, group)
    only = group[0].node if len(group) == 1 else None
    if only is not None and is_import(only):
        line = textwrap.dedent(group[0].code)
        yield ({"ensure": "import", "in": path, "import": line},)
        yield ({"ensure": "import", "in": path, "import": line, "under": "TYPE_CHECKING"},)
    if isinstance(only, cst.FunctionDef | cst.ClassDef):
        yield from _defined(only, code, path, owner, before, after)
    if _is_class_body(b, body, owner):
        yield from _fields(group, b, path, owner, before, after)
    entry: Entry = {"ensure": "statement", "in": path, **of(owner), "code": code}
    if after is None:
        yield ({**entry, "at": "end"},)
    above = None if before is None or is_docstring(before.node) else anchor(b, before)
    below = None if after is None else anchor(b, after)
    if above and below:
        yield ({**entry, "after": above, "before": below},)
    if above:
        yield ({**entry, "after": above},)
    if before is None or is_import(before.node) or is_docstring(before.node):
        yield ({**entry, "at": "start"},)
    if below:
        yield ({**entry, "before": below},)


def _is_class_body(source: Source, body: Body, owner: str) -> bool:
    return (
        bool(owner)
        and isinstance(body, cst.IndentedBlock)
        and any(d.kind == "class" and d.qualname == owner for d in source.definitions)
    )


def _defined(
    node: cst.FunctionDef | cst.ClassDef,
    code: str,
    path: str,
    owner: str,
    before: BodyStatement | None,
    after: BodyStatement | None,
) -> Iterator[Entries]:
    if isinstance(node, cst.ClassDef):
        entry: Entry = {"ensure": "class", "in": path, **of(owner), "code": code}
    elif owner:
        entry = {"ensure": "method", "in": path, "of": owner, "code": code}
    else:
        entry = {"ensure": "function", "in": path, "code": code}
    if after is None or _is_guard(after):
        yield (entry,)
    beside = {
        key: name
        for key, neighbour in (("after", before), ("before", after))
        if neighbour and (name := neighbour.name or variable(neighbour.node))
    }
    if len(beside) == 2:
        yield ({**entry, **beside},)
    for key, name in beside.items():
        yield ({**entry, key: name},)
    yield ({**entry, "position": "first"},)
    yield (entry,)


def _is_guard(item: BodyStatement) -> bool:
    return item.code.startswith("if __name__")


def _fields(
    group: Sequence[BodyStatement],
    b: Source,
    path: str,
    owner: str,
    before: BodyStatement | None,
    after: BodyStatement | None,
) -> Iterator[Entries]:
    names = [variable(item.node) for item in group]
    if not all(names):
        return
    entries: list[Entry] = [
        {"ensure": "field", "in": path, "of": owner, "field": whole_code(b, [item])}
        for item in group
    ]
    yield tuple(entries)
    last = before and variable(before.node)
    following = after and variable(after.node)
    beside = [last, *names]
    if last and following:
        yield tuple(
            {**entry, "after": beside[i], "before": following} for i, entry in enumerate(entries)
        )
    if last:
        yield tuple({**entry, "after": beside[i]} for i, entry in enumerate(entries))
    if following:
        yield tuple({**entry, "before": following} for entry in entries)


def in_function(source: Source, owner: str) -> bool:
    return any(d.kind == "function" and d.qualname == owner for d in source.definitions)


# --- removed


def removed(
    group: Sequence[BodyStatement],
    a: Source,
    owner: str,
    before: BodyStatement | None,
    after: BodyStatement | None,
) -> Iterator[Entries]:
    path = a.path
    only = group[0] if len(group) == 1 else None
    if only is not None and is_import(only.node):
        yield ({"ensure": "no-import", "in": path, "import": textwrap.dedent(only.code)},)
    name = only and (only.name or variable(only.node))
    if only is not None and name and (only.name or not in_function(a, owner)):
        yield ({"ensure": "no-definition", "in": path, "of": f"{owner}.{name}" if owner else name},)
    entry: Entry = {"ensure": "no-statement", "in": path, **of(owner), "code": bare_code(a, group)}
    if before is not None and after is not None:
        yield ({**entry, "after": anchor(a, before), "before": anchor(a, after)},)
    yield (entry,)


# --- exchanged


def replaced(
    a: Source, old: Sequence[BodyStatement], b: Source, new: Sequence[BodyStatement], owner: str
) -> Iterator[Entries]:
    pattern, code = bare_code(a, old), bare_code(b, new)
    where: Entry = {"in": a.path, **of(owner)}
    yield ({"ensure": "replace", **where, "pattern": pattern, "with": code},)
    if any(isinstance(each.node, cst.BaseCompoundStatement) for each in (*old, *new)):
        return
    # a replacement keeps the layout of what it finds; what comes new has its own
    gone: Entry = {"ensure": "no-statement", **where, "code": pattern}
    come: Entry = {"ensure": "statement", **where, "code": code}
    yield ({**come, "after": anchor(a, old[-1])}, gone)
    yield ({**come, "before": anchor(a, old[0])}, gone)


def wrapped(
    a: Source, old: Sequence[BodyStatement], b: Source, new: Sequence[BodyStatement], owner: str
) -> Iterator[Entries]:
    """All the old statements, now in a block of one new statement."""
    if len(new) != 1:
        return
    wanted = [_flat(item.code) for item in old]
    block = next(
        (
            block
            for block in _blocks(new[0].node)
            if [_flat(b.text(extract(b, [node]))) for node in block.body] == wanted
        ),
        None,
    )
    if block is None:
        return
    rows = whole_code(b, new).split("\n")
    top, start = b.line(new[0].whole.start), b.line(b.line_end(b.span(block.header).start))
    stop = b.line(extract(b, [block.body[-1]]).end - 1) + 1
    wrapper = "\n".join([*rows[: start - top], "    $BODY", *rows[stop - top :]])
    entry: Entry = {
        "ensure": "wrap",
        "in": b.path,
        **of(owner),
        "statements": anchor(a, old[0]),
        "wrapper": wrapper,
    }
    yield ({**entry, "to": anchor(a, old[-1])} if len(old) > 1 else entry,)


def _flat(code: str) -> str:
    return "\n".join(line.strip() for line in bare_lines(code))


def _blocks(node: cst.CSTNode) -> Iterator[cst.IndentedBlock]:
    """Those of a compound statement and of its clauses, not of what stands in them."""
    for child in node.children:
        if isinstance(child, cst.IndentedBlock):
            yield child
        elif not isinstance(child, cst.BaseExpression):
            yield from _blocks(child)


# --- imports that became others


def imports(a: Source, b: Source, one: cst.CSTNode, other: cst.CSTNode) -> Iterator[Entries]:
    """The names that a from-import gained and lost."""
    old, new = _from(a, one), _from(b, other)
    if old is None or new is None or old[0] != new[0]:
        return
    path = a.path
    lines = [("import", name) for name in new[1] if name not in old[1]]
    lines += [("no-import", name) for name in old[1] if name not in new[1]]
    for under in ("", "TYPE_CHECKING"):
        for order in (1, -1):
            entries: list[Entry] = []
            for word, name in lines[::order]:
                extra = {"under": under} if under and word == "import" else {}
                entries.append(
                    {"ensure": word, "in": path, "import": f"from {old[0]} import {name}", **extra}
                )
            if entries:
                yield tuple(entries)


def _from(source: Source, node: cst.CSTNode) -> tuple[str, list[str]] | None:
    match node:
        case cst.SimpleStatementLine(body=[cst.ImportFrom(names=names) as found]) if not isinstance(
            names, cst.ImportStar
        ):
            module = "." * len(found.relative) + (source.code(found.module) if found.module else "")
            bare = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in names]
            return module, [cst.Module([]).code_for_node(alias) for alias in bare]
    return None
