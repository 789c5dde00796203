"""Requirements as PEP 508 has them: which are alike, which say enough, what two say together."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from skills_engine.data import versions
from skills_engine.data.errors import DataError
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["alike", "entries_of", "merged", "normal", "position", "requirement_of", "satisfied"]


def requirement_of(text: str) -> Requirement:
    """A requirement as PEP 508 has it. Raises DataError."""
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{text!r} is no requirement: {reason}") from None


def entries_of(values: Sequence[object]) -> list[tuple[int, Requirement]]:
    """The requirements of a list, with their indices; what is none (an included group, a mistake)
    is passed over.
    """
    entries = []
    for index, value in enumerate(values):
        if isinstance(value, str):
            with suppress(InvalidRequirement):
                entries.append((index, Requirement(value)))
    return entries


def alike(one: Requirement, other: Requirement) -> bool:
    same_name = canonicalize_name(one.name) == canonicalize_name(other.name)
    return same_name and str(one.marker or "") == str(other.marker or "")


def satisfied(entry: Requirement, wanted: Requirement) -> bool:
    """Whether an entry, with the same marker or with none, requires all that is wanted."""
    return (
        canonicalize_name(entry.name) == canonicalize_name(wanted.name)
        and str(entry.marker or "") in {"", str(wanted.marker or "")}
        and wanted.extras <= entry.extras
        and (entry.url == wanted.url or not (wanted.url or wanted.specifier))
        and versions.implies(entry.specifier, wanted.specifier)
    )


def merged(text: str, entry: Requirement, wanted: Requirement, line: int) -> str:
    if entry.url != wanted.url:
        raise DataError(
            f"line {line} requires {text!r}, not {str(wanted)!r}", Outcome.DRIFTED, lines=(line,)
        )
    if versions.empty(entry.specifier & wanted.specifier):
        message = f"line {line} requires {text!r}, which contradicts {str(wanted)!r}"
        raise DataError(message, Outcome.DRIFTED, lines=(line,))
    merged = Requirement(text)
    merged.extras = entry.extras | wanted.extras
    written = normal(merged)
    if not entry.url:
        bare = Requirement(_bare(merged) + versions.intersection(entry.specifier, wanted.specifier))
        bare.marker = entry.marker
        written = normal(bare, text)
    return written


def _bare(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return requirement.name + extras


def normal(requirement: Requirement, written: str = "") -> str:
    """A requirement as most files write one; the marker as it was written before."""
    if requirement.url:
        return str(requirement)
    specifiers = versions.intersection(requirement.specifier, requirement.specifier)
    _, semicolon, marker = written.partition(";")
    if not semicolon and requirement.marker:
        semicolon, marker = ";", " " + str(requirement.marker)
    return _bare(requirement) + specifiers + semicolon + marker


def position(entries: Sequence[tuple[int, Requirement]], wanted: Requirement, count: int) -> int:
    """Where a list that is sorted by name has the new one; the end of any other."""
    names = [canonicalize_name(entry.name) for _, entry in entries]
    if names and names == sorted(names):
        name = canonicalize_name(wanted.name)
        later = next(
            (index for index, entry in entries if canonicalize_name(entry.name) > name), None
        )
        return entries[-1][0] + 1 if later is None else later
    return count
