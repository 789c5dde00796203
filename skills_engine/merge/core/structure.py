"""Three versions as trees, merged, and a clean result judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.core.chunks import Chunks
from skills_engine.merge.core.delete_move import Revivals
from skills_engine.merge.core.nodes import NodeMerge
from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.tree import Ids
from skills_engine.merge.types import NodeConflict, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.tree import Node

__all__ = ["Trees", "merge_trees"]

_NEUTRAL = Rules()


class Trees:
    """The trees of the texts that are merged with one another."""

    def __init__(self) -> None:
        self.ids = Ids()
        self._known: dict[str, Node] = {}

    def of(self, parse: Callable[[str, Ids], Node], text: str) -> Node:
        if text not in self._known:
            self._known[text] = parse(text, self.ids)
        return self._known[text]


def merge_trees(
    parse: Callable[[str, Ids], Node],
    base: str,
    ours: str,
    theirs: str,
    *,
    keeps: bool = False,
    rules: Rules = _NEUTRAL,
    trees: Trees | None = None,
) -> Chunks:
    """Merge by structure. `parse` takes text that ends with a newline (or is empty). With `trees`
    what was read of a text before is not read again.

    Raises Unsupported where a version cannot be parsed, or where the judge doubts a clean
    merge.
    """
    draft = _merged(parse, (base, ours, theirs), keeps=keeps, rules=rules, trees=trees)
    if draft.clean:
        reason = rules.doubt(base, ours, theirs, draft.text)
        if reason:
            raise Unsupported(reason)
    return draft


def _merged(
    parse: Callable[[str, Ids], Node],
    texts: tuple[str, str, str],
    *,
    keeps: bool,
    rules: Rules,
    trees: Trees | None,
) -> Chunks:
    trees = trees or Trees()
    base, ours, theirs = (trees.of(parse, _closed(text)) for text in texts)
    walk = NodeMerge(
        Revivals(base.version, ours.version, theirs.version), rules, "ours" if keeps else ""
    )
    try:
        pieces = walk.node(base, ours, theirs)
    except NodeConflict as torn:
        raise Unsupported(str(torn)) from None
    ends = [text.endswith("\n") or not text for text in texts]
    if not (ends[2] if ends[1] == ends[0] else ends[1]):
        pieces = _opened(pieces)
    return Chunks(tuple(pieces), tuple(walk.notes))


def _closed(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _opened(pieces: list[Chunk]) -> list[Chunk]:
    """Without the newline at the end."""
    for at in range(len(pieces) - 1, -1, -1):
        piece = pieces[at]
        if not isinstance(piece, str):
            return pieces
        if piece:
            return [*pieces[:at], piece.removesuffix("\n")]
    return pieces
