"""Files of lines that each say one thing, with the comments above them: the parts that data formats
share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.lines import bare_lines
from skills_engine.merge.core.tree import Block, Node, Unit, Version, constant
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from skills_engine.merge.core.tree import Ids, Shape

__all__ = ["Head", "Lines", "normal"]

_COMMENT = re.compile(r"[ \t]*#")


@dataclass(frozen=True, slots=True)
class Head:
    """Where an entry's own lines are (from 0, `last` not included), the end of its node, and who it
    is.
    """

    first: int
    last: int
    node: Node
    key: Hashable
    title: str
    strong: bool = True


class Lines:
    """A version cut into lines."""

    def __init__(self, text: str, ids: Ids) -> None:
        self.text = text
        self.ids = ids
        self.version = Version(text, ids)
        self.count = len(self.version.starts) - 1

    def line(self, at: int) -> str:
        """A line with its newline."""
        return self.text[self.version.start_of(at) : self.version.start_of(at + 1)]

    def blank(self, at: int) -> bool:
        return not self.line(at).strip()

    def comment(self, at: int) -> bool:
        return _COMMENT.match(self.line(at)) is not None

    def leaf(self, start: int, end: int, kind: str, meaning: Hashable = None) -> Node:
        sig = self.ids.of((kind, meaning if meaning is not None else self.text[start:end].strip()))
        return Node(self.version, start, end, kind, constant(sig))

    def above(self, line: int, first: int) -> int:
        """The first line of the comment right above a line."""
        while line > first and self.comment(line - 1):
            line -= 1
        return line

    def block(self, first: int, last: int, heads: Sequence[Head], indent: str) -> Block:
        """Entries in order, the comments between them, blank lines."""
        units: list[Unit] = []
        at = first
        for head in heads:
            lead = self.above(head.first, at)
            self._comments(units, at, lead)
            start = self.version.start_of(head.first)
            start += len(self.line(head.first)) - len(self.line(head.first).lstrip(" \t"))
            code = min(start, head.node.start)
            stop = self.version.start_of(head.last)
            top = self.version.start_of(lead)
            units.append(
                Unit(
                    self.version,
                    "",
                    top,
                    code,
                    head.node,
                    stop,
                    "entry",
                    head.key,
                    head.strong,
                    head.title,
                )
            )
            at = head.last
        self._comments(units, at, last)
        end = self.version.start_of(first)
        for unit in units:
            unit.gap = self.text[end : unit.start]
            end = unit.end
        tail = self.text[end : self.version.start_of(last)]
        if tail.strip() or any(unit.gap.strip() for unit in units):
            raise Unsupported("lines that are not understood")
        return Block(
            self.version.start_of(first),
            self.version.start_of(last),
            indent,
            units,
            tail,
            "entries",
        )

    def _comments(self, units: list[Unit], first: int, last: int) -> None:
        at = first
        while at < last:
            if self.blank(at):
                at += 1
                continue
            if not self.comment(at):
                raise Unsupported("lines that are not understood")
            end = at
            while end < last and self.comment(end):
                end += 1
            start, stop = self.version.start_of(at), self.version.start_of(end)
            said = tuple(line.strip() for line in bare_lines(self.text[start:stop]))
            node = self.leaf(start, stop - 1, "comment", said)
            units.append(Unit.comment(node, stop, said[0]))
            at = end

    def file(self, block: Callable[[], Block], kind: str) -> Node:
        """The node of the whole text."""
        made: list[Shape] = []

        def build() -> Shape:
            if not made:
                made.append(block())
            return made[0]

        return Node(
            self.version, 0, len(self.text), kind, constant(self.ids.of((kind, self.text))), build
        )


def normal(requirement: str) -> str:
    """A requirement's distribution name, normalised as in PEP 503; '' for what does not begin with
    a name.
    """
    match = re.match(
        r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?=[\s\[<>=!~;@,(]|\Z)", requirement
    )
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""
