"""The Python that an operation's keys hold: read strictly, compared by syntax.

Two pieces of code are the same if they differ in white space, comments, quotes,
redundant parentheses or trailing commas only.
"""

from __future__ import annotations

import ast
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from skills_engine.codemods.malformed import Malformed
from skills_engine.errors import Unparsable
from skills_engine.lines import bare_lines

if TYPE_CHECKING:
    from collections.abc import Callable

Node = TypeVar("Node")

__all__ = [
    "Unread",
    "argument",
    "bare",
    "element",
    "expression",
    "first_difference",
    "first_line",
    "normal_text",
    "one_line",
    "parse",
    "read",
    "same_argument",
    "same_code",
]


class Unread(Unparsable, SyntaxError):
    """Code that this Python cannot read: it is wrong, or written for a newer one."""

    def __init__(self, text: str, error: SyntaxError | ValueError) -> None:
        version = ".".join(map(str, sys.version_info[:2]))
        super().__init__(
            f"Python {version} cannot read `{first_line(text)}`: {error.args[0]}",
            hint="run skills with the Python that it is written for",
        )
        self.reason = str(error.args[0])


def parse(text: str) -> ast.Module:
    """What Python reads; raises Unread, which is a SyntaxError and the engine's own. Warnings about
    the code are its author's business, not ours.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError) as error:
            raise Unread(text, error) from None


def read(key: str, text: str, how: Callable[[str], Node | None], right: str) -> Node:
    """What `how` makes of a key's text; Malformed, with what would be right, where that is None or
    does not parse.
    """
    try:
        found = how(text.strip())
    except Unread as error:
        raise Malformed(key, f"{key!r} does not parse: {error.reason}", right) from None
    if found is None:
        raise Malformed(key, f"{key!r} is something else: {one_line(text)}", right)
    return found


def expression(key: str, text: str) -> ast.expr:
    """An expression: `Channel(1)`."""
    return read(key, text, _expression, "write one expression")


def element(key: str, text: str) -> ast.expr:
    """An element of a list: an expression, or one with a star before it."""
    return read(key, text, _element, "write one element")


def argument(key: str, text: str) -> ast.AST:
    """An argument of a call: `x`, `name=value`, `*args` or `**options`."""
    return read(
        key, text, _argument, "write one argument: `x`, `name=value`, `*args` or `**options`"
    )


def same_code(one: str, other: str) -> bool:
    """Whether two elements (or expressions) are the same code."""
    return one == other or _normal(one) == _normal(other)


def same_argument(one: str, other: str) -> bool:
    """Whether two arguments of calls are the same code."""
    try:
        found, wanted = _argument(one), _argument(other)
    except (SyntaxError, ValueError):
        return one == other
    return found is not None and wanted is not None and ast.dump(found) == ast.dump(wanted)


@lru_cache(maxsize=4096)
def normal_text(text: str) -> str:
    """An element's code as Python would print it: the same for the same code."""
    try:
        found = _element(text)
    except (SyntaxError, ValueError):
        return text
    return text if found is None else ast.unparse(found)


def first_line(text: str) -> str:
    """Source for a message of one line."""
    first, *more = bare_lines(text.strip()) or [""]
    return first.rstrip() + (" …" if more else "")


def first_difference(one: str, other: str) -> tuple[str, str]:
    """Two texts for a message of one line: the first line of each in which they differ."""
    a, b = bare_lines(one.strip()), bare_lines(other.strip())
    most = min(len(a), len(b)) - 1
    same = next((at for at in range(most) if a[at].strip() != b[at].strip()), max(most, 0))
    lead = "… " if same else ""
    return lead + first_line("\n".join(a[same:])), lead + first_line("\n".join(b[same:]))


def bare(text: str) -> str:
    """Code without the lines of comment above it."""
    lines = bare_lines(text.strip())
    first = next(
        (at for at, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines)
    )
    return "\n".join(lines[first:])


def one_line(text: str, width: int = 60) -> str:
    """Code short enough to be quoted in a message."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"


@lru_cache(maxsize=4096)
def _normal(text: str) -> str:
    try:
        found = _element(text)
    except (SyntaxError, ValueError):
        return text
    return text if found is None else ast.dump(found)


def _expression(text: str) -> ast.expr | None:
    found = _element(text)
    return None if isinstance(found, ast.Starred) else found


def _element(text: str) -> ast.expr | None:
    match parse(f"[{text}]").body:
        case [ast.Expr(value=ast.List(elts=[only]))] if not text.rstrip().endswith(","):
            return only
    return None


def _argument(text: str) -> ast.expr | ast.keyword | None:
    match parse(f"_({text})").body:
        case [ast.Expr(value=ast.Call(func=ast.Name(), args=args, keywords=keywords))]:
            found: list[ast.expr | ast.keyword] = [*args, *keywords]
            return found[0] if len(found) == 1 and not text.rstrip().endswith(",") else None
    return None
