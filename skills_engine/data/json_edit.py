"""Values in JSON, set and taken out again by splicing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.json_scan import JsonNode, parse, scan
from skills_engine.data.path import UNSET, Path
from skills_engine.data.proof import proved
from skills_engine.data.text import TextSplice, decode, indent_at, line_number, newline
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["JsonDocument", "ensure_element", "ensure_value", "remove", "remove_element"]

_FIRST_INDENT = re.compile(r"[{\[]\r?\n([ \t]+)")


@dataclass(frozen=True)
class JsonDocument:
    """One file: its text, and what it says."""

    bom: str
    text: str
    data: Any

    @classmethod
    def of(cls, data: bytes) -> JsonDocument:
        """Raises DataError with the line for what is not JSON."""
        bom, text = decode(data)
        return cls(bom, text, parse(text))

    @cached_property
    def root(self) -> JsonNode:
        return scan(self.text)

    @cached_property
    def unit(self) -> str:
        """A step of indentation; '' in a file that is all on one line."""
        found = _FIRST_INDENT.search(self.text)
        if found:
            return found[1].removeprefix(indent_at(self.text, found.start()))
        return "  " if "\n" in self.text.strip() or self.text.strip() in {"{}", "[]"} else ""

    def node(self, path: Path) -> JsonNode:
        node = self.root
        for part in path:
            node = node.items[part] if isinstance(part, int) else node.keys[part][1]
        return node

    def line(self, path: Path) -> tuple[int, ...]:
        return (line_number(self.text, self.node(path).start),)

    def render(self, value: Any, *, spread: bool) -> str:
        """A value as this file writes them, its further lines indented relative to the first."""
        indent = self.unit if spread and self.unit else None
        compact = (
            indent is None
            and re.search(r'[:,]["\d\[{]', self.text)
            and not re.search(r'[:,] ["\d\[{]', self.text)
        )
        separators = (",", ":") if compact else ("," if indent else ", ", ": ")
        try:
            return json.dumps(
                _plain(value),
                indent=indent,
                separators=separators,
                ensure_ascii="\\u" in self.text,
                allow_nan=False,
            )
        except (TypeError, ValueError):
            raise DataError(f"JSON has no way to write {value!r}") from None

    def add(self, done: Path, key: str | None, value: Any) -> list[TextSplice]:
        """The splices that add a key to an object, or with None an element to an array, at `done`;
        last.
        """
        node = self.node(done)
        brackets = node.brackets
        spread = brackets.spread(self.text) if brackets.items else bool(self.unit)
        new = self.render(value, spread=spread)
        if key is not None:
            new = self.render({key: None}, spread=False)[1:-5] + new
        return brackets.insert(
            self.text, len(brackets.items), new, unit=self.unit, spread=spread, trailing=False
        )

    def put(self, path: Path, value: Any) -> list[TextSplice]:
        """The splices that write a value over the one at a path."""
        node = self.node(path)
        spread = bool(self.unit) and (not path or self.node(path[:-1]).brackets.spread(self.text))
        new = self.render(value, spread=spread)
        return [
            TextSplice(
                node.start,
                node.end,
                new.replace("\n", newline(self.text) + indent_at(self.text, node.start)),
            )
        ]

    def take(self, path: Path) -> list[TextSplice]:
        """The splices that take a key or an element out."""
        parent = self.node(path[:-1])
        index = path[-1] if isinstance(path[-1], int) else list(parent.keys).index(path[-1])
        return parent.brackets.remove(self.text, index)

    def edited(self, splices: Sequence[TextSplice], expected: Any) -> bytes:
        """The bytes with the splices made. Raises DataError if they say anything but what is
        expected.
        """
        return (self.bom + proved(self.text, splices, expected, parse)).encode()


def ensure_value(
    data: bytes,
    path: str | Sequence[str | int],
    value: Any,
    *,
    was: Any = UNSET,
    replace: bool = False,
) -> bytes:
    """Set a value. A new key goes last in its object.

    Another value there is replaced if it is `was`, or with `replace`; otherwise DataError
    (DRIFTED).
    """
    doc = JsonDocument.of(data)
    parts = paths.split(path)
    value = _plain(value)
    done, there = paths.follow(doc.data, parts)
    if len(done) < len(parts):
        if was is not UNSET:
            raise DataError(
                f"there is no {paths.show(parts)}", Outcome.MISSING, lines=doc.line(done)
            )
        missing = tuple(str(part) for part in parts[len(done) :])
        inner = paths.nested(missing[1:], value)
        return doc.edited(
            doc.add(done, missing[0], inner), paths.with_(doc.data, (*done, missing[0]), inner)
        )
    try:
        if not paths.settle(done, there, value, was, replace=replace):
            return data
    except DataError as error:
        raise DataError(error.message, error.outcome, lines=doc.line(done)) from None
    return doc.edited(doc.put(done, value), paths.with_(doc.data, done, value))


def ensure_element(data: bytes, path: str | Sequence[str | int], element: Any) -> bytes:
    """Append an element to an array that does not have it; an array that is not there is made."""
    doc = JsonDocument.of(data)
    parts = paths.split(path)
    element = _plain(element)
    done, there = paths.follow(doc.data, parts)
    if len(done) < len(parts):
        return ensure_value(data, parts, [element])
    if not isinstance(there, list):
        raise DataError(
            f"{paths.show(done)} is {paths.kind(there)}, not a list",
            Outcome.DRIFTED,
            lines=doc.line(done),
        )
    if any(paths.same(each, element) for each in there):
        return data
    return doc.edited(
        doc.add(done, None, element), paths.with_(doc.data, (*done, len(there)), element)
    )


def remove(data: bytes, path: str | Sequence[str | int], *, prune: bool = False) -> bytes:
    """Take a value out; with `prune`, also the objects and arrays that this leaves empty."""
    doc = JsonDocument.of(data)
    done, _ = paths.follow(doc.data, paths.split(path))
    if len(done) < len(paths.split(path)) or not done:
        return data
    while prune and len(done) > 1 and len(paths.follow(doc.data, done[:-1])[1]) == 1:
        done = done[:-1]
    return doc.edited(doc.take(done), paths.with_(doc.data, done, UNSET))


def remove_element(
    data: bytes, path: str | Sequence[str | int], element: Any, *, prune: bool = False
) -> bytes:
    """Take an element out of an array; with `prune`, also the array if it is empty then."""
    doc = JsonDocument.of(data)
    parts = paths.split(path)
    done, there = paths.follow(doc.data, parts)
    if len(done) < len(parts) or not isinstance(there, list):
        return data
    index = next((n for n, each in enumerate(there) if paths.same(each, _plain(element))), None)
    return data if index is None else remove(data, (*done, index), prune=prune)


def _plain(value: Any) -> Any:
    """A value with text for keys, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
