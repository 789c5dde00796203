"""A merge in the making: text, and conflicts that become marked regions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.merge.markers import marked, size_for
from skills_engine.merge.types import Merged, NodeConflict, Region

if TYPE_CHECKING:
    from skills_engine.merge.text import Form

__all__ = ["Chunk", "Chunks", "Conflicting", "joined"]


@dataclass(frozen=True, slots=True)
class Conflicting:
    """Whole lines that both sides changed, each side's text, and why they could not be joined.
    `about` is the part of all three that contradicts itself, where the rest only belongs to it.
    """

    base: str
    ours: str
    theirs: str
    reason: str
    about: str = ""


Chunk = str | Conflicting


@dataclass(frozen=True, slots=True)
class Chunks:
    """Pieces in order, and notes; `decidable` where conflicts have whole lines and either side
    parses in its place."""

    pieces: tuple[Chunk, ...]
    notes: tuple[str, ...] = ()
    decidable: bool = False

    @property
    def clean(self) -> bool:
        return all(isinstance(piece, str) for piece in self.pieces)

    @property
    def text(self) -> str:
        """The merged text where nothing conflicts."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    def merged(self, form: Form, how: str) -> Merged:
        """The pieces as a file; conflicts stand between whole lines."""
        text, regions = "", []
        size = size_for(*(side for piece in self.pieces for side in _sides(piece)))
        for piece in self.pieces:
            if isinstance(piece, str):
                text += piece
                continue
            sides = (form.lines(piece.base), form.lines(piece.ours), form.lines(piece.theirs))
            regions.append(Region(text.count("\n") + 1, *sides, piece.reason))
            text += marked(piece.base, piece.ours, piece.theirs, size)
        last = next((piece for piece in reversed(self.pieces) if piece), "")
        if isinstance(last, Conflicting):
            form = replace(form, ends=True)  # a marker has its line end, as git's has
        return Merged(form.file(text), tuple(regions), how, self.notes)


def _sides(piece: Chunk) -> tuple[str, ...]:
    return (piece,) if isinstance(piece, str) else (piece.base, piece.ours, piece.theirs)


def joined(pieces: list[Chunk]) -> str:
    """Text without conflicts, or NodeConflict with the first one's reason."""
    for piece in pieces:
        if isinstance(piece, Conflicting):
            raise NodeConflict(piece.reason)
    return "".join(piece for piece in pieces if isinstance(piece, str))
