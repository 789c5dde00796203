"""JSON: objects by key, arrays by element. Fits `Language` in file.py."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.split import split
from skills_engine.merge.core.structure import merge_trees
from skills_engine.merge.core.tree import Fixed, Node, Version, constant
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable

    from skills_engine.merge.core.chunks import Chunks
    from skills_engine.merge.core.tree import Ids

__all__ = ["broken", "doubt", "how", "merge"]

how = "data"

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ATOM = re.compile(r"[^\s,\]}]+")
_BLANK = re.compile(r"\s*")


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by keys and elements. Raises Unsupported for what is not JSON."""
    return merge_trees(_tree, base, ours, theirs, keeps=keeping, rules=Rules("merged.json"))


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result is not to be believed: it is no JSON, or has a key twice, where each side is
    fine.
    """
    if _mistake(ours) or _mistake(theirs):
        return ""
    return _mistake(result)


def broken(text: str) -> int:
    """The line at which a text is no JSON, or has a key again; 0 where there is none."""
    try:
        twice = _twice(text)
    except json.JSONDecodeError as error:
        return error.lineno
    if not twice:
        return 0
    places = re.finditer(rf"{re.escape(json.dumps(twice[0], ensure_ascii=False))}\s*:", text)
    return text.count("\n", 0, max((place.start() for place in places), default=0)) + 1


def _mistake(text: str) -> str:
    try:
        twice = _twice(text)
    except ValueError:
        return "the result would not be JSON"
    return f"{twice[0]} would stand twice" if twice else ""


def _twice(text: str) -> list[str]:
    """The keys that an object has more than once. Raises ValueError."""
    twice: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        twice.extend(key for key, n in Counter(key for key, _ in found).items() if n > 1)
        return dict(found)

    json.loads(text, object_pairs_hook=pairs)
    return twice


def _tree(text: str, ids: Ids) -> Node:
    if _mistake(text):
        raise Unsupported("a version is not JSON")
    version = Version(text, ids)
    value = _value(version, _skip(text, 0))
    return Node(version, 0, len(text), "file", value.sign, lambda: Fixed((value,)))


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _value(version: Version, at: int) -> Node:
    text, ids = version.text, version.ids
    if text[at] not in "[{":
        match = (_STRING if text[at] == '"' else _ATOM).match(text, at)
        if match is None:
            raise Unsupported("a version is not JSON")
        return Node(version, at, match.end(), "value", constant(ids.of(("value", match.group()))))
    start, keyed = at, text[at] == "{"
    elements: list[tuple[Node, Hashable, bool]] = []
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        node = _pair(version, at) if keyed else _value(version, at)
        key = node.shape.parts[0].text if isinstance(node.shape, Fixed) and keyed else None
        elements.append((node, ("key", key) if keyed else None, True))
        at = _skip(text, node.end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    sigs = tuple(node.sig for node, _, _ in elements)
    # The order of an object's keys means nothing, but a file that was only put in order has
    # changed.
    sig = ids.of(("object" if keyed else "array", sigs))
    seq = split(text, start + 1, at, elements, trailing=False)
    return Node(version, start, at + 1, "object" if keyed else "array", constant(sig), lambda: seq)


def _pair(version: Version, at: int) -> Node:
    text = version.text
    match = _STRING.match(text, at)
    if match is None:
        raise Unsupported("a version is not JSON")
    key = Node(version, at, match.end(), "key", constant(version.ids.of(("key", match.group()))))
    value = _value(version, _skip(text, text.index(":", match.end()) + 1))
    sig = version.ids.of(("pair", key.sig, value.sig))
    return Node(version, at, value.end, "pair", constant(sig), lambda: Fixed((key, value)))
