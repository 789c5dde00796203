"""Methods that a skill's classes override, and that were renamed in the base class: they follow,
with all that is known to call them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import CannotEnsure
from skills_engine.graft.importer import Importer
from skills_engine.graft.renamed import methods
from skills_engine.syntax import python_tree
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skills_engine.codemods.files import Files

__all__ = ["Override", "follow_override", "renamed_overrides"]

_CLIMB = 8
"""So many base classes above one another are looked at."""


@dataclass(frozen=True)
class Override:
    """A method of a class at `path`, `line`, by the name that its base class in `home` had."""

    path: str
    line: int
    home: str
    base: str
    old: str
    new: str


def renamed_overrides(files: Files, own: Collection[str]) -> list[Override]:
    """Those in the files that a skill brings; each name of a base class once."""
    found: dict[tuple[str, str, str], Override] = {}
    for path in sorted(own):
        if path.endswith(".py"):
            for each in _in_file(files, path):
                found.setdefault((each.home, each.base, each.old), each)
    return list(found.values())


def _in_file(files: Files, path: str) -> Iterator[Override]:
    for node in _parsed(files, path).body:
        if not isinstance(node, ast.ClassDef):
            continue
        above = list(_ancestors(files, path, node))
        known = {name for home, base in above for name in methods(_text(files, home), base)}
        for method in node.body:
            if (
                not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
                or method.name in known
                or method.name.startswith("__")
            ):
                continue
            for home, base in above:
                there = files.follow_name(home, f"{base}.{method.name}")
                if there is not None:
                    new = there[1].rpartition(".")[2]
                    yield Override(path, method.lineno, home, base, method.name, new)
                    break


def _ancestors(files: Files, path: str, node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The classes of the tree that a class inherits from: their files and names."""
    todo = [(path, base.id) for base in node.bases if isinstance(base, ast.Name)]
    for _ in range(_CLIMB):
        if not todo:
            return
        found = _class(files, *todo.pop(0))
        if found is not None:
            home, base = found
            yield home, base.name
            todo += [(home, each.id) for each in base.bases if isinstance(each, ast.Name)]


def _class(files: Files, path: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """The class that a name at the top of a file is, through what imports it."""
    for _ in range(_CLIMB):
        importer = Importer.at(path, files)
        there: tuple[str, str] | None = None
        for node in _parsed(files, path).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return path, node
            for each in importer.names(node) if isinstance(node, ast.ImportFrom) else ():
                paths = importer.paths(each.module, relative=each.relative)
                home = next((p for p in paths if files.read(p) is not None), None)
                if each.bound == name and home is not None:
                    there = home, each.name
        if there is None:
            return None
        path, name = there
    return None


def follow_override(files: Files, override: Override, own: Collection[str]) -> Change:
    """Give the method its new name in the skill's own files. Raises CannotEnsure where something
    there may call it, or is something else that has the name.
    """
    from skills_engine.codemods.refactor.attribute_references import Members  # noqa: PLC0415
    from skills_engine.codemods.refactor.project import Project  # noqa: PLC0415
    from skills_engine.codemods.source.source import Source  # noqa: PLC0415  (LibCST)

    project = Project(files)
    base = next(c for c in project.at(override.home).classes if c.qualname == override.base)
    found = Members(project, base, override.old, override.new).references()
    said = f"{override.base}.{override.old}, which it overrides, is {override.new} now"
    unclear = [place for place in (*found.unclear, *found.collisions) if place.path in own]
    if unclear:
        raise CannotEnsure(
            Outcome.DRIFTED,
            f"add {override.path}: {said}, and it is not clear what has to follow",
            candidates=tuple(unclear),
            hint="the package must be updated: give the method its new name, and these if they "
            "are the same",
        )
    for path in sorted(found.splices.keys() & {*own}):
        source = Source.parse(path, files.read(path) or b"")
        files.write(path, source.splice(sorted(found.splices[path])))
    place = Place(override.path, override.line)
    return Change(Outcome.APPLIED, f"add {override.path}: {said}", (place,))


def _text(files: Files, path: str) -> str:
    return (files.read(path) or b"").decode("utf-8", "replace")


def _parsed(files: Files, path: str) -> ast.Module:
    return python_tree(files.read(path) or b"") or ast.Module([], [])
