"""Rule "undefined": names that are used and not defined, as pyflakes sees them."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skills_engine.check.scopes import Function
    from skills_engine.check.version import Parsed

__all__ = ["undefined"]


def undefined(parsed: Parsed, skip: Collection[Function] = ()) -> Iterator[Hit]:
    """Undefined names, locals used before they are set, and names in `__all__` that the module does
    not have.

    The bodies of the functions in `skip` are passed over: pyflakes is the most expensive of the
    rules.
    """
    # imported late: it costs some 20 ms, and most verbs check nothing
    from pyflakes import messages  # noqa: PLC0415
    from pyflakes.checker import Checker  # noqa: PLC0415

    if parsed.tree is None:
        return
    try:
        found = Checker(_without(parsed.tree, skip), filename=parsed.path).messages
    except (
        RecursionError
    ):  # Python compiles deeper nesting than pyflakes, written in Python, can walk
        return
    for message in sorted(found, key=lambda m: (m.lineno, m.col)):
        match message:
            case messages.UndefinedName():
                text = f"the name {message.message_args[0]!r} is not defined"
            case messages.UndefinedLocal():
                text = f"the local variable {message.message_args[0]!r} is used before it is set"
            case messages.UndefinedExport():
                text = (
                    f"__all__ names {message.message_args[0]!r}, which the module does not define"
                )
            case _:
                continue
        key = (type(message).__name__, str(message.message_args[0]))
        yield Hit(key, message.lineno, parsed.line(message.lineno), text)


def _without(tree: ast.Module, skip: Collection[Function]) -> ast.Module:
    """The module with the bodies of those of its functions and methods emptied."""
    if not skip:
        return tree

    def shorter(statement: ast.stmt) -> ast.stmt:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and statement in skip:
            emptied = copy.copy(statement)
            emptied.body = [ast.copy_location(ast.Pass(), statement)]
            return emptied
        if isinstance(statement, ast.ClassDef):
            smaller = copy.copy(statement)
            smaller.body = [shorter(inner) for inner in statement.body]
            return smaller
        return statement

    return ast.Module([shorter(statement) for statement in tree.body], tree.type_ignores)
