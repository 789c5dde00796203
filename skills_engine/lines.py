"""Lines as git and Python's parser count them: a line feed ends one, and nothing else does.

`str.splitlines` also parts at form feeds, at Unicode's separators and at bare carriage returns,
which stand inside of lines; `bytes.splitlines` at the last of these.
"""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import AnyStr

__all__ = ["bare_lines", "split_lines"]


def split_lines(text: AnyStr) -> list[AnyStr]:
    """The lines with their ends; the last may have none."""
    if isinstance(text, bytes):
        return BytesIO(text).readlines()
    return StringIO(text, newline="\n").readlines()


def bare_lines(text: AnyStr) -> list[AnyStr]:
    """The lines without their ends, of which `\\r\\n` is one, too."""
    if isinstance(text, bytes):
        return [line.removesuffix(b"\n").removesuffix(b"\r") for line in split_lines(text)]
    return [line.removesuffix("\n").removesuffix("\r") for line in split_lines(text)]
