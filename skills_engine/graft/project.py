"""`[tool.skills]`: what a repository says of itself to the engine.

It stands in pyproject.toml, or at the top of `skills.toml` where there is none; as the last commit
has it, for what is not committed was decided by nobody.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from skills_engine.bounds import beyond
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from skills_engine.tree import Tree

__all__ = ["ProjectSettings", "read_project"]

_PYPROJECT, _OWN = "pyproject.toml", "skills.toml"


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """Each field is a key of the table, with a hyphen for an underscore."""

    home: tuple[str, ...] = ("bot/**", "src/bot/**")
    """Globs of the files that a skill from elsewhere may change without being trusted."""
    templates: str = ".claude/templates"
    """The folder that has a package to begin with for each kind of skill (`skills new`)."""


def read_project(tree: Tree) -> ProjectSettings:
    """Raises Refused, with the file, for a table that cannot be read or has a key of another
    name.
    """
    for path in (_PYPROJECT, _OWN):
        data = tree.read(path)
        if data is not None:
            return _project(path, data)
    return ProjectSettings()


def _project(path: str, data: bytes) -> ProjectSettings:
    try:
        text = data.decode("utf-8")
        whole = {} if beyond(text) else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ProjectSettings()  # whoever needs the file for more says so
    table: Any = whole if path == _OWN else whole.get("tool", {})
    table = table if path == _OWN else table.get("skills", {}) if isinstance(table, dict) else {}
    known = {field.name.replace("_", "-"): field.name for field in fields(ProjectSettings)}
    if not isinstance(table, dict):
        raise Refused(f"{path}: tool.skills is no table", hint="write [tool.skills] above its keys")
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise Refused(
                f"{path}: [tool.skills] has no key {key!r}",
                hint=f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}",
            )
        is_list = isinstance(getattr(ProjectSettings(), known[key]), tuple)
        texts = value if is_list and isinstance(value, list) else [value]
        if (is_list and texts is not value) or not all(isinstance(text, str) for text in texts):
            what = "no list of texts" if is_list else "no text"
            raise Refused(f"{path}: {key} in [tool.skills] is {what}")
    values: dict[str, Any] = {
        known[key]: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
    }
    return ProjectSettings(**values)
