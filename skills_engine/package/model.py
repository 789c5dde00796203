"""A skill package, once it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BlockEntry",
    "EnvironmentKey",
    "Manifest",
    "Package",
    "PackageFiles",
    "Requires",
    "Step",
    "Summary",
]

PackageFiles = Mapping[str, bytes]
"""The regular files of a package by path relative to its directory, with forward slashes."""

Requires = tuple[tuple[str, str], ...]
"""Names of skills, sorted, each with a version specifier; an empty specifier is any version."""

ADD = "add/"
"""Below this directory of a package lie the files that it adds, at their paths in the repository.
"""


@dataclass(frozen=True, slots=True)
class EnvironmentKey:
    """A setting that the skill reads from the environment: `comment` tells the owner what to put
    there.
    """

    key: str
    comment: str
    default: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The `manifest` block. Mappings hold plain YAML data and are not to be changed."""

    version: str
    core: str
    depends: Requires = ()
    conflicts: Requires = ()
    dependencies: tuple[str, ...] = ()
    environment: tuple[EnvironmentKey, ...] = ()
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    volumes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    adds: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    tests_network: bool = False


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """One entry of a `codemod` block, as written. `lines` has the line of each key in SKILL.md."""

    line: int
    keys: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A `codemod` block under the heading and the prose that explain it. `line` is that of its
    opening fence.
    """

    heading: str
    prose: str
    line: int
    entries: tuple[BlockEntry, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """A valid package. Without a manifest it is instructions for an assistant, and has no steps.

    `prose` is the Markdown after the frontmatter; `files` has every file, SKILL.md
    included; `executable` names those with the executable bit.
    """

    name: str
    description: str
    prose: str
    manifest: Manifest | None
    steps: tuple[Step, ...]
    files: PackageFiles = field(repr=False)
    digest: str
    executable: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """SKILL.md, relative to the repository."""
        return f".claude/skills/{self.name}/SKILL.md"

    def added(self) -> dict[str, bytes]:
        """The files that the package adds, by their path in the repository."""
        adds = self.manifest.adds if self.manifest else ()
        return {path: self.files[ADD + path] for path in adds}


@dataclass(frozen=True, slots=True)
class Summary:
    """What a listing shows. `version` is None for a skill that is only instructions."""

    name: str
    description: str
    version: str | None
