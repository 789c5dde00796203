"""Requirements files: a requirement a line. Fits `Language` in file.py."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.structure import merge_trees
from skills_engine.merge.formats.entries import Head, Lines, normal
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunks
    from skills_engine.merge.core.tree import Block, Ids, Node

__all__ = ["broken", "doubt", "how", "merge"]

how = "data"

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by distribution. Raises Unsupported for continued lines."""
    return merge_trees(_tree, base, ours, theirs, keeps=keeping, rules=Rules("requirements.txt"))


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """A distribution that stands twice in a result, and once in each side; or ''."""
    once = [Counter(map(_key, text.split("\n"))) for text in (ours, theirs)]
    for key, count in Counter(map(_key, result.split("\n"))).items():
        if key and count > 1 and all(side[key] <= 1 for side in once):
            return f"{key} would stand twice"
    return ""


def broken(_text: str) -> int:
    """0: what is no entry is no error of the format."""
    return 0


def _key(line: str) -> str:
    bare = _COMMENT.sub("", line).strip()
    return normal(bare) or bare


def _tree(text: str, ids: Ids) -> Node:
    lines = Lines(text, ids)
    for at in range(lines.count):
        match = _COMMENT.search(lines.line(at).rstrip("\n"))
        if match:
            lines.version.comments.append(
                (lines.version.start_of(at) + match.start(), match.group())
            )
    return lines.file(lambda: _block(lines), "requirements")


def _block(lines: Lines) -> Block:
    heads = []
    for at in range(lines.count):
        line = lines.line(at).rstrip("\n")
        if lines.blank(at) or lines.comment(at):
            continue
        if line.endswith("\\"):
            raise Unsupported("a continued line")
        start = lines.version.start_of(at)
        bare = _COMMENT.sub("", line).rstrip()
        margin = len(bare) - len(bare.lstrip())
        node = lines.leaf(start + margin, start + len(bare), "requirement")
        heads.append(Head(at, at + 1, node, ("key", _key(line)), _key(line)))
    return lines.block(0, lines.count, heads, "")
