"""Definitions that nobody changed, or one side alone, folded to one line each.

What is alike is read once, and what one side alone changed stands as it has it: neither is cut into
tokens, walked and signed in every version.
"""

from __future__ import annotations

import ast
import re
import symtable
import textwrap
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

from skills_engine.merge.core.alignment import increasing
from skills_engine.merge.core.chunks import Chunk, Chunks, Conflicting
from skills_engine.merge.python.identifiers import vocabulary, words_of
from skills_engine.syntax import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Container

__all__ = ["Folded", "fold"]

_DEFINITION = re.compile(r"(?:async[ \t]+)?(def|class)\b[ \t]*(\w*)")
_PLACE = re.compile(
    r"^([ \t]*)(?:(?:def|class) \w+(?:\(\))?: )?__folded_(\d+)__(?:, [^\n]*)?$", re.MULTILINE
)
_NAME = re.compile(r"__folded_(\d+)__")
_FEWEST = 3
"""Lines of a definition below which folding gains nothing."""

_GONE = "\0"


@dataclass(frozen=True)
class Folded:
    """Versions in which each such definition is one line that has its name; `blocks` are what
    these lines stand for. Those that are `sided` one side alone changed: there are two of each,
    and their lines have the names that they read."""

    versions: tuple[str, ...]
    blocks: tuple[str, ...] = ()
    sided: frozenset[int] = frozenset()

    @cached_property
    def common(self) -> str:
        """The code that is alike in all versions and was folded, without indentation."""
        rest = (block for at, block in enumerate(self.blocks) if at not in self.sided)
        return "\n".join(map(textwrap.dedent, rest))

    @cached_property
    def beside(self) -> str:
        """The code that is sided, as it is."""
        return "\n\0\n".join(self.blocks[at] for at in sorted(self.sided))

    def words(self, text: str) -> frozenset[str]:
        """The words of a folded text, without those of the code that is alike in all versions."""
        words = vocabulary(text)
        if not self.sided:
            return words
        places = {int(match[1]) for word in words if (match := _NAME.fullmatch(word))}
        return frozenset().union(
            (word for word in words if not _NAME.fullmatch(word)),
            *(_said(self.blocks[at]).words for at in places & self.sided),
        )

    def everywhere(self, words: frozenset[str]) -> frozenset[str]:
        """Those of some words that the code has which is alike in all versions."""
        found: set[str] = set()
        for at, block in enumerate(self.blocks):
            if at not in self.sided and any(word in block for word in words - found):
                found |= words & _said(block).words
        return frozenset(found)

    def opened(self, *texts: str) -> tuple[str, ...] | None:
        """Folded texts with what is sided; None as in `unfolded`."""
        try:
            return tuple(_PLACE.sub(partial(self._block, self.sided), text) for text in texts)
        except _Elsewhere:
            return None

    def rewritten(self, write: Callable[[str], str], *versions: str) -> Folded:
        """These versions, with what is sided rewritten."""
        blocks = (write(b) if at in self.sided else b for at, b in enumerate(self.blocks))
        return Folded(versions, tuple(blocks), self.sided)

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
        whole = range(len(self.blocks))
        return _PLACE.sub(partial(self._block, whole), text) if "__folded_" in text else text

    def _block(self, wanted: Container[int], match: re.Match[str]) -> str:
        if int(match[2]) not in wanted:
            return match[0]
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
    """The versions (base, ours, theirs, and their merge if it is there) with definitions folded
    that all have, once and in one order, in one place, or that one side alone changed there."""
    if any("__folded_" in version for version in versions):
        return Folded(versions)
    folding = _Folding(versions)
    folding.common([(0, len(row)) for row in folding.rows])
    return folding.done()


