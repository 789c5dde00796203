"""Bytes as text with `\\n` line ends, and back: byte order mark, line ends and the very last one
merge on their own.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

__all__ = ["FileText", "Form", "declares_encoding"]

_COOKIE = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


@dataclass(frozen=True, slots=True)
class Form:
    """How a text becomes bytes. `newline` is "" where line ends are mixed: then the text has them
    as they are.

    `ends` says whether the last line has its end, which the text always has.
    """

    newline: str
    bom: bool
    ends: bool = True

    @classmethod
    def merged(cls, base: Form, ours: Form, theirs: Form) -> Form:
        """What one side changed; ours where both did."""
        newline = theirs.newline if ours.newline == base.newline else ours.newline
        bom = theirs.bom if ours.bom == base.bom else ours.bom
        return cls(newline, bom, theirs.ends if ours.ends == base.ends else ours.ends)

    def lines(self, text: str) -> bytes:
        """A part of a file as bytes."""
        return (text.replace("\n", "\r\n") if self.newline == "\r\n" else text).encode("utf-8")

    def file(self, text: str) -> bytes:
        """A whole file as bytes."""
        return (codecs.BOM_UTF8 if self.bom else b"") + self.lines(
            text if self.ends else text.removesuffix("\n")
        )


@dataclass(frozen=True, slots=True)
class FileText:
    """A file's text and form."""

    text: str
    form: Form

    @classmethod
    def decode(cls, data: bytes) -> FileText | None:
        """None for what is binary or not UTF-8."""
        if b"\0" in data:
            return None
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return None
        bom = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        unix = text.replace("\r\n", "\n")
        if "\r" in unix or 0 != text.count("\r\n") != text.count("\n"):
            return cls(text, Form("", bom))
        ends = unix.endswith("\n") or not unix
        return cls(unix if ends else unix + "\n", Form("\n" if unix == text else "\r\n", bom, ends))


def declares_encoding(data: bytes) -> bool:
    """Whether a Python file names an encoding other than UTF-8 in its first two lines."""
    match = _COOKIE.match(data)
    return match is not None and match[1].lower().replace(b"_", b"-") not in {
        b"utf-8",
        b"utf8",
        b"ascii",
        b"us-ascii",
    }
