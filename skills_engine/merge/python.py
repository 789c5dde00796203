"""Python, merged by structure. Fits `Language` in ladder.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.pydoubt import doubled, revived
from skills_engine.merge.pytree import tree
from skills_engine.merge.pywords import resurrected, undefined
from skills_engine.merge.structure import merge_trees
from skills_engine.merge.types import Declined

if TYPE_CHECKING:
    from skills_engine.merge.draft import Draft

__all__ = ["doubt", "how", "merge"]

how = "structure"


def merge(base: str, ours: str, theirs: str) -> Draft:
    """Merge by structure. Raises Declined where a version does not parse, its parts cannot be told apart, or the sides
    do not speak of the same things any more."""
    draft = merge_trees(tree, base, ours, theirs)
    if draft.clean:
        foreign = resurrected(base, ours, theirs, draft.text) or undefined(ours, theirs, draft.text)
        if foreign:
            raise Declined(foreign)
    return draft


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    return doubled(ours, theirs, result) or revived(base, ours, theirs, result)
