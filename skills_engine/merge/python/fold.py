"""Definitions whose bytes are alike in all versions, folded to one line each.

What nobody changed is read once, not tokenized, walked and signed in every version.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from skills_engine.merge.core.alignment import increasing
from skills_engine.merge.core.chunks import Chunk, Chunks, Conflicting

__all__ = ["Folded", "fold"]

_DEFINITION = re.compile(r"(?:async[ \t]+)?(def|class)\b[ \t]*(\w*)")
_PLACE = re.compile(r"^([ \t]*)(?:(?:def|class) \w+(?:\(\))?: )?__folded_(\d+)__$", re.MULTILINE)
_FEWEST = 3
"""Lines of a definition below which folding gains nothing."""

_GONE = "\0"


@dataclass(frozen=True)
class Folded:
    """Versions in which each common definition is one line that has its name; `blocks` are what
    these lines stand for."""

    versions: tuple[str, ...]
    blocks: tuple[str, ...] = ()

    @cached_property
    def common(self) -> str:
        """The code that was folded, without indentation."""
        return "\n".join(map(textwrap.dedent, self.blocks))

    def unfolded(self, merged: Chunks) -> Chunks | None:
        """A merge of the versions with all that was folded; None where it would have to be
        indented otherwise."""
        try:
            return replace(merged, pieces=tuple(map(self._piece, merged.pieces)))
        except _Elsewhere:
            return None

    def _piece(self, piece: Chunk) -> Chunk:
        if isinstance(piece, str):
            return self._text(piece)
        b, o, t = map(self._text, (piece.base, piece.ours, piece.theirs))
        return Conflicting(b, o, t, piece.reason)

    def _text(self, text: str) -> str:
        return _PLACE.sub(self._block, text) if "__folded_" in text else text

    def _block(self, match: re.Match[str]) -> str:
        block = self.blocks[int(match[2])]
        if not block.startswith(match[1]) or block[len(match[1])] in " \t":
            raise _Elsewhere
        return block


class _Elsewhere(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Block:
    """A definition on lines `first` to `last` (not included), or the body of one, which has no
    name. `inside` is the line of a definition's body."""

    first: int
    last: int
    text: str
    name: str = ""
    is_class: bool = False
    inside: int = 0

    @property
    def head(self) -> str:
        if not self.name:
            return ""
        return f"class {self.name}: " if self.is_class else f"def {self.name}(): "


def fold(*versions: str) -> Folded:
    """The versions with definitions folded that all have, once and in one order, in one place."""
    if any("__folded_" in version for version in versions):
        return Folded(versions)
    rows = [version.split("\n") for version in versions]
    found: list[tuple[_Block, ...]] = []
    _common(rows, [(0, len(row)) for row in rows], found)
    if not found:
        return Folded(versions)
    for at, same in enumerate(found):
        text = same[0].text
        place = text[: len(text) - len(text.lstrip(" \t"))] + same[0].head + f"__folded_{at}__"
        for row, block in zip(rows, same, strict=True):
            row[block.first : block.last] = [place, *[_GONE] * (block.last - block.first - 1)]
    return Folded(
        tuple("\n".join(line for line in row if line is not _GONE) for row in rows),
        tuple(same[0].text for same in found),
    )


def _common(
    rows: list[list[str]], spans: list[tuple[int, int]], found: list[tuple[_Block, ...]]
) -> None:
    """Collect the definitions that stand alike in all versions, in these spans of their lines, and
    in classes that all have there."""
    sides = [_blocks(row, *span) for row, span in zip(rows, spans, strict=True)]
    counts = [Counter(block.text for block in side) for side in sides]
    where = [{block.text: at for at, block in enumerate(side)} for side in sides[1:]]
    same = [
        (at, *(places[block.text] for places in where))
        for at, block in enumerate(sides[0])
        if all(count[block.text] == 1 for count in counts)
    ]
    for side in range(1, len(sides)):
        chain = {pair[1] for pair in increasing([(row[0], row[side]) for row in same])}
        same = [row for row in same if row[side] in chain]
    folded = set()
    for row in same:
        blocks = tuple(side[at] for side, at in zip(sides, row, strict=True))
        if _fold(blocks, found):
            folded.add(blocks[0].name)
    for name, count in Counter(block.name for block in sides[0]).items():
        named = [[block for block in side if block.name == name] for side in sides]
        if name in folded or count > 1 or any(len(row) != 1 or not row[0].inside for row in named):
            continue
        if all(row[0].is_class for row in named):
            _common(rows, [(row[0].inside, row[0].last) for row in named], found)
        else:
            spans = [(row[0].inside, row[0].last) for row in named]
            texts = ["\n".join(row[i:j]) for row, (i, j) in zip(rows, spans, strict=True)]
            if len(set(texts)) == 1:
                _fold(tuple(_Block(i, j, texts[0]) for i, j in spans), found)


def _fold(blocks: tuple[_Block, ...], found: list[tuple[_Block, ...]]) -> bool:
    """Whether blocks that are alike can be folded; then they are among those that are found."""
    block = blocks[0]
    if block.last - block.first < _FEWEST or not _whole(block.text, definition=bool(block.name)):
        return False
    found.append(blocks)
    return True


def _blocks(lines: list[str], first: int, last: int) -> list[_Block]:
    """The definitions right in a span of lines, as far as their indentation tells."""
    out: list[_Block] = []
    at, level = first, -1
    while at < last:
        line = lines[at]
        bare = line.lstrip(" \t")
        depth = len(line) - len(bare)
        if not bare or bare[0] in "#)]}" or (0 <= level < depth):
            at += 1
            continue
        level = depth
        if bare[0] != "@" and not _DEFINITION.match(bare):
            at += 1
            continue
        start = at
        match = _DEFINITION.match(bare)
        while match is None:
            at += 1
            if at >= last:
                return out
            bare = lines[at].lstrip(" \t")
            if len(lines[at]) - len(bare) == depth:
                match = _DEFINITION.match(bare)
        inside = _body(lines, at, last, depth)
        end = at + 1
        stop = at + 1
        while stop < last:
            bare = lines[stop].lstrip(" \t")
            if bare:
                if len(lines[stop]) - len(bare) <= depth and bare[0] not in ")]}":
                    break
                end = stop + 1
            stop += 1
        text = "\n".join(lines[start:end])
        out.append(_Block(start, end, text, match[2], match[1] == "class", inside))
        at = end
    return out


def _body(lines: list[str], at: int, last: int, depth: int) -> int:
    """The line on which the body of a definition begins; 0 where that is not plain."""
    opened = 0
    for line in range(at, last):
        text = lines[line].partition("#")[0].rstrip()
        opened += text.count("(") + text.count("[") - text.count(")") - text.count("]")
        if opened == 0:
            after = lines[line + 1] if line + 1 < last else ""
            deeper = len(after) - len(after.lstrip(" \t")) > depth
            return line + 1 if text.endswith(":") and after.strip() and deeper else 0
    return 0


@lru_cache(maxsize=2_048)
def _whole(text: str, *, definition: bool) -> bool:
    """Whether a text is one definition, or a body."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(body) == 1 if definition else bool(body)
