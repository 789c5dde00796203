"""A walk down three trees, as the merges of single shapes see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from skills_engine.merge.core.chunks import joined

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.delete_move import Revivals
    from skills_engine.merge.core.rules import Rules
    from skills_engine.merge.core.tree import Node

__all__ = ["Walk"]


@dataclass
class Walk(ABC):
    """One walk down three trees.

    What the side that `keeps` edited stays where the other deletes it, with a note.
    """

    revivals: Revivals
    rules: Rules
    keeps: Literal["", "ours", "theirs"] = ""
    notes: list[str] = field(default_factory=list)

    @abstractmethod
    def node(self, base: Node, ours: Node, theirs: Node) -> list[Chunk]:
        """The merged text, in ours' layout where both have one. Raises NodeConflict."""

    def inline(self, base: Node, ours: Node, theirs: Node) -> str:
        """As `node`, for what cannot hold markers."""
        return joined(self.node(base, ours, theirs))
