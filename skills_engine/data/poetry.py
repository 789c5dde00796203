"""Requirements of a project that Poetry describes: `[tool.poetry.dependencies]` and its groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from skills_engine.data.errors import DataError
from skills_engine.data.requirement import merged, normal, satisfied
from skills_engine.data.toml_document import TomlDocument
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["describes", "ensure", "requirement"]


def describes(pyproject: bytes) -> bool:
    """Whether the project's requirements are in Poetry's own tables."""
    data = TomlDocument.of(pyproject).data
    project, tool = data.get("project", {}), data.get("tool", {})
    mine = isinstance(tool, dict) and isinstance(tool.get("poetry"), dict)
    listed = isinstance(project, dict) and (
        "dependencies" in project or ("name" in project and "dependencies" not in _own(tool))
    )
    return mine and not listed


def _own(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    found = tool.get("poetry", {})
    return found if isinstance(found, dict) else {}


def ensure(pyproject: bytes, wanted: Requirement, group: str = "") -> bytes:
    """With a requirement as Poetry writes one; what is required of that name stays so. Raises
    DataError for bounds that contradict each other, and for what comes from elsewhere.
    """
    data = TomlDocument.of(pyproject).data
    table = ("tool", "poetry", *(("group", group) if group else ()), "dependencies")
    there: Any = data
    for key in table:
        there = there.get(key, {}) if isinstance(there, dict) else {}
    names = {canonicalize_name(str(name)): str(name) for name in there}
    name = names.get(canonicalize_name(wanted.name))
    if name is None:
        path = (*table, wanted.name)
        on_a_line = TomlDocument.of(pyproject).ensure_value(path, "*")
        return TomlDocument.of(on_a_line).ensure_value(path, _value(wanted), replace=True)
    value, line = there[name], TomlDocument.of(pyproject).line((*table, name))
    entry = requirement(name, value)
    if entry is None:
        if not wanted.specifier and not wanted.extras and not wanted.url:
            return pyproject
        raise DataError(
            f"{name} is required there in a way that no version range says: {value!r}",
            Outcome.DRIFTED,
            lines=line,
        )
    marker, entry.marker = entry.marker, wanted.marker
    if satisfied(entry, wanted):
        return pyproject
    both = Requirement(merged(normal(entry), entry, wanted, line[0] if line else 1))
    both.marker = marker
    new = _value(both)
    if isinstance(value, dict):
        new = {**value, **(new if isinstance(new, dict) else {"version": new})}
    return TomlDocument.of(pyproject).ensure_value((*table, name), new, replace=True)


def requirement(name: str, value: object) -> Requirement | None:
    """An entry of Poetry's table as PEP 508 has it; None for what that cannot say."""
    keys: dict[str, Any] = value if isinstance(value, dict) else {"version": value}
    if not isinstance(keys.get("version"), str) or "url" in keys or "git" in keys:
        return None
    extras = ",".join(map(str, keys.get("extras", ())))
    found = _range(keys["version"])
    if found is None:
        return None
    marker = f"; {keys['markers']}" if isinstance(keys.get("markers"), str) else ""
    try:
        return Requirement(f"{name}{f'[{extras}]' if extras else ''}{found}{marker}")
    except InvalidRequirement:
        return None


def _range(text: str) -> SpecifierSet | None:
    """Poetry's `^1.2`, `~1.2`, `1.2`, `1.*` and `*` as version specifiers."""
    parts = [_bounds(part) for part in re.split(r"[,\s]+(?=[^\d\s])", text.strip()) if part]
    try:
        return SpecifierSet(",".join(part for part in parts if part))
    except InvalidSpecifier:
        return None


def _bounds(part: str) -> str:
    part = part.replace(" ", "")
    if part == "*":
        return ""
    caret = re.fullmatch(r"([\^~])(\d+(?:\.\d+)*)", part)
    if caret is None:
        return f"=={part}" if part[:1].isdigit() else part
    numbers = [int(number) for number in caret[2].split(".")]
    if caret[1] == "^":
        at = next((n for n, number in enumerate(numbers) if number), len(numbers) - 1)
    else:
        at = min(1, len(numbers) - 1)
    above = [*numbers[:at], numbers[at] + 1]
    return f">={caret[2]},<{'.'.join(map(str, above))}"


def _value(wanted: Requirement) -> Any:
    """A version alone, or a table where more is said."""
    bare = Requirement(wanted.name)
    bare.specifier = wanted.specifier
    version = normal(bare).removeprefix(wanted.name) or "*"
    keys: dict[str, Any] = {"url": wanted.url} if wanted.url else {"version": version}
    if wanted.extras:
        keys["extras"] = sorted(wanted.extras)
    if wanted.marker:
        keys["markers"] = str(wanted.marker)
    return keys if len(keys) > 1 or wanted.url else version
