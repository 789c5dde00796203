"""Everybody who names a definition that moves: imports, attributes, whole paths in text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.refactor.dotted_paths import paths_in_text
from skills_engine.codemods.refactor.move_imports import (
    after,
    module_span,
    prune,
    relative,
    written,
)
from skills_engine.codemods.refactor.project import Links, stem_of
from skills_engine.codemods.source.source import Splice
from skills_engine.codemods.source.syntax import dotted_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.imports.statements import Guard
    from skills_engine.codemods.names.scopes import Access, Imported, Names, Scope
    from skills_engine.codemods.refactor.dotted_paths import PathInText
    from skills_engine.codemods.refactor.movable import Piece


from skills_engine.codemods.refactor.move_state import MoveState

__all__ = ["ImporterEdits"]


class ImporterEdits(MoveState):
    """The edits of the files that name the definition."""

    def _fix_importers(self, *, back: bool) -> None:
        if not back:
            self._refuse_stars()
        for names in self.project.mentioning(self.name):
            if names is self.old:
                continue
            taken: dict[cst.CSTNode, list[Imported]] = {}
            for imported in names.imports:
                if imported.name == self.name and self._from_old(names.path, imported):
                    taken.setdefault(imported.statement, []).append(imported)
            for together in taken.values():
                self._fix_import(names, together)
            accesses = [
                a
                for a in names.accesses[self.name]
                if not a.instance
                and not (a.quoted and back)  # it is what the old module calls that is replaced
                and stem_of(self.old.path) in self.project.packages(a.value, a.scope)
            ]
            if accesses:
                self._fix_accesses(names, accesses)

    def _refuse_stars(self) -> None:
        """A star import hands the name on without writing it, and would lose it silently."""
        links = Links(self.project, self.old.module, self.name)
        for path in self.project.files.containing(b"import *", ".py"):
            names = self.project.at(path)
            for star in names.stars:
                if links.taken(star):
                    what = f"{path} has {self.name} from a star import"
                    raise names.drifted(
                        self.doing, what, star.statement, hint="import it by name first"
                    )

    def _fix_import(self, names: Names, taken: Sequence[Imported]) -> None:
        """One from-import of the old module, and those of its names that are the definition."""
        source, statement = names.source, taken[0].statement
        edits = self.edits.setdefault(names.path, [])
        gone = {imported.alias for imported in taken}
        if names.path == self.target and taken[0].scope is names.module:
            edits += prune(source, statement, gone)
            return
        module = self.module
        if taken[0].module.startswith("."):
            module = relative(names.path, stem_of(self.target)) or module
        if isinstance(statement, cst.ImportFrom) and not isinstance(
            statement.names, cst.ImportStar
        ):
            if len(statement.names) == len(gone):
                span = module_span(source, statement)
                edits.append(Splice(span.start, span.end, module))
            else:
                edits += prune(source, statement, gone)
                added = [written(imported, module) for imported in taken]
                if self._opens(names, taken[0]):
                    guard: Guard = "TYPE_CHECKING" if taken[0].guarded else ""
                    self.fresh.setdefault(names.path, []).extend((line, guard) for line in added)
                else:
                    edits += [after(source, statement, line) for line in added]

    def _fix_accesses(self, names: Names, accesses: Sequence[Access]) -> None:
        """`bot.app.f` becomes `bot.util.f`, with an import of `bot.util` beside that of
        `bot.app`.
        """
        source = names.source
        edits = self.edits.setdefault(names.path, [])
        added: set[tuple[Scope, str]] = set()
        for access in accesses:
            root = dotted_name(access.value).split(".")[0]
            owner = access.scope.owner(root)
            bindings = owner.bound.get(root, ())
            imports = [b.imported for b in bindings if b.imported is not None]
            packages = self.project.packages(access.value, access.scope)
            if not imports or len(imports) < len(bindings) or len(packages) > 1:
                what = root or source.text(names.span(access.value))
                raise names.drifted(
                    self.doing, f"no import statement says what {what} is", access.attr
                )
            module = dotted_name(access.value)
            imported = next((i for i in imports if i.module == module), imports[0])
            whole = (
                not imported.name
                and imported.bound == imported.module.split(".")[0]
                and "." in imported.module
            )
            parent, _, tail = self.module.rpartition(".")
            if whole or not parent:
                text, line = self.module, f"import {self.module}"
            else:
                text, line = tail, f"from {parent} import {tail}"
            first = text.split(".")[0]
            taken = [
                b
                for b in owner.bound.get(first, ())
                if self.project.package_variable(owner, first) is None
            ]
            inner = access.scope.owner(first)
            if (
                taken
                or (inner is not owner and first in inner.bound)
                or (names.uses[first] and first not in owner.bound)
            ):
                raise names.drifted(
                    self.doing, f"{first} has another meaning in {names.path}", access.attr
                )
            known = self.project.package_variable(owner, first)
            if known is not None and first == text and known != stem_of(self.target):
                raise names.drifted(
                    self.doing, f"{first} has another meaning in {names.path}", access.attr
                )
            has = known == stem_of(self.target) or any(
                i.module == self.module and not i.name for i in names.imports
            )
            if not has and (owner, line) not in added:
                added.add((owner, line))
                if self._opens(names, imported):
                    guard: Guard = "TYPE_CHECKING" if imported.guarded else ""
                    self.fresh.setdefault(names.path, []).append((line, guard))
                else:
                    edits.append(after(source, imported.statement, line))
            if not self._wanted_from(names.path, imported.bound):
                self.idle.setdefault(names.path, []).append(written(imported, imported.module))
            span = names.span(access.value)
            edits.append(Splice(span.start, span.end, text))

    def _fix_paths(self, piece: Piece, *, back: bool) -> None:
        """Whole paths in text lead to the new module.

        `patch("old.f")` in a test replaces what the old module calls, so it stays where that still
        has the name.
        """
        for text in paths_in_text(self.project, self.name):
            inside = (
                text.path == self.old.path
                and piece.span.start <= text.module.start < piece.span.end
            )
            annotation = text.python and self._is_annotation(text)
            if text.home is not self.old or text.names[0][0] != self.name or inside or annotation:
                continue
            if text.colon or not back:
                found = self.edits if text.python else self.configuration
                found.setdefault(text.path, []).append(
                    Splice(text.module.start, text.module.end, self.module)
                )

    def _is_annotation(self, text: PathInText) -> bool:
        """Whether it is a type, which `_fix_accesses` has seen."""
        at = text.module.start
        return any(span.start == at for span in self.project.at(text.path).inside_strings.values())
