"""JSON, TOML and YAML, judged: paths of keys with their values, elements of lists, comments."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import yaml

from skills_engine.judge.doubt import Bags, Doubt, undue
from skills_engine.judge.sequence import reversals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["doubts"]

_COMMENT = re.compile(r"^[ \t]*(#[^\n]*)|^[^\n\"'#]*[ \t](#[^\n]*)", re.MULTILINE)
Fact = tuple[str, str]
"""A path, and the value there. A list's path ends with [], and has all its elements; that of a text
of several lines ends with |, and has all its lines.
"""


def doubts(kind: str, base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt]:
    """What a result has not as the three versions make it due. `kind` is "json", "toml",
    "yaml" or ''. A version that cannot be read allows no judgement.
    """
    texts = (base, ours, theirs, result)
    if kind != "json":
        for comment, counts in undue([Counter(_comments(text)) for text in texts]):
            yield Doubt("com", comment, "", counts)
        yield from _parted([Counter(_remarks(text)) for text in texts])
        yield from _passed([[row.strip() for row in text.split("\n")] for text in texts])
    if kind:
        yield from _of_trees(kind, texts)


def _of_trees(kind: str, texts: tuple[str, str, str, str]) -> Iterator[Doubt]:
    read = _READERS[kind]
    try:
        trees = [read(text) for text in texts[:3]]
    except ValueError:
        return
    try:
        trees.append(read(texts[3]))
    except ValueError:
        yield Doubt("syntax", "the result", "", says=f"would be no {kind.upper()}")
        return
    rows: list[dict[str, list[str]]] = [{} for _ in trees]
    bags = [Counter(_facts(tree, "", row)) for tree, row in zip(trees, rows, strict=True)]
    changed = [{path for path, _ in (bags[0] - side) + (side - bags[0])} for side in bags[1:3]]
    for (path, value), counts in undue(bags):
        joined = value[:1] in "{[" and all(path in paths for paths in changed)
        if path.endswith("|") or not joined:
            yield Doubt("edge", value, path, counts)
    yield from _lists(rows)
    for mine, his in ((1, 2), (2, 1)):
        for path in _deeper(trees[0], trees[mine]):
            if rows[his].get(path) != rows[0].get(path):
                yield Doubt("place", path, "", says="has its elements one level down in one side")


def _lists(rows: list[dict[str, list[str]]]) -> Iterator[Doubt]:
    """Lists have their elements in the order that the sides gave them, and none twice."""
    for path, found in rows[3].items():
        lists = [row.get(path, []) for row in rows]
        if all(len(set(row)) == len(row) for row in lists):
            for one, other in reversals(lists):
                yield Doubt("order", one, path, says=f"would stand before {other}")
        elif len(found) != len(set(found)) and not any(len(set(r)) < len(r) for r in lists[:3]):
            yield Doubt("twice", path, "", says="would have an element twice")


def _facts(value: object, path: str, rows: dict[str, list[str]]) -> Iterator[Fact]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _facts(inner, f"{path}.{key}".lstrip("."), rows)
    elif isinstance(value, list):
        names = [json.dumps(each, sort_keys=True, default=str) for each in value]
        rows.setdefault(f"{path}[]", []).extend(names)
        yield path, "[]"
        for name, each in zip(names, value, strict=True):
            yield f"{path}[]", name
            if isinstance(each, dict | list):
                yield from _within(each, f"{path}[]")
    elif isinstance(value, str) and "\n" in value.rstrip("\n"):  # line by line, as in Python
        lines = value.split("\n")
        rows.setdefault(f"{path}|", []).extend(lines)
        yield path, "text"
        for line in lines:
            yield f"{path}|", line
    elif path or value not in (None, {}):  # a document without anything holds nothing
        yield path, "{}" if value == {} else json.dumps(value, default=str)


def _within(element: object, path: str) -> Iterator[Fact]:
    """The values within an element of a list, whichever element it is and however deep."""
    if isinstance(element, dict | list):
        keys = element if isinstance(element, dict) else [""] * len(element)
        values = element.values() if isinstance(element, dict) else element
        for key, inner in zip(keys, values, strict=True):
            yield from _within(inner, f"{path}.{key}" if key else path)
    else:
        yield path, json.dumps(element, default=str)


def _deeper(base: object, side: object, path: str = "") -> Iterator[str]:
    """The paths of lists all of whose elements a side put into other ones there."""
    if isinstance(base, dict) and isinstance(side, dict):
        for key in base.keys() & side.keys():
            yield from _deeper(base[key], side[key], f"{path}.{key}".lstrip("."))
    elif isinstance(base, list) and isinstance(side, list) and base:
        rows = [each for each in side if isinstance(each, list)]
        rows += [list(each.values()) for each in side if isinstance(each, dict)]
        if all(each not in side and any(each in row for row in rows) for each in base):
            yield f"{path}[]"


def _passed(rows: list[list[str]]) -> Iterator[Doubt]:
    """Comments that stand on the other side of a line than whoever wrote them had it."""
    often = {row for text in rows for row, n in Counter(text).items() if n > 1}
    for one, other in reversals([[row for row in text if row not in often] for text in rows]):
        if "#" in (one[0], other[0]):
            yield Doubt("com", one, "", says=f"would stand before {other}")


def _parted(bags: Bags[tuple[str, str]]) -> Iterator[Doubt]:
    """Comments that nobody touched and that stand above another line."""
    for (comment, below), n in bags[0].items():
        if n == bags[1][comment, below] == bags[2][comment, below] != bags[3][comment, below]:
            yield Doubt("com", comment, "", says=f"would no longer stand above {below}")


def _remarks(text: str) -> Iterator[tuple[str, str]]:
    """Comments of their own lines, each with the next line."""
    rows = [row.strip() for row in text.split("\n") if row.strip()]
    return ((one, two) for one, two in pairwise(rows) if one.startswith("#"))


def _comments(text: str) -> Iterator[str]:
    for match in _COMMENT.finditer(text):
        yield (match[1] or match[2]).rstrip()


def _yaml(text: str) -> object:
    """The documents of a YAML text, scalars with their tags. Raises ValueError."""
    try:
        documents = list(yaml.compose_all(text, _Loader))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error
    read = [_node(document) for document in documents]
    return read[0] if len(read) == 1 else {str(at): each for at, each in enumerate(read)}


class _Loader(yaml.SafeLoader):
    """It lets a document use an anchor again for another node, as YAML does."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if not self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            self.anchors.pop(getattr(event, "anchor", None), None)
        return super().compose_node(parent, index)


def _node(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return _mapping([(_key(key), _node(value)) for key, value in node.value])
    if isinstance(node, yaml.SequenceNode):
        return [_node(value) for value in node.value]
    return f"{node.tag.rpartition(':')[2]} {node.value}"


def _key(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else yaml.serialize(node)


def _mapping(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Keys with their values; a key that is there again has a number."""
    met = Counter[str]()
    found: dict[str, object] = {}
    for key, value in pairs:
        met[key] += 1
        found[key if met[key] == 1 else f"{key} ({met[key]})"] = value
    return found


_READERS: dict[str, Callable[[str], object]] = {
    "json": partial(json.loads, object_pairs_hook=_mapping),
    "toml": tomllib.loads,
    "yaml": _yaml,
}
