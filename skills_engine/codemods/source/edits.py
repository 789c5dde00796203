"""Several edits of one file, each made on what the last one left, as one set of splices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.source.comments import attached
from skills_engine.codemods.source.source import Source, Splice
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["Draft", "begins_line", "is_blank_at", "lines_above", "lines_at"]


class Draft:
    """`source` is the file as it is by now; `splices` lead there from the file as it was."""

    def __init__(self, source: Source) -> None:
        self._first = source
        self.source = source
        self._kept: list[tuple[int, int] | bytes] = [(0, len(source.data))]

    @property
    def splices(self) -> tuple[Splice, ...]:
        found: list[Splice] = []
        at, new = 0, b""
        end = len(self._first.data)
        for piece in [*self._kept, (end, end)]:
            if isinstance(piece, bytes):
                new += piece
                continue
            if piece[0] > at or new:
                text = new.decode("utf-8").replace(self._first.newline, "\n")
                found.append(Splice(at, piece[0], text))
            at, new = piece[1], b""
        return tuple(found)

    def make(self, splices: Sequence[Splice]) -> None:
        """Make an edit of `self.source`."""
        if not splices:
            return
        pieces: list[tuple[int, int] | bytes] = []
        at = 0
        for splice in sorted(splices):
            pieces += self._slice(at, splice.start)
            pieces.append(splice.new.replace("\n", self._first.newline).encode("utf-8"))
            at = splice.end
        pieces += self._slice(at, len(self.source.data))
        data = self.source.splice(splices)
        self._kept = pieces
        self.source = Source.parse(self._first.path, data)

    def _slice(self, start: int, end: int) -> list[tuple[int, int] | bytes]:
        """The pieces that bytes `start` to `end` of the file as it is are made of."""
        found: list[tuple[int, int] | bytes] = []
        at = 0
        for piece in self._kept:
            size = len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]
            low, high = max(start - at, 0), min(end - at, size)
            if low < high:
                found.append(
                    piece[low:high]
                    if isinstance(piece, bytes)
                    else (piece[0] + low, piece[0] + high)
                )
            at += size
        return found


def lines_at(source: Source, at: int, text: str) -> Splice:
    """Put whole lines at the start of a line, or at the end of a file that does not end its last
    one.
    """
    if at == len(source.data) and at and not source.data.endswith((b"\n", b"\r")):
        return Splice(at, at, "\n" + text.removesuffix("\n"))
    return Splice(at, at, text)


def is_blank_at(source: Source, at: int) -> bool:
    """Whether the line that begins at `at` is there and empty."""
    return at < len(source.data) and not source.data[at : source.line_end(at)].strip()


def lines_above(source: Source, at: int, bound: int = 0) -> int:
    """The start of the comment lines right above a line, or of the line itself where they begin the
    file.
    """
    top = attached(source, at, bound)
    return top if bound or top else at


def begins_line(source: Source, splice: Splice) -> bool:
    """Whether the comment that a splice brings is the first thing on its line."""
    lead = (
        source.text(Span(source.line_start(splice.start), splice.start))
        + splice.new.partition("#")[0]
    )
    return "#" in splice.new and not lead.rpartition("\n")[2].strip()
