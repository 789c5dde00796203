"""The orders in which people sort code: by text, or as ruff and isort do."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from skills_engine.codemods.snippets import normal_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Key = Callable[[str], Any]

__all__ = ["MEMBER_ORDERS", "by_kind", "by_natural", "in_order", "index_of", "sorted_index"]


def by_text(name: str) -> Any:
    return name


def by_natural(name: str) -> Any:
    """Case ignored, and numbers by value: `a2` before `a10`. Ties are broken by text."""
    parts = re.split(r"(\d+)", name.lower())
    return (
        [(int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts)],
        name,
    )


def by_kind(name: str) -> Any:
    """Constants, then classes, then the rest: isort's `order_by_type`, ruff's default for names and
    `__all__`.
    """
    bare = name.strip("\"'")
    kind = 0 if len(bare) > 1 and bare.isupper() else 1 if bare[:1].isupper() else 2
    return (kind, by_natural(bare))


MEMBER_ORDERS: tuple[Key, ...] = (by_kind, by_natural, by_text)


def in_order(texts: Sequence[str], key: Key) -> bool:
    keys = [key(text) for text in texts]
    return all(one <= other for one, other in pairwise(keys))


def index_of(texts: Sequence[str], new: str, key: Key) -> int:
    """Before the first that is greater. In any order of insertion, several new texts end up in the
    same places.
    """
    wanted = key(new)
    return next((index for index, text in enumerate(texts) if key(text) > wanted), len(texts))


def sorted_index(texts: Sequence[str], new: str) -> int:
    """Where an element goes among others: by text, unless they are sorted, and in another order."""
    plain = [normal_text(text) for text in texts]
    key = next((key for key in (by_text, by_natural, by_kind) if in_order(plain, key)), by_text)
    return index_of(plain, normal_text(new), key)
