"""Requirements in pyproject.toml: `[project] dependencies` (PEP 621) and `[dependency-groups]` (PEP
735).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from skills_engine.data import path as paths
from skills_engine.data import versions
from skills_engine.data.errors import DataError
from skills_engine.data.text import TextSplice, line_number, newline
from skills_engine.data.toml_document import TomlDocument, brackets_of, quoted
from skills_engine.data.toml_scan import parse
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.data.path import Path

__all__ = ["ensure", "remove", "requirement_of"]

_INDENT = "    "


def requirement_of(text: str) -> Requirement:
    """A requirement as PEP 508 has it. Raises DataError."""
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{text!r} is no requirement: {reason}") from None


def ensure(pyproject: bytes, requirement: str, group: str = "") -> bytes:
    """Require what `requirement` says, and what was required before.

    A name is in a list once for each marker: specifiers are intersected and extras united. A new
    one goes to its place in a list that is sorted by name, else last. Raises DataError: DRIFTED for
    bounds that contradict each other, MISSING if there is no `[project]`.
    """
    wanted = requirement_of(requirement)
    doc = TomlDocument.of(pyproject)
    path = _path(doc, group)
    done, there = paths.follow(doc.data, path)
    if len(done) < len(path):
        text = _literal(_normal(wanted), '"')
        splices = doc.insert(done, path[len(done) :], [])
        before, _, after = splices[-1].new.rpartition("[]")
        eol = newline(doc.text)
        inline = doc.find(done) is not None
        new = (
            f"{before}[{text}]{after}" if inline else f"{before}[{eol}{_INDENT}{text},{eol}]{after}"
        )
        expected = paths.with_(doc.data, path, [_parsed(text)])
        return doc.edited(
            [*splices[:-1], TextSplice(splices[-1].start, splices[-1].end, new)], expected
        )
    found = doc.find(done)
    if found is None or not isinstance(there, list):
        raise DataError(
            f"{paths.show(done)} is {paths.kind(there)}, not a list",
            Outcome.DRIFTED,
            lines=doc.line(done),
        )
    entries = _entries(there)
    for index, entry in entries:
        if _satisfied(entry, wanted):
            return pyproject
        if _alike(entry, wanted):
            item = found.value.items[index]
            merged = _merge(there[index], entry, wanted, line_number(doc.text, item.start))
            if merged == there[index]:
                return pyproject
            literal = _literal(merged, doc.text[item.start])
            return doc.edited(
                [TextSplice(item.start, item.end, literal)],
                paths.with_(doc.data, (*done, index), _parsed(literal)),
            )
    index = _position(entries, wanted, len(there))
    quote = doc.text[found.value.items[entries[0][0]].start] if entries else '"'
    literal = _literal(_normal(wanted), quote)
    brackets = brackets_of(found.value)
    splices = brackets.insert(doc.text, index, literal, unit=_INDENT, spread=True, trailing=True)
    return doc.edited(
        splices, paths.with_(doc.data, done, [*there[:index], _parsed(literal), *there[index:]])
    )


def remove(pyproject: bytes, requirement: str, group: str = "", *, prune: bool = False) -> bytes:
    """Take out the entry with that name and marker, whatever its version; with `prune`, also a list
    left empty.
    """
    wanted = requirement_of(requirement)
    doc = TomlDocument.of(pyproject)
    path = _path(doc, group)
    done, there = paths.follow(doc.data, path)
    found = doc.find(done)
    if len(done) < len(path) or found is None or not isinstance(there, list):
        return pyproject
    for index, entry in _entries(there):
        if _alike(entry, wanted):
            return doc.remove((*done, index), prune=prune)
    return pyproject


def _path(doc: TomlDocument, group: str) -> Path:
    if group:
        groups = doc.data.get("dependency-groups", {})
        written = next(
            (name for name in groups if canonicalize_name(name) == canonicalize_name(group)), group
        )
        return ("dependency-groups", written)
    project = doc.data.get("project")
    if not isinstance(project, dict):
        tool = doc.data.get("tool", {})
        other = " (its dependencies are Poetry's, in [tool.poetry])" if "poetry" in tool else ""
        raise DataError(f"pyproject.toml has no [project] table{other}", Outcome.MISSING)
    if "dependencies" in project.get("dynamic", []):
        raise DataError("[project] says that its dependencies are dynamic", Outcome.DRIFTED)
    return ("project", "dependencies")


def _entries(values: Sequence[object]) -> list[tuple[int, Requirement]]:
    """The requirements of a list, with their indices; what is none (an included group, a mistake)
    is passed over.
    """
    entries = []
    for index, value in enumerate(values):
        if isinstance(value, str):
            with suppress(InvalidRequirement):
                entries.append((index, Requirement(value)))
    return entries


def _alike(one: Requirement, other: Requirement) -> bool:
    same_name = canonicalize_name(one.name) == canonicalize_name(other.name)
    return same_name and str(one.marker or "") == str(other.marker or "")


def _satisfied(entry: Requirement, wanted: Requirement) -> bool:
    """Whether an entry, with the same marker or with none, requires all that is wanted."""
    return (
        canonicalize_name(entry.name) == canonicalize_name(wanted.name)
        and str(entry.marker or "") in {"", str(wanted.marker or "")}
        and wanted.extras <= entry.extras
        and (entry.url == wanted.url or not (wanted.url or wanted.specifier))
        and versions.implies(entry.specifier, wanted.specifier)
    )


def _merge(text: str, entry: Requirement, wanted: Requirement, line: int) -> str:
    if entry.url != wanted.url:
        raise DataError(
            f"line {line} requires {text!r}, not {str(wanted)!r}", Outcome.DRIFTED, lines=(line,)
        )
    if versions.empty(entry.specifier & wanted.specifier):
        message = f"line {line} requires {text!r}, which contradicts {str(wanted)!r}"
        raise DataError(message, Outcome.DRIFTED, lines=(line,))
    merged = Requirement(text)
    merged.extras = entry.extras | wanted.extras
    written = _normal(merged)
    if not entry.url:
        bare = Requirement(_bare(merged) + versions.intersection(entry.specifier, wanted.specifier))
        bare.marker = entry.marker
        written = _normal(bare, text)
    return written


def _bare(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return requirement.name + extras


def _normal(requirement: Requirement, written: str = "") -> str:
    """A requirement as most files write one; the marker as it was written before."""
    if requirement.url:
        return str(requirement)
    specifiers = versions.intersection(requirement.specifier, requirement.specifier)
    _, semicolon, marker = written.partition(";")
    if not semicolon and requirement.marker:
        semicolon, marker = ";", " " + str(requirement.marker)
    return _bare(requirement) + specifiers + semicolon + marker


def _literal(requirement: str, quote: str) -> str:
    """A requirement as a TOML string, a marker's own quotes being the other ones."""
    if quote == "'":
        return "'" + requirement.replace("'", '"') + "'"
    return quoted(requirement if "'" in requirement else requirement.replace('"', "'"))


def _parsed(literal: str) -> str:
    return str(parse(f"text = {literal}")["text"])


def _position(entries: Sequence[tuple[int, Requirement]], wanted: Requirement, count: int) -> int:
    """Where a list that is sorted by name has the new one; the end of any other."""
    names = [canonicalize_name(entry.name) for _, entry in entries]
    if names and names == sorted(names):
        name = canonicalize_name(wanted.name)
        later = next(
            (index for index, entry in entries if canonicalize_name(entry.name) > name), None
        )
        return entries[-1][0] + 1 if later is None else later
    return count
