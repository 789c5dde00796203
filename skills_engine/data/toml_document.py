"""TOML as a document that edits splice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.brackets import Brackets
from skills_engine.data.data_document import DataDocument
from skills_engine.data.errors import DataError
from skills_engine.data.path import UNSET, Path
from skills_engine.data.text import (
    TextSplice,
    drop_lines,
    indent_at,
    line_end,
    line_number,
    line_start,
    newline,
    splice,
)
from skills_engine.data.toml_scan import Pair, Section, TomlValue, parse, scan
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FoundValue", "TomlDocument", "brackets_of", "quoted"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class FoundValue:
    """A value, and the pair that it belongs to among those of its owner (or the index of an array's
    item).
    """

    value: TomlValue
    owner: Section | TomlValue
    index: int


@dataclass(frozen=True)
class TomlDocument(DataDocument):
    """A file of TOML."""

    @staticmethod
    def said(text: str) -> Any:
        return parse(text)

    @cached_property
    def sections(self) -> list[Section]:
        return scan(self.text)

    def find(self, path: Path) -> FoundValue | None:
        """Where a value (with its list elements as indices) is written; None for a table of
        headers.
        """
        for section in self.sections:
            if path[: len(section.path)] == section.path:
                found = _among(section, section.pairs, path[len(section.path) :])
                if found is not None:
                    return found
        return None

    def line(self, path: Path) -> tuple[int, ...]:
        found = self.find(path)
        starts = (
            [found.value.start] if found else [s.start for s in self.sections if s.path == path]
        )
        return tuple(line_number(self.text, start) for start in starts)

    def with_value(self, done: Path, missing: tuple[str, ...], value: Any) -> bytes:
        expected = paths.with_(self.data, (*done, *missing), value)
        return self.edited(self.insert(done, missing, value), expected)

    def with_other(self, path: Path, value: Any) -> bytes:
        found = self.find(path)
        if found is None:
            message = f"{paths.show(path)} is a table with a header of its own; name the keys in it"
            raise DataError(message, Outcome.DRIFTED, lines=self.line(path))
        new = TextSplice(found.value.start, found.value.end, render(value))
        return self.edited([new], paths.with_(self.data, path, value))

    def with_element(self, path: Path, there: list[Any], element: Any) -> bytes:
        found = self.find(path)
        if found is None:
            message = (
                f"{paths.show(path)} is an array of tables with headers; an element there is "
                "a table of its own"
            )
            raise DataError(message, Outcome.DRIFTED, lines=self.line((*path, 0)))
        new = brackets_of(found.value).insert(
            self.text, len(there), render(element), unit=_INDENT, spread=False, trailing=True
        )
        return self.edited(new, paths.with_(self.data, path, [*there, element]))

    def without(self, path: Path, *, prune: bool) -> bytes:
        """The tables that only its header or dotted key implied may go with it."""
        bare = splice(self.text, _merged(self.delete(path)))
        expected = paths.with_(self.data, path, UNSET)
        if not paths.same(_pruned(parse(bare), path[:-1]), _pruned(expected, path[:-1])):
            raise DataError("the edit would change more than its place", Outcome.DRIFTED)
        left = TomlDocument(self.bom, bare, parse(bare))
        for length in range(len(path) - 1, 0, -1) if prune else ():
            done, there, rest = left.follow(path[:length])
            if not rest:
                return left.without(done, prune=True) if there in ({}, []) else left.unchanged
        return left.unchanged

    def insert(self, done: Path, missing: Path, value: Any) -> list[TextSplice]:
        """The splices that put a value where `done` is there and the rest of the path is not."""
        for length in range(len(done), 0, -1):
            found = self.find(done[:length])
            if found is not None and found.value.kind == "table":
                key = (*done[length:], missing[0])
                return self._into_inline(found.value, key, paths.nested(missing[1:], value))
        whole = (*done, *missing)
        own = [s for s in self.sections if s.path == done]
        dotted = self._dotted(done)
        if dotted:
            section, number = dotted[-1]
            return [self._after_pair(section, number, whole[len(section.path) :], value)]
        if own and len(missing) == 1 and not (isinstance(value, dict) and value):
            return [self._into_section(own[-1], missing, value)]
        if isinstance(value, dict) and value:
            return [self._new_section(done, whole, value)]
        return [self._new_section(done, whole[:-1], {str(whole[-1]): value})]

    def _dotted(self, path: Path) -> list[tuple[Section, int]]:
        """The pairs whose dotted keys make the table at a path."""
        return [
            (section, number)
            for section in self.sections
            for number, pair in enumerate(section.pairs)
            if len(section.path) < len(path) and (*section.path, *pair.key)[: len(path)] == path
        ]

    def _into_inline(self, table: TomlValue, key: Path, value: Any) -> list[TextSplice]:
        brackets = brackets_of(table)
        new = f"{key_text(key)} = {render(value)}"
        return brackets.insert(
            self.text, len(brackets.items), new, unit=_INDENT, spread=False, trailing=False
        )

    def _after_pair(self, section: Section, number: int, key: Path, value: Any) -> TextSplice:
        pair = section.pairs[number]
        return self._line_after(pair.value.end, indent_at(self.text, pair.start), key, value)

    def _into_section(self, section: Section, key: Path, value: Any) -> TextSplice:
        if section.pairs:
            return self._after_pair(section, len(section.pairs) - 1, key, value)
        if section.path:
            return self._line_after(
                section.header_end, indent_at(self.text, section.start), key, value
            )
        line = f"{key_text(key)} = {render(value)}"
        eol = newline(self.text)
        if len(self.sections) > 1:
            at = self._comments_above(self.sections[1].start)
            return TextSplice(at, at, line + eol + eol)
        at = line_end(self.text, len(self.text.rstrip()))
        return TextSplice(at, at, eol + line) if self.text.strip() else TextSplice(0, 0, line + eol)

    def _line_after(self, offset: int, indent: str, key: Path, value: Any) -> TextSplice:
        at = line_end(self.text, offset)
        return TextSplice(at, at, f"{newline(self.text)}{indent}{key_text(key)} = {render(value)}")

    def _new_section(self, done: Path, path: Path, values: dict[str, Any]) -> TextSplice:
        eol = newline(self.text)
        header = key_text(tuple(part for part in path if isinstance(part, str)))
        lines = [
            f"[{header}]",
            *(f"{key_text((key,))} = {render(value)}" for key, value in values.items()),
        ]
        if not self.text.strip():
            return TextSplice(0, 0, eol.join(lines) + eol)
        kin = [n for n, s in enumerate(self.sections) if s.path[: len(done)] == done]
        last = kin[-1] if kin else len(self.sections) - 1
        if last == len(self.sections) - 1:
            at = line_end(self.text, len(self.text.rstrip()))
        else:
            at = line_end(self.text, self.sections[last].end)
            while self._is_comment(at):
                at = line_end(self.text, self.text.index("\n", at) + 1)
        following = self.text[at:].lstrip(" \r")[
            1:2
        ]  # a file that sets no tables apart gets none set apart
        gap = eol if not following or following in "\r\n" else ""
        return TextSplice(at, at, eol + gap + eol.join(lines))

    def _is_comment(self, end: int) -> bool:
        """Whether the line after a line end is a comment."""
        start = self.text.find("\n", end) + 1
        return start > 0 and self.text[start:].lstrip(" \t").startswith("#")

    def _comments_above(self, offset: int) -> int:
        at = line_start(self.text, offset)
        while at and self.text[line_start(self.text, at - 1) :].lstrip(" \t").startswith("#"):
            at = line_start(self.text, at - 1)
        return at

    def delete(self, path: Path) -> list[TextSplice]:
        """The splices that take a value out: a pair with its line, an item, or the headers of a
        table.
        """
        found = self.find(path)
        if found is None:
            below = [(s.start, s.end) for s in self.sections if s.path[: len(path)] == path]
            below += [
                (pair.start, pair.value.end)
                for section, number in self._dotted(path)
                for pair in [section.pairs[number]]
            ]
            if not below:
                raise DataError(
                    f"{paths.show(path)} is made of dotted keys; name those", Outcome.DRIFTED
                )
            return [drop_lines(self.text, start, end) for start, end in below]
        if isinstance(found.owner, TomlValue):
            return brackets_of(found.owner).remove(self.text, found.index)
        pair = found.owner.pairs[found.index]
        return [drop_lines(self.text, pair.start, pair.value.end)]


def render(value: Any) -> str:
    """A value on one line. Raises DataError for what TOML does not have: null, a key that is no
    text.
    """
    if isinstance(value, dict):
        inside = ", ".join(f"{key_text((key,))} = {render(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(render, value)) + "]"
    import tomlkit  # noqa: PLC0415 - 20 ms that only a new value costs

    try:
        return str(tomlkit.item(value).as_string())
    except tomlkit.exceptions.ConvertError:
        raise DataError(f"TOML has no way to write {value!r}") from None


def key_text(path: Path) -> str:
    """A dotted key, its parts in quotes where they need them."""
    return ".".join(part if _BARE.fullmatch(part) else quoted(part) for part in map(str, path))


def quoted(text: str) -> str:
    """A basic string. JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def brackets_of(value: TomlValue) -> Brackets:
    """An array or an inline table as a list in brackets."""
    return Brackets(
        value.start, value.end, tuple(each.range for each in (value.items or value.pairs))
    )


