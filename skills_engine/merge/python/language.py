"""Python, merged by structure. Fits `Language` in file.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.core.regions import decidable
from skills_engine.merge.core.structure import Trees, merge_trees
from skills_engine.merge.python.bindings import rebound
from skills_engine.merge.python.fold import Folded, fold
from skills_engine.merge.python.follow import followed
from skills_engine.merge.python.identifiers import missed, resurrected, undefined
from skills_engine.merge.python.renames import read_with, renames
from skills_engine.merge.python.rules import PythonRules
from skills_engine.merge.python.runtime import failing
from skills_engine.merge.python.source import parse
from skills_engine.merge.python.tree import tree
from skills_engine.merge.python.validate import doubled, revived
from skills_engine.merge.types import NotPython, Unsupported

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunks

__all__ = ["broken", "doubt", "foreign", "how", "merge"]

how = "structure"


def merge(base: str, ours: str, theirs: str, *, keeping: bool = False) -> Chunks:
    """Merge by structure; code that ours edited and theirs deletes is a conflict, whatever is
    `keeping`. Raises Unsupported where a version does not parse, its parts cannot be told apart, or
    the sides do not speak of the same things any more."""
    folded = fold(base, ours, theirs)
    try:
        merged = _Merge(folded).done()
    except NotPython:
        if not folded.blocks:
            raise
    else:
        b, o, t = folded.versions
        merged = merged if merged.clean else decidable(merged, (b, o, t), broken)
        whole = folded.unfolded(merged)
        if whole is not None:
            return whole
    return _Merge(Folded((base, ours, theirs))).done()


def foreign(base: str, ours: str, theirs: str, result: str, common: str = "") -> str:
    """Why the sides do not speak of the same things any more, as far as a result shows it, or ''.
    `common` is code that all versions have besides.
    """
    return resurrected(base, ours, theirs, result, common) or undefined(
        ours, theirs, result, common
    )


class _Rules(PythonRules):
    """The rules where definitions are folded: what the judge doubts then, it is asked once more of
    the texts as they are. What was doubted is known of the sides swapped, too."""

    def __init__(self, folded: Folded) -> None:
        super().__init__("merged.py")
        self.folded = folded
        self.doubted: dict[tuple[str, frozenset[str], str], str] = {}

    def doubt(self, base: str, ours: str, theirs: str, result: str) -> str:
        asked = (base, frozenset((ours, theirs)), result)
        if asked not in self.doubted:
            self.doubted[asked] = self._doubt(base, ours, theirs, result)
        return self.doubted[asked]

    def _doubt(self, base: str, ours: str, theirs: str, result: str) -> str:
        found = super().doubt(base, ours, theirs, result)
        if not found or not self.folded.sided:
            return found
        opened = self.folded.opened(base, ours, theirs, result)
        return found if opened is None else super().doubt(*opened)


class _Merge:
    """The merge of three texts in which definitions are folded."""

    def __init__(self, folded: Folded) -> None:
        self.folded, self.rules, self.trees = folded, _Rules(folded), Trees()

    def done(self) -> Chunks:
        """As `merge`."""
        base, ours, theirs = self.folded.versions
        draft, strange = None, ""
        try:
            draft = self._trees(base, ours, theirs)
            strange = self._strange(base, ours, theirs, draft.text) if draft.clean else ""
        except NotPython:
            raise
        except Unsupported as unsupported:
            strange = str(unsupported)
        if draft is None or not draft.clean or strange:
            better = (
                self._in_the_same_words(base, ours, theirs)
                or self._after_edits(base, ours, theirs, draft)
                or self._mirrored(base, ours, theirs)
            )
            if better is not None:
                return better
        if draft is None or strange:
            raise Unsupported(strange)
        return draft

    def _trees(self, base: str, ours: str, theirs: str) -> Chunks:
        return merge_trees(tree, base, ours, theirs, rules=self.rules, trees=self.trees)

    def _in_the_same_words(self, base: str, ours: str, theirs: str) -> Chunks | None:
        """The merge after what one side renamed is called so in all three, if it is clean then."""
        of_ours, of_theirs = (renames(self.folded, *row) for row in ((0, 1, 2), (0, 2, 1)))
        if not of_ours and not of_theirs:
            return None
        words = of_ours | of_theirs
        said = zip((base, ours, theirs), (words, of_theirs, of_ours), strict=True)
        folded = self.folded.rewritten(
            lambda block: read_with(block, words), *(read_with(*each) for each in said)
        )
        better = _Merge(folded)._believed(*folded.versions)
        return better and folded.unfolded(better)

    def _after_edits(
        self, base: str, ours: str, theirs: str, draft: Chunks | None
    ) -> Chunks | None:
        """The merge after edits have followed their lines, if it is clean then."""
        if draft is None or draft.clean:
            return None
        for texts in followed(base, ours, theirs, draft, self.folded.beside):
            better = self._believed(*texts)
            if (
                better is not None
                and not self._strange(base, ours, theirs, better.text)
                and not self.rules.doubt(base, ours, theirs, better.text)
            ):
                return better
        return None

    def _mirrored(self, base: str, ours: str, theirs: str) -> Chunks | None:
        """The merge with the sides swapped, if it is clean then: it is so either way or neither
        way."""
        try:
            draft = self._trees(base, theirs, ours)
        except Unsupported:
            return None
        if draft.clean:
            return None if self._strange(base, ours, theirs, draft.text) else draft
        return self._after_edits(base, theirs, ours, draft)

    def _believed(self, base: str, ours: str, theirs: str) -> Chunks | None:
        """The merge by structure where it is clean and nothing speaks against it."""
        try:
            draft = self._trees(base, ours, theirs)
        except Unsupported:
            return None
        strange = not draft.clean or self._strange(base, ours, theirs, draft.text)
        return None if strange else draft

    def _strange(self, base: str, ours: str, theirs: str, result: str) -> str:
        return self._foreign(base, ours, theirs, result) or doubt(base, ours, theirs, result)

    def _foreign(self, base: str, ours: str, theirs: str, result: str) -> str:
        """As `foreign`: only what the folded texts show is looked up in the texts as they are."""
        common = self.folded.common
        if self.folded.sided:
            words = missed(*map(self.folded.words, (base, ours, theirs, result)))
            words -= self.folded.everywhere(words)
            if not words and not undefined(ours, theirs, result, common):
                return ""
            opened = self.folded.opened(base, ours, theirs, result)
            base, ours, theirs, result = opened or (base, ours, theirs, result)
        return foreign(base, ours, theirs, result, common)


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    folded = fold(base, ours, theirs, result).versions
    try:
        b, o, t, r = folded
        return (
            doubled(o, t, r)
            or rebound(b, o, t, r)
            or revived(b, o, t, r)
            or failing(ours, theirs, result)
        )
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
