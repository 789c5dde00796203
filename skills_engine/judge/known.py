"""The readings of texts, kept while texts are merged and judged that have them again."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KNOWN", "MOST", "forget", "kept"]

P = ParamSpec("P")
T = TypeVar("T")

KNOWN: dict[tuple[str, str], Any] = {}
"""The judge's readings of statements, by the keys of their pieces and the labels of what they stand
in.
"""
MOST = 20_000
"""Statements above which none is kept."""


_TEXTS = 32
"""Texts of which what was read is kept: three versions, as read with other words, and results."""
_emptied: list[Callable[[], None]] = []


def kept(function: Callable[P, T]) -> Callable[P, T]:
    """A function of texts that keeps its last answers until `forget`."""
    answers = lru_cache(maxsize=_TEXTS)(function)
    _emptied.append(answers.cache_clear)
    return cast("Callable[P, T]", answers)


def forget() -> None:
    """Drop all of it, behind a merge: the collector of cycles would walk it again and again."""
    KNOWN.clear()
    for empty in _emptied:
        empty()
