"""The spans of everything in a YAML document, from the events of ruamel.yaml's parser."""

from __future__ import annotations

import copy
import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from skills_engine.bounds import beyond
from skills_engine.data.errors import DataError
from skills_engine.data.path import show
from skills_engine.data.text import line_number
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.events import Event

__all__ = ["Tagged", "YamlNode", "load", "scan"]

_TAGS = "tag:yaml.org,2002:"
_PROPERTIES = re.compile(r"(?:[&!]\S*|#[^\n]*|\s)*")
_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*[ \t]*\Z")
_EXPANDED = 200_000


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag that is none of the core ones, or that does not read as its tag says."""

    tag: str
    value: Any


@dataclass(slots=True)
class YamlNode:
    """A value's place. `start` may lie after its tag; `first` is where its content begins; `end` is
    after its text.

    `at` is the offset after the `:` or `-` that it follows. A mapping's `children` are keys and
    values in turn.
    """

    kind: Literal["scalar", "mapping", "sequence", "alias"]
    start: int
    first: int
    end: int
    tag: str
    value: str = ""
    style: str = ""
    flow: bool = False
    anchor: str = ""
    at: int = 0
    children: list[YamlNode] = field(default_factory=list)

    @property
    def pairs(self) -> list[tuple[YamlNode, YamlNode]]:
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    @property
    def block(self) -> bool:
        return self.kind in {"mapping", "sequence"} and not self.flow

    @property
    def null(self) -> bool:
        return self.kind == "scalar" and self.tag == _TAGS + "null"

    @property
    def is_text(self) -> bool:
        return self.kind == "scalar" and self.tag == _TAGS + "str"


def scan(text: str) -> YamlNode | None:
    """The tree of the one document in a text, or None. Raises DataError with the line."""
    if why := beyond(text, indented=True):
        raise DataError(why)
    yaml = YAML(typ="safe", pure=True)
    try:
        events = list(yaml.parse(text))
        documents = [event for event in events if isinstance(event, DocumentStartEvent)]
        if len(documents) > 1:
            line = documents[1].start_mark.line + 1
            raise DataError("the file holds several documents", Outcome.AMBIGUOUS, lines=(line,))
        remaining = iter(events)
        for event in remaining:
            if isinstance(event, DocumentStartEvent):
                return _node(text, next(remaining), remaining, yaml.resolver)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise DataError(
            f"line {line} is not YAML: {error.problem or error.context}", lines=(line,)
        ) from None
    except ReaderError as error:
        line = line_number(text, error.position)
        raise DataError(f"line {line} is not YAML: {error.reason}", lines=(line,)) from None
    except YAMLError as error:
        raise DataError(f"not YAML: {error}") from None
    except RecursionError:
        raise DataError("nested too deeply") from None
    return None


def load(text: str, root: YamlNode | None) -> Any:
    """What a tree says, as JSON would have it: mappings have text keys. Raises DataError for a key
    that is twice.
    """
    return _Loader(text).load(root) if root is not None else None


def _node(text: str, event: Event, events: Iterator[Event], resolver: Any) -> YamlNode:
    start, end = event.start_mark.index, event.end_mark.index
    match event:
        case AliasEvent():
            return YamlNode("alias", start, start, end, "", str(event.anchor))
        case ScalarEvent():
            tag = (
                str(event.tag)
                if event.tag
                else str(resolver.resolve(ScalarNode, event.value, event.implicit))
            )
            node = YamlNode(
                "scalar",
                start,
                start,
                end,
                tag,
                event.value,
                event.style or "",
                anchor=event.anchor or "",
            )
            node.end = _scalar_end(text, node)
            return node
        case MappingStartEvent() | SequenceStartEvent():
            sequence = isinstance(event, SequenceStartEvent)
            found = _PROPERTIES.match(text, start)
            first = found.end() if found else start
            tag = str(event.tag) if event.tag else _TAGS + ("seq" if sequence else "map")
            node = YamlNode(
                "sequence" if sequence else "mapping",
                start,
                first,
                first,
                tag,
                anchor=event.anchor or "",
            )
            node.flow = bool(event.flow_style)
            for inner in events:
                if isinstance(inner, MappingEndEvent | SequenceEndEvent):
                    node.end = inner.end_mark.index if node.flow else node.end
                    return node
                child = _node(text, inner, events, resolver)
                child.at = _after_indicator(text, node, child)
                if (
                    child.start >= child.end and child.kind == "scalar"
                ):  # the parser has it at the next token
                    child.start = child.first = child.end = child.at
                node.children.append(child)
                node.end = child.end
    raise DataError(f"line {line_number(text, start)} is not YAML")


def _after_indicator(text: str, parent: YamlNode, child: YamlNode) -> int:
    """The offset after the `-` of a list element or the `:` of a mapping's value."""
    if parent.kind == "mapping" and len(parent.children) % 2 == 0:
        return child.start
    start = parent.children[-1].end if parent.children else parent.first
    found = _SPACE.match(text, start)
    at = found.end() if found else start
    indicator = ":" if parent.kind == "mapping" else "-"
    return (
        at + 1
        if text[at : at + 1] == indicator and not (parent.flow and indicator == "-")
        else child.start
    )


