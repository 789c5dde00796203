"""TOML: tables and keys, arrays by element, dependencies by distribution. Fits `Language` in
file.py.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.split import split
from skills_engine.merge.core.structure import merge_trees
from skills_engine.merge.core.tree import Fixed, Node, constant
from skills_engine.merge.formats.entries import Head, Lines, normal
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from skills_engine.merge.core.chunks import Chunks
    from skills_engine.merge.core.tree import Block, Ids

__all__ = ["broken", "doubt", "how", "merge"]

how = "data"

_HEADER = re.compile(r"[ \t]*(\[\[?)[ \t]*([^#]+?)[ \t]*\]\]?[ \t]*(#.*)?$")
_KEY = re.compile(
    r"""[ \t]*((?:[\w-]+|"[^"]*"|'[^']*')"""
    r"""(?:[ \t]*\.[ \t]*(?:[\w-]+|"[^"]*"|'[^']*'))*)[ \t]*=[ \t]*"""
)
_PIECE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|[\[\]{},\n]|[^\[\]{},\n#\"']+",
    re.DOTALL,
)


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by tables, keys and elements. Raises Unsupported for what is not TOML."""
    return merge_trees(_tree, base, ours, theirs, keeps=keeping, rules=Rules("merged.toml"))


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result is not to be believed: it is no TOML, or an array has a requirement twice."""
    try:
        sides = [Counter(_requirements(tomllib.loads(text), "")) for text in (ours, theirs)]
    except ValueError:
        return ""
    try:
        found = Counter(_requirements(tomllib.loads(result), ""))
    except ValueError:
        return "the result would not be TOML"
    for (place, name), count in found.items():
        if count > 1 and all(side[place, name] <= 1 for side in sides):
            return f"{name} would stand twice in {place}"
    return ""


def broken(text: str) -> int:
    """The line at which a text is no TOML, 0 where it is."""
    try:
        tomllib.loads(text)
    except ValueError as error:
        line = re.search(r"at line (\d+)", str(error))
        return int(line[1]) if line else text.count("\n") + 1
    return 0


