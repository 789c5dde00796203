"""Finding the one call that an operation means, and the literal list that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.snippets import one_line, same_code
from skills_engine.codemods.source.syntax import children, extract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.source.source import Source

__all__ = ["argument_of", "calls_in", "find_call"]


def calls_in(source: Source, of: str, doing: str) -> list[cst.Call]:
    """The calls in a definition ('' is the module), in file order; those of definitions inside it
    left out.

    A function's decorators and defaults are its own, and so is the value of a variable.
    """
    root: cst.CSTNode = source.find(of, doing=doing).node if of else source.module
    return list(_calls(root, root))


def find_call(source: Source, of: str, callee: str, doing: str, nth: int = 0) -> cst.Call:
    """The one call of `callee` in a definition, or the `nth` (from 1). Raises CannotEnsure."""
    every = calls_in(source, of, doing)
    found = [call for call in every if same_code(source.text(extract(source, [call.func])), callee)]
    where = of or source.path
    if nth and len(found) >= nth:
        return found[nth - 1]
    if not nth and len(found) == 1:
        return found[0]
    if not nth and found:
        what = f"{where} calls {callee} {len(found)} times"
        raise source.ambiguous(doing, what, found, "say which with `nth`, counted from 1")
    if found:
        raise source.missing(doing, f"{where} calls {callee} {len(found)} times, not {nth}", found)
    for other in () if of else source.definitions:
        inside = [
            c
            for c in _calls(other.node, other.node)
            if same_code(source.text(extract(source, [c.func])), callee)
        ]
        if inside and other.kind in {"class", "function"}:
            what = f"{where} does not call {callee} itself, but in {other.qualname}"
            raise source.missing(doing, what, inside, f"name it: `of: {other.qualname}`")
    tail = callee.rpartition(".")[2]
    alike = [call for call in every if source.code(call.func).rpartition(".")[2] == tail]
    raise source.missing(doing, f"{where} does not call {callee}", alike or every)


def argument_of(source: Source, call: cst.Call, argument: str | int, doing: str) -> cst.Arg:
    """The argument of a call with that name, or at that index (from 0). Raises CannotEnsure."""
    name = str(argument)
    if name.isdecimal():
        positional = [arg for arg in call.args if arg.keyword is None and not arg.star]
        starred = [arg for arg in call.args if arg.star == "*"]
        if int(name) < len(positional) and not (
            starred and starred[0] in call.args[: int(name) + 1]
        ):
            return positional[int(name)]
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
    shown = one_line(source.code(call))
    raise source.missing(
        doing, f"{shown} has no argument {name}", [call], "add it with `ensure: argument`"
    )


def _calls(node: cst.CSTNode, root: cst.CSTNode) -> Iterator[cst.Call]:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, cst.ClassDef | cst.FunctionDef) and node is not root:
            continue
        if isinstance(node, cst.Call):
            yield node
        stack += reversed(children(node))
