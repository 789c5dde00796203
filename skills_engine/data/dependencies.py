"""Requirements in the file that a project keeps them in.

pyproject.toml    `[project] dependencies` (PEP 621) and `[dependency-groups]` (PEP 735); where it
                  is Poetry that describes the project, its tables; where they are dynamic, the
                  one hook of hatch that has them
setup.cfg         `install_requires`
any `.txt`, `.in` the lines
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from skills_engine.data import path as paths
from skills_engine.data import poetry, requirement_lines
from skills_engine.data.errors import DataError
from skills_engine.data.requirement import (
    alike,
    entries_of,
    merged,
    normal,
    position,
    requirement_of,
    satisfied,
)
from skills_engine.data.text import TextSplice, line_number, newline
from skills_engine.data.toml_document import TomlDocument, brackets_of, quoted
from skills_engine.data.toml_scan import parse
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.data.path import Path

__all__ = ["ensure", "remove", "requirement_of"]

_INDENT = "    "


def ensure(data: bytes, requirement: str, group: str = "", *, path: str = "") -> bytes:
    """The file at `path` (pyproject.toml, if it says nothing) with the requirement in it."""
    wanted = requirement_of(requirement)
    if path.endswith((".cfg", ".txt", ".in")):
        if group:
            raise DataError(f"{path} has no dependency groups", Outcome.DRIFTED)
        section = path.endswith(".cfg")
        return requirement_lines.ensure(data, wanted, section=section)
    if poetry.describes(data):
        return poetry.ensure(data, wanted, group)
    return _ensure(data, requirement, group)


def _ensure(pyproject: bytes, requirement: str, group: str) -> bytes:
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
        text = _literal(normal(wanted), '"')
        *others, place = doc.insert(done, path[len(done) :], [])
        before, _, after = place.new.rpartition("[]")
        eol = newline(doc.text)
        inline = doc.find(done) is not None
        new = (
            f"{before}[{text}]{after}" if inline else f"{before}[{eol}{_INDENT}{text},{eol}]{after}"
        )
        expected = paths.with_(doc.data, path, [_parsed(text)])
        return doc.edited([*others, TextSplice(place.start, place.end, new)], expected)
    found = doc.find(done)
    if found is None or not isinstance(there, list):
        raise DataError(
            f"{paths.show(done)} is {paths.kind(there)}, not a list",
            Outcome.DRIFTED,
            lines=doc.line(done),
        )
    entries = entries_of(there)
    for index, entry in entries:
        if satisfied(entry, wanted):
            return pyproject
        if alike(entry, wanted):
            item = found.value.items[index]
            both = merged(there[index], entry, wanted, line_number(doc.text, item.start))
            if both == there[index]:
                return pyproject
            literal = _literal(both, doc.text[item.start])
            return doc.edited(
                [TextSplice(item.start, item.end, literal)],
                paths.with_(doc.data, (*done, index), _parsed(literal)),
            )
    index = position(entries, wanted, len(there))
    quote = doc.text[found.value.items[entries[0][0]].start] if entries else '"'
    literal = _literal(normal(wanted), quote)
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
    for index, entry in entries_of(there):
        if alike(entry, wanted):
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
        said = "it has no [project] table; `dependencies` in [tool.skills] names another file"
        raise DataError(said, Outcome.MISSING)
    if "dependencies" in project.get("dynamic", []):
        return _hook(doc)
    return ("project", "dependencies")


def _hook(doc: TomlDocument) -> Path:
    """Of a project with dynamic dependencies, the list that a hook of hatch reads them from."""
    hooks = ("tool", "hatch", "metadata", "hooks")
    done, found = paths.follow(doc.data, hooks)
    there = found if len(done) == len(hooks) and isinstance(found, dict) else {}
    lists = [name for name, each in there.items() if isinstance(each, dict) and _listed(each)]
    if len(lists) != 1:
        raise DataError("[project] says that its dependencies are dynamic", Outcome.DRIFTED)
    return (*hooks, lists[0], "dependencies")


def _listed(hook: dict[str, object]) -> bool:
    return isinstance(hook.get("dependencies"), list)


def _literal(requirement: str, quote: str) -> str:
    """A requirement as a TOML string, a marker's own quotes being the other ones."""
    if quote == "'":
        return "'" + requirement.replace("'", '"') + "'"
    return quoted(requirement if "'" in requirement else requirement.replace('"', "'"))


def _parsed(literal: str) -> str:
    return str(parse(f"text = {literal}")["text"])
