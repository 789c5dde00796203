"""The versions that two sets of version specifiers have in common.

A specifier set is constant between the versions that it names and their
neighbours in PEP 440's order, so it is enough to ask about those. (`packaging`
answers the same questions itself since 26.3; this works with older ones.)
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.specifiers import Specifier

__all__ = ["empty", "implies", "intersection"]


def implies(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Whether every version that `one` takes, `other` takes too."""
    exact = {str(each) for each in one if each.operator == "==="}
    rest = [each for each in other if each.operator != "===" or str(each) not in exact]
    if any(each.operator == "===" for each in rest):
        return False
    wanted = SpecifierSet(",".join(map(str, rest)))
    return not any(_takes(one, v) and not _takes(wanted, v) for v in _critical([*one, *other]))


def empty(specifiers: SpecifierSet) -> bool:
    """Whether no version at all fits."""
    exact = {each.version.lower() for each in specifiers if each.operator == "==="}
    if exact and not all(_is_version(each) for each in exact):
        return len(exact) > 1
    return not any(_takes(specifiers, version) for version in _critical(specifiers))


def intersection(one: SpecifierSet, other: SpecifierSet) -> str:
    """The versions that both take, written without what the rest implies: lower bounds first, `!=`
    last.
    """
    kept = sorted({str(each): each for each in [*one, *other]}.values(), key=_order)
    for each in reversed(kept):
        rest = [s for s in kept if s is not each]  # not by equality: >=1 equals >=1.0
        if rest and implies(SpecifierSet(",".join(map(str, rest))), SpecifierSet(str(each))):
            kept = rest
    return ",".join(map(str, kept))


def _order(specifier: Specifier) -> tuple[int, str]:
    operators = ("===", "==", "~=", ">=", ">", "<=", "<", "!=")
    return operators.index(specifier.operator), specifier.version


def _takes(specifiers: SpecifierSet, version: Version) -> bool:
    return specifiers.contains(version, prereleases=True)


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _critical(specifiers: Iterable[Specifier]) -> Iterator[Version]:
    """Versions of every kind that the specifiers tell apart."""
    named = {each.version.removesuffix(".*") for each in specifiers}
    yield Version("0.dev0")
    yield Version("9999!0")
    ordered = sorted({near for text in named if _is_version(text) for near in _near(Version(text))})
    yield from ordered
    for low, high in pairwise(ordered):
        between = Version(
            f"{low.epoch}!{low.base_version.partition('!')[2] or low.base_version}.0.1"
        )
        if low < between < high:
            yield between


def _near(version: Version) -> Iterator[Version]:
    """A version, those just below and above it, and the edges of the series that it is in."""
    yield version
    public = version.public
    if version.local is None:
        yield Version(f"{public}+0")
    if not version.is_devrelease:
        yield Version(f"{public}.dev0")
        if not version.is_postrelease:
            yield Version(f"{public}.post0.dev0")
            yield Version(f"{public}.post0")
    for length in range(1, len(version.release) + 1):
        release = version.release[:length]
        above = (*release[:-1], release[-1] + 1)
        for numbers in (release, above, (*release, 0, 1)):
            text = f"{version.epoch}!" + ".".join(map(str, numbers))
            for suffix in ("", ".dev0", "a0", "rc9999", ".post0", ".post9999"):
                yield Version(text + suffix)
