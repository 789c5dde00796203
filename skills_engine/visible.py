"""Foreign text made fit to be read: what a terminal would obey, and what an eye would miss, becomes
visible.

Whatever the engine did not write itself (names, titles, descriptions, file names, contents, what
programs print) passes here on its way to a terminal, a commit message or a page. A character that
moves the cursor, changes the direction of writing or has no width is written as its number, as
Python and JSON write it: `\\x1b`, `\\u202e`, `\\U000e0041`.
"""

from __future__ import annotations

import re

__all__ = ["hidden", "in_json", "one_line", "several_lines"]

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and line feed, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5"  # soft hyphen, joiners, fillers
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, bidi, separators
    "\u2800\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb"  # blanks that are letters, selectors
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and variation selectors: whole texts can be hidden in them
    "\ud800-\udfff"  # halves of pairs: bytes of file names that are no UTF-8
    "]"
)

_OF_PROSE = "\xad\u200c\u200d"


def several_lines(text: str) -> str:
    """Text of several lines: line feeds and tabs stay."""
    return _HIDDEN.sub(_number, text)


def one_line(text: str) -> str:
    """Text that must stay in its line: a line feed in it is made visible, too."""
    return several_lines(text).replace("\n", "\\n")


def hidden(text: str) -> str | None:
    """The first character that would be made visible and has no place in prose, or None: joiners
    and soft hyphens have one.
    """
    found = (match[0] for match in _HIDDEN.finditer(text))
    return next((char for char in found if char not in _OF_PROSE), None)


def in_json(document: str) -> str:
    """A JSON document that means the same, and has no such character in it."""
    return _HIDDEN.sub(lambda match: _json(ord(match[0])), document)


def _number(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json(code: int) -> str:
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
