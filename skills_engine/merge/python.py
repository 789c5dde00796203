"""Python, merged by structure. Fits `Language` in ladder.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.pydoubt import doubled, revived
from skills_engine.merge.pyrenamed import read_with, renames
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
    foreign = _foreign(base, ours, theirs, draft) if draft.clean else ""
    if not draft.clean or foreign:
        better = _in_the_same_words(base, ours, theirs)
        if better is not None:
            return better
    if foreign:
        raise Declined(foreign)
    return draft


def _foreign(base: str, ours: str, theirs: str, draft: Draft) -> str:
    return resurrected(base, ours, theirs, draft.text) or undefined(ours, theirs, draft.text)


def _in_the_same_words(base: str, ours: str, theirs: str) -> Draft | None:
    """The merge after what one side renamed is called so in all three, if it is clean then."""
    mine, his = renames(base, ours, theirs), renames(base, theirs, ours)
    if not mine and not his:
        return None
    three = read_with(base, mine | his), read_with(ours, his), read_with(theirs, mine)
    try:
        draft = merge_trees(tree, *three)
    except Declined:
        return None
    return draft if draft.clean and not _foreign(*three, draft) and not doubt(*three, draft.text) else None


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    return doubled(ours, theirs, result) or revived(base, ours, theirs, result)
