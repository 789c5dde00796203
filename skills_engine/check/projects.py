"""The projects of a repository, and what each requires: the one at its top and, in a workspace of
uv, its members; described by pyproject.toml (PEP 621, Poetry), setup.cfg, setup.py
as it reads, or requirements files.
"""

from __future__ import annotations

import ast
import configparser
import re
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from packaging.requirements import InvalidRequirement, Requirement

from skills_engine.check.requirements import document, group, strings, table
from skills_engine.data import poetry
from skills_engine.data.requirement_lines import requirement_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ProjectMetadata", "RepositoryFiles", "listed", "projects"]


class RepositoryFiles(Protocol):
    """A tree: `listdir` gives names, those of folders with a slash."""

    def read(self, path: str) -> bytes | None: ...

    def listdir(self, path: str) -> list[str]: ...


@dataclass(frozen=True)
class ProjectMetadata:
    """The project in a folder (`""` or with a slash at its end)."""

    files: RepositoryFiles
    folder: str
    pyproject: dict[str, Any] = field(repr=False)

    @property
    def table(self) -> dict[str, Any]:
        return table(self.pyproject, "project")

    @property
    def poetry(self) -> dict[str, Any]:
        return self.tool("poetry")

    def tool(self, *keys: str) -> dict[str, Any]:
        found = table(self.pyproject, "tool")
        for key in keys:
            found = table(found, key)
        return found

    @cached_property
    def config(self) -> Mapping[str, Mapping[str, str]]:
        """setup.cfg and tox.ini, as far as they can be read; of both, tox.ini counts."""
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        for name in ("setup.cfg", "tox.ini"):
            with suppress(configparser.Error, UnicodeDecodeError):
                parser.read_string((self.files.read(self.folder + name) or b"").decode())
        return parser

    def said(self, section: str, key: str) -> list[str]:
        """The lines of a value in setup.cfg or tox.ini."""
        if section not in self.config:
            return []
        lines = map(requirement_in, self.config[section].get(key, "").splitlines())
        return [line for line in lines if line]

    def in_setup_py(self, keyword: str) -> object:
        """What setup.py, which is not run, passes to `setup`: where a literal stands there, or in a
        variable of the module.
        """
        try:
            module = ast.parse(self.files.read(self.folder + "setup.py") or b"")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        variables = {
            target.id: each.value
            for each in module.body
            if isinstance(each, ast.Assign)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("setup"):
                for given in node.keywords:
                    value = given.value
                    if isinstance(value, ast.Name):
                        value = variables.get(value.id, value)
                    with suppress(ValueError, TypeError, RecursionError):
                        if given.arg == keyword:
                            return ast.literal_eval(value)
        return None

    @property
    def name(self) -> str:
        named = self.table.get("name") or self.poetry.get("name")
        return str(named or next(iter(self.said("metadata", "name")), ""))

    def dependencies(self) -> list[str]:
        if "dependencies" in self.table:
            return strings(self.table["dependencies"])
        files = self.tool("setuptools", "dynamic", "dependencies").get("file", ())
        found = [
            each
            for path in ([files] if isinstance(files, str) else files)
            for each in listed(self.files, self.folder + path)
        ]
        for hook in self.tool("hatch", "metadata", "hooks").values():
            said = strings(hook.get("dependencies")) if isinstance(hook, dict) else []
            found += [text for text in said if "{{" not in text]  # those name its own members
        found += _of_poetry(table(self.poetry, "dependencies"))
        found += strings(self.in_setup_py("install_requires"))
        return found + self.said("options", "install_requires")

    def extras(self) -> dict[str, list[str]]:
        found = {
            key: strings(value) for key, value in table(self.table, "optional-dependencies").items()
        }
        optional = {
            name.lower(): text
            for name, value in table(self.poetry, "dependencies").items()
            for text in _of_poetry({name: value}, optional=True)
        }
        for key, names in table(self.poetry, "extras").items():
            found[key] = [
                optional[name.lower()] for name in strings(names) if name.lower() in optional
            ]
        extras = self.in_setup_py("extras_require")
        for key, value in extras.items() if isinstance(extras, dict) else ():
            found.setdefault(str(key), strings(value))
        if "options.extras_require" in self.config:
            for key in self.config["options.extras_require"]:
                found[key] = self.said("options.extras_require", key)
        return found

    def groups(self) -> dict[str, list[str]]:
        """Dependency groups (PEP 735), and what Poetry, uv and pdm call so."""
        own = table(self.pyproject, "dependency-groups")
        found = {name: group(own, name) for name in own}
        for name, value in table(self.poetry, "group").items():
            found.setdefault(name, _of_poetry(table(value, "dependencies")))
        older = _of_poetry(table(self.poetry, "dev-dependencies"))
        older += strings(self.tool("uv").get("dev-dependencies"))
        if older:
            found.setdefault("dev", older)
        for name, value in self.tool("pdm", "dev-dependencies").items():
            found.setdefault(name, strings(value))
        return found


def projects(files: RepositoryFiles) -> tuple[ProjectMetadata, ...]:
    """The one at the top first."""
    top = ProjectMetadata(files, "", document(files.read("pyproject.toml") or b""))
    workspace = top.tool("uv", "workspace")
    left = strings(workspace.get("exclude"))
    folders = [
        folder
        for glob in strings(workspace.get("members"))
        for folder in _folders(files, glob.strip("/").split("/"))
        if not any(fnmatchcase(folder.rstrip("/"), each.strip("/")) for each in left)
    ]
    members = []
    for folder in dict.fromkeys(folders):
        data = files.read(f"{folder}pyproject.toml")
        if data is not None and folder:
            members.append(ProjectMetadata(files, folder, document(data)))
    return (top, *members)


def _folders(files: RepositoryFiles, parts: list[str], below: str = "") -> Iterator[str]:
    if not parts:
        yield below
        return
    for name in files.listdir(below.rstrip("/")):
        if name.endswith("/") and fnmatchcase(name.rstrip("/"), parts[0]):
            yield from _folders(files, parts[1:], below + name)


def listed(files: RepositoryFiles, path: str, seen: tuple[str, ...] = ()) -> list[str]:
    """The lines of a requirements file, those of the files that it names included; other options
    of pip's are passed over.
    """
    found: list[str] = []
    for line in (files.read(path) or b"").decode("utf-8", "replace").splitlines():
        bare = re.sub(r"(^|[ \t])#.*", "", line).strip()
        inner = re.match(r"(?:-r|--requirement)[ =]*(\S+)", bare)
        if inner is not None:
            folder = path.rpartition("/")[0]
            named = _joined(folder, inner[1])
            found += [] if named in seen else listed(files, named, (*seen, path))
        elif re.match(r"(-e|--editable)[ =]*\.", bare):
            found.append(re.sub(r"^(-e|--editable)[ =]*", "", bare))
        elif requirement_in(line):
            found.append(bare.partition(" --")[0].rstrip(" \\"))
    return found


def _joined(folder: str, path: str) -> str:
    parts = folder.split("/") if folder else []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


def _of_poetry(entries: Mapping[str, Any], *, optional: bool = False) -> list[str]:
    found = []
    for name, value in entries.items():
        for one in value if isinstance(value, list) else [value]:
            left_out = isinstance(one, dict) and bool(one.get("optional")) is not optional
            if name == "python" or left_out or (optional and not isinstance(one, dict)):
                continue
            wanted = poetry.requirement(name, one)
            if wanted is not None:
                found.append(_with_python(wanted, one))
    return found


def _with_python(wanted: Requirement, value: object) -> str:
    python = value.get("python") if isinstance(value, dict) else None
    asked = poetry.requirement("python", python) if isinstance(python, str) else None
    if asked is None or not asked.specifier:
        return str(wanted)
    marks = [f"python_version {each.operator} '{each.version}'" for each in asked.specifier]
    marks += [f"({wanted.marker})"] if wanted.marker else []
    wanted.marker = None
    try:
        return str(Requirement(f"{wanted}; {' and '.join(marks)}"))
    except InvalidRequirement:
        return str(wanted)
