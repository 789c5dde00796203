"""Python, merged by structure. Fits `Language` in file.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.judge import doubt as judged
from skills_engine.merge.core.regions import decidable
from skills_engine.merge.core.structure import Trees, merge_trees
from skills_engine.merge.python.bindings import rebound
from skills_engine.merge.python.fold import fold
from skills_engine.merge.python.follow import followed
from skills_engine.merge.python.identifiers import resurrected, undefined
from skills_engine.merge.python.renames import read_with, renames
from skills_engine.merge.python.rules import PythonRules
from skills_engine.merge.python.source import parse
from skills_engine.merge.python.tree import tree
from skills_engine.merge.python.validate import doubled, revived
from skills_engine.merge.types import NotPython, Unsupported

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunks

__all__ = ["broken", "doubt", "foreign", "how", "merge"]

how = "structure"

_RULES = PythonRules("merged.py")


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by structure; code that ours edited and theirs deletes is a conflict, whatever is
    `keeping`. Raises Unsupported where a version does not parse, its parts cannot be told apart, or
    the sides do not speak of the same things any more."""
    folded = fold(base, ours, theirs)
    b, o, t = folded.versions
    try:
        merged = _merge(b, o, t, folded.common)
    except NotPython:
        if not folded.blocks:
            raise
    else:
        merged = merged if merged.clean else decidable(merged, (b, o, t), broken)
        whole = folded.unfolded(merged)
        if whole is not None:
            return whole
    return _merge(base, ours, theirs)


def _merge(base: str, ours: str, theirs: str, common: str = "") -> Chunks:
    """As `merge`; `common` is code that all versions have besides."""
    draft, strange, trees = None, "", Trees()
    try:
        draft = merge_trees(tree, base, ours, theirs, rules=_RULES, trees=trees)
        strange = foreign(base, ours, theirs, draft.text, common) if draft.clean else ""
    except NotPython:
        raise
    except Unsupported as unsupported:
        strange = str(unsupported)
    if draft is None or not draft.clean or strange:
        better = (
            _in_the_same_words(base, ours, theirs, common, trees)
            or _after_edits(base, ours, theirs, draft, common, trees)
            or _mirrored(base, ours, theirs, common, trees)
        )
        if better is not None:
            return better
    if draft is None or strange:
        raise Unsupported(strange)
    return draft


def foreign(base: str, ours: str, theirs: str, result: str, common: str = "") -> str:
    """Why the sides do not speak of the same things any more, as far as a result shows it, or ''.
    `common` is code that all versions have besides.
    """
    return resurrected(base, ours, theirs, result, common) or undefined(
        ours, theirs, result, common
    )


def _in_the_same_words(
    base: str, ours: str, theirs: str, common: str, trees: Trees
) -> Chunks | None:
    """The merge after what one side renamed is called so in all three, if it is clean then."""
    of_ours, of_theirs = renames(base, ours, theirs, common), renames(base, theirs, ours, common)
    if not of_ours and not of_theirs:
        return None
    return _believed(
        read_with(base, of_ours | of_theirs),
        read_with(ours, of_theirs),
        read_with(theirs, of_ours),
        common,
        trees,
    )


def _after_edits(
    base: str, ours: str, theirs: str, draft: Chunks | None, common: str, trees: Trees
) -> Chunks | None:
    """The merge after edits have followed their lines, if it is clean then."""
    if draft is None or draft.clean:
        return None
    for texts in followed(base, ours, theirs, draft):
        better = _believed(*texts, common, trees)
        if (
            better is not None
            and _good(base, ours, theirs, better.text, common)
            and not judged(_RULES.path, base, ours, theirs, better.text)
        ):
            return better
    return None


def _mirrored(base: str, ours: str, theirs: str, common: str, trees: Trees) -> Chunks | None:
    """The merge with the sides swapped, if it is clean then: it is so either way or neither way."""
    try:
        draft = merge_trees(tree, base, theirs, ours, rules=_RULES, trees=trees)
    except Unsupported:
        return None
    if draft.clean:
        return draft if _good(base, ours, theirs, draft.text, common) else None
    return _after_edits(base, theirs, ours, draft, common, trees)


def _believed(base: str, ours: str, theirs: str, common: str, trees: Trees) -> Chunks | None:
    """The merge by structure where it is clean and nothing speaks against it."""
    try:
        draft = merge_trees(tree, base, ours, theirs, rules=_RULES, trees=trees)
    except Unsupported:
        return None
    good = draft.clean and _good(base, ours, theirs, draft.text, common)
    return draft if good else None


def _good(base: str, ours: str, theirs: str, result: str, common: str) -> bool:
    strange = foreign(base, ours, theirs, result, common) or doubt(base, ours, theirs, result)
    return not strange


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    folded = fold(base, ours, theirs, result).versions
    try:
        b, o, t, r = folded
        return doubled(o, t, r) or rebound(b, o, t, r) or revived(b, o, t, r)
    except NotPython:
        return doubled(ours, theirs, result) or revived(base, ours, theirs, result)


def broken(text: str) -> int:
    """The line at which a text does not parse, 0 where it does."""
    try:
        parse(text)
    except Unsupported as unsupported:
        error = unsupported.__cause__
        return (error.lineno if isinstance(error, SyntaxError) else 0) or 1
    return 0
