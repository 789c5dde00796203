"""Attributes that a string names beside their owner: `getattr(app, "run")`, `patch.object(App,
"run")`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.syntax import dotted_name
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["attributes_named"]

_NAMING = frozenset({"getattr", "setattr", "hasattr", "delattr"})
"""Functions, and methods of pytest's monkeypatch, that take an object and an attribute's name."""

_OF_ANY = frozenset({"attrgetter", "methodcaller"})
"""Functions of `operator` that take the names of attributes of whatever comes later."""


def attributes_named(
    call: cst.Call, span: Callable[[cst.CSTNode], Span]
) -> Iterator[tuple[cst.BaseExpression, cst.Name, Span | None]]:
    """The owner (`...` where it may be anything) and the name of each attribute that a call names;
    with its bytes, where it is in a string.
    """
    function = dotted_name(call.func)
    plain = [a.value for a in call.args if a.keyword is None and not a.star]
    if function.endswith("patch.multiple") and plain:
        for argument in call.args:
            if argument.keyword is not None:
                yield plain[0], argument.keyword, None
    elif function.rpartition(".")[2] in _NAMING or function.endswith(("patch.object", "spy")):
        match plain[:2]:
            case [owner, cst.SimpleString() as literal]:
                if (found := _named(literal, span)) is not None:
                    yield owner, *found
    elif function.rpartition(".")[2] in _OF_ANY:
        texts = [value for value in plain if isinstance(value, cst.SimpleString)]
        for literal in texts[:1] if function.endswith("methodcaller") else texts:
            if (found := _named(literal, span)) is not None:
                yield cst.Ellipsis(), *found


def _named(
    literal: cst.SimpleString, span: Callable[[cst.CSTNode], Span]
) -> tuple[cst.Name, Span] | None:
    """The name that a string is, and its bytes between the quotes."""
    name = literal.raw_value
    if literal.evaluated_value != name or not name.isidentifier():
        return None
    start = span(literal).start + len(literal.prefix) + len(literal.quote)
    return cst.Name(name), Span(start, start + len(name.encode()))