class _Folding:
    """The definitions that were found, version by version."""

    def __init__(self, versions: tuple[str, ...]) -> None:
        self.versions = versions
        self.rows = [version.split("\n") for version in versions]
        self.found: list[tuple[_Block, ...]] = []

    @cached_property
    def said(self) -> list[frozenset[str]]:
        """The lines of each version, without indentation."""
        return list(map(_lines, self.versions))

    def done(self) -> Folded:
        if not self.found:
            return Folded(self.versions)
        rows, blocks, sided = list(map(list, self.rows)), list[str](), set[int]()
        for same in self.found:
            texts = dict.fromkeys(block.text for block in same)
            places = {text: len(blocks) + at for at, text in enumerate(texts)}
            if len(places) > 1:
                sided.update(places.values())
            blocks += places
            for row, block in zip(rows, same, strict=True):
                text = block.text
                head = text[: len(text) - len(text.lstrip(" \t"))] + block.head
                names = _said(text).reads if len(places) > 1 else ()
                reads = "".join(f", {name}" for name in names)
                place = f"{head}__folded_{places[text]}__{reads}"
                row[block.first : block.last] = [place, *[_GONE] * (block.last - block.first - 1)]
        versions = ("\n".join(line for line in row if line is not _GONE) for row in rows)
        return Folded(tuple(versions), tuple(blocks), frozenset(sided))

    def common(self, spans: list[tuple[int, int]]) -> None:
        """Collect the definitions in these spans of the versions' lines, and in classes that all
        have there."""
        rows = self.rows
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
            if self._fold(blocks):
                folded.add(blocks[0].name)
        named = [_by_name(side) for side in sides]
        for name in named[0]:
            there = [found.get(name, []) for found in named]
            if name in folded or any(len(row) != 1 for row in there):
                continue
            blocks = tuple(row[0] for row in there)
            if self._of_one_side(blocks) and self._fold(blocks):
                continue
            if all(block.inside for block in blocks):
                self._inside(blocks)

    def _inside(self, blocks: tuple[_Block, ...]) -> None:
        """Collect what stands in definitions that differ."""
        spans = [(block.inside, block.last) for block in blocks]
        if all(block.is_class for block in blocks):
            self.common(spans)
            return
        texts = {"\n".join(row[i:j]) for row, (i, j) in zip(self.rows, spans, strict=True)}
        if len(texts) == 1:
            self._fold(tuple(_Block(i, j, min(texts)) for i, j in spans))

    def _of_one_side(self, blocks: tuple[_Block, ...]) -> bool:
        """Whether one side alone changed a definition, or both did alike. Not so where a line that
        it brings or takes away stands elsewhere in one of the sides: it may have been moved."""
        base, ours, theirs, *rest = (block.text for block in blocks)
        changed = theirs if base == ours else ours
        if base == changed or any(text != changed for text in rest):
            return False
        if ours == theirs:
            away = _lines(base) - _lines(changed)
            return away.isdisjoint(self.said[1] ^ self.said[2])
        if base not in (ours, theirs):
            return False
        other = self.said[2 if changed is ours else 1]
        return (_lines(changed) - other).isdisjoint(self.said[0])

    def _fold(self, blocks: tuple[_Block, ...]) -> bool:
        """Whether blocks can be folded; then they are among those that are found."""
        if max(block.last - block.first for block in blocks) < _FEWEST:
            return False
        texts = {block.text for block in blocks}
        if len(texts) == 1:
            block = blocks[0]
            good = _whole(block.text, definition=bool(block.name))
        else:
            good = all(_said(text).size == 1 for text in texts)
        if good:
            self.found.append(blocks)
        return good


def _lines(text: str) -> frozenset[str]:
    return frozenset(map(str.strip, text.split("\n")))


def _by_name(side: list[_Block]) -> dict[str, list[_Block]]:
    found: dict[str, list[_Block]] = {}
    for block in side:
        found.setdefault(block.name, []).append(block)
    return found


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
    body = _parsed(text)
    return len(body) == 1 if definition else bool(body)


@dataclass(frozen=True, slots=True)
class _Said:
    """How many statements a block is (0 for one that sets names of what is around it), its words,
    and the names that it reads and does not bind, in order."""

    size: int
    words: frozenset[str]
    reads: tuple[str, ...]


@lru_cache(maxsize=2_048)
def _said(text: str) -> _Said:
    body = _parsed(text)
    nodes = [node for stmt in body for node in walk(stmt)]
    words = frozenset(word for node in nodes for word in words_of(node))
    shares = any(isinstance(node, ast.Global | ast.Nonlocal) for node in nodes)
    return _Said(0 if shares else len(body), words, _reads(text) if body else ())


def _reads(text: str) -> tuple[str, ...]:
    """The names that a block reads and does not bind itself, in order."""
    tables = [symtable.symtable(textwrap.dedent(text), "folded", "exec")]
    top, found = tables[0], set[str]()
    for table in tables:  # it grows
        found.update(
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        )
        tables += table.get_children()
    return tuple(sorted(found))


def _parsed(text: str) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(textwrap.dedent(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
