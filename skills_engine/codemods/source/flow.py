"""Statements behind which nothing of their block runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.syntax import flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["leaving", "takes_all", "word_of"]

_OWN_LOOP = cst.For | cst.While | cst.FunctionDef | cst.ClassDef | cst.Lambda


def leaving(block: cst.BaseSuite | cst.Module) -> tuple[int, cst.CSTNode] | None:
    """The first statement of a block behind which nothing runs, and its index in the flat block."""
    return _first(flatten(block))


def word_of(node: cst.CSTNode) -> str:
    """What a person calls such a statement."""
    kinds = {cst.If: "an if", cst.Try: "a try", cst.TryStar: "a try", cst.While: "an endless loop"}
    kinds |= {cst.Match: "a match", cst.Return: "a return", cst.Raise: "a raise"}
    return kinds.get(type(node), f"a {type(node).__name__.lower()}")


def takes_all(case: cst.MatchCase) -> bool:
    """Whether a `case` takes whatever comes."""
    match case.pattern:
        case cst.MatchAs(pattern=None) if case.guard is None:
            return True
    return False


def _first(nodes: Sequence[cst.CSTNode]) -> tuple[int, cst.CSTNode] | None:
    return next(((n, node) for n, node in enumerate(nodes) if _leaves(node)), None)


def _ends(block: cst.BaseSuite) -> bool:
    return leaving(block) is not None


def _leaves(node: cst.CSTNode) -> bool:
    match node:
        case cst.Return() | cst.Raise() | cst.Continue() | cst.Break():
            return True
        case cst.If(orelse=cst.If() as other):
            return _ends(node.body) and _leaves(other)
        case cst.If(orelse=cst.Else() as other):
            return _ends(node.body) and _ends(other.body)
        case cst.Try() | cst.TryStar():
            if node.finalbody is not None and _ends(node.finalbody.body):
                return True
            done = _ends(node.body) or (node.orelse is not None and _ends(node.orelse.body))
            return done and all(_ends(handler.body) for handler in node.handlers)
        case cst.While(test=cst.Name(value="True") | cst.Integer(value="1")):
            return not _breaks(node.body)
        case cst.Match():
            return takes_all(node.cases[-1]) and all(_ends(case.body) for case in node.cases)
    return False


def _breaks(node: cst.CSTNode) -> bool:
    """Whether a loop's body has a `break` of that loop."""
    if isinstance(node, cst.Break):
        return True
    if isinstance(node, cst.For | cst.While):
        return node.orelse is not None and _breaks(node.orelse)
    return not isinstance(node, _OWN_LOOP) and any(map(_breaks, node.children))
