"""Renames a definition of a project, and everything that names it, in modules and in stubs."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.codemods.refactor.attribute_references import Members
from skills_engine.codemods.refactor.name_references import variable_references
from skills_engine.codemods.refactor.private_names import private_references
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.refactor.stubs import StubbedProject
from skills_engine.codemods.source.source import Source, spliced
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.names.scopes import Scope
    from skills_engine.codemods.refactor.name_references import NameReferences

__all__ = ["QualifiedName", "Renamer", "is_special"]


@dataclass(frozen=True, slots=True)
class QualifiedName:
    """A name of the module at `path`, or of a class `around` it there."""

    path: str
    around: tuple[str, ...]
    name: str

    @property
    def qualified(self) -> str:
        return ".".join([*self.around, self.name])


@dataclass(frozen=True, slots=True)
class Renamer:
    """One renaming. `rename()` writes nothing unless all of it can be done. `unclear` says what
    comes of places of which it is not clear whether they are meant: refuse, keep or rename.
    """

    files: Files
    name: QualifiedName
    to: str
    doing: str
    unclear: str

    def rename(self) -> Change:
        project, path, old = Project(self.files), self.name.path, self.name.name
        stubs = StubbedProject(self.files, old)
        scope = self._scope(project)
        if scope.bound.get(self.to) and (old == self.to or not scope.bound.get(old)):
            self._refuse_left(project, scope)
            if path in stubs.stubs:
                self._refuse_left(stubs, self._scope(stubs))
            return Change(Outcome.ALREADY, self.doing)
        self._renameable(scope)
        found = [(project, self._found(project, scope))]
        if stubs.stubs:
            found.append((stubs, self._in_stubs(stubs)))
        return self._write(found)

    def _found(self, project: Project, scope: Scope) -> NameReferences:
        """What the new name changes. Raises CannotEnsure where that is not clear."""
        old = self.name.name
        found = (
            self._members(project, scope)
            if self.name.around
            else variable_references(project, scope, old, self.to)
        )
        for binding in scope.bound[old]:
            if binding.kind == "class":
                private_references(project, scope.inner[binding.node], found)
        if self.unclear == "rename":
            for names, node, text in found.doubts:
                found.rename(names, node, text)
        if found.collisions:
            raise self._refuse(
                Outcome.DRIFTED,
                f"{self.to} has a meaning already",
                _of_stubs(project, found.collisions),
            )
        if found.unclear and self.unclear == "refuse":
            what = f"it is not clear whether these are {self.name.qualified}; nothing is guessed"
            raise self._refuse(
                Outcome.AMBIGUOUS,
                what,
                _of_stubs(project, found.unclear),
                "annotate the objects, or say `unclear: keep` or `rename`",
            )
        return found

    def _in_stubs(self, stubs: StubbedProject) -> NameReferences:
        """What the new name changes in stubs alone."""
        old = self.name.name
        scope = self._scope(stubs)
        if all(b.kind == "import" for b in scope.bound.get(old, ())):
            first = next(iter(stubs.stubs.values()))
            what = (
                f"{_spelled(stubs, self.name.path)} does not define {old}, which {first} mentions"
            )
            raise self._refuse(Outcome.DRIFTED, what, [Place(first, 1)], "mend the stub first")
        found = self._found(stubs, scope)
        found.splices = {p: edits for p, edits in found.splices.items() if p in stubs.stubs}
        found.configuration = {}
        return found

    def _refuse_left(self, project: Project, scope: Scope) -> None:
        """It is not so already where something is left that names the old name."""
        old = self.name.name
        if old == self.to or hasattr(builtins, old):
            return
        found = (
            Members(project, scope, old, self.to).references()
            if self.name.around
            else variable_references(project, scope, old, self.to)
        )
        places = [
            project.at(path).source.place(splice.start)
            for path, splices in sorted(found.splices.items())
            for splice in sorted(splices)
        ]
        if places:
            what = (
                f"{scope.names.path} has {self.to} and no {old}, which is named here all the same"
            )
            raise self._refuse(
                Outcome.DRIFTED, what, _of_stubs(project, places), "rename these by hand"
            )

    def _write(self, found: list[tuple[Project, NameReferences]]) -> Change:
        places: list[Place] = []
        written: dict[str, bytes] = {}
        for project, references in found:
            for path, splices in sorted(references.splices.items()):
                source = project.at(path).source
                name = _spelled(project, path)
                written[name] = source.splice(sorted(splices))
                Source.check(name, source.original, written[name], self.doing)
                places += _of_stubs(project, [source.place(s.start) for s in sorted(splices)])
            for path, splices in sorted(references.configuration.items()):
                written[path] = spliced(self.files.read(path) or b"", splices)
                places += [
                    Place(path, written[path].count(b"\n", 0, splice.start) + 1)
                    for splice in sorted(splices)
                ]
        for path, data in written.items():
            self.files.write(path, data)
        many = [
            f"{n} {what}{'s' * (n != 1)}"
            for n, what in ((len(places), "place"), (len(written), "file"))
        ]
        count = " in ".join(many)
        return Change(Outcome.APPLIED, f"{self.doing}: {count}", tuple(places))

    def _scope(self, project: Project) -> Scope:
        path, around = self.name.path, self.name.around
        names = project.at(path)
        scope = names.module
        for part in around:
            classes = [b for b in scope.bound.get(part, ()) if b.kind == "class"]
            if len(classes) != 1:
                source = names.source
                raise source.missing(
                    self.doing, f"{path} does not define the class {'.'.join(around)}"
                )
            scope = classes[0].scope.inner[classes[0].node]
        return scope

    def _renameable(self, scope: Scope) -> None:
        old = self.name.name
        source = scope.names.source
        bindings = scope.bound.get(old, [])
        if not bindings and (assigned := scope.attributes.get(old)):
            what = f"{self.name.qualified} is an attribute that methods assign"
            hint = "rename it by hand: callers and data may name it without saying whose it is"
            raise source.drifted(self.doing, what, *[b.node for b in assigned], hint=hint)
        if not bindings:
            raise source.missing(
                self.doing,
                f"{source.path} does not define {self.name.qualified}",
                [b[0].node for name, b in scope.bound.items() if b and name.lower() == old.lower()]
                or [
                    b[0].node
                    for b in scope.bound.values()
                    if b and b[0].kind in {"class", "function"}
                ],
            )
        at = bindings[0].node
        if all(b.kind == "import" for b in bindings):
            raise source.drifted(
                self.doing, f"{source.path} only imports {old}", at, hint="name its own module"
            )
        if is_special(old):
            raise source.drifted(self.doing, f"{old} is a name with a meaning of its own", at)
        if scope.kind == "class" and any(b.kind not in {"function", "class"} for b in bindings):
            what = (
                f"{old} is an attribute of the class: callers may name it as a keyword or in data"
            )
            raise source.drifted(self.doing, what, at, hint="rename it by hand")

    def _members(self, project: Project, scope: Scope) -> NameReferences:
        old = self.name.name
        members = Members(project, scope, old, self.to, lookalikes=self.unclear == "rename")
        if above := members.overridden():
            what = f"it overrides {', '.join(f'{a.qualname}.{old}' for a in above)}"
            places = [a.names.source.place(a.node) for a in above]
            raise self._refuse(
                Outcome.DRIFTED, what, places, "rename the method of the class above all of them"
            )
        if self.unclear == "refuse" and (bases := members.foreign_bases()):
            whose = f"{', '.join(bases)}, whose methods are not in the repository"
            what = f"{scope.qualname} inherits from {whose}"
            raise self._refuse(
                Outcome.AMBIGUOUS,
                what,
                [scope.names.source.place(scope.node)],
                "say `unclear: rename` if it overrides none of them",
            )
        return members.references()

    def _refuse(
        self, outcome: Outcome, what: str, places: list[Place], hint: str = ""
    ) -> CannotEnsure:
        lines = "; ".join(str(place) for place in places[:20])
        return CannotEnsure(
            outcome, f"{self.doing}: {what}: {lines}", candidates=tuple(places), hint=hint
        )


def _spelled(project: Project, path: str) -> str:
    """The path of the file that a project reads as the module at `path`."""
    return project.stubs.get(path, path) if isinstance(project, StubbedProject) else path


def _of_stubs(project: Project, places: list[Place]) -> list[Place]:
    return [replace(place, path=_spelled(project, place.path)) for place in places]


def is_special(name: str) -> bool:
    """Whether Python gives the name a meaning (`__init__`) or another spelling inside classes
    (`__private`).
    """
    return name.startswith("__")
