"""Capabilities: the list that an owner must accept before a package that upstream does not have is
applied.

Every skill changes the program that its owner runs; that is what it is for, and
`skills plan` shows it. Capabilities are what happens beyond it: while the skill is
applied, or outside the directory that skills are expected to change. Those that
make a machine run code of the author's choice need `--trust`, the others `--yes`:

- own codemod code: the engine runs it;
- tests: the engine runs them, and gives them the network if they ask for it;
- code that other skills' tests will run: the engine runs those, on the merged tree;
- Python packages: installing one may run its code, and the tests import it;
- services: their images and commands run, with the mounts that they ask for;
- files outside the home directory, except documentation and the example of the
  environment: something reads them and acts (a test, a build, a workflow);
- files that tools read, in the home directory too (`toolfiles`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from skills_engine.codemods.operations.custom import Custom
from skills_engine.package.decode import operations
from skills_engine.package.toolfiles import is_tool_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skills_engine.package.model import Manifest, Package

__all__ = ["HOME", "Capabilities", "Capability", "Kind", "beyond", "capabilities", "within"]

HOME = ("bot/**", "src/bot/**")
"""Where skills are expected to make their changes, where the repository does not say."""

_EXAMPLE = ".env.example"
_INERT = re.compile(
    r"docs/.+\.(md|rst|txt|png)|(README|CHANGELOG|LICENSE)(\.md|\.rst|\.txt)?|\.env\.example"
)


class Kind(StrEnum):
    """What a capability does, as a verb."""

    CODEMOD = "runs its own codemod"
    TEST = "runs the tests in"
    TESTED = "has its code run by the tests of"
    NETWORK = "gives the network to"
    DEPENDENCY = "installs"
    SERVICE = "runs the service"
    FILE = "changes"


@dataclass(frozen=True, slots=True, order=True)
class Capability:
    """One thing to accept; `code` tells whether it needs `--trust`."""

    kind: Kind
    what: str
    code: bool = True

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"


_RUN = frozenset({Kind.CODEMOD, Kind.TEST, Kind.TESTED, Kind.NETWORK})
"""What the engine runs by itself, whenever it computes or tests a fork that has the package."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All of a package's, sorted by kind and name."""

    items: tuple[Capability, ...] = ()

    @property
    def code(self) -> tuple[str, ...]:
        """A line for each that runs code: `--trust`."""
        return tuple(str(item) for item in self.items if item.code)

    @property
    def run(self) -> tuple[str, ...]:
        """Those of `code` that the engine runs also once the package is installed."""
        return tuple(str(item) for item in self.items if item.kind in _RUN)

    @property
    def other(self) -> tuple[str, ...]:
        """A line for each that does not: `--yes`."""
        return tuple(str(item) for item in self.items if not item.code)


def capabilities(
    package: Package,
    *,
    home: Sequence[str] = HOME,
    tested_by: Iterable[str] = (),
    tests: bool = True,
) -> Capabilities:
    """What a package asks for. Raises PackageError for entries that are no operations.

    `tested_by` are the skills whose tests will run on a tree that has the package; with `tests`
    false, none will run, its own neither.
    """
    manifest = package.manifest
    if manifest is None:
        return Capabilities()
    found: set[Capability] = set()
    if tests:
        found |= {Capability(Kind.TEST, path) for path in manifest.tests}
        if manifest.tests_network:
            found |= {Capability(Kind.NETWORK, path) for path in manifest.tests}
    found |= {Capability(Kind.DEPENDENCY, wanted) for wanted in manifest.dependencies}
    found |= {Capability(Kind.SERVICE, name) for name in manifest.services}
    paths = set(manifest.adds)
    if manifest.environment:
        paths.add(_EXAMPLE)
    for entry, operation in operations(package):
        match operation.ensure:
            case "dependency":
                found.add(Capability(Kind.DEPENDENCY, str(entry.keys.get("dependency"))))
            case "service":
                found.add(Capability(Kind.SERVICE, str(entry.keys.get("service"))))
            case _:
                paths.update(_one_each(operation.touches()))
        if isinstance(operation, Custom):
            found.add(Capability(Kind.CODEMOD, operation.class_))
    others = sorted(set(tested_by) - {package.name})
    if tests and others and any(_is_code(path) for path in paths):
        found.add(Capability(Kind.TESTED, ", ".join(others)))
    found |= set(beyond(paths - _tests_shown(manifest, tests=tests), home=home))
    return Capabilities(tuple(sorted(found)))


def _tests_shown(manifest: Manifest, *, tests: bool) -> set[str]:
    """The files that a line of their own says already."""
    return {path for path in manifest.tests if not is_tool_file(path)} if tests else set()


def beyond(paths: Iterable[str], *, home: Sequence[str] = HOME) -> Iterator[Capability]:
    """A capability for each of these paths that a package may not change without being asked."""
    for path in paths:
        if is_tool_file(path) or not within(path, home):
            yield Capability(Kind.FILE, path, code=_is_code(path))


def within(path: str, home: Iterable[str]) -> bool:
    """Whether one of these globs takes in a path."""
    return any(re.fullmatch(_pattern(glob), path) for glob in home)


def _pattern(glob: str) -> str:
    """A glob of paths as a regular expression: `**` crosses folders, `*` and `?` do not."""
    parts = re.split(r"(\*\*|\*|\?)", glob)
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(wild.get(part) or re.escape(part) for part in parts)


def _is_code(path: str) -> bool:
    """Whether something may run what stands there, or act by it."""
    return is_tool_file(path) or not _INERT.fullmatch(path)


def _one_each(touched: tuple[str, ...]) -> Iterator[str]:
    """One path for each file: a module named by a selector comes as every path that it might
    have.
    """
    for path in touched:
        plain = path.removeprefix("src/").replace("/__init__.py", ".py")
        if plain == path or plain not in touched:
            yield path
