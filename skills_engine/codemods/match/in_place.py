"""Code put where a node stands: in parentheses where what is around demands them, and with quotes
that an f-string around bears.

Whether parentheses are needed is told not by a table, but by parsing with and without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.tokens import TOKEN
from skills_engine.codemods.source.syntax import extract, same
from skills_engine.parsing import parse_expression, parse_module
from skills_engine.types import Span

if TYPE_CHECKING:
    import re

    from skills_engine.codemods.source.source import Source

__all__ = ["in_place", "is_loose", "plain", "quoted_for"]

_ATOMS = (
    cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.BaseString, cst.List, cst.Set, cst.Dict,
    cst.ListComp, cst.SetComp, cst.DictComp, cst.Ellipsis,
)  # fmt: skip


def plain(source: Source, text: str) -> str:
    """Splices have `\\n` and get the file's line ends."""
    return text.replace(source.newline, "\n")


def is_loose(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression) and not isinstance(node, _ATOMS) and not node.lpar


def in_place(source: Source, node: cst.CSTNode, text: str) -> str:
    """The text, in parentheses if the code around would otherwise read it as something else."""
    text = quoted_for(source, node, text)
    if text.startswith("{") and _opens_a_field(source, node):
        text = f" {text}"  # two braces are the text of one
    span = source.span(node)
    around = (
        source.text(Span(max(0, span.start - 1), span.start)),
        source.text(Span(span.end, span.end + 1)),
    )
    glued = (around[0] + text[:1]).isidentifier() or (
        (text[-1:] + "_" + around[1]).isidentifier() and around[1]
    )
    try:
        atom = isinstance(parse_expression(text), _ATOMS) or text.startswith("(")
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        atom = False
    if atom and not glued and not text.startswith("("):
        return text
    plain, safe = _parse_around(source, node, text), _parse_around(source, node, f"({text})")
    if safe is None or (plain is not None and same(plain, safe)):
        return text
    return f"({text})"


def _opens_a_field(source: Source, node: cst.CSTNode) -> bool:
    """Whether a node stands right behind the brace of an f-string's field."""
    around = source.parents.get(node)
    while around is not None and not isinstance(around, cst.FormattedStringExpression):
        around = source.parents.get(around)
    start = source.span(node).start
    return around is not None and source.span(around.expression).start == start


def quoted_for(source: Source, node: cst.CSTNode, text: str) -> str:
    """Code that is to stand where a node stands: inside an f-string, its strings have the other
    quotes, as Pythons before 3.12 want it.
    """
    around: cst.CSTNode | None = node
    while around is not None and not isinstance(around, cst.FormattedString):
        around = source.parents.get(around)
    if around is None or len(around.end) > 1 or around.end not in text:
        return text
    if around.end in source.code(around)[len(around.start) : -1]:
        return text  # a file for Pythons that take the same
    other = "'" if around.end == '"' else '"'

    def requoted(found: re.Match[str]) -> str:
        quote, inside = found["quote"], found[0][1:-1]
        if quote != around.end or other in inside or "\\" in inside:
            return found[0]
        return f"{other}{inside}{other}"

    return TOKEN.sub(requoted, text)


def _parse_around(source: Source, node: cst.CSTNode, text: str) -> cst.Module | None:
    """The statement that holds a node, parsed with another text in its place."""
    statement = node
    while not isinstance(source.parents[statement], cst.IndentedBlock | cst.Module):
        statement = source.parents[statement]
    span, place = extract(source, [statement]), source.span(node)
    indent = source.text(Span(source.line_start(span.start), span.start))
    head = f"if 1:\n{indent}" if indent else ""
    code = (
        source.text(Span(span.start, place.start)) + text + source.text(Span(place.end, span.end))
    )
    try:
        return parse_module(head + plain(source, code) + "\n")
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return None
