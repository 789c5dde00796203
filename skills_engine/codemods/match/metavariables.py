"""Metavariables: how they are written in a source, and what they are to the parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = [
    "ANYTHING",
    "MANY",
    "ONE",
    "SPELLED",
    "Metavariable",
    "core",
    "find_metavariables",
    "is_many",
    "is_named",
    "lone",
    "replace_metavariables",
    "variable_of",
]


_LEXEME = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"{3}|'{3}|["'])
                    (?:\\.|(?!(?P=quote)).)*(?P=quote))
      | (?P<word>\w+)
      | (?P<open>[\[({])
      | (?P<close>[\])}])
      | (?P<equals>(?<![=!<>:])=(?!=))
      | \$(?P<dots>\.\.\.)?(?P<name>[A-Za-z_]\w*)?""",
    re.VERBOSE | re.DOTALL,
)


_IN_FSTRING = re.compile(r"(?<!\{)\{\$(?P<name>[A-Za-z_]\w*)(?=[}!:=.])")


ONE = "metavariable_one_"


MANY = "metavariable_many_"
"""How `$X` and `$...X` are spelled for the parser: identifiers that nobody has."""


SPELLED = re.compile(rf"(?P<stars>\*\*)?\b(?P<kind>{ONE}|{MANY})(?P<name>\w+)\b")


ANYTHING = "_"


@dataclass(frozen=True, slots=True)
class Metavariable:
    """`$name` or `$...name` in a source, from character `start` to `end`; `unpacked`, where the
    parser takes many only as `**`: in a dict, and after a keyword.
    """

    name: str
    many: bool
    start: int
    end: int
    unpacked: bool = False

    @property
    def identifier(self) -> str:
        return (MANY if self.many else ONE) + self.name


def find_metavariables(text: str) -> tuple[Metavariable, ...]:
    """The metavariables of a source in order; what is in comments and strings is none, but `{$X}`
    in an f-string is.
    """
    found: list[Metavariable] = []
    brackets: list[str] = []
    keywords: list[bool] = []
    for lexeme in _LEXEME.finditer(text):
        if lexeme["open"]:
            brackets.append(lexeme["open"])
            keywords.append(False)
        elif lexeme["close"]:
            del brackets[-1:], keywords[-1:]
        elif lexeme["string"] and "f" in lexeme["prefix"].lower():
            at = lexeme.start()
            for inner in _IN_FSTRING.finditer(lexeme["string"]):
                found.append(
                    Metavariable(inner["name"], False, at + inner.start() + 1, at + inner.end())
                )
        elif lexeme["equals"] and brackets[-1:] == ["("]:
            keywords[-1] = True
        elif lexeme[0].startswith("$"):
            name = lexeme["name"] or (ANYTHING if lexeme["dots"] else "")
            if name:
                starred = text[: lexeme.start()].endswith("**")
                late = brackets[-1:] == ["("] and (keywords[-1] or starred)
                unpacked = (brackets[-1:] == ["{"] or late) and not starred
                found.append(
                    Metavariable(name, bool(lexeme["dots"]), lexeme.start(), lexeme.end(), unpacked)
                )
    return tuple(found)


def replace_metavariables(text: str, new: Sequence[str]) -> str:
    """The source with its metavariables, in order, replaced."""
    out: list[str] = []
    at = 0
    for variable, replacement in zip(find_metavariables(text), new, strict=True):
        out += [text[at : variable.start], replacement]
        at = variable.end
    return "".join([*out, text[at:]])


def core(node: cst.CSTNode) -> cst.CSTNode:
    """The expression that an argument, element, parameter or statement consists of, if it is
    nothing else.
    """
    match node:
        case cst.Expr(value=inner) | cst.Element(value=inner) | cst.StarredDictElement(value=inner):
            return inner
        case cst.Arg(keyword=None, star="**", value=inner) | cst.Param(star="**", name=inner):
            return inner if is_named(inner, MANY) else node
        case cst.Arg(keyword=None, star="", value=inner) | cst.WithItem(asname=None, item=inner):
            return inner
        case (
            cst.Param(annotation=None, default=None, name=inner)
            | cst.ImportAlias(asname=None, name=inner)
        ):
            return inner
        case cst.MatchSequenceElement(value=inner) | cst.MatchOrElement(pattern=inner):
            return core(inner)
        case cst.MatchAs(pattern=None, name=cst.Name() as inner):
            return inner if is_named(inner, (ONE, MANY)) else node
        case (
            cst.SubscriptElement(slice=cst.Index(star=None, value=inner))
            | cst.Decorator(decorator=inner)
        ):
            return inner
    return node


def is_named(node: cst.CSTNode, kinds: str | tuple[str, ...]) -> bool:
    return isinstance(node, cst.Name) and node.value.startswith(kinds)


def variable_of(node: cst.CSTNode) -> tuple[str, bool] | None:
    """Name and manyness of the metavariable that a Name stands for."""
    if isinstance(node, cst.Name) and node.value.startswith((ONE, MANY)):
        many = node.value.startswith(MANY)
        return node.value[len(MANY if many else ONE) :], many
    return None


def lone(node: cst.CSTNode) -> str:
    """The name of the metavariable that is all of a statement; '' for any other."""
    variable = variable_of(core(node))
    return variable[0] if variable else ""


def is_many(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Name | cst.MatchAs):  # outside a sequence
        return False
    variable = variable_of(core(node))
    return variable is not None and variable[1]
