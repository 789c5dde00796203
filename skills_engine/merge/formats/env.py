"""Environment files: `KEY=value` lines with comments above them. Fits `Language` in file.py."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.structure import merge_trees
from skills_engine.merge.formats.entries import Head, Lines
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunks
    from skills_engine.merge.core.tree import Block, Ids, Node

__all__ = ["broken", "doubt", "how", "merge"]

how = "data"

_ENTRY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*(?:=[ \t]*(.*))?$")


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by keys. Raises Unsupported for lines that are no entries."""
    return merge_trees(_tree, base, ours, theirs, keeps=keeping, rules=Rules(".env"))


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """A key that stands twice in a result, and once in each side; or ''."""
    once = [Counter(_keys(text)) for text in (ours, theirs)]
    for key, count in Counter(_keys(result)).items():
        if count > 1 and all(side[key] <= 1 for side in once):
            return f"{key} would stand twice"
    return ""


def broken(_text: str) -> int:
    """0: what is no entry is no error of the format."""
    return 0


def _keys(text: str) -> list[str]:
    return [
        match[1]
        for line in text.split("\n")
        if (match := _ENTRY.match(line)) and not line.startswith("#")
    ]


def _tree(text: str, ids: Ids) -> Node:
    lines = Lines(text, ids)
    lines.version.comments = [
        (lines.version.start_of(at), lines.line(at).strip())
        for at in range(lines.count)
        if lines.comment(at)
    ]
    return lines.file(lambda: _block(lines), "env")


def _block(lines: Lines) -> Block:
    heads = []
    for at in range(lines.count):
        if lines.blank(at) or lines.comment(at):
            continue
        match = _ENTRY.match(lines.line(at).rstrip("\n"))
        value = match[2] or "" if match else ""
        if match is None or (value[:1] in {'"', "'"} and value.count(value[0]) % 2):
            raise Unsupported("a line that is no entry")
        start = lines.version.start_of(at)
        node = lines.leaf(start, start + len(lines.line(at).rstrip()), "entry")
        heads.append(Head(at, at + 1, node, ("key", match[1]), match[1]))
    return lines.block(0, lines.count, heads, "")
