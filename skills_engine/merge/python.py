"""Python, merged by structure. Fits `Language` in ladder.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.pydoubt import doubled, revived
from skills_engine.merge.pymodules import moved, with_modules
from skills_engine.merge.pyrenamed import read_with, renames
from skills_engine.merge.pytree import tree
from skills_engine.merge.pywords import resurrected, undefined
from skills_engine.merge.structure import merge_trees
from skills_engine.merge.types import Declined

if TYPE_CHECKING:
    from skills_engine.merge.draft import Draft

__all__ = ["doubt", "foreign", "how", "merge"]

how = "structure"


def merge(base: str, ours: str, theirs: str) -> Draft:
    """Merge by structure. Raises Declined where a version does not parse, its parts cannot be told
    apart, or the sides do not speak of the same things any more."""
    mine, his = moved(base, ours, theirs), moved(base, theirs, ours)
    if mine or his:
        better = _believed(
            with_modules(base, mine | his), with_modules(ours, his), with_modules(theirs, mine)
        )
        if better is not None:
            return better
    draft = merge_trees(tree, base, ours, theirs)
    strange = foreign(base, ours, theirs, draft.text) if draft.clean else ""
    if not draft.clean or strange:
        better = _in_the_same_words(base, ours, theirs)
        if better is not None:
            return better
    if strange:
        raise Declined(strange)
    return draft


def foreign(base: str, ours: str, theirs: str, result: str) -> str:
    """Why the sides do not speak of the same things any more, as far as a result shows it, or
    ''.
    """
    return resurrected(base, ours, theirs, result) or undefined(ours, theirs, result)


def _in_the_same_words(base: str, ours: str, theirs: str) -> Draft | None:
    """The merge after what one side renamed is called so in all three, if it is clean then."""
    mine, his = renames(base, ours, theirs), renames(base, theirs, ours)
    if not mine and not his:
        return None
    return _believed(read_with(base, mine | his), read_with(ours, his), read_with(theirs, mine))


def _believed(base: str, ours: str, theirs: str) -> Draft | None:
    """The merge by structure where it is clean and nothing speaks against it."""
    try:
        draft = merge_trees(tree, base, ours, theirs)
    except Declined:
        return None
    good = (
        draft.clean
        and not foreign(base, ours, theirs, draft.text)
        and not doubt(base, ours, theirs, draft.text)
    )
    return draft if good else None


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    return doubled(ours, theirs, result) or revived(base, ours, theirs, result)
