"""`[tool.skills]`: what a repository says of itself to the engine.

It stands in pyproject.toml, or at the top of `skills.toml`, never in both; as the last commit has
it, for what is not committed was decided by nobody.
"""

from __future__ import annotations

import difflib
import shlex
import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from skills_engine.bounds import beyond
from skills_engine.codemods.paths import UnsafePath, checked
from skills_engine.errors import Refused
from skills_engine.manifest import DEPENDENCIES, ENVIRONMENT, Core

if TYPE_CHECKING:
    from skills_engine.tree import Tree

__all__ = ["ProjectSettings", "places", "read_project", "read_tables"]

_PYPROJECT, _OWN = "pyproject.toml", "skills.toml"
_SETUP, _LISTED = "setup.cfg", "requirements.txt"


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """Each field is a key of the table, with a hyphen for an underscore."""

    home: tuple[str, ...] = ("bot/**", "src/bot/**")
    """Globs of the files that a skill from elsewhere may change without being trusted."""
    templates: str = ".claude/templates"
    """The folder that has a package to begin with for each kind of skill (`skills new`)."""
    version: str = ""
    """The file that says the version of the core (`src/x/__init__.py`), or `git` for its tags."""
    dependencies: str = ""
    """The file that what skills require goes into: `packages/app/pyproject.toml`, `setup.cfg`."""
    environment: str = ""
    """The file that their keys of the environment go into, where not `.env.example`."""
    test: str = ""
    """The command that runs test files, `python -m pytest` where nothing is said; they stand at
    its end, or for `{tests}`.
    """
    test_requires: tuple[str, ...] = ()
    """What tests need installed, as pip is told: `.`, `.[extra]`, `--group NAME`, `-r FILE`,
    `pytest>=8`.
    """
    test_path: tuple[str, ...] = ()
    """Globs of the folders that tests import from, beside the top and `src`."""


def read_project(tree: Tree) -> ProjectSettings:
    """Raises Refused, with the file, for a table that cannot be read or has a key of another
    name, and where both files have one.
    """
    found = {path: _table(path, tree.read(path)) for path in (_PYPROJECT, _OWN)}
    said = {path: table for path, table in found.items() if table is not None}
    if len(said) > 1:
        raise Refused(
            f"{_PYPROJECT} has [tool.skills], and {_OWN} is there as well",
            hint=f"keep one: move its keys over, or remove {_OWN}; then commit",
        )
    return next((_project(path, table) for path, table in said.items()), ProjectSettings())


def _table(path: str, data: bytes | None) -> Any:
    """What the file says to the engine; None where it says nothing."""
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
        whole = {} if beyond(text) else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if path == _PYPROJECT and b"skills" not in data:
            return None  # whoever needs the file for more says so
        raise Refused(
            f"{path} cannot be read: {error}", hint="mend it, and commit: it may have [tool.skills]"
        ) from None
    tool: Any = whole.get("tool", {})
    return whole if path == _OWN else tool.get("skills") if isinstance(tool, dict) else None


def _project(path: str, table: Any) -> ProjectSettings:
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
        _usable(path, key, value)
    values: dict[str, Any] = {
        known[key]: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
    }
    return ProjectSettings(**values)


def _usable(path: str, key: str, value: Any) -> None:
    """Raises Refused for a file that no operation may write, and for a command that is none."""
    where = f"{path}: {key} in [tool.skills]"
    try:
        if key in {"dependencies", "environment"} and value:
            checked(value)
        if key == "test":
            shlex.split(value)
    except UnsafePath as error:
        raise Refused(f"{where}: {error.message}", hint=error.right) from None
    except ValueError as error:
        raise Refused(f"{where}: {error}", hint="write it as for a shell") from None


def places(core: Core, fork: Tree, base: Tree) -> Core:
    """The core with the files that dependencies and keys of the environment go into: those that
    the fork names, else those that its base is kept with.
    """
    said = read_project(fork)
    kept = said.dependencies or _dependency_file(base)
    example = said.environment or ENVIRONMENT
    return replace(
        core,
        dependencies="" if kept == DEPENDENCIES else kept,
        environment="" if example == ENVIRONMENT else example,
    )


def _dependency_file(tree: Tree) -> str:
    """pyproject.toml, or whatever its project leaves its requirements to."""
    project, tool = read_tables(tree.read(DEPENDENCIES))
    if "dependencies" in project.get("dynamic", ()):
        listed = tool.get("setuptools", {}).get("dynamic", {}).get("dependencies", {}).get("file")
        files = [listed] if isinstance(listed, str) else listed
        if isinstance(files, list) and len(files) == 1:
            return str(files[0])
        return _SETUP if tree.exists(_SETUP) else DEPENDENCIES
    if project or "poetry" in tool:
        return DEPENDENCIES
    if "install_requires" in (tree.read(_SETUP) or b"").decode("utf-8", "replace"):
        return _SETUP
    return next((path for path in (_LISTED, _SETUP) if tree.exists(path)), DEPENDENCIES)


def read_tables(data: bytes | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """`[project]` and `[tool]` of a pyproject.toml; empty where there is none that can be read."""
    try:
        text = (data or b"").decode("utf-8")
        found = {} if beyond(text) else tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        found = {}
    project, tool = found.get("project"), found.get("tool")
    return (
        project if isinstance(project, dict) else {},
        tool if isinstance(tool, dict) else {},
    )
