"""The state that the parts of a move share: the project, the two modules, and the edits so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.refactor.project import Project, stem_of
from skills_engine.codemods.source.blocks import prologue

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.codemods.imports.statements import Guard
    from skills_engine.codemods.names.scopes import Imported, Names
    from skills_engine.codemods.source.source import Splice


__all__ = ["MoveState", "where"]


class MoveState:
    """One move, as far as it is planned."""

    def __init__(self, project: Project, old: str, new: str, name: str, doing: str) -> None:
        self.project = project
        self.old = project.at(old)
        self.target = new
        self.module = project.dotted(stem_of(new))
        self.name = name
        self.doing = doing
        self.edits: dict[str, list[Splice]] = {}
        self.fresh: dict[str, list[tuple[str, Guard]]] = {}
        """Import lines that files need, by path."""
        self.idle: dict[str, list[str]] = {}
        """Import lines that files may need no longer."""
        self.configuration: dict[str, list[Splice]] = {}

    def _defines(self, names: Names) -> bool:
        return any(b.kind != "import" for b in names.module.bound.get(self.name, ()))

    def _from_old(self, path: str, imported: Imported) -> bool:
        return bool(imported.name) and self.project.stem(path, imported.module) == stem_of(
            self.old.path
        )

    def _wanted_elsewhere(self, name: str) -> bool:
        """Whether another file takes an imported name out of the old module."""
        return self._wanted_from(self.old.path, name)

    def _wanted_from(self, path: str, name: str) -> bool:
        """Whether another file takes an imported name out of a file, which may be a package's."""
        home = stem_of(path)
        if path.endswith("__init__.py"):
            return True
        for names in self.project.mentioning(name):
            if names.path == path:
                continue
            if any(
                i.name in {name, "*"} and i.name and self.project.stem(names.path, i.module) == home
                for i in names.imports
            ):
                return True
            if any(self.project.package(a.value, a.scope) == home for a in names.accesses[name]):
                return True
        return False

    def _opens(self, names: Names, imported: Imported) -> bool:
        """Whether an import is one of those that a module begins with, or for type checkers."""
        source = names.source
        if imported.scope is not names.module:
            return False
        first = source.module.body[: prologue(source.module)]
        end = source.span(first[-1]).end if first else 0
        return imported.guarded or source.span(imported.statement).start < end


def where(names: Names, name: str) -> cst.CSTNode:
    return names.module.bound[name][0].node
