"""Files of lines, judged: .env and requirements files by their entries, all others, which git's
line merge alone has merged, by lines that one side deleted.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.judge.doubt import Doubt, undue
from skills_engine.judge.sequence import reversals

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["entries", "revived"]

_REMARK = re.compile(r"(?:^|\s)#.*")
_NAME = re.compile(r"(?:#+[ \t]*)?(?:export[ \t]+)?([\w.-]+)(?=[ \t]*(?:[=<>!~;\[@#]|$))")
_TELLING = re.compile(r"\w{3}")


def entries(base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt]:
    """Each entry stands as often as both sides made it stand, in the order that they gave it. One
    that is put in a comment is known by its name, too.
    """
    rows = [[row.strip() for row in text.split("\n") if row.strip()] for text in
            (base, ours, theirs, result)]  # fmt: skip
    said = [Counter(filter(None, (_REMARK.sub("", row) for row in text))) for text in rows]
    for entry, counts in undue(said):
        yield Doubt("tok", entry, "", counts)
    names = [[_name(row, said[0]) for row in text] for text in rows]
    often = {name for text in names for name, n in Counter(text).items() if n > 1}
    for one, other in reversals([[n for n in text if n not in often] for text in names]):
        yield Doubt("order", one, "", says=f"would stand before {other}")


def _name(row: str, old: Counter[str]) -> str:
    bare = row.lstrip("# \t")
    match = _NAME.match(row)
    return match[1] if match else bare if bare in old else row


def revived(base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt]:
    """A line that the base has once, one side once and the other nowhere, is not there: one side
    deleted what the other one moved.
    """
    bags = [Counter(text.split("\n")) for text in (base, ours, theirs, result)]
    for row in bags[0]:
        counts = tuple(bag[row] for bag in bags)
        if sorted(counts[:3]) == [0, 1, 1] and counts[0] and counts[3] and _TELLING.search(row):
            yield Doubt("tok", row.strip(), "", counts)
