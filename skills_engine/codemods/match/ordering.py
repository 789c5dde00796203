"""Where an element goes in a list that is kept sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.source.snippets import normal_text
from skills_engine.import_order import by_kind, by_natural, by_text, in_order, index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["sorted_index"]


def sorted_index(texts: Sequence[str], new: str) -> int:
    """Where an element goes among others: by text, unless they are sorted, and in another order."""
    plain = [normal_text(text) for text in texts]
    key = next((key for key in (by_text, by_natural, by_kind) if in_order(plain, key)), by_text)
    return index_of(plain, normal_text(new), key)
