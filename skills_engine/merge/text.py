"""Bytes as text with `\\n` line ends, and back: encoding, byte order mark, line ends and the very
last one merge on their own.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache
from string import printable

__all__ = ["FileText", "Form", "encoding_of"]

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
    encoding: str = "utf-8"

    @classmethod
    def merged(cls, base: Form, ours: Form, theirs: Form) -> Form:
        """What one side changed; ours where both did."""
        newline = theirs.newline if ours.newline == base.newline else ours.newline
        bom = theirs.bom if ours.bom == base.bom else ours.bom
        ends = theirs.ends if ours.ends == base.ends else ours.ends
        encoding = theirs.encoding if ours.encoding == base.encoding else ours.encoding
        return cls(newline, bom, ends, encoding)

    def lines(self, text: str) -> bytes:
        """A part of a file as bytes. Raises UnicodeEncodeError for what the encoding lacks."""
        whole = text.replace("\n", "\r\n") if self.newline == "\r\n" else text
        return whole.encode(self.encoding)

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
    def decode(cls, path: str, data: bytes) -> FileText | None:
        """None for what is binary, or not in the encoding that the file is to have."""
        encoding = encoding_of(path, data)
        if b"\0" in data or not _is_like_ascii(encoding):
            return None
        try:
            text = data.decode(encoding)
            if text.encode(encoding) != data:
                return None
        except UnicodeError:
            return None
        bom = text.startswith("\ufeff")
        text = text.removeprefix("\ufeff")
        unix = text.replace("\r\n", "\n")
        if "\r" in unix or 0 != text.count("\r\n") != text.count("\n"):
            return cls(text, Form("", bom, encoding=encoding))
        ends = unix.endswith("\n") or not unix
        newline = "\n" if unix == text else "\r\n"
        return cls(unix if ends else unix + "\n", Form(newline, bom, ends, encoding))


def encoding_of(path: str, data: bytes) -> str:
    """What a Python file says of its encoding in its first two lines, by the codec's name; UTF-8
    where nothing is said, and for ASCII. Empty for a name that no codec has.
    """
    match = _COOKIE.match(data) if path.endswith((".py", ".pyi")) else None
    if match is None:
        return "utf-8"
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except LookupError:
        return ""
    return "utf-8" if name == "ascii" else name


@cache
def _is_like_ascii(encoding: str) -> bool:
    """Whether what git and Python look for (line ends, quotes, names) are the bytes of ASCII."""
    try:
        return encoding != "" and printable.encode("ascii").decode(encoding) == printable
    except (UnicodeError, LookupError):
        return False
