"""The only writer to standard output and standard error: what is not the engine's own text is made
visible first.

A line is one line, whatever stands in it. Styles are given beside a text, never within it, so that
no data can set one.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from skills_engine.visible import in_json, one_line, several_lines

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Styled", "Words", "complain", "document", "progress", "say", "say_all"]

_STYLES = {
    "good": "32",
    "bad": "31",
    "name": "1",
    "dim": "2",
    "note": "33",
    "add": "32",
    "remove": "31",
}
_CONTINUED = "\n    "
"""How a message goes on: no line of its text can pass for another message."""


@dataclass(frozen=True, slots=True)
class Styled:
    """A part of a line in a style."""

    text: str
    style: str


Words = str | tuple[str | Styled, ...]
"""A line, or its parts."""


def say(words: Words, style: str = "") -> None:
    """One line on standard output."""
    parts = (Styled(words, style),) if isinstance(words, str) else words
    _print("".join(_part(part, sys.stdout) for part in parts))


def say_all(text: str) -> None:
    """Text of several lines on standard output."""
    _print(several_lines(text))


def document(text: str) -> None:
    """A JSON document on standard output."""
    _print(in_json(text))


def complain(text: str, *, style: str = "", whole: bool = False) -> None:
    """A message on standard error; its further lines are indented, unless it is a `whole` text."""
    shown = several_lines(text) if whole else several_lines(text).replace("\n", _CONTINUED)
    _tell(_in_style(shown, style, sys.stderr))


def progress() -> Callable[[str], None]:
    """A line for each step on standard error."""
    return lambda text: _tell(f"· {one_line(text)}")


def _tell(text: str) -> None:
    """On standard error; where nobody reads it any more, the operation goes on."""
    try:
        _write(sys.stderr, text)
    except BrokenPipeError:
        _hush(sys.stderr)


def _print(text: str) -> None:
    """On standard output; where nobody reads it any more, the program ends as git does."""
    try:
        _write(sys.stdout, text)
    except BrokenPipeError:
        _hush(sys.stdout)
        sys.exit(128 + signal.SIGPIPE)


def _hush(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _part(part: str | Styled, stream: TextIO) -> str:
    if isinstance(part, str):
        return one_line(part)
    return _in_style(one_line(part.text), part.style, stream)


def _in_style(shown: str, style: str, stream: TextIO) -> str:
    return f"\x1b[{_STYLES[style]}m{shown}\x1b[0m" if style and _coloured(stream) else shown


def _coloured(stream: TextIO) -> bool:
    """On a terminal, unless its owner asked for none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
