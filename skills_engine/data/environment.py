"""`.env.example`: the keys that a program reads, each under a comment that says what it is."""

from __future__ import annotations

import re

from skills_engine.data.errors import DataError
from skills_engine.data.text import BOM, TextSplice, decode, line_end, newline, splice
from skills_engine.lines import bare_lines, split_lines

__all__ = ["ensure", "is_name", "keys", "remove"]

_ENTRY = re.compile(r"[ \t]*(#[ \t]*)?(?:export[ \t]+)?(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[^\s#'\"\\$`]*")


def ensure(data: bytes | None, key: str, value: str = "", comment: str = "") -> bytes:
    """Add `KEY=value` under its comment, last; one that is there, also commented out, stays as it
    is.

    A blank line comes before it if the file separates its entries so. None is a file that is not
    there yet. Raises DataError for a name that no shell takes.
    """
    if not is_name(key):
        raise DataError(f"{key!r} is no name of an environment variable")
    bom, text = decode(data or b"")
    if key in keys(text):
        return data or b""
    lines = _block(key, value, comment)
    if not text.strip():
        return (bom + "".join(line + newline(text) for line in lines) + text).encode()
    eol = newline(text)
    at = line_end(text, len(text.rstrip()))
    gap = eol if _separated(split_lines(text), commented=bool(comment)) else ""
    return (bom + splice(text, [TextSplice(at, at, eol + gap + eol.join(lines))])).encode()


def is_name(key: str) -> bool:
    return _NAME.fullmatch(key) is not None


def remove(data: bytes, key: str, comment: str = "") -> bytes:
    """Take out what `ensure` added: the line, that comment if it is above, and the blank line that
    set them apart.
    """
    bom, text = decode(data)
    lines = split_lines(text)
    found = next(
        (
            n
            for n, line in enumerate(lines)
            if _key_of(line) == key and not line.lstrip().startswith("#")
        ),
        None,
    )
    if found is None:
        return data
    start, end = found, found + 1
    above = [line.rstrip("\r\n") for line in lines[:found]]
    wanted = _block(key, "", comment)[:-1]
    if wanted and above[-len(wanted) :] == wanted:
        start -= len(wanted)
    blank_after = end == len(lines) or not lines[end].strip()
    if start and not lines[start - 1].strip() and blank_after:
        start -= 1
    before, after = "".join(lines[:start]), "".join(lines[end:])
    if not after and not lines[-1].endswith("\n"):
        before = before.removesuffix("\n").removesuffix("\r")
    return (bom + before + after).encode()


def keys(text: str) -> tuple[str, ...]:
    """The keys of a file, in its order, those that are commented out included."""
    return tuple(key for line in split_lines(text.removeprefix(BOM)) if (key := _key_of(line)))


def _key_of(line: str) -> str:
    found = _ENTRY.match(line)
    return found["key"] if found else ""


def _block(key: str, value: str, comment: str) -> list[str]:
    if not _PLAIN.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        value = f"'{value}'" if "'" not in value and "\n" not in value else f'"{escaped}"'
    return [*(f"# {line}".rstrip() for line in bare_lines(comment.strip())), f"{key}={value}"]


def _separated(lines: list[str], *, commented: bool) -> bool:
    """Whether a blank line stands before most entries (with the comments above them)."""
    gaps: list[bool] = []
    for number, line in enumerate(lines):
        if not _key_of(line):
            continue
        start = number
        while start and lines[start - 1].lstrip().startswith("#") and not _key_of(lines[start - 1]):
            start -= 1
        if start:
            gaps.append(not lines[start - 1].strip())
    if not gaps:
        return commented or not any(map(_key_of, lines))  # a heading is no comment on the first key
    return 2 * sum(gaps) > len(gaps)
