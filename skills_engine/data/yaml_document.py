"""A YAML file as its text and the nodes in it, with the places where values are put and taken out.

ruamel.yaml says where everything stands; its own round trip would lay the whole
file out anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from skills_engine.data import path as paths
from skills_engine.data.brackets import Brackets
from skills_engine.data.data_document import DataDocument
from skills_engine.data.errors import DataError
from skills_engine.data.path import UNSET
from skills_engine.data.text import (
    Range,
    TextSplice,
    decode,
    drop_lines,
    line_break_before,
    line_end,
    line_number,
    line_start,
    newline,
    splice,
)
from skills_engine.data.yaml_render import Style, block, flow, is_inline, key_text
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.data.data_document import AnyPath
    from skills_engine.data.path import Path
    from skills_engine.data.yaml_scan import YamlNode

__all__ = ["YamlDocument"]


@dataclass(frozen=True)
class YamlDocument(DataDocument):
    """A file of YAML, with the tree of its nodes."""

    null_is_empty: ClassVar[bool] = True

    root: YamlNode | None

    @classmethod
    def of(cls, data: bytes) -> YamlDocument:
        bom, text = decode(data)
        root, said = _read(text)
        return cls(bom, text, said, root)

    @staticmethod
    def said(text: str) -> Any:
        return _read(text)[1]

    def follow(self, path: AnyPath) -> tuple[Path, Any, Path]:
        done: Path = ()
        there, rest = self.data, paths.split(path)
        while rest and there is not None:
            try:
                step, there = paths.follow(there, rest[:1])
            except DataError as error:
                message = error.message.replace("the top", paths.show(done), 1)
                raise DataError(message, error.outcome, lines=self.line(done)) from None
            if not step:
                break
            done, rest = (*done, *step), rest[1:]
        return done, there, rest

    def with_value(self, done: Path, missing: tuple[str, ...], value: Any) -> bytes:
        inner = paths.nested(missing[1:], value)
        null = paths.follow(self.data, done)[1] is None
        base = paths.with_(self.data, done, {}) if null else self.data
        expected = paths.with_(base, (*done, missing[0]), inner)
        return self.edited(self.add(done, missing[0], inner), expected)

    def with_other(self, path: Path, value: Any) -> bytes:
        return self.edited(self.put(path, value), paths.with_(self.data, path, value))

    def with_element(self, path: Path, there: list[Any], element: Any) -> bytes:
        expected = paths.with_(self.data, path, [*there, element])
        return self.edited(self.add(path, None, element), expected)

    def without(self, path: Path, *, prune: bool) -> bytes:
        path = self.emptied(path) if prune else path
        expected = paths.with_(self.data, path, UNSET)
        splices = self.take(path)
        nothing = expected in ({}, []) and self.said(splice(self.text, splices)) is None
        return self.edited(splices, None if nothing else expected)

    @cached_property
    def style(self) -> Style:
        steps: list[int] = []
        offsets: list[int] = []
        quotes = {"'": 0, '"': 0}
        for node in _walk(self.root):
            if node.style in quotes:
                quotes[node.style] += 1
            if node.kind != "mapping" or node.flow:
                continue
            for _, value in node.pairs:
                if value.block and value.children:
                    found = steps if value.kind == "mapping" else offsets
                    found.append(self.column(value) - self.column(node))
        step = max(set(steps), key=steps.count) if steps else 2
        offset = max(set(offsets), key=offsets.count) if offsets else step
        quote = "'" if quotes["'"] > quotes['"'] else '"'
        return Style(
            step,
            offset,
            quote,
            newline(self.text),
            not self.text.strip() or self.text.endswith("\n"),
        )

    def _like(self, nodes: Sequence[YamlNode]) -> Style:
        """The file's style, with the quotes that all texts of these have."""
        quotes = {node.style for node in nodes if node.is_text}
        quoted = quotes.pop() if len(quotes) == 1 else ""
        return replace(self.style, quoted=quoted if quoted in {"'", '"'} else "")

    def column(self, node: YamlNode) -> int:
        return node.first - line_start(self.text, node.first)

    def line(self, path: Path) -> tuple[int, ...]:
        chain = self.chain(path)
        return (line_number(self.text, chain[-1].first),) if chain else ()

    def chain(self, path: Path) -> list[YamlNode]:
        """The nodes from the root to the one at a path (with its list elements as indices), as far
        as they are here.
        """
        nodes = [self.root] if self.root is not None else []
        for part in path:
            node = nodes[-1]
            if node.kind == "alias":
                break
            nodes.append(node.children[part] if isinstance(part, int) else _value_of(node, part))
        return nodes

    def node(self, path: Path) -> YamlNode:
        """The node at a path. Raises DataError where an alias stands on the way."""
        chain = self.chain(path)
        if len(chain) != len(path) + 1:
            raise self._elsewhere(chain[-1], path[: len(chain) - 1])
        return chain[-1]

    def _elsewhere(self, alias: YamlNode, path: Path) -> DataError:
        line = line_number(self.text, alias.start)
        message = (
            f"{paths.show(path)} comes from *{alias.value} in line {line}; change it "
            "where it is written"
        )
        return DataError(message, Outcome.DRIFTED, lines=(line,))

    # --- adding

    def add(self, done: Path, key: str | None, value: Any) -> list[TextSplice]:
        """The splices that add a key to a mapping, or with None an element to a list, at `done`."""
        new = [value] if key is None else {key: value}
        if self.root is None or (not done and self.root.null):
            return [self._at_end(block(new, 0, self.style))]
        node = self.node(done)
        if node.kind == "alias":
            raise self._elsewhere(node, done)
        if node.null or (not node.children and self._lone(node, done, value)):
            return self.put(done, new)
        if node.flow:
            return self._add_in_brackets(node, key, value)
        column = self.column(node)
        style = self._like(node.children) if key is None and is_inline(value) else self.style
        lines = block(new, column, style)
        own_column = -1 if not done else column - 1
        if done and node.kind == "sequence":
            parent = self.chain(done)[-2]
            own_column = self.column(parent) if parent.kind == "mapping" else column - 1
        at = (
            line_end(self.text, node.end)
            if own_column >= column
            else self._after_comments(node.end, column)
        )
        following = self.text[at:].partition("\n")[2].partition("\n")[0]
        gap = self.style.eol if not following.strip() and self._separated(node, len(lines)) else ""
        return [TextSplice(at, at, self.style.eol + gap + self.style.eol.join(lines))]

    def _lone(self, node: YamlNode, done: Path, value: Any) -> bool:
        """Whether `{}` gives way to a block: where blocks may stand, and for what is more than a
        scalar.
        """
        return (
            node.kind == "mapping"
            and not is_inline(value)
            and not any(n.flow for n in self.chain(done)[:-1])
        )

    def _add_in_brackets(self, node: YamlNode, key: str | None, value: Any) -> list[TextSplice]:
        new = (
            flow(value, self._like(node.children))
            if key is None
            else f"{key_text(key, self.style)}: {flow(value, self.style)}"
        )
        brackets = _brackets(node)
        return brackets.insert(
            self.text,
            len(brackets.items),
            new,
            unit=" " * self.style.step,
            spread=False,
            trailing=False,
        )

    def _at_end(self, lines: list[str]) -> TextSplice:
        text = self.style.eol.join(lines)
        if not self.text.strip():
            return TextSplice(0, 0, text + self.style.eol)
        at = line_end(self.text, len(self.text.rstrip()))
        return TextSplice(at, at, self.style.eol + text)

    def _after_comments(self, offset: int, column: int) -> int:
        """The end of the line of `offset`, or of the last comment below it that is indented as far
        as `column`.
        """
        end = at = line_end(self.text, offset)
        while (start := self.text.find("\n", at) + 1) and start < len(self.text):
            at = line_end(self.text, start)
            line = self.text[start:at]
            if not line.strip():
                continue
            if not line.lstrip().startswith("#") or len(line) - len(line.lstrip(" ")) < column:
                break
            end = at
        return end

    def _separated(self, node: YamlNode, lines: int) -> bool:
        """Whether blank lines stand between the entries; at the top, between the only one and a new
        one too.
        """
        pairs = [(each, each) for each in node.children] if node.kind == "sequence" else node.pairs
        gaps = [
            any(not line.strip() for line in self.text[a[1].end : b[0].start].split("\n")[1:-1])
            for a, b in pairwise(pairs)
        ]
        if not gaps:
            return (
                node is self.root
                and node.kind == "mapping"
                and lines > 1
                and "\n" in self.text[node.first : node.end]
            )
        return 2 * sum(gaps) > len(gaps)

    # --- replacing

    def put(self, path: Path, value: Any) -> list[TextSplice]:
        """The splices that write a value over the one at a path."""
        node = self.node(path)
        chain = self.chain(path)
        if any(each.flow for each in chain[:-1]) or (not path and is_inline(value)):
            return [TextSplice(node.start, node.end, flow(value, self._like([node])))]
        if node.flow and node.kind == "sequence" and self._in_brackets(node, value):
            return [TextSplice(node.start, node.end, flow(value, self._like(node.children)))]
        if not path:
            return [
                TextSplice(node.start, node.end, self.style.eol.join(block(value, 0, self.style)))
            ]
        below = node.block and "\n" in self.text[node.at : node.first]
        if is_inline(value):
            return self._put_inline(node, self.column(chain[-2]), value, below=below)
        return self._put_block(node, chain[-2], value, below=below)

    def _in_brackets(self, node: YamlNode, value: Any) -> bool:
        """Whether a list of texts and numbers on one line stays one."""
        one_line = "\n" not in self.text[node.start : node.end]
        return one_line and isinstance(value, list) and all(is_inline(each) for each in value)

    def _put_inline(
        self, node: YamlNode, column: int, value: Any, *, below: bool
    ) -> list[TextSplice]:
        style = replace(self.style, literal=False) if below else self._style_before(node.end)
        style = replace(style, quoted=self._like([node]).quoted)
        text = " " + block([value], column, style)[0][column + 2 :]
        if not below:
            return [TextSplice(node.at, node.end, text)]
        return [
            TextSplice(node.at, node.at, text),
            TextSplice(line_break_before(self.text, node.first), node.end, ""),
        ]

    def _style_before(self, offset: int) -> Style:
        """The file's style; text of several lines cannot stand before a comment."""
        ends = not self.text[offset : line_end(self.text, offset)].strip()
        return self.style if ends else replace(self.style, literal=False)

    def _put_block(
        self, node: YamlNode, parent: YamlNode, value: Any, *, below: bool
    ) -> list[TextSplice]:
        style, column = self._style_before(node.end), self.column(parent)
        if isinstance(value, list) and all(is_inline(each) for each in value):
            style = replace(style, quoted=self._like(node.children).quoted)
        if parent.kind == "sequence":
            return [
                TextSplice(
                    node.at, node.end, style.eol.join(block([value], column, style))[column + 1 :]
                )
            ]
        offset = style.step if isinstance(value, dict) else style.offset
        if below and (node.kind == "mapping") == isinstance(value, dict):
            offset = self.column(node) - column
        text = style.eol + style.eol.join(block(value, column + offset, style))
        if below:
            return [TextSplice(line_break_before(self.text, node.first), node.end, text)]
        if node.null and node.start >= node.end:
            at = self._after_comments(node.at, column + 1)
            return [TextSplice(at, at, text)]
        end = line_end(self.text, node.end)
        return [TextSplice(node.at, node.end, ""), TextSplice(end, end, text)]

    # --- taking out

    def take(self, path: Path) -> list[TextSplice]:
        """The splices that take a value out with its key or dash; a collection left empty becomes
        `{}` or `[]`.
        """
        node, parent = self.node(path), self.node(path[:-1])
        entries = parent.children if parent.kind == "sequence" else parent.children[1::2]
        index = next(number for number, each in enumerate(entries) if each is node)
        if parent.flow:
            return _brackets(parent).remove(self.text, index)
        if len(entries) == 1:
            if len(path) > 1:
                return self.put(path[:-1], [] if parent.kind == "sequence" else {})
            return [drop_lines(self.text, parent.start, node.end)]
        start = self._entry_start(parent, index)
        if self.text[
            line_start(self.text, start) : start
        ].strip():  # the first entry, after the dash of another list
            if index + 1 == len(entries):
                raise DataError("its key is written as `? key`", Outcome.DRIFTED)
            return [TextSplice(start, self._entry_start(parent, index + 1), "")]
        return [drop_lines(self.text, start, max(node.end, node.at))]

    def _entry_start(self, parent: YamlNode, index: int) -> int:
        if parent.kind == "sequence":
            return parent.children[index].at - 1
        return parent.children[2 * index].start


def _read(text: str) -> tuple[YamlNode | None, Any]:
    from skills_engine.data.yaml_scan import load, scan  # noqa: PLC0415 - ruamel.yaml: 30 ms that only YAML costs

    try:
        root = scan(text)
        return root, load(text, root)
    except RecursionError:
        raise DataError("nested too deeply") from None


def _value_of(mapping: YamlNode, key: str) -> YamlNode:
    return next(value for name, value in mapping.pairs if name.value == key)


def _brackets(node: YamlNode) -> Brackets:
    if node.kind == "sequence":
        return Brackets(
            node.first, node.end, tuple(Range(each.start, each.end) for each in node.children)
        )
    return Brackets(
        node.first, node.end, tuple(Range(k.start, max(k.end, v.end, v.at)) for k, v in node.pairs)
    )


def _walk(node: YamlNode | None) -> Iterator[YamlNode]:
    if node is not None:
        yield node
        for child in node.children:
            yield from _walk(child)
