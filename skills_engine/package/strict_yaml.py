"""YAML with the line of every node, and without what surprises.

The scalars are those of YAML 1.2: `on`, `yes`, `1:30` and `2026-01-01` are text,
not true, true, 90 and a date as in YAML 1.1. Anchors, aliases, tags, duplicate
keys and several documents are mistakes. A number that would not be printed as
it is written (`1.10`, `0x1F`) is one too, wherever it may be meant as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from skills_engine.visible import hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.package.problems import Problems

__all__ = ["Items", "Keys", "Node", "Scalar", "check_seen", "kind", "parse", "text", "value"]

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_DEEPEST = 40
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_BASES = {"0o": 8, "0x": 16}
_LONGEST_NUMBER = 300
"""Python refuses to convert one of thousands of digits; nobody means a number by it."""
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Scalar:
    """`plain` is a scalar without quotes, whose looks decide its type."""

    line: int
    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    items: tuple[Node, ...]
    flow: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping; `items` has each key once, with its line."""

    line: int
    items: dict[str, tuple[int, Node]]
    flow: bool


Node = Scalar | Items | Keys


class _Unreadable(Exception):
    """What makes the rest of a block meaningless; the mistake is recorded."""


def parse(source: str, first_line: int, problems: Problems) -> Node | None:
    """The one document in a block whose first line is `first_line`, or None with the mistake
    recorded.

    An empty block is an empty plain scalar.
    """
    reader = _Reader(first_line, problems)
    try:
        return reader.document(yaml.parse(source, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        # The end of the block is where YAML gives up on a quote or bracket left open; the opening
        # is what helps.
        if (
            error.context_mark
            and error.problem_mark
            and error.problem_mark.index >= len(source.rstrip())
        ):
            line = error.context_mark.line
        what = ", ".join(part for part in (error.context, error.problem) if part)
        problems.add(first_line + line, f"this is not YAML: {what}", _advice(source, line))
    except yaml.YAMLError as error:
        problems.add(
            first_line,
            f"this is not YAML: {error}".splitlines()[0],
            "plain text, tabs and line ends only",
        )
    except _Unreadable:
        pass
    return None


def _advice(source: str, line: int) -> str:
    lines = source.split("\n")
    text = lines[line] if line < len(lines) else ""
    if "\t" in text:
        return "indent with spaces, not tabs"
    return (
        "put text that holds `: ` or ` #`, or begins with a special character, in quotes or "
        "after `|`"
    )


class _Reader:
    def __init__(self, first_line: int, problems: Problems) -> None:
        self.first = first_line
        self.problems = problems

    def document(self, events: Iterator[yaml.Event]) -> Node:
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return Scalar(self.first, "", plain=True)
        node = self.node(next(events), events, 0)
        next(events)
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            self.problems.add(
                self.line(event), "a second YAML document begins here", "one document in a block"
            )
        return node

    def line(self, event: yaml.Event) -> int:
        return self.first + (event.start_mark.line if event.start_mark else 0)

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        line = self.line(event)
        if depth > _DEEPEST:
            self.problems.add(
                line, f"this is nested deeper than {_DEEPEST} levels", "a flatter shape"
            )
            raise _Unreadable
        if isinstance(event, yaml.AliasEvent):
            self.problems.add(
                line, f"the alias *{event.anchor} stands for something else", "write the value out"
            )
            raise _Unreadable
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise AssertionError(f"{event} begins no node")
        if event.anchor is not None:
            self.problems.add(
                line, f"the anchor &{event.anchor} names a value for later", "leave it out"
            )
        if event.tag is not None:
            self.problems.add(line, f"the tag {event.tag} sets a type by name", "leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(line, event.value, plain=not event.style)
        flow = bool(event.flow_style)
        if isinstance(event, yaml.MappingStartEvent):
            return Keys(line, self.keys(events, depth), flow)
        items = []
        while not isinstance(following := next(events), yaml.SequenceEndEvent):
            items.append(self.node(following, events, depth + 1))
        return Items(line, tuple(items), flow)

    def keys(self, events: Iterator[yaml.Event], depth: int) -> dict[str, tuple[int, Node]]:
        keys: dict[str, tuple[int, Node]] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.node(event, events, depth + 1)
            item = self.node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self.problems.add(key.line, f"a key is {kind(key)}", "keys are text")
            elif key.text in keys:
                self.problems.add(
                    key.line,
                    f"the key {key.text!r} stands here a second time",
                    f"keep one; the first is in line {keys[key.text][0]}",
                )
            else:
                keys[key.text] = (key.line, item)
        return keys


def check_seen(node: Node, problems: Problems) -> None:
    """Record each text that has, by way of an escape, a character that cannot be seen."""
    match node:
        case Items(items=items):
            for item in items:
                check_seen(item, problems)
        case Keys(items=keys):
            for key, (line, item) in keys.items():
                check_seen(Scalar(line, key, plain=True), problems)
                check_seen(item, problems)
        case Scalar(line=line, text=words) if (found := hidden(words)) is not None:
            what = f"the character U+{ord(found):04X} cannot be seen"
            problems.add(line, what, "leave it out, so that the text is what it looks like")


def kind(node: Node) -> str:
    """What a node is, for a message."""
    match node:
        case Items():
            return "a list"
        case Keys():
            return "a mapping"
    match _resolve(node):
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case _:
            return "text"


def text(node: Node) -> str | None:
    """A scalar as it is written; None for what is no text: a list, a mapping, empty, true or
    false.
    """
    if not isinstance(node, Scalar):
        return None
    return None if node.plain and (node.text in _NULL or node.text in _BOOL) else node.text


def value(node: Node, problems: Problems) -> Any:
    """A node as plain data: dict, list, str, int, float, bool, None."""
    match node:
        case Items(items=items):
            return [value(item, problems) for item in items]
        case Keys(items=keys):
            return {key: value(item, problems) for key, (_, item) in keys.items()}
        case Scalar():
            resolved = _resolve(node)
            if type(resolved) in {int, float} and str(resolved) != node.text:
                problems.add(
                    node.line,
                    f"{node.text} is the number {resolved}, which reads otherwise",
                    f'write "{node.text}" for the text, or {resolved}',
                )
            return resolved


def _resolve(node: Scalar) -> str | int | float | bool | None:
    """The core schema of YAML 1.2.2, section 10.3."""
    word = node.text
    if not node.plain:
        return word
    if word in _NULL:
        return None
    return _BOOL[word] if word in _BOOL else _number(word)


def _number(word: str) -> str | int | float:
    if len(word) > _LONGEST_NUMBER:
        return word
    if _INT.fullmatch(word):
        return int(word, _BASES.get(word[:2], 10))
    if _FLOAT.fullmatch(word):
        return float(word)
    return float(word.replace(".", "")) if _NOT_FINITE.fullmatch(word) else word
