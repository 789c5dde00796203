"""Every place in a project that refers to a member of a class: in the class, its subclasses, and
through objects.

An access `x.name` is a reference when the text says what x is (see
`types.py`). Where it does not, in a file to which an object of the class
may come, the place is unclear; nothing is guessed. Such a file imports the
class's module, is imported by it, or is imported by a file that imports it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.refactor.dotted_paths import paths_in_text
from skills_engine.codemods.refactor.name_references import NameReferences
from skills_engine.codemods.refactor.project import Links
from skills_engine.codemods.refactor.types import Types
from skills_engine.codemods.source.syntax import dotted_name

if TYPE_CHECKING:
    from skills_engine.codemods.names.scopes import Access, Names, Scope
    from skills_engine.codemods.refactor.dotted_paths import PathInText
    from skills_engine.codemods.refactor.project import Project
    from skills_engine.codemods.refactor.types import Thing

__all__ = ["Members"]

_PLAIN = {
    "ABC", "BaseException", "BaseModel", "Enum", "Exception", "Flag", "Generic", "IntEnum",
    "IntFlag", "NamedTuple", "Protocol", "StrEnum", "TypedDict", "object", "type",
}  # fmt: skip
"""Bases from elsewhere whose methods nobody overrides by accident."""


class Members:
    """The references to member `old` of the class whose scope is `scope`."""

    def __init__(
        self, project: Project, scope: Scope, old: str, new: str, *, lookalikes: bool = False
    ) -> None:
        """`lookalikes`: the classes that only a protocol may tie to this one are taken to be tied
        to it.
        """
        self.project = project
        self.types = Types(project)
        self.target = scope
        self.old = old
        self.new = new
        _, self.outside = self.types.ancestors(scope)
        self.files = project.mentioning(old)
        self.family: set[Scope] = set()
        self._join({scope})
        while lookalikes and (more := {c for names in self.files for c in self._lookalikes(names)}):
            self._join(more)
        self.above = {a for c in self.family for a in self.types.ancestors(c)[0]} - self.family

    def _join(self, scopes: set[Scope]) -> None:
        """Take classes and those that inherit from them into the family."""
        self.family |= scopes
        for names in self.project.mentioning(self.old, self.new):
            self.family |= {c for c in names.classes if scopes & set(self.types.ancestors(c)[0])}

    def overridden(self) -> list[Scope]:
        """The classes above that have the member too: renaming it below would cut the two apart."""
        return sorted(
            (a for a in self.above if self._has(a, self.old)),
            key=lambda a: (a.names.path, a.qualname),
        )

    def foreign_bases(self) -> list[str]:
        """The bases from outside the project that may have the member, '?' for what cannot be
        followed.
        """
        return sorted(
            {name or "?" for name in self.outside if not name.endswith(_plain_ends(name))}
        )

    def references(self) -> NameReferences:
        found = NameReferences(self.old, self.new)
        for scope in sorted(self.family, key=lambda c: (c.names.path, c.qualname)):
            self._collisions(found, scope)
        for scope in self.above:
            for binding in (*scope.bound.get(self.new, ()), *scope.attributes.get(self.new, ())):
                found.collides(scope.names, binding.name or binding.node)
        for names in self.files:
            for use in names.uses[self.old]:
                if use.owner in self.family:
                    found.rename(names, use.node)
            for access in names.accesses[self.old]:
                self._access(found, names, access)
            for scope in self._lookalikes(names):
                found.doubtful(names, scope.bound[self.old][0].name or scope.node)
        for text in paths_in_text(self.project, self.old):
            for scope in self.family:
                self._in_text(found, text, scope)
        return found

    def _in_text(self, found: NameReferences, text: PathInText, scope: Scope) -> None:
        depth = scope.qualname.count(".") + 1
        words = [word for word, _ in text.names]
        if words[depth : depth + 1] != [self.old] or ".".join(words[:depth]) != scope.qualname:
            return
        if Links(self.project, scope.names.module, words[0]).bound(text.home.module):
            found.rename_in_text(text, text.names[depth][1])

    # --- accesses

    def _access(self, found: NameReferences, names: Names, access: Access) -> None:
        things = self.types.of(access.value, access.scope)
        verdicts = {self._ours(thing) for thing in things if thing.kind != "none"}
        if verdicts == {True}:
            found.rename(names, access.attr)
        elif verdicts != {False} and self._may_see(names.path):
            found.doubtful(names, access.attr)

    def _ours(self, thing: Thing) -> bool | None:
        """Whether `thing.old` is the member; None if it may be."""
        scope = thing.scope
        if thing.kind == "super" and scope is not None:
            return scope in self.family and scope is not self.target
        if thing.kind not in {"class", "instance"} or scope is None:
            return False
        if scope in self.family or self.target in self.types.ancestors(scope)[0]:
            return True
        return None if scope in self.above or self._is_protocol(scope) else False

    def _may_see(self, path: str) -> bool:
        home = self.target.names.path
        if path == home or home in self.project.reach(path) or path in self.project.reach(home):
            return True
        folder = path.rpartition("/")[0]
        around = [folder.rsplit("/", n)[0] for n in range(folder.count("/") + 1)] if folder else []
        for conftest in [f"{f}/conftest.py" for f in around] + ["conftest.py"]:
            if self.project.files.read(conftest) is not None and home in self.project.reach(
                conftest
            ):
                return True  # pytest hands its fixtures to this file
        module = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
        importers = [
            n.path for n in self.project.mentioning(module) if path in self.project.imports(n.path)
        ]
        return any(p == home or home in self.project.reach(p) for p in importers)

    # --- other classes

    def _has(self, scope: Scope, name: str) -> bool:
        return bool(scope.bound.get(name) or scope.attributes.get(name))

    def _is_protocol(self, scope: Scope) -> bool:
        node = scope.node
        return isinstance(node, cst.ClassDef) and any(
            dotted_name(b.value.value if isinstance(b.value, cst.Subscript) else b.value).endswith(
                "Protocol"
            )
            for b in node.bases
        )

    def _lookalikes(self, names: Names) -> list[Scope]:
        """Classes that have the member without inheriting it, where a protocol may stand between
        the two.
        """
        protocols = any(self._is_protocol(scope) for scope in self.family)
        return [
            scope
            for scope in names.classes
            if scope not in self.family
            and scope.bound.get(self.old)
            and (protocols or self._is_protocol(scope))
            and self._may_see(names.path)
        ]

    def _collisions(self, found: NameReferences, scope: Scope) -> None:
        for binding in (*scope.bound.get(self.new, ()), *scope.attributes.get(self.new, ())):
            found.collides(scope.names, binding.name or binding.node)
        for binding in scope.attributes.get(
            self.old, ()
        ):  # assigned on the object: no method any more
            found.collides(scope.names, binding.name or binding.node)
        for use in scope.names.uses[self.new]:
            if use.scope is scope and use.owner is not scope and scope.bound.get(self.old):
                found.collides(scope.names, use.node)


def _plain_ends(name: str) -> tuple[str, ...]:
    last = name.rpartition(".")[2]
    return (
        (last,) if last in _PLAIN or last.endswith(("Error", "Exception", "Warning")) else ("\0",)
    )
