"""Two additions at one place of which one holds all that the other says: that side knew more, or
came later.
"""

from __future__ import annotations

import re

__all__ = ["superset"]

_TOKEN = re.compile(r"\w+|[^\w\s]")

_ENOUGH = 8
"""Tokens of the smaller addition below which it is contained by chance."""


def superset(ours: str, theirs: str) -> str:
    """ "ours" or "theirs", whichever contains the other's tokens in their order; '' if neither
    does.
    """
    o, t = _TOKEN.findall(ours), _TOKEN.findall(theirs)
    if min(len(o), len(t)) < _ENOUGH:
        return ""
    if len(o) >= len(t) and _within(t, o):
        return "ours"
    return "theirs" if _within(o, t) else ""


def _within(small: list[str], large: list[str]) -> bool:
    rest = iter(large)
    return all(token in rest for token in small)
