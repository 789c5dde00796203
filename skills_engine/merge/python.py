"""Python, merged by structure. Fits `Language` in ladder.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.merge.pydoubt import doubled
from skills_engine.merge.pytree import tree
from skills_engine.merge.structure import merge_trees

if TYPE_CHECKING:
    from skills_engine.merge.draft import Draft

__all__ = ["doubt", "how", "merge"]

how = "structure"


def merge(base: str, ours: str, theirs: str) -> Draft:
    """Merge by structure. Raises Declined where a version does not parse or its parts cannot be told apart."""
    return merge_trees(tree, base, ours, theirs)


def doubt(base: str, ours: str, theirs: str, result: str) -> str:
    """Why a result without conflicts is not to be believed, or ''."""
    return doubled(ours, theirs, result)
