"""The spans of everything in a TOML document.

tomllib says that the text is valid, so the scanner only has to find the edges.
It knows the grammar of TOML 1.1, where inline tables may have line ends.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from skills_engine.bounds import beyond
from skills_engine.data.errors import DataError
from skills_engine.data.text import Range, line_number

__all__ = ["Pair", "Section", "TomlValue", "parse", "scan"]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[^\s"\'.=\]#]+')
_SCALAR = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{1,2})?'
    r"|'''.*?'''(?:'{1,2})?"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\d{4}-\d\d-\d\d[Tt ]\d\d:[^\s,\]}#]*"
    r"|[^\s,\]}#]+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class TomlValue:
    """A value's range; `items` are an array's, `pairs` an inline table's."""

    start: int
    end: int
    kind: str
    items: tuple[TomlValue, ...] = ()
    pairs: tuple[Pair, ...] = ()

    @property
    def range(self) -> Range:
        return Range(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Pair:
    """`key = value`; a dotted key has several parts."""

    start: int
    key: tuple[str, ...]
    value: TomlValue

    @property
    def range(self) -> Range:
        return Range(self.start, self.value.end)


@dataclass(slots=True)
class Section:
    """A `[header]` and the pairs below it. `path` has the index of each array of tables in it; the
    root's is empty.
    """

    start: int
    header_end: int
    path: tuple[str | int, ...]
    pairs: list[Pair] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The end of the last pair, or of the header."""
        return self.pairs[-1].value.end if self.pairs else self.header_end


def parse(text: str) -> dict[str, Any]:
    """What the text says. Raises DataError with the line."""
    if why := beyond(text):
        raise DataError(why)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else line_number(text, len(text))
        raise DataError(f"line {line} is not TOML: {error}", lines=(line,)) from None


def scan(text: str) -> list[Section]:
    """The sections of a valid document, the root first."""
    sections = [Section(0, 0, ())]
    counts: dict[tuple[str | int, ...], int] = {}
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            start, double = at, text.startswith("[[", at)
            key, at = _key(text, at + 1 + double)
            at += 1 + double
            sections.append(Section(start, at, _resolve(key, counts, double=double)))
        else:
            pair, at = _pair(text, at)
            sections[-1].pairs.append(pair)
        at = _skip(text, at)
    return sections


def _resolve(
    key: tuple[str, ...], counts: dict[tuple[str | int, ...], int], *, double: bool
) -> tuple[str | int, ...]:
    path: tuple[str | int, ...] = ()
    for part in key[:-1]:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    path = (*path, key[-1])
    if double:
        counts[path] = counts.get(path, -1) + 1
        path = (*path, counts[path])
    return path


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _key(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """A key and the offset after it and the blanks behind it."""
    parts = []
    while True:
        at = _blank(text, at)
        found = _KEY.match(text, at)
        if found is None:
            raise DataError(
                f"line {line_number(text, at)} has no key", lines=(line_number(text, at),)
            )
        raw = found[0]
        parts.append(str(tomllib.loads(f"k = {raw}")["k"]) if raw[0] in "\"'" else raw)
        at = _blank(text, found.end())
        if text[at : at + 1] != ".":
            return tuple(parts), at
        at += 1


def _pair(text: str, at: int) -> tuple[Pair, int]:
    key, after = _key(text, at)
    value = _value(text, _blank(text, after + 1))
    return Pair(at, key, value), value.end


def _value(text: str, start: int) -> TomlValue:
    if text[start] == "[":
        items = []
        at = _skip(text, start + 1)
        while text[at] != "]":
            items.append(_value(text, at))
            at = _next(text, items[-1].end)
        return TomlValue(start, at + 1, "array", items=tuple(items))
    if text[start] == "{":
        pairs = []
        at = _skip(text, start + 1)
        while text[at] != "}":
            pair, at = _pair(text, at)
            pairs.append(pair)
            at = _next(text, at)
        return TomlValue(start, at + 1, "table", pairs=tuple(pairs))
    found = _SCALAR.match(text, start)
    if found is None:
        raise DataError(
            f"line {line_number(text, start)} has no value", lines=(line_number(text, start),)
        )
    return TomlValue(start, found.end(), "scalar")


def _next(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at
