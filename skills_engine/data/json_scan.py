"""The spans of everything in a JSON document. The json module says that the text is valid; this
finds the edges.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from skills_engine.bounds import beyond
from skills_engine.data.brackets import Brackets
from skills_engine.data.errors import DataError
from skills_engine.data.text import Range, line_number
from skills_engine.types import Outcome

__all__ = ["JsonNode", "parse", "scan"]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_OTHER = re.compile(r"[^\s,\]}]+")


@dataclass(slots=True)
class JsonNode:
    """A value's place. An object's `keys` are by name, each with its range from the key to the end
    of the value.
    """

    start: int
    end: int
    items: list[JsonNode] = field(default_factory=list)
    keys: dict[str, tuple[int, JsonNode]] = field(default_factory=dict)

    @property
    def brackets(self) -> Brackets:
        pairs = [Range(start, value.end) for start, value in self.keys.values()]
        items = [Range(item.start, item.end) for item in self.items]
        return Brackets(self.start, self.end, tuple(pairs or items), comment="")


def parse(text: str) -> Any:
    """What the text says. Raises DataError with the line; AMBIGUOUS for an object with a key
    twice.
    """
    if why := beyond(text):
        raise DataError(why)
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise DataError(
            f"line {error.lineno} is not JSON: {error.msg}", lines=(error.lineno,)
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the key {twice!r} is there twice", Outcome.AMBIGUOUS)
    return found


def scan(text: str) -> JsonNode:
    """The tree of a valid document, which `parse` found to be within the bounds."""
    return _value(text, _skip(text, 0))


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, start: int) -> JsonNode:
    if text[start] not in "[{":
        found = (_STRING if text[start] == '"' else _OTHER).match(text, start)
        if found is None:
            line = line_number(text, start)
            raise DataError(f"line {line} is not JSON", lines=(line,))
        return JsonNode(start, found.end())
    node = JsonNode(start, start)
    at = _skip(text, start + 1)
    while text[at] not in "]}":
        if text[start] == "{":
            key = _value(text, at)
            value = _value(text, _skip(text, _skip(text, key.end) + 1))
            node.keys[json.loads(text[key.start : key.end])] = (key.start, value)
        else:
            value = _value(text, at)
            node.items.append(value)
        at = _skip(text, value.end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    node.end = at + 1
    return node