def _requirements(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _requirements(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for element in value:
            if isinstance(element, str):
                yield place, (normal(element) if _depends(place) else "") or element


def _depends(place: str) -> bool:
    """Whether an array holds requirements."""
    return "dependenc" in place or place.endswith("requires")


def _tree(text: str, ids: Ids) -> Node:
    try:
        tomllib.loads(text)
    except ValueError as error:
        raise Unsupported("a version is not TOML") from error
    toml = _Toml(text, ids)
    block = toml.whole()
    return toml.file(lambda: block, "toml")


class _Toml(Lines):
    """One version."""

    def whole(self) -> Block:
        """Entries of the root, then tables."""
        found = self._statements()
        heads: list[Head] = []
        tables = [k for k, (_, _, node, _) in enumerate(found) if node is None]
        first_table = tables[0] if tables else len(found)
        heads += [self._entry(*statement, "") for statement in found[:first_table]]
        for k, at in enumerate(tables):
            end = tables[k + 1] if k + 1 < len(tables) else len(found)
            limit = self.above(found[end][0], found[end - 1][1]) if end < len(found) else self.count
            while limit > found[end - 1][1] and self.blank(limit - 1):
                limit -= 1
            heads.append(self._table(found[at], found[at + 1 : end], limit))
        return self.block(0, self.count, heads, "")

    def _statements(self) -> list[tuple[int, int, Node | None, str]]:
        """Headers and entries: first line, line behind the last, the value's node, the name."""
        out: list[tuple[int, int, Node | None, str]] = []
        at = 0
        place = ""
        while at < self.count:
            line = self.line(at).rstrip("\n")
            if self.blank(at) or self.comment(at):
                if line.strip():
                    start = self.version.start_of(at)
                    self.version.comments.append((start + line.index("#"), line.strip()))
                at += 1
                continue
            header, entry = _HEADER.match(line), _KEY.match(line)
            start = self.version.start_of(at)
            if entry is not None:
                value, end = self._value(start + entry.end(), f"{place}.{entry[1]}")
                last = self.version.line_of(end) + 1
                self._remark(value.end, self.version.start_of(last))
                out.append((at, last, value, entry[1]))
                at = last
            elif header is not None:
                place = header[2]
                self._remark(
                    start + line.rindex("]") if not header[3] else start + header.start(3),
                    start + len(line),
                )
                out.append((at, at + 1, None, header[1] + header[2]))
                at += 1
            else:
                raise Unsupported("a line that is not understood")
        self.version.comments.sort()
        return out

    def _remark(self, start: int, end: int) -> None:
        """Note the comment that stands between a value and the end of its line."""
        text = self.text[start:end]
        if "#" in text:
            self.version.comments.append((start + text.index("#"), text[text.index("#") :].strip()))

    def _entry(self, first: int, last: int, value: Node | None, name: str, table: str) -> Head:
        if value is None:
            raise Unsupported("a line that is not understood")
        start = self.version.start_of(first)
        start += len(self.line(first)) - len(self.line(first).lstrip(" \t"))
        sig = self.ids.of(("entry", name, value.sig))
        node = Node(self.version, start, value.end, "entry", constant(sig), lambda: Fixed((value,)))
        return Head(first, last, node, ("key", name), f"{table}{name}")

    def _table(
        self,
        header: tuple[int, int, Node | None, str],
        entries: list[tuple[int, int, Node | None, str]],
        limit: int,
    ) -> Head:
        first, behind, _, name = header
        bare = name.lstrip("[")
        heads = [self._entry(*entry, f"{bare}.") for entry in entries]
        block = self.block(behind, limit, heads, "")
        start, top = self.version.start_of(first), self.version.start_of(behind)
        end = self.version.start_of(limit)
        inside = tuple(unit.sig for unit in block.units if unit.role == "entry")
        body = Node(
            self.version, top, end, "table body", constant(self.ids.of(inside)), lambda: block
        )
        sig = self.ids.of(("table", name, inside))
        node = Node(self.version, start, end, "table", constant(sig), lambda: Fixed((body,)))
        return Head(
            first, limit, node, ("table", name), f"[{bare}]", strong=not name.startswith("[[")
        )

    def _value(self, at: int, place: str) -> tuple[Node, int]:
        """The node of the value at an offset, and where its line's remainder begins."""
        text = self.text
        if text[at] == "[":
            return self._array(at, place)
        end, depth = at, 0
        while end < len(text):
            match = _PIECE.match(text, end)
            if match is None:
                raise Unsupported("a value that is not understood")
            piece = match.group()
            if depth == 0 and (piece in {",", "]", "}", "\n"} or piece[0] == "#"):
                break
            depth += (piece in {"[", "{"}) - (piece in {"]", "}"})
            end = match.end()
        end = at + len(text[at:end].rstrip())
        return self.leaf(at, end, "value", self._meaning(text[at:end])), end

    @staticmethod
    def _meaning(text: str) -> str:
        """A value's text; a plain string means the same in either kind of quotes."""
        if re.fullmatch(r"'[^'\n\"\\]*'", text):
            return f'"{text[1:-1]}"'
        return text

    def _array(self, start: int, place: str) -> tuple[Node, int]:
        text = self.text
        elements: list[tuple[Node, Hashable, bool]] = []
        at = start + 1
        while True:
            match = re.compile(r"[\s,]*").match(text, at)
            at = match.end() if match else at
            if text[at] == "#":
                stop = text.index("\n", at)
                self.version.comments.append((at, text[at:stop].rstrip()))
                at = stop
                continue
            if text[at] == "]":
                break
            node, at = self._value(at, place)
            name = (
                normal(node.text.strip("\"'"))
                if _depends(place) and text[node.start] in "\"'"
                else ""
            )
            elements.append((node, ("requirement", name) if name else None, True))
        sig = self.ids.of(("array", tuple(node.sig for node, _, _ in elements)))
        seq = split(text, start + 1, at, elements)
        return Node(self.version, start, at + 1, "array", constant(sig), lambda: seq), at + 1
