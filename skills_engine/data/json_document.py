"""JSON as a document that edits splice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skills_engine.data import path as paths
from skills_engine.data.data_document import DataDocument
from skills_engine.data.errors import DataError
from skills_engine.data.json_scan import JsonNode, parse, scan
from skills_engine.data.path import UNSET, Path
from skills_engine.data.text import TextSplice, indent_at, line_number, newline

__all__ = ["JsonDocument"]

_FIRST_INDENT = re.compile(r"[{\[]\r?\n([ \t]+)")


@dataclass(frozen=True)
class JsonDocument(DataDocument):
    """A file of JSON."""

    @staticmethod
    def said(text: str) -> Any:
        return parse(text)

    @staticmethod
    def plain(value: Any) -> Any:
        """A value with text for keys, as JSON has them."""
        if isinstance(value, dict):
            return {str(key): JsonDocument.plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [JsonDocument.plain(each) for each in value]
        return value

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
                self.plain(value),
                indent=indent,
                separators=separators,
                ensure_ascii="\\u" in self.text,
                allow_nan=False,
            )
        except (TypeError, ValueError):
            raise DataError(f"JSON has no way to write {value!r}") from None

    def with_value(self, done: Path, missing: tuple[str, ...], value: Any) -> bytes:
        inner = paths.nested(missing[1:], value)
        expected = paths.with_(self.data, (*done, missing[0]), inner)
        return self.edited(self._added(done, missing[0], inner), expected)

    def with_other(self, path: Path, value: Any) -> bytes:
        node = self.node(path)
        spread = bool(self.unit) and (not path or self.node(path[:-1]).brackets.spread(self.text))
        indent = newline(self.text) + indent_at(self.text, node.start)
        new = self.render(value, spread=spread).replace("\n", indent)
        expected = paths.with_(self.data, path, value)
        return self.edited([TextSplice(node.start, node.end, new)], expected)

    def with_element(self, path: Path, there: list[Any], element: Any) -> bytes:
        expected = paths.with_(self.data, path, [*there, element])
        return self.edited(self._added(path, None, element), expected)

    def without(self, path: Path, *, prune: bool) -> bytes:
        path = self.emptied(path) if prune else path
        parent = self.node(path[:-1])
        index = path[-1] if isinstance(path[-1], int) else list(parent.keys).index(path[-1])
        splices = parent.brackets.remove(self.text, index)
        return self.edited(splices, paths.with_(self.data, path, UNSET))

    def _added(self, done: Path, key: str | None, value: Any) -> list[TextSplice]:
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
