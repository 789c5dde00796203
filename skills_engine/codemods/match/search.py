"""The search for a pattern, and the words when it is not found."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.metavariables import MANY, ONE
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.syntax import descend, extract, parameters, units
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.match.pattern import Pattern
    from skills_engine.codemods.source.source import Source
    from skills_engine.errors import CannotEnsure

__all__ = ["left_over", "near", "no_match", "parameter_named", "scope", "whole_scope"]

Owner = cst.ClassDef | cst.FunctionDef
Suite = cst.BaseSuite | cst.Module
_WORD = re.compile(r"(?<![$.\w])[A-Za-z_]\w*|(?<=\w\.)[A-Za-z_]\w*")
_COMMON = frozenset(
    {
        "if",
        "else",
        "elif",
        "for",
        "in",
        "while",
        "with",
        "as",
        "class",
        "return",
        "async",
        "not",
        "self",
    }
)


def scope(source: Source, selector: str, doing: str) -> tuple[Owner | None, Suite]:
    """The class or function with that qualified name and its body; None and the module for ''."""
    if not selector:
        return None, source.module
    node = source.find(selector, "class", "function", doing=doing).node
    assert isinstance(node, Owner)  # noqa: S101 - what find was asked for
    return node, node.body


def whole_scope(source: Source, selector: str, doing: str) -> cst.CSTNode:
    """The definition with that qualified name, or the module for ''."""
    return source.find(selector, doing=doing).node if selector else source.module


def near(source: Source, root: cst.CSTNode, pattern: Pattern) -> Sequence[cst.CSTNode]:
    """The statements in a scope, those of nested definitions included, that share most names with a
    pattern.
    """
    words = set(_WORD.findall(pattern.text)) - _COMMON
    place = Span(0, len(source.data)) if root is source.module else extract(source, [root])
    ranked = []
    for block in descend(source.module, into=True):
        for unit in units(block):
            start = source.span(unit.node).start
            shared = len(words & set(re.findall(r"\w+", source.place(unit.node).text)))
            if shared and place.start <= start < place.end:
                ranked.append((-shared, start, unit.node))
    return [node for _, _, node in sorted(ranked, key=lambda r: r[:2])[:5]]


def left_over(source: Source, root: cst.CSTNode, pattern: Pattern) -> Sequence[cst.CSTNode]:
    """The nodes in a scope that are like a pattern which nothing matches: of its kind, with all its
    names. Of a pattern of several statements each must have one; none where one has not.
    """
    found: list[cst.CSTNode] = []
    for part in pattern.nodes:
        words = _names(cst.Module([]).code_for_node(part))
        alike = [
            node
            for node in _below(root)
            if isinstance(node, type(part)) and words <= _names(source.code(node))
        ]
        if not alike:
            return []
        found += alike
    return found


def _names(code: str) -> set[str]:
    words = set(re.findall(r"[^\W\d]\w*", code)) - set(keyword.kwlist)
    return {word for word in words if not word.startswith((ONE, MANY))}


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    yield node
    for child in node.children:
        yield from _below(child)


def no_match(
    source: Source, root: cst.CSTNode, pattern: Pattern, where: str, doing: str
) -> CannotEnsure:
    """The refusal for a pattern that nothing matches."""
    alike = near(source, root, pattern)
    hint = (
        "see whether one of these is meant"
        if alike
        else "read the code there, and mend the pattern"
    )
    return source.missing(
        doing, f"nothing in {where} matches `{first_line(pattern.text)}`", alike, hint
    )


def parameter_named(source: Source, function: cst.FunctionDef, name: str, doing: str) -> cst.Param:
    """The parameter, `*` and `**` ones included."""
    params = [p for p in parameters(function.params) if isinstance(p, cst.Param)]
    for param in params:
        if param.name.value == name.lstrip("*"):
            return param
    raise source.missing(
        doing, f"{function.name.value} has no parameter {name}", params or [function]
    )
