"""Text as it lies in a file: a byte order mark, line ends, indentation; and splices into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from skills_engine.data.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BOM",
    "Range",
    "TextSplice",
    "decode",
    "drop_lines",
    "indent_at",
    "line_break_before",
    "line_end",
    "line_number",
    "line_start",
    "newline",
    "splice",
]

BOM = "\ufeff"


class Range(NamedTuple):
    """A half-open range of characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, order=True)
class TextSplice:
    """Replace the characters from `start` to `end` by `new`."""

    start: int
    end: int
    new: str


def decode(data: bytes) -> tuple[str, str]:
    """A file's byte order mark ('' or one) and its text. Raises DataError for what is not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"line {line} is not UTF-8", lines=(line,)) from None
    return (BOM, text[1:]) if text.startswith(BOM) else ("", text)


def splice(text: str, splices: Iterable[TextSplice]) -> str:
    """The text with the splices made. They must not overlap; those at one offset go in as they are
    given.
    """
    out: list[str] = []
    at = 0
    for each in sorted(splices, key=lambda s: (s.start, s.end)):
        if each.start < at:
            raise ValueError(f"splices overlap at {each.start}")
        out += [text[at : each.start], each.new]
        at = each.end
    return "".join([*out, text[at:]])


def newline(text: str) -> str:
    """The line end that most lines have."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf > text.count("\n") - crlf else "\n"


def line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The offset of the line end after `offset`, or of the end of the text."""
    found = text.find("\n", offset)
    if found < 0:
        return len(text)
    return found - 1 if found > offset and text[found - 1] == "\r" else found


def line_break_before(text: str, offset: int) -> int:
    """The offset of the line end that the line of `offset` comes after, or 0 on the first line."""
    start = line_start(text, offset)
    return line_end(text, text.rfind("\n", 0, max(start - 1, 0)) + 1) if start else 0


def drop_lines(text: str, start: int, end: int) -> TextSplice:
    """Take out the lines from that of `start` to that of `end`, and a blank line if they stood
    between two.

    The ends of the file count as blank lines.
    """
    first, last = line_start(text, start), line_end(text, end)
    following = line_end(text, after) if (after := _past_break(text, last)) < len(text) else after
    blank_after = not text[after:following].strip()
    if first == 0:
        return TextSplice(
            0, _past_break(text, following) if blank_after and text[after:].strip() else after, ""
        )
    before = line_break_before(text, first)
    if blank_after and not text[line_start(text, before) : before].strip():
        if line_start(text, before) == 0:
            return TextSplice(0, after, "")
        before = line_break_before(text, before)
    return TextSplice(before, last, "")


def _past_break(text: str, end: int) -> int:
    """The offset after the line end that begins at `end`, if one does."""
    return end + (2 if text.startswith("\r\n", end) else text.startswith("\n", end))


def line_number(text: str, offset: int) -> int:
    """The line (from 1) that an offset is on."""
    return text.count("\n", 0, offset) + 1


def indent_at(text: str, offset: int) -> str:
    """The white space that the line of `offset` begins with."""
    line = text[line_start(text, offset) : line_end(text, offset)]
    return line[: len(line) - len(line.lstrip(" \t"))]
