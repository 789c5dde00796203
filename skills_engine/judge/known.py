"""Statements that the judge has read, kept while texts are judged that have them again."""

from __future__ import annotations

from typing import Any

__all__ = ["KNOWN", "MOST", "forget"]

KNOWN: dict[tuple[str, str], Any] = {}
"""Their readings, by the keys of their pieces and the labels of what they stand in."""
MOST = 20_000
"""Statements above which none is kept."""


def forget() -> None:
    """Drop all of it, behind a merge."""
    KNOWN.clear()
