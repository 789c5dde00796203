"""The syntax of a LibCST node, told from its layout.

Two nodes are the same code when they differ only in white space, comments,
quotes, redundant parentheses and trailing commas. Patterns compare by the same
parts, so this is the one place that says which they are.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from skills_engine.codemods.source.source import Source

__all__ = [
    "StatementUnit",
    "children",
    "descend",
    "docstring",
    "dotted_name",
    "every_parameter",
    "expressions",
    "extract",
    "flatten",
    "is_row_of_one",
    "paired",
    "parameters",
    "part",
    "parts",
    "same",
    "text_of",
    "units",
]

_LAYOUT = frozenset({
    "leading_lines", "lines_after_decorators", "leading_whitespace", "trailing_whitespace",
    "header", "footer", "indent", "lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace",
    "comma", "trailing_comma", "semicolon", "equal", "dot", "colon", "first_colon", "second_colon",
})  # fmt: skip
_NAME_ONLY = {
    cst.Attribute: {"attr"},
    cst.Arg: {"keyword"},
    cst.Param: {"name"},
    cst.FunctionDef: {"name"},
    cst.ClassDef: {"name"},
    cst.ImportFrom: {"module", "names"},
    cst.Import: {"names"},
    cst.Global: {"names"},
    cst.Nonlocal: {"names"},
    cst.ExceptHandler: {"name"},
    cst.MatchAs: {"name"},
    cst.MatchStar: {"name"},
    cst.MatchMapping: {"rest"},
    cst.MatchKeywordElement: {"key"},
}
"""Where a Name is a part of the syntax around it, not an expression of its own."""


@cache
def parts(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The fields of a node that are syntax."""
    keep = (
        {"equal"}
        if kind.__name__ in {"FormattedStringExpression", "TemplatedStringExpression"}
        else set()
    )
    names = [f.name for f in fields(kind)]
    if kind is cst.IfExp:
        names.sort(key="body test orelse".find)  # as they stand in the file
    if kind is cst.ClassDef:
        names.remove("keywords")  # see `part`
    if kind is cst.MatchClass:
        names.remove("kwds")  # see `part`
    return tuple(n for n in names if n in keep or not (n in _LAYOUT or n.startswith("whitespace")))


def part(node: cst.CSTNode, name: str) -> object:
    """The value of one of a node's `parts`. A class's bases have its keywords among them, as a
    call's arguments do; and so have a class pattern's.
    """
    if isinstance(node, cst.ClassDef) and name == "bases":
        return (*node.bases, *node.keywords)
    if isinstance(node, cst.MatchClass) and name == "patterns":
        return (*node.patterns, *node.kwds)
    return getattr(node, name)


@dataclass(frozen=True, slots=True)
class StatementUnit:
    """One statement as a reader counts them: `a; b` is two. `line` is the statement in the body
    that holds it.
    """

    node: cst.CSTNode
    line: cst.CSTNode
    first: bool = True
    last: bool = True

    @property
    def whole(self) -> bool:
        return self.first and self.last


def units(body: cst.BaseSuite | cst.Module) -> tuple[StatementUnit, ...]:
    """The statements of a block, of a one-line suite or of a module."""
    found: list[StatementUnit] = []
    if isinstance(body, cst.SimpleStatementSuite):
        return tuple(StatementUnit(small, body, first=False, last=False) for small in body.body)
    for line in body.body:
        if isinstance(line, cst.SimpleStatementLine):
            last = len(line.body) - 1
            found += [
                StatementUnit(small, line, i == 0, i == last) for i, small in enumerate(line.body)
            ]
        else:
            found.append(StatementUnit(line, line))
    return tuple(found)


