"""The record of what a fork has installed, as files in `manifests/`: one a skill, and `core.yaml`
for what it all stands on.

They are written by the engine alone, and hold nothing that belongs to a moment:
the same skills on the same base give the same bytes, in whatever order and on
whatever machine they were applied.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from skills_engine.bounds import beyond
from skills_engine.errors import Refused
from skills_engine.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.tree import Tree

__all__ = [
    "AGENTS",
    "CORE",
    "DEPENDENCIES",
    "ENVIRONMENT",
    "FOLDER",
    "MIGRATIONS",
    "SKILLS",
    "Core",
    "PackageSource",
    "Pin",
    "is_manifest",
    "package_folder",
    "package_place",
    "parse_yaml",
    "read_core",
    "read_pins",
    "render",
    "skill_path",
]

FOLDER = "manifests"
CORE = f"{FOLDER}/core.yaml"
MIGRATIONS = f"{FOLDER}/migrations.yaml"
SKILLS = ".claude/skills"
AGENTS = ".agents/skills"
"""Where other tools put skills, with links to them in the other folder."""
DEPENDENCIES = "pyproject.toml"
ENVIRONMENT = ".env.example"

_OPTIONAL = ("dependencies", "environment", "held")
_HEADER = "# Written by `skills`; read it, commit it, and let the engine change it.\n"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_OID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Core:
    """What a fork stands on: upstream's address and branch, the commit there, and the version in
    it.

    `dependencies` and `environment` are the files that what skills require and their keys of the
    environment go into, where those are not pyproject.toml and .env.example.
    """

    upstream: str
    branch: str
    base: str
    version: str
    dependencies: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Where a package came from. `kind` is upstream, git (with `url` and `commit`), local or fork.

    A local one was copied into the fork and leaves with the skill; one of kind
    fork was there before, written or edited by the owner, and stays.
    """

    kind: str = "upstream"
    url: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """An installed skill. `package` is the git tree of the package as applied; `digest` covers the
    same bytes. `held` is `pinned` where upgrades and rebases leave it as it is.
    """

    name: str
    version: str
    digest: str
    package: str
    source: PackageSource = PackageSource()
    held: str = ""

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.name}.yaml"


def skill_path(name: str) -> str:
    """Where a skill's package stands in the fork."""
    return f"{SKILLS}/{name}"


def package_place(tree: Tree, name: str) -> str | None:
    """The folder of a package in a tree: `.claude/skills/NAME`, or what a link there leads to, or
    `.agents/skills/NAME`; None where it has none.
    """
    for folder in (SKILLS, AGENTS):
        place = tree.real(f"{folder}/{name}")
        if place is not None and tree.exists(f"{place}/SKILL.md"):
            return place
    return None


def package_folder(tree: Tree, name: str) -> str:
    """The same, or where a package of that name would go."""
    return package_place(tree, name) or f"{tree.real(SKILLS) or SKILLS}/{name}"


def is_manifest(path: str) -> bool:
    """Whether the engine owns that path."""
    return path.startswith(FOLDER + "/") and path.endswith(".yaml") and path != MIGRATIONS


def render(what: Core | Pin) -> bytes:
    lines = [_HEADER]
    for key, value in asdict(what).items():
        if key in _OPTIONAL and not value:
            continue
        if key != "source":
            lines.append(f"{key}: {_scalar(value)}\n")
        elif value != asdict(PackageSource()):
            lines.append(
                "source:\n" + "".join(f"  {k}: {_scalar(v)}\n" for k, v in value.items() if v)
            )
    return "".join(lines).encode()


def read_core(tree: Tree) -> Core | None:
    """The fork's core, or None where `skills init` has not been run. Raises Refused for one that
    was damaged.
    """
    data = tree.read(CORE)
    if data is None:
        return None
    found = _mapping(CORE, data)
    needed = (_text(CORE, found, key) for key in ("upstream", "branch", "base", "version"))
    core = Core(*needed, *(str(found.get(key, "")) for key in _OPTIONAL[:2]))
    if not _OID.fullmatch(core.base):
        raise Refused(f"{CORE}: base is {core.base!r}, not a commit", hint=_RESTORE.format(CORE))
    return core


def read_pins(tree: Tree) -> dict[str, Pin]:
    """The installed skills by name, sorted."""
    pins: dict[str, Pin] = {}
    for file in tree.listdir(FOLDER):
        path = f"{FOLDER}/{file}"
        if path == CORE or not is_manifest(path) or file.endswith("/"):
            continue
        found = _mapping(path, tree.read(path) or b"")
        name = _text(path, found, "name")
        if path != f"{FOLDER}/{name}.yaml" or not _NAME.fullmatch(name):
            raise Refused(
                f"{path}: it says that it is the manifest of {name!r}", hint=_RESTORE.format(path)
            )
        source = found.get("source") or {}
        if not isinstance(source, dict):
            raise Refused(f"{path}: source is not a mapping", hint=_RESTORE.format(path))
        origin = PackageSource(
            **{
                key: str(source.get(key, default))
                for key, default in asdict(PackageSource()).items()
            }
        )
        version, digest, package = (
            _text(path, found, key) for key in ("version", "digest", "package")
        )
        if not _OID.fullmatch(package):
            raise Refused(
                f"{path}: package is {package!r}, not a git tree", hint=_RESTORE.format(path)
            )
        pins[name] = Pin(name, version, digest, package, origin, str(found.get("held", "")))
    return pins


_RESTORE = "restore it: git log --oneline -- {0}, then git checkout COMMIT -- {0}"


def _mapping(path: str, data: bytes) -> Mapping[str, Any]:
    found = parse_yaml(path, data)
    if not isinstance(found, dict):
        raise Refused(f"{path}: it is not a mapping", hint=_RESTORE.format(path))
    return found


def parse_yaml(path: str, data: bytes) -> Any:
    """Plain YAML without anchors. Raises Refused with file and line."""
    import yaml  # noqa: PLC0415  (`skills --help` needs none)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if why := beyond(data.decode("utf-8", "replace"), indented=True):
        raise Refused(f"{path}: {why}", hint=_RESTORE.format(path))
    try:
        for event in yaml.parse(data, Loader=loader):
            if (anchor := getattr(event, "anchor", None)) is not None:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise Refused(
                    f"{path}:{line}: the anchor {anchor} names a value: write it out",
                    hint=_RESTORE.format(path),
                )
        return yaml.load(data, Loader=loader)  # noqa: S506  (a safe loader, in C where there is one)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{path}:{line}: {error.problem}", hint=_RESTORE.format(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {error}", hint=_RESTORE.format(path)) from None


def _text(path: str, found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise Refused(f"{path}: {key} is missing or not text", hint=_RESTORE.format(path))
    return value


def _scalar(value: str) -> str:
    """A plain YAML scalar where that is safe, double quotes otherwise. Raises Refused for bytes
    that are no UTF-8, as a path may have.
    """
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise Refused(
            f"{one_line(value)} is not UTF-8, and a manifest cannot hold it", hint="rename it first"
        )
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./:@+-]*(?<!:)", value) and value.lower() not in _WORDS:
        return value
    return '"' + "".join(_escaped(char) for char in value) + '"'


_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\u{ord(char):04x}"
