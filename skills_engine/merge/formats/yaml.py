"""YAML in block style: mappings by key path, sequences by element. Fits `Language` in file.py.

Lines are cut by indentation; what is not a plain block mapping or sequence (flow collections, block
scalars, anchors) is one value. PyYAML says whether a version and the result are YAML at all.
"""

from __future__ import annotations

import re
from bisect import insort
from collections import Counter
from typing import TYPE_CHECKING

import yaml

from skills_engine.lines import bare_lines
from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.structure import merge_trees
from skills_engine.merge.core.tree import Fixed, Node, constant
from skills_engine.merge.formats.entries import Head, Lines
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable

    from skills_engine.merge.core.chunks import Chunks
    from skills_engine.merge.core.tree import Block, Ids

__all__ = ["broken", "doubt", "how", "merge"]

how = "data"

_KEY = re.compile(
    r"""[ ]*((?:"[^"\n]*"|'[^'\n]*'"""
    r"""|[^\s#:'"\[\]{},&*!|>%@`?-][^#:\n]*|-[^\s#:][^#:\n]*))[ ]*:(?=[ \n])"""
)
_ITEM = re.compile(r"[ ]*-(?=[ \n])")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by keys and elements. Raises Unsupported for what is not one document of YAML."""
    return merge_trees(_tree, base, ours, theirs, keeps=keeping, rules=Rules("merged.yaml"))


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result is not to be believed: it is no YAML, or has a key or an element twice."""
    try:
        sides = [_census(text) for text in (ours, theirs)]
    except Unsupported:
        return ""
    try:
        found = _census(result)
    except Unsupported:
        return "the result would not be YAML"
    for what, count in found.items():
        if count > 1 and all(side[what] <= 1 for side in sides):
            return f"{what[1]} would stand twice in {what[0] or 'the document'}"
    return ""


def broken(text: str) -> int:
    """The line at which a text is no YAML, 0 where it is."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        return mark.line + 1 if mark else 1
    return 0


def _census(text: str) -> Counter[tuple[str, str]]:
    """How often each key and each plain element stands at its path."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise Unsupported("a version is not YAML") from error
    found: Counter[tuple[str, str]] = Counter()
    todo: list[tuple[str, yaml.Node | None]] = [("", root)]
    seen: set[int] = set()
    while todo:
        path, node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                found[path, str(key.value)] += 1
                todo.append((f"{path}.{key.value}".lstrip("."), value))
        elif isinstance(node, yaml.SequenceNode):
            for k, element in enumerate(node.value):
                if isinstance(element, yaml.ScalarNode):
                    found[path, str(element.value)] += 1
                todo.append((f"{path}[{k}]", element))
    return found


def _tree(text: str, ids: Ids) -> Node:
    _census(text)
    if "\t" in text:
        raise Unsupported("tabs")
    lines = _Yaml(text, ids)
    for at in range(lines.count):
        if lines.comment(at):
            start = lines.version.start_of(at) + lines.line(at).index("#")
            lines.version.comments.append((start, lines.line(at).strip()))
    block = lines.mapping(0, lines.count, "")
    return lines.file(lambda: block, "yaml")


class _Yaml(Lines):
    """One version."""

    def mapping(self, first: int, last: int, path: str) -> Block:
        """The block of the entries on some lines, all at the first one's indentation."""
        tops = [at for at in range(first, last) if not self.blank(at) and not self.comment(at)]
        if not tops:
            return self.block(first, last, [], "")
        margin = self._margin(tops[0])
        item = _ITEM.match(self.line(tops[0])) is not None
        starts = []
        for at in tops:
            if self._margin(at) == margin and (
                item == (_ITEM.match(self.line(at)) is not None) or not item
            ):
                if not item and _ITEM.match(self.line(at)):
                    continue
                starts.append(at)
            elif self._margin(at) < margin:
                raise Unsupported("indentation that is not understood")
        heads = []
        for k, at in enumerate(starts):
            limit = starts[k + 1] if k + 1 < len(starts) else last
            end = max(t for t in tops if t < limit) + 1
            heads.append(self._element(at, end) if item else self._entry(at, end, path))
        return self.block(first, last, heads, " " * margin)

    def _offset(self, at: int) -> int:
        return self.version.start_of(at) + self._margin(at)

    def _margin(self, at: int) -> int:
        line = self.line(at)
        return len(line) - len(line.lstrip(" "))

    def _bare(self, at: int) -> str:
        return _COMMENT.sub("", self.line(at).rstrip("\n")).rstrip()

    def _element(self, first: int, last: int) -> Head:
        node = self._text(first, last)
        return Head(
            first, last, node, None, f"the element {bare_lines(node.text)[0]}", strong=False
        )

    def _text(self, first: int, last: int) -> Node:
        """Lines as one value, without the comment at the end of a single one."""
        start = self._offset(first)
        bare = self._bare(first)
        if last - first == 1 and bare.count('"') % 2 == 0 and bare.count("'") % 2 == 0:
            end = self.version.start_of(first) + len(bare)
            if end < self.version.start_of(last) - 1 and self.line(first)[len(bare) :].strip():
                insort(self.version.comments, (end, self.line(first)[len(bare) :].strip()))
        else:
            end = self.version.start_of(last) - 1
        return self.leaf(start, end, "lines")

    def _entry(self, first: int, last: int, path: str) -> Head:
        match = _KEY.match(self.line(first))
        if match is None:
            raise Unsupported("a line that is not understood")
        name = match[1].strip("\"' ")
        inner = f"{path}.{name}".lstrip(".")
        key: Hashable = ("key", name)
        rest = self._bare(first)[match.end() :].strip()
        if last - first == 1 or rest:
            return Head(first, last, self._text(first, last), key, inner)
        block = self.mapping(first + 1, last, inner)
        start, top = self._offset(first), self.version.start_of(first + 1)
        end = self.version.start_of(last)
        inside = tuple(unit.sig for unit in block.units if unit.role == "entry")
        kind = "items" if block.units and all(u.key is None for u in block.units) else "entries"
        body = Node(
            self.version, top, end, kind, constant(self.ids.of((kind, inside))), lambda: block
        )
        sig = self.ids.of(("entry", name, inside))
        node = Node(self.version, start, end, "entry", constant(sig), lambda: Fixed((body,)))
        return Head(first, last, node, key, inner)
