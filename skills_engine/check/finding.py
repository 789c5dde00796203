"""The plain data that checks take and give: changed files, a tree to look around in, findings; and
the rule that tells new findings from old ones.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.types import Place

__all__ = ["Changed", "CheckedTree", "Finding", "Hit", "Rule", "fresh"]

Rule = Literal["syntax", "duplicate", "undefined", "import", "signature", "data"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that is wrong after an operation and was right before."""

    place: Place
    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.place.path}:{self.place.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that an operation changed, made or removed (`after` is None).

    `before` holds the versions that it was made from, the owner's first, then
    the graft's; None where a version has no such file. For a file that moved,
    they are the contents at its old path.
    """

    path: str
    after: bytes | None
    before: tuple[bytes | None, ...] = ()

    @property
    def owners(self) -> bytes | None:
        return self.before[0] if self.before else None


class CheckedTree(Protocol):
    """The tree that the operation leads to; of `codemods.files.Files`, what reading needs."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file, or None."""

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        """Sorted paths of the files whose names end in `suffix` and whose bytes contain
        `needle`.
        """


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule sees in one version of a file. `key` says the same of two versions; `text` is the
    line, stripped.
    """

    key: tuple[str, ...]
    line: int
    text: str
    message: str


def fresh(after: Iterable[Hit], before: Iterable[Iterable[Hit]]) -> list[Hit]:
    """The hits that no version in `before` has.

    A hit is old if one version has as many of its key (its line may have been
    reformatted), or has the same key on the same line (the merge took one such
    hit from each side). `before` is not looked at if there is nothing after.
    """
    hits = list(after)
    if not hits:
        return []
    versions = [list(version) for version in before]
    by_key = Counter(hit.key for hit in hits)
    surplus = {
        key: number - max((sum(h.key == key for h in version) for version in versions), default=0)
        for key, number in by_key.items()
    }
    known: Counter[tuple[tuple[str, ...], str]] = Counter()
    for version in versions:
        known |= Counter((hit.key, hit.text) for hit in version)
    found: list[Hit] = []
    for hit in hits:
        if surplus[hit.key] <= 0:
            continue
        if known[hit.key, hit.text] > 0:
            known[hit.key, hit.text] -= 1
            continue
        surplus[hit.key] -= 1
        found.append(hit)
    return found
