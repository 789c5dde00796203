"""Every place in a project that refers to a definition, and what stands in the way of another name
for it.

Reference   bytes that are the name, or an import that must keep its local name
Found       the references in all files, collisions with the new name, places that are not clear
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.codemods.refactor.dotted_paths import paths_in_text
from skills_engine.codemods.refactor.project import Links
from skills_engine.codemods.source.source import Splice
from skills_engine.types import Span

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.codemods.names.scopes import Imported, Names, Scope, Use
    from skills_engine.codemods.refactor.dotted_paths import PathInText
    from skills_engine.codemods.refactor.project import Project
    from skills_engine.types import Place

__all__ = ["NameReferences", "variable_references"]


@dataclass
class NameReferences:
    """Splices by path that give a definition its new name, and the reasons not to make them."""

    old: str
    new: str
    splices: dict[str, set[Splice]] = field(default_factory=dict)
    configuration: dict[str, set[Splice]] = field(default_factory=dict)
    """The splices in files that are not Python."""
    collisions: list[Place] = field(default_factory=list)
    unclear: list[Place] = field(default_factory=list)
    doubts: list[tuple[Names, cst.CSTNode, str]] = field(default_factory=list)
    """The nodes at the unclear places, and what they would be called."""

    def rename(self, names: Names, at: cst.CSTNode | Span, text: str = "") -> None:
        span = at if isinstance(at, Span) else names.span(at)
        found = self.splices.setdefault(names.path, set())
        found.add(Splice(span.start, span.end, text or self.new))

    def rename_in_text(self, text: PathInText, at: Span) -> None:
        found = self.splices if text.python else self.configuration
        found.setdefault(text.path, set()).add(Splice(at.start, at.end, self.new))

    def collides(self, names: Names, at: cst.CSTNode) -> None:
        place = names.source.place(names.span(at).start)
        if place not in self.collisions:
            self.collisions.append(place)

    def doubtful(self, names: Names, at: cst.CSTNode, text: str = "") -> None:
        place = names.source.place(names.span(at).start)
        self.doubts.append((names, at, text))
        if place not in self.unclear:
            self.unclear.append(place)


def variable_references(project: Project, scope: Scope, old: str, new: str) -> NameReferences:
    """The references to a module's variable, through every import and re-export of it."""
    found = NameReferences(old, new)
    links = Links(project, scope, old)
    for names in project.mentioning(old):
        _imports(found, links, names)
        for use in names.uses[old]:
            if links.bound(use.owner):
                found.rename(names, use.node)
        for access in names.accesses[old]:
            if access.instance:
                continue
            stems = project.packages(access.value, access.scope)
            modules = [None if stem is None else project.module(stem) for stem in stems]
            verdicts = {m is not None and links.bound(m.module) for m in modules}
            if verdicts == {True}:
                found.rename(names, access.attr)
            elif True in verdicts:
                found.doubtful(names, access.attr)
        if links.bound(names.module):
            for span in names.exports_of(old):
                found.rename(names, span)
    for text in paths_in_text(project, old):
        if text.names[0][0] == old and links.bound(text.home.module):
            found.rename_in_text(text, text.names[0][1])
    for names in project.mentioning(old, new):
        _obstacles(found, links, names)
    return found


def _obstacles(found: NameReferences, links: Links, names: Names) -> None:
    """What in a file stands against the new name."""
    for scope in links.scopes(names):
        _collisions(found, names, scope)
        if scope.kind == "module" and names.path.endswith("/__init__.py"):
            stem = names.path.removesuffix("/__init__.py")
            if links.project.is_module(f"{stem}/{found.new}"):
                found.collides(
                    names,
                    scope.bound[found.old][0].node if scope.bound.get(found.old) else scope.node,
                )
    for star in names.stars:
        mixed = names.module.bound.get(found.old) and not links.bound(
            names.module
        )  # the star could not keep it
        if links.taken(star) and (
            mixed or not _stays_public(links.project, star, found.old, found.new)
        ):
            found.collides(names, star.statement)


def _imports(found: NameReferences, links: Links, names: Names) -> None:
    for imported in names.imports:
        alias = imported.alias
        if alias is None or imported.name != found.old or not links.taken(imported):
            continue
        if (
            not imported.links
            or links.bound(imported.scope.owner(found.old))
            or alias.asname is not None
        ):
            found.rename(names, alias.name)
        else:  # the file binds the name in another way too: there it stays
            found.rename(names, alias.name, f"{found.new} as {found.old}")


def _stays_public(project: Project, star: Imported, old: str, new: str) -> bool:
    stem = project.stem(star.scope.names.path, star.module)
    names = None if stem is None else project.module(stem)
    return (
        names is None
        or "__all__" in names.module.bound
        or old.startswith("_") == new.startswith("_")
    )


def _collisions(found: NameReferences, names: Names, scope: Scope) -> None:
    """The new name must be free in `scope`, and mean `scope`'s where the old one does, and nowhere
    else.
    """
    old, new = found.old, found.new
    for binding in scope.bound.get(new, ()):
        found.collides(names, binding.name or binding.node)
    for node in names.opaque:
        if old in names.source.code(node) and scope.kind == "module":
            found.collides(names, node)
    for use in names.uses[old]:
        if use.owner is scope and _hidden(use, scope, new):
            found.collides(names, use.node)
    for use in names.uses[new]:
        chain = use.scope.chain()
        if scope not in chain or (scope.kind == "class" and use.scope is not scope):
            continue
        owner = use.owner
        outer = owner is not scope and chain.index(owner) > chain.index(scope)
        if outer or (owner is scope and new not in scope.bound):
            found.collides(names, use.node)


def _hidden(use: Use, scope: Scope, new: str) -> bool:
    """Whether a scope between the use and the variable has the new name already."""
    chain = use.scope.chain()
    owner = use.scope.owner(new, outside=use.outside)
    return chain.index(owner) < chain.index(scope)