def _scalar_end(text: str, node: YamlNode) -> int:
    if not node.value and not node.style:  # an empty one, maybe with an anchor or a tag
        return node.start + len(text[node.start : node.end].rstrip())
    if node.style not in {"|", ">"}:
        return node.end
    content = text[node.start : node.end]
    if re.match(r"(?:[&!]\S*\s+)*[|>]\d?\+", content):
        return node.end - (2 if content.endswith("\r\n") else content.endswith("\n"))
    found = _BLANK_LINES.search(content.rstrip("\r\n") + "\n")
    kept = content[: found.start()] if found else content
    return node.start + len(kept.rstrip("\r\n"))


class _Loader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0

    def load(self, node: YamlNode) -> Any:
        before = self.count
        value = self._value(node)
        if node.anchor:
            self.anchors[node.anchor] = (value, self.count - before)
        return value

    def _value(self, node: YamlNode) -> Any:
        self.count += 1
        if node.kind == "alias":
            value, size = self.anchors.get(node.value, (Tagged("alias", node.value), 1))
            self.count += size
            if self.count > _EXPANDED:
                raise DataError("its aliases stand for too much", Outcome.DRIFTED)
            return copy.deepcopy(value)  # an edit of the anchor must show as one here too
        if node.kind == "scalar":
            return _scalar(node.tag, node.value)
        if node.kind == "sequence":
            return _tagged(node.tag, "seq", [self.load(child) for child in node.children])
        values: dict[str, Any] = {}
        for key, value in node.pairs:
            name = key.value if key.kind == "scalar" else self.text[key.start : key.end]
            if name in values:
                line = line_number(self.text, key.start)
                raise DataError(
                    f"line {line}: {show((name,))} is there twice", Outcome.AMBIGUOUS, lines=(line,)
                )
            values[name] = self.load(value)
        return _tagged(node.tag, "map", values)


def _tagged(tag: str, core: str, value: Any) -> Any:
    return value if tag == _TAGS + core else Tagged(tag, value)


def _scalar(tag: str, value: str) -> Any:
    bare = value.replace("_", "")
    with suppress(ValueError):
        match tag.removeprefix(_TAGS):
            case "str":
                return value
            case "null":
                return None
            case "bool":
                return value.lower() in {"true", "yes", "on", "y"}
            case "int":
                return int(bare) if bare.lstrip("+-").isdecimal() else int(bare, 0)
            case "float":
                special = {
                    ".inf": math.inf,
                    "+.inf": math.inf,
                    "-.inf": -math.inf,
                    ".nan": math.nan,
                }
                return special[bare.lower()] if bare.lower() in special else float(bare)
            case "timestamp":
                return (
                    date.fromisoformat(value)
                    if len(value) <= len("2000-01-01")
                    else datetime.fromisoformat(value)
                )
    return Tagged(tag, value)