def _among(owner: Section | TomlValue, pairs: Sequence[Pair], path: Path) -> FoundValue | None:
    for index, pair in enumerate(pairs):
        if path and path[: len(pair.key)] == pair.key:
            found = _within(FoundValue(pair.value, owner, index), path[len(pair.key) :])
            if found is not None:
                return found
    return None


def _within(found: FoundValue, path: Path) -> FoundValue | None:
    if not path:
        return found
    value, part = found.value, path[0]
    if isinstance(part, int):
        return _within(FoundValue(value.items[part], value, part), path[1:])
    return _among(value, value.pairs, path)


def _pruned(data: Any, path: Path) -> Any:
    """`data` without the values on a path that are empty."""
    for length in range(len(path), 0, -1):
        done, there = paths.follow(data, path[:length])
        if len(done) == length and there in ({}, []):
            data = paths.with_(data, done, UNSET)
    return data


def _merged(splices: Sequence[TextSplice]) -> list[TextSplice]:
    """Deletions, those that touch or overlap made one."""
    merged: list[TextSplice] = []
    for each in sorted(splices):
        if merged and each.start <= merged[-1].end and not each.new:
            merged[-1] = TextSplice(merged[-1].start, max(each.end, merged[-1].end), "")
        else:
            merged.append(each)
    return merged
