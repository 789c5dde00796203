"""The judge of what a merge joined beside its conflicts, which it asks as of a clean merge.

Each conflict is decided alike in all four texts, once as ours has it and once as theirs: then what
differs is what was joined. What is doubtful both times becomes part of a conflict.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from skills_engine.judge import Doubt, doubts
from skills_engine.lines import split_lines
from skills_engine.merge.core.chunks import Chunks, Conflicting
from skills_engine.merge.core.places import SIDES, places_of, taken
from skills_engine.merge.core.regions import changed, decidable, whole_lines
from skills_engine.merge.core.segments import (
    says_enough,
    segments_of,
    told,
    units_of,
    whole,
    with_conflicts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.places import Span, Texts
    from skills_engine.merge.core.regions import Broken

__all__ = ["judged"]

_WORD = re.compile(r"\w+")
_FEW = 6
"""Places that become conflicts for one doubt."""
_MOST = 4
"""Doubts after which all that a side changed is in conflicts."""


def judged(
    path: str, chunks: Chunks, by_lines: Chunks | None, texts: Texts, broken: Broken
) -> Chunks:
    """A merge with conflicts, in which nothing is joined that the judge doubts: that of lines, if
    it has conflicts and nothing in it is doubtful, or with more lines in conflicts, whichever has
    fewer. `broken` says whether a text parses. What is deeper than Python can follow, or parses in
    no way, is not judged.
    """
    if not path.endswith((".py", ".pyi")):
        return _believed(path, chunks, by_lines, texts, broken, None)
    python = importlib.import_module("skills_engine.merge.python.parts")
    return _undivided(_believed(path, chunks, by_lines, texts, broken, python), texts, broken)


def _undivided(chunks: Chunks, texts: Texts, broken: Broken) -> Chunks:
    """A merge whose conflicts hold all that a side has between two lines that all versions have:
    which statement took the place of which is not known there."""
    for _ in range(_MOST):
        units: list[Chunk] = []
        for piece in _trimmed(chunks.pieces):
            units += split_lines(piece) if isinstance(piece, str) else [piece]
        pieces = whole(units, texts)
        if pieces is None:
            break
        chunks = decidable(replace(chunks, pieces=tuple(pieces), decidable=False), texts, broken)
    return chunks


def _believed(
    path: str,
    chunks: Chunks,
    by_lines: Chunks | None,
    texts: Texts,
    broken: Broken,
    python: ModuleType | None,
) -> Chunks:
    """The merge, or the smallest at hand in which nothing that is joined is doubted."""

    def doubted(merged: Chunks) -> Doubt | None:
        return _doubt(path, merged, texts, python, broken)

    def widened(merged: Chunks, about: Doubt, *, all_of_it: bool = False) -> Chunks | None:
        row = _trimmed(merged.pieces)
        span = python.lines_of_definition(taken(row, "ours"), about.where) if python else None
        pieces = _widened(row, texts, about, span, all_of_it=all_of_it)
        wider = pieces and replace(chunks, pieces=tuple(pieces), decidable=False)
        return decidable(wider, texts, broken) if wider else None

    doubt = about = doubted(chunks)
    if doubt is None:
        return chunks
    grown: Chunks | None = chunks
    for _ in range(_MOST):
        grown = widened(grown, about) if grown and about else None
        about = doubted(grown) if grown else None
        if about is None:
            break
    else:
        grown = None
    lined = decidable(by_lines, texts, broken) if by_lines and not by_lines.clean else None
    if lined and (grown is None or _height(lined) < _height(grown)) and doubted(lined) is None:
        return _for_reason(lined, str(doubt))
    return grown or widened(chunks, doubt, all_of_it=True) or chunks


def _for_reason(chunks: Chunks, why: str) -> Chunks:
    pieces = (p if isinstance(p, str) else replace(p, reason=why) for p in chunks.pieces)
    return replace(chunks, pieces=tuple(pieces))


def _height(chunks: Chunks) -> int:
    """How many lines are in conflicts."""
    there = (piece for piece in chunks.pieces if isinstance(piece, Conflicting))
    return sum(len(split_lines(side)) for c in there for side in (c.base, c.ours, c.theirs))


# --- the judge


def _doubt(
    path: str, chunks: Chunks, texts: Texts, python: ModuleType | None, broken: Broken
) -> Doubt | None:
    """What is doubtful whichever side the conflicts are decided for."""
    row = _trimmed(chunks.pieces)
    if all(taken(row, side) == text for side, text in zip(SIDES[1:], texts[1:], strict=True)):
        return None  # nothing was joined
    moved = _moved(row, texts, python)
    if moved is not None:
        return moved
    places = [places_of(row, side, text) for side, text in zip(SIDES, texts, strict=True)]
    found = _doubts(path, row, texts, places, "ours", python, broken)
    first = next(found, None) if found is not None else None
    if found is not None and first is None:
        return None
    other = _doubts(path, row, texts, places, "theirs", python, broken)
    if found is None or other is None:
        return first if other is None else next(other, None)
    known: set[tuple[str, str]] = set()
    for each in chain([first] if first else [], found):
        wanted = (each.law, each.where)
        if wanted not in known:
            for doubt in other:  # goes on where it was left
                known.add((doubt.law, doubt.where))
                if wanted in known:
                    break
        if wanted in known:
            return each
    return None


def _doubts(
    path: str,
    row: Sequence[Chunk],
    texts: Texts,
    places: Sequence[Sequence[Span] | None],
    side: str,
    python: ModuleType | None,
    broken: Broken,
) -> Iterator[Doubt] | None:
    """What is doubtful with each conflict as a side has it in all four texts; None where one of
    them does not parse then. Where the base has nothing, it may stay so: both sides added it then.
    """
    conflicts = [piece for piece in row if isinstance(piece, Conflicting)]
    wanted = [getattr(piece, side) for piece in conflicts]
    known = [text if piece.base else "" for text, piece in zip(wanted, conflicts, strict=True)]
    result = taken(row, side)
    o, t = (_put(text, at, wanted) for text, at in zip(texts[1:], places[1:], strict=True))
    for of_base in (wanted, known):
        b = _put(texts[0], places[0], of_base)
        if b is None or o is None or t is None:
            continue
        try:
            found: Iterator[Doubt] | None
            if python is not None:
                found = python.doubts_of(b, o, t, result)
            else:
                unread = any(map(broken, (b, o, t)))
                found = None if unread else iter(list(doubts(path, b, o, t, result)))
        except RecursionError:
            return None
        if found is not None:
            return found
    return None


def _moved(row: Sequence[Chunk], texts: Texts, python: ModuleType | None) -> Doubt | None:
    """A line that all three versions have as often, and that is lost where the conflicts are
    decided for a side: it stands in a conflict in one of them, elsewhere in another.
    """
    counts = [told(text) for text in texts]
    for side in SIDES[1:]:
        now = told(taken(row, side))
        for line, n in counts[0].items():
            if now[line] < n == counts[1][line] == counts[2][line] and says_enough(line):
                where = python.definition_with(texts[1], line) if python else ""
                return Doubt("line", line, where, says=f"would be lost with {side} taken")
    return None


def _put(text: str, places: Sequence[Span] | None, wanted: Sequence[str]) -> str | None:
    """A text with others at its places, which are not asked for where all of these are empty."""
    if places is None:
        return None if any(wanted) else text
    rows, out, at = split_lines(text), list[str](), 0
    for (first, last), new in zip(places, wanted, strict=True):
        out += [*rows[at:first], new]
        at = last
    return "".join([*out, *rows[at:]])


def _trimmed(pieces: tuple[Chunk, ...]) -> list[Chunk]:
    """Pieces with conflicts of whole lines that do not begin or end with lines that all have."""
    out: list[Chunk] = []
    for piece in whole_lines(pieces):
        if isinstance(piece, str):
            out.append(piece)
        else:
            out += changed(piece.base, piece.ours, piece.theirs, piece.reason)
    return whole_lines(tuple(piece for piece in out if piece != ""))


# --- what is doubtful, as a conflict


def _widened(
    row: Sequence[Chunk], texts: Texts, doubt: Doubt, span: Span | None, *, all_of_it: bool
) -> list[Chunk] | None:
    """The row with more of what a side changed as a conflict: what says what is doubtful, or else
    what is in these lines of ours, if it is at few places; or all of it."""
    units: list[Chunk] = []
    for piece in row:
        units += split_lines(piece) if isinstance(piece, str) else [piece]
    segments = segments_of(units, texts)
    first, last = units_of(units, span)
    here = [each for each in segments if each.first < last and first < each.last]
    words = _WORD.findall(doubt.what)
    for some in ([each for each in here if each.says(words)], here):
        if 0 < len(some) <= _FEW and not all_of_it:
            return with_conflicts(units, some, str(doubt))
    return with_conflicts(units, segments, str(doubt)) if all_of_it else None
