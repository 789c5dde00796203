"""Three versions as trees, merged, and the result put to the proof."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.core.chunks import Chunks
from skills_engine.merge.core.delete_move import Revivals
from skills_engine.merge.core.nodes import TreeMerge
from skills_engine.merge.core.rules import Rules
from skills_engine.merge.core.tree import Ids
from skills_engine.merge.types import NodeConflict, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.tree import Node

__all__ = ["merge_trees"]

_NEUTRAL = Rules()


def merge_trees(
    parse: Callable[[str, Ids], Node],
    base: str,
    ours: str,
    theirs: str,
    *,
    keeps: bool = False,
    rules: Rules = _NEUTRAL,
) -> Chunks:
    """Merge by structure. `parse` takes text that ends with a newline (or is empty).

    A clean merge has every comment that it should have, and where theirs only adds, the additions
    can be taken out again and leave ours byte for byte. Raises Unsupported otherwise, or where a
    version cannot be parsed.
    """
    draft, walk = _merged(parse, (base, ours, theirs), keeps=keeps, rules=rules)
    if not draft.clean:
        return draft
    said = [
        [text for _, text in parse(_closed(t), Ids()).version.comments]
        for t in (base, ours, theirs, draft.text)
    ]
    gone = _lost(*said)
    if gone:
        raise Unsupported(f"a comment would be lost: {gone}")
    if walk.theirs == {"add"}:
        back, _ = _merged(parse, (theirs, draft.text, base), keeps=keeps, rules=rules)
        if not back.clean or back.text != ours:
            raise Unsupported("what theirs adds could not be taken out again")
    return draft


def _merged(
    parse: Callable[[str, Ids], Node], texts: tuple[str, str, str], *, keeps: bool, rules: Rules
) -> tuple[Chunks, TreeMerge]:
    ids = Ids()
    base, ours, theirs = (parse(_closed(text), ids) for text in texts)
    walk = TreeMerge(
        Revivals(base.version, ours.version, theirs.version), rules, "ours" if keeps else ""
    )
    try:
        pieces = walk.node(base, ours, theirs)
    except NodeConflict as torn:
        raise Unsupported(str(torn)) from None
    ends = [text.endswith("\n") or not text for text in texts]
    if not (ends[2] if ends[1] == ends[0] else ends[1]):
        pieces = _opened(pieces)
    return Chunks(tuple(pieces), tuple(walk.notes)), walk


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


def _lost(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str], result: Sequence[str]
) -> str:
    """A comment that a merge of three must have and the result has not, or ''."""
    b, o, t, found = Counter(base), Counter(ours), Counter(theirs), Counter(result)
    for text in o | t:
        due = o[text] if o[text] == t[text] else o[text] + t[text] - b[text]
        if found[text] < min(due, max(o[text], t[text])):
            return text
    return ""
