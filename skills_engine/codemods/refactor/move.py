"""Moves a definition from one module of a project to another, and everything that names it
along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.imports.statements import OwnModules
from skills_engine.codemods.refactor.load_effects import (
    does_something,
    effects,
    is_test,
    loaders,
)
from skills_engine.codemods.refactor.movable import Piece
from skills_engine.codemods.refactor.move_imports import (
    prune,
    relative,
    settled,
)
from skills_engine.codemods.refactor.overlay import OverlaidFiles
from skills_engine.codemods.refactor.project import Project, stem_of
from skills_engine.codemods.refactor.stubs import StubbedProject
from skills_engine.codemods.source.source import Source, Splice, spliced
from skills_engine.errors import CannotEnsure
from skills_engine.import_order import settings_for
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    import libcst as cst


from skills_engine.codemods.refactor.move_importers import ImporterEdits
from skills_engine.codemods.refactor.move_state import where
from skills_engine.codemods.refactor.move_target import TargetEdits

__all__ = ["Mover"]


class Mover(TargetEdits, ImporterEdits):
    """One move. `move()` writes nothing unless all of it can be done."""

    def move(self) -> Change:
        if self._there_already():
            return Change(Outcome.ALREADY, self.doing)
        self._refuse_stubs()
        piece = Piece.cut(self.project, self.old, self.name, self.doing)
        lines, guarded = self._imports_for(piece)
        back = piece.used_outside(self.name)
        self._fix_importers(back=back)
        self._fix_paths(piece, back=back)
        self._edit_old(piece, back=back)
        created = self._edit_target(piece, lines, guarded)
        return self._write(piece, created)

    def _there_already(self) -> bool:
        here = self._defines(self.old)
        there = self.project.files.read(self.target) is not None and self._defines(
            self.project.at(self.target)
        )
        if here and there and self.old.path != self.target:
            new = self.project.at(self.target)
            raise new.drifted(
                self.doing, f"{self.target} has another {self.name}", where(new, self.name)
            )
        if not here and not there:
            near = [
                b[0].node
                for b in self.old.module.bound.values()
                if b and b[0].kind in {"class", "function"}
            ]
            raise self.old.source.missing(
                self.doing, f"{self.old.path} does not define {self.name}", near
            )
        return there

    def _edit_old(self, piece: Piece, *, back: bool) -> None:
        source = self.old.source
        edits = self.edits.setdefault(self.old.path, [])
        edits.append(piece.removal())
        if back:
            module = self.module
            if any(i.module.startswith(".") for i in self.old.imports):
                module = relative(self.old.path, stem_of(self.target)) or module
            self.fresh[self.old.path] = [(f"from {module} import {self.name}", "")]
        unused: dict[cst.Import | cst.ImportFrom, set[cst.ImportAlias | None]] = {}
        for name in sorted(piece.needs()):
            bindings = self.old.module.bound[name]
            if (
                piece.used_outside(name)
                or self.old.path.endswith("__init__.py")
                or self._wanted_elsewhere(name)
            ):
                continue
            for imported in [b.imported for b in bindings if b.imported is not None]:
                if imported.module != "__future__" and imported.scope is self.old.module:
                    unused.setdefault(imported.statement, set()).add(imported.alias)
        for statement, gone in unused.items():
            edits += prune(source, statement, gone)

    def _write(self, piece: Piece, created: bytes | None) -> Change:
        written: dict[str, bytes] = {} if created is None else {self.target: created}
        places: list[Place] = []
        for path, splices in sorted(self.edits.items()):
            if not splices:
                continue
            source = self.project.at(path).source
            try:
                written[path] = source.splice(_merged(splices))
            except (ValueError, UnicodeEncodeError) as error:
                raise source.drifted(
                    self.doing, f"{path} cannot be edited: {error}", source.module
                ) from None
            places += [source.place(s.start) for s in sorted(splices)]
        for path in {*self.fresh, *self.idle}:
            data = written[path] if path in written else self.project.files.read(path) or b""
            settings = settings_for(path, self.project.files.read)
            own = OwnModules(path, self.project.files)
            lines, idle = self.fresh.get(path, []), self.idle.get(path, [])
            written[path] = settled(Source.parse(path, data), lines, idle, own, settings)
        for path, data in written.items():
            before = self.project.files.read(path)
            Source.check(
                path, self.old.source.original if before is None else before, data, self.doing
            )
        self._refuse_circles(written)
        self._refuse_unloaded(piece, written)
        for path, splices in sorted(self.configuration.items()):
            written[path] = spliced(self.project.files.read(path) or b"", splices)
        for path, data in written.items():
            self.project.files.write(path, data)
        return Change(Outcome.APPLIED, f"{self.doing}: {len(written)} files changed", tuple(places))

    def _refuse_stubs(self) -> None:
        """Stubs would have to follow, and a type checker reads no module that has one."""
        for module, stub in StubbedProject(self.project.files, self.name).stubs.items():
            if module in {self.old.path, self.target} or self._mentions_old(stub):
                raise CannotEnsure(
                    Outcome.DRIFTED,
                    f"{self.doing}: the stub {stub} mentions {self.name}, and stubs are not moved",
                    candidates=(Place(stub, 1),),
                    hint="move it there by hand first",
                )

    def _mentions_old(self, stub: str) -> bool:
        last = stem_of(self.old.path).rpartition("/")[2]
        return last.encode() in (self.project.files.read(stub) or b"")

    def _refuse_unloaded(self, piece: Piece, written: dict[str, bytes]) -> None:
        """What happens because a module is loaded still happens: something loads the old one if
        anything did, and the new one if the definition does more than to be there."""
        after = Project(OverlaidFiles(self.project.files, written))
        if does_something(piece.statement) and not (
            is_test(self.target) or self.configuration or loaders(after, self.target)
        ):
            what = f"its decorator may register it, and nothing would load {self.target}"
            hint = f"import {self.module} where {self.old.path} is loaded, first"
            raise self.old.drifted(self.doing, what, piece.statement, hint=hint)
        if loaders(self.project, self.old.path) and not loaders(after, self.old.path):
            for effect in effects(self.old.source.module):
                if effect is not piece.statement:
                    what = f"nothing would load {self.old.path} any more, which does this"
                    hint = f"import {self.old.path} by hand where it is needed, or move this first"
                    raise self.old.drifted(self.doing, what, effect, hint=hint)

    def _refuse_circles(self, written: dict[str, bytes]) -> None:
        """No import that this adds may close a circle of modules that import each other as they are
        imported.
        """
        after = Project(OverlaidFiles(self.project.files, written))
        for path in written:
            before = self.project.files.read(path) is not None
            known = self.project.imports(path, at_import_time=True) if before else set()
            for fresh in after.imports(path, at_import_time=True) - known:
                if path in after.reach(fresh, at_import_time=True):
                    raise CannotEnsure(
                        Outcome.DRIFTED,
                        f"{self.doing}: {path} and {fresh} would import each other",
                        candidates=(Place(path, 1), Place(fresh, 1)),
                        hint="move what both need first",
                    )


def _merged(splices: Sequence[Splice]) -> list[Splice]:
    """Insertions at one place as one, in the order they were asked for."""
    inserts: dict[int, str] = {}
    rest: set[Splice] = set()
    for splice in splices:
        if splice.start == splice.end:
            inserts[splice.start] = inserts.get(splice.start, "") + splice.new
        else:
            rest.add(splice)
    return sorted([*rest, *(Splice(at, at, text) for at, text in inserts.items())])
