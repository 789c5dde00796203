"""Blocks: the extent of a statement with what belongs to it, and the place that new code takes in a
body.

A statement owns the comment lines directly above it (at its own indent, with no
blank line between, see `comments.py`) and the comments below it that are indented deeper. Blank
lines belong to nobody: a gap. Around definitions the gap is what the file has
everywhere (else two lines at module level, one inside), elsewhere none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.source.code import Snippet, body_indent, is_docstring
from skills_engine.codemods.source.comments import attached, file_comments, is_comment
from skills_engine.codemods.source.source import Edit, Source, Splice
from skills_engine.codemods.source.syntax import extract, flatten
from skills_engine.types import Span

if TYPE_CHECKING:
    from skills_engine.codemods.source.definitions import Body

__all__ = [
    "after_magic",
    "append",
    "block_of",
    "extent",
    "fill",
    "insert",
    "is_main_guard",
    "prologue",
    "remove",
    "whole_lines",
]

Near = Literal["before", "after", "end"]
_DEFINITION = cst.ClassDef | cst.FunctionDef


def extent(source: Source, body: Body, index: int) -> Span:
    """The whole lines of a statement in a body, with the comments that belong to it."""
    span = extract(source, [body.body[index]])
    start = source.line_start(span.start)
    indent = source.text(Span(start, span.start))
    floor = source.line_end(source.span(body.body[index - 1]).end) if index else _top(source, body)
    return Span(attached(source, start, floor), _below(source, span.end, indent))


def after_magic(source: Source) -> int:
    """Where the first lines end that must stay first: `#!`, the encoding (PEP 263), a licence."""
    return file_comments(source)


def block_of(source: Source, node: cst.CSTNode) -> tuple[Body, int] | None:
    """The body and index of a statement that begins a line of a block; None for what shares its
    line.
    """
    parent = source.parents[node]
    if isinstance(parent, cst.SimpleStatementLine) and parent.body[0] is node:
        node, parent = parent, source.parents[parent]
    if not isinstance(parent, cst.IndentedBlock | cst.Module):
        return None
    return parent, next(i for i, line in enumerate(parent.body) if line is node)


def insert(source: Source, body: Body, index: int, snippet: Snippet, *, near: Near) -> Edit:
    """Put code between the statements `index - 1` and `index` of a body; gaps are kept or made.

    It goes directly `before` the one or `after` the other, or to the `end`, below the comments that
    a body ends with.
    """
    before = body.body[index - 1] if index else None
    after = body.body[index] if index < len(body.body) else None
    size = habit(source, body, {after} if after else set())
    indent = body_indent(source, body)
    if near == "before" and after is not None:
        at = extent(source, body, index).start
        gap, enclosed = _gap_above(source, body, at)
        lead = max(0, apart(before, snippet.nodes[0], size, body) - gap) if enclosed else 0
        tail = apart(snippet.nodes[-1], after, size, body)
    else:
        at = extent(source, body, index - 1).end if before is not None else len(source.data)
        at = _trailing_comments(source, at, indent) if near == "end" else at
        _, enclosed = _gap_above(source, body, at)
        lead = apart(before, snippet.nodes[0], size, body) if enclosed else 0
        gap = _gap_below(source, at)
        tail = max(0, apart(snippet.nodes[-1], after, size, body) - gap) if after is not None else 0
    code = snippet.lines(indent, source.indent_unit)
    return Edit((whole_lines(source, at, "\n" * lead + code + "\n" * tail),))


def append(source: Source, body: Body, snippet: Snippet) -> Edit:
    """Put code at the end of a body."""
    return insert(source, body, len(body.body), snippet, near="end")


def fill(source: Source, node: cst.ClassDef | cst.FunctionDef, snippet: Snippet) -> Edit | None:
    """Put code in the place of a body that is only `pass` or `...` (and a docstring); None for any
    other body.
    """
    suite = node.body
    if isinstance(suite, cst.SimpleStatementSuite):
        if len(suite.body) != 1 or not _is_placeholder(suite.body[0]):
            return None
        start = source.span(suite.leading_whitespace).start
        end = source.span(suite).end
        semicolon = source.text(Span(end, source.span(suite.trailing_whitespace).start)).find(";")
        end += semicolon + 1
        indent = source.indent_at(source.span(node).start) + source.indent_unit
        code = snippet.lines(indent, source.indent_unit)
        return Edit((Splice(start, end, ""), whole_lines(source, source.line_end(end), code)))
    if not isinstance(suite, cst.IndentedBlock):
        return None
    *rest, last = suite.body
    if len(flatten(suite)) != len(rest) + 1 or not _is_placeholder(flatten(suite)[-1]):
        return None
    if rest and not (len(rest) == 1 and is_docstring(rest[0])):
        return None
    span = source.span(last)
    indent = body_indent(source, suite)
    at = Span(source.line_start(span.start), source.line_end(span.end))
    comment = source.text(Span(span.end, at.end)).strip().lstrip(";").strip()
    gap, _ = _gap_above(source, suite, at.start)
    size = habit(source, suite, set(), kind=type(node))
    lead = max(0, apart(rest[0], snippet.nodes[0], size, suite) - gap) if rest else 0
    code = (
        "\n" * lead
        + (f"{indent}{comment}\n" if comment else "")
        + snippet.lines(indent, source.indent_unit)
    )
    ends = source.data[at.start : at.end].endswith(b"\n")
    return Edit((Splice(at.start, at.end, code if ends else code.removesuffix("\n")),))


def unfolded(source: Source, node: cst.ClassDef | cst.FunctionDef) -> Source:
    """The file in which the body of `def f(): return 1` begins on a line of its own."""
    assert isinstance(node.body, cst.SimpleStatementSuite)  # noqa: S101 - what OneLine is raised for
    start = source.span(node.body.leading_whitespace).start
    indent = source.indent_at(source.span(node).start) + source.indent_unit
    end = source.span(node.body.body[0]).start
    made = source.splice([Splice(start, end, f"\n{indent}")])
    Source.check(source.path, source.original, made, "give the body a block")
    return Source.parse(source.path, made)


def remove(source: Source, body: Body, first: int, last: int) -> Edit:
    """Take the statements from index `first` to `last` out of a body, as if they had never been
    there.
    """
    start, end = extent(source, body, first).start, extent(source, body, last).end
    if first == 0 and last == len(body.body) - 1 and isinstance(body, cst.IndentedBlock):
        newline = "\n" if source.data[start:end].endswith(b"\n") else ""
        return Edit((Splice(start, end, body_indent(source, body) + "pass" + newline),))
    indent = body_indent(source, body)
    above, enclosed = _gap_above(source, body, start)
    below, down = _gap_below(source, end), _skip_blank(source, end)
    following = source.data[down : source.line_end(down)]
    at_end = not following or (last == len(body.body) - 1 and len(_indent(following)) < len(indent))
    up = start
    for _ in range(above):
        up = source.line_start(up - 1)
    before = body.body[first - 1] if first else None
    node = body.body[first]
    size = habit(source, body, set(body.body[first : last + 2]), inside=node)
    if not enclosed and not at_end:
        end = down
    elif at_end or above == apart(before, node, size, body) or (below != size and below >= above):
        start = up if enclosed else start
    else:
        end = down
    if end == len(source.data) and not source.data.endswith(b"\n") and start:
        start -= 2 if source.data[:start].endswith(b"\r\n") else 1
    return Edit((Splice(start, end, ""),))


def whole_lines(source: Source, at: int, text: str) -> Splice:
    """Insert lines at the start of a line, or after the last one whether or not it has a line
    end.
    """
    if at == len(source.data) and at and not source.data.endswith(b"\n"):
        return Splice(at, at, "\n" + text.removesuffix("\n"))
    return Splice(at, at, text)


def apart(one: cst.CSTNode | None, other: cst.CSTNode | None, size: int, body: Body) -> int:
    """How many blank lines belong between two neighbours, at least; `size` is the habit around
    definitions.
    """
    if isinstance(one, _DEFINITION) or isinstance(other, _DEFINITION):
        return size
    if (
        isinstance(body, cst.Module)
        and one is not None
        and _opens(one)
        and not (other is not None and _opens(other))
    ):
        return 1
    return 0


def habit(
    source: Source,
    body: Body,
    skip: set[cst.BaseStatement],
    *,
    kind: type[cst.CSTNode] | None = None,
    inside: cst.CSTNode | None = None,
) -> int:
    """The blank lines above definitions in a body, when they agree; else those in the file's other
    bodies of its kind.

    The gaps above `skip` and in what is `inside` a node are not counted.
    """
    found = _gaps(source, body, skip)
    if not found and isinstance(body, cst.IndentedBlock):
        owners = [d.node for d in source.definitions if isinstance(d.node, _DEFINITION)]
        kind = kind or next((type(o) for o in owners if o.body is body), None)
        within = source.span(inside) if inside is not None else Span(-1, -1)
        for owner in owners:
            apart_from = not within.start <= source.span(owner).start < within.end
            if type(owner) is kind and apart_from and isinstance(owner.body, cst.IndentedBlock):
                found |= _gaps(source, owner.body, skip)
    if len(found) == 1:
        return found.pop()
    return 2 if isinstance(body, cst.Module) else 1


def prologue(body: Body) -> int:
    """How many statements a body begins with that stay first: the docstring and, in a module,
    imports.
    """
    count = 0
    for statement in body.body:
        if not (
            _opens(statement)
            if isinstance(body, cst.Module)
            else count == 0 and is_docstring(statement)
        ):
            break
        count += 1
    return count


def is_main_guard(statement: cst.CSTNode) -> bool:
    """`if __name__ == "__main__":`"""
    match statement:
        case cst.If(test=cst.Comparison(left=cst.Name("__name__"), comparisons=[_])):
            return True
    return False


def _opens(statement: cst.CSTNode) -> bool:
    """Whether a module may begin with it: a docstring, imports, and blocks of nothing but
    imports.
    """
    match statement:
        case cst.Import() | cst.ImportFrom():
            return True
        case cst.SimpleStatementLine():
            return is_docstring(statement) or all(map(_opens, statement.body))
        case cst.If(test=test) if isinstance(test, cst.Name | cst.Attribute):
            return isinstance(statement.body, cst.IndentedBlock) and all(
                map(_opens, statement.body.body)
            )
        case cst.Try(body=cst.IndentedBlock(body=inner)):
            return all(map(_opens, inner))
    return False


def _is_placeholder(small: cst.CSTNode) -> bool:
    return isinstance(small, cst.Pass) or (
        isinstance(small, cst.Expr) and isinstance(small.value, cst.Ellipsis)
    )


def _gaps(source: Source, body: Body, skip: set[cst.BaseStatement]) -> set[int]:
    return {
        _gap_above(source, body, extent(source, body, i).start)[0]
        for i, node in enumerate(body.body)
        if i and isinstance(node, _DEFINITION) and node not in skip
    }


def _top(source: Source, body: Body) -> int:
    return source.span(body.header).end if isinstance(body, cst.IndentedBlock) else 0


def _gap_above(source: Source, body: Body, at: int) -> tuple[int, bool]:
    """The blank lines above an offset, and whether in this body anything is above them."""
    top, count = _top(source, body), 0
    while at > top:
        above = source.line_start(at - 1)
        if source.data[above:at].strip():
            return count, True
        at, count = above, count + 1
    return count, False


def _gap_below(source: Source, at: int) -> int:
    return source.data.count(b"\n", at, _skip_blank(source, at))


def _skip_blank(source: Source, at: int) -> int:
    """The start of the next line that is not blank."""
    while at < len(source.data):
        end = source.line_end(at)
        if source.data[at:end].strip():
            break
        at = end
    return at


def _below(source: Source, end: int, indent: str) -> int:
    """The end of the line that `end` is on, and of the comments below that are indented deeper than
    `indent`.
    """
    return _comments(source, source.line_end(end), len(indent) + 1)


def _trailing_comments(source: Source, at: int, indent: str) -> int:
    """The end of the comments below the last statement that still belong to its body."""
    return _comments(source, at, len(indent))


def _comments(source: Source, at: int, least: int) -> int:
    end = at
    while at < len(source.data):
        line = source.data[at : source.line_end(at)]
        if line.strip() and not (is_comment(line) and len(_indent(line)) >= least):
            break
        at += len(line)
        end = at if line.strip() else end
    return end


def _indent(line: bytes) -> str:
    return line[: len(line) - len(line.lstrip(b" \t"))].decode()