def flatten(node: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    """The statements inside a suite; parameters in file order for Parameters."""
    if isinstance(node, cst.Parameters):
        return parameters(node)
    if isinstance(node, cst.BaseSuite | cst.Module):
        return tuple(unit.node for unit in units(node))
    return ()


def parameters(node: cst.Parameters) -> tuple[cst.CSTNode, ...]:
    """Parameters in file order, with `/` and a lone `*` as what they are."""
    found: list[cst.CSTNode] = [*node.posonly_params]
    if isinstance(node.posonly_ind, cst.ParamSlash):
        found.append(node.posonly_ind)
    found += node.params
    if isinstance(node.star_arg, cst.CSTNode):
        found.append(node.star_arg)
    found += node.kwonly_params
    if node.star_kwarg is not None:
        found.append(node.star_kwarg)
    return tuple(found)


def every_parameter(node: cst.Parameters) -> list[cst.Param]:
    """The parameters themselves, starred ones last."""
    starred = [p for p in (node.star_arg, node.star_kwarg) if isinstance(p, cst.Param)]
    return [*node.posonly_params, *node.params, *node.kwonly_params, *starred]


def text_of(node: cst.CSTNode) -> tuple[str, object] | None:
    """The value of a literal, so that `'a'` is `"a"` and `1_000` is `1000`; None for what is not
    one.
    """
    if isinstance(node, cst.SimpleString | cst.ConcatenatedString):
        value = node.evaluated_value
        return None if value is None else (type(value).__name__, value)
    if isinstance(node, cst.Integer):
        return ("int", node.evaluated_value)
    if isinstance(node, cst.FormattedStringText):
        return (
            "text",
            re.sub(
                r"\\(.)", lambda m: m[1] if m[1] in "'\"" else m[0], node.value, flags=re.DOTALL
            ),
        )
    return None


def same(one: object, other: object) -> bool:
    """Whether two nodes (or sequences, or fields of nodes) are the same code."""
    if isinstance(one, cst.CSTNode) and isinstance(other, cst.CSTNode):
        return _same_nodes(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def is_row_of_one(node: cst.CSTNode) -> bool:
    """Whether a node is `x[1,]`, which asks for the tuple of one: only there a trailing comma
    counts.
    """
    return (
        isinstance(node, cst.Subscript)
        and len(node.slice) == 1
        and isinstance(node.slice[0].comma, cst.Comma)
    )


def _same_nodes(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    if (value := text_of(one)) is not None:
        return value == text_of(other)
    if isinstance(one, cst.BaseSuite | cst.Module):
        return isinstance(other, cst.BaseSuite | cst.Module) and _same_statements(
            flatten(one), flatten(other)
        )
    if type(one) is not type(other):
        return False
    if isinstance(one, cst.Subscript) and is_row_of_one(one) != is_row_of_one(other):
        return False
    if isinstance(one, cst.Parameters):
        return same(flatten(one), flatten(other))
    if isinstance(one, cst.FormattedString) and isinstance(other, cst.FormattedString):
        return _prefix(one) == _prefix(other) and same(one.parts, other.parts)
    return all(same(part(one, name), part(other, name)) for name in parts(type(one)))


def _same_statements(one: Sequence[cst.CSTNode], other: Sequence[cst.CSTNode]) -> bool:
    if one and other:
        text, another = docstring(one[0]), docstring(other[0])
        if text is not None and another is not None:
            return text == another and same(one[1:], other[1:])
    return same(one, other)


def dotted_name(node: cst.CSTNode | None) -> str:
    """`a.b.c` for a chain of names, else ''."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (front := dotted_name(node.value)):
        return f"{front}.{node.attr.value}"
    return ""


def docstring(statement: cst.CSTNode) -> str | None:
    """What a string that stands as a statement says, its indent left out, as `inspect.getdoc`
    does.
    """
    match statement:
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString() as literal):
            value = literal.evaluated_value
            return inspect.cleandoc(value) if isinstance(value, str) else None
    return None


def _prefix(node: cst.FormattedString) -> str:
    return node.start.rstrip("'\"").lower()


def expressions(root: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """Every expression below `root` (itself included), names that are no expressions left out."""
    stack: list[cst.CSTNode] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.BaseExpression):
            yield node
        stack += reversed(children(node, _NAME_ONLY.get(type(node), frozenset())))


def descend(
    body: cst.BaseSuite | cst.Module, *, into: bool = False
) -> Iterator[cst.BaseSuite | cst.Module]:
    """A body and the blocks and one-line suites inside it; those of definitions only with
    `into`.
    """
    yield body
    stack: list[cst.CSTNode] = [unit.node for unit in reversed(units(body))]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.BaseSuite):
            yield node
            stack += [unit.node for unit in reversed(units(node))]
        elif isinstance(node, cst.ClassDef | cst.FunctionDef):
            if into:
                stack.append(node.body)
        elif not isinstance(node, cst.BaseSmallStatement | cst.BaseExpression):
            stack += reversed(children(node))


def children(node: cst.CSTNode, hidden: AbstractSet[str] = frozenset()) -> list[cst.CSTNode]:
    """The nodes among a node's parts, in order of place, but for those of the fields `hidden`."""
    return [
        below
        for name in parts(type(node))
        if name not in hidden
        for below in _nodes(part(node, name))
    ]


def paired(one: cst.CSTNode, other: cst.CSTNode) -> list[tuple[object, object]] | None:
    """The parts of two nodes of one class, each beside its like; None where a row of them is longer
    in one.
    """
    found: list[tuple[object, object]] = []
    for name in parts(type(one)):
        left, right = part(one, name), part(other, name)
        if isinstance(left, list | tuple) and isinstance(right, list | tuple):
            if len(left) != len(right):
                return None
            found += zip(left, right, strict=True)
        else:
            found.append((left, right))
    return found


def _nodes(value: object) -> list[cst.CSTNode]:
    if isinstance(value, cst.CSTNode):
        return [value]
    if isinstance(value, list | tuple):
        return [item for item in value if isinstance(item, cst.CSTNode)]
    return []


def extract(source: Source, nodes: Sequence[cst.CSTNode]) -> Span:
    """The bytes from the first node to the last: parentheses, decorators and defaults included."""
    return Span(_whole(source, nodes[0]).start, _whole(source, nodes[-1]).end)


def _whole(source: Source, node: cst.CSTNode) -> Span:
    span = source.span(node)
    start, end = span.start, span.end
    if isinstance(node, cst.ClassDef | cst.FunctionDef) and node.decorators:
        start = min(start, source.span(node.decorators[0]).start)
    if isinstance(node, cst.Param):
        tail = node.default or (node.annotation and node.annotation.annotation)
        end = _whole(source, tail).end if tail else end
    if isinstance(node, cst.BaseExpression) and node.lpar:
        start, end = source.span(node.lpar[0]).start, source.span(node.rpar[-1]).end
    return Span(start, end)
