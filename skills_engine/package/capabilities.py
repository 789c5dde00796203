"""What an owner must accept before a package that upstream does not have is applied.

Every skill changes the program that its owner runs; that is what it is for, and
`skills plan` shows it. Capabilities are what happens beyond it: while the skill is
applied, or outside the directory that skills are expected to change. Those that
make a machine run code of the author's choice need `--trust`, the others `--yes`:

- own codemod code: the engine runs it;
- tests: the engine runs them;
- Python packages: installing one may run its code, and the tests import it;
- services: their images and commands run, with the mounts that they ask for;
- files outside the home directory, except documentation and the example of the
  environment: something reads them and acts (a test, a build, a workflow).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from skills_engine.codemods.operations.custom import Custom
from skills_engine.package.decode import operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skills_engine.package.model import Package

__all__ = ["HOME", "Capabilities", "Capability", "Kind", "capabilities"]

HOME = "bot/"
"""Where skills are expected to make their changes."""

_INERT = re.compile(
    r"docs/.+\.(md|rst|txt|png|svg)|(README|CHANGELOG|LICENSE)(\.md|\.rst|\.txt)?|\.env\.example"
)


class Kind(StrEnum):
    """What a capability does, as a verb."""

    CODEMOD = "runs its own codemod"
    TEST = "runs the tests in"
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


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All of a package's, sorted by kind and name."""

    items: tuple[Capability, ...] = ()

    @property
    def code(self) -> tuple[str, ...]:
        """A line for each that runs code: `--trust`."""
        return tuple(str(item) for item in self.items if item.code)

    @property
    def other(self) -> tuple[str, ...]:
        """A line for each that does not: `--yes`."""
        return tuple(str(item) for item in self.items if not item.code)


def capabilities(package: Package, *, home: str = HOME) -> Capabilities:
    """What a package asks for. Raises PackageError for entries that are no operations."""
    manifest = package.manifest
    if manifest is None:
        return Capabilities()
    found = {Capability(Kind.TEST, path) for path in manifest.tests}
    found |= {Capability(Kind.DEPENDENCY, wanted) for wanted in manifest.dependencies}
    found |= {Capability(Kind.SERVICE, name) for name in manifest.services}
    paths = set(manifest.adds) - set(manifest.tests)
    if manifest.environment:
        paths.add(".env.example")
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
    found |= {
        Capability(Kind.FILE, path, code=not _INERT.fullmatch(path))
        for path in _outside(paths, home)
    }
    return Capabilities(tuple(sorted(found)))


def _one_each(touched: tuple[str, ...]) -> Iterator[str]:
    """One path for each file: a module named by a selector comes as every path that it might
    have.
    """
    for path in touched:
        plain = path.removeprefix("src/").replace("/__init__.py", ".py")
        if plain == path or plain not in touched:
            yield path


def _outside(paths: Iterable[str], home: str) -> Iterator[str]:
    return (path for path in paths if not path.startswith((home, f"src/{home}")))
