"""The spelling of a class's private names outside it: `x._A__f` is what `__f` of the class `A` is
called, and another name of the class changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.refactor.types import Types

if TYPE_CHECKING:
    from skills_engine.codemods.names.scopes import Scope
    from skills_engine.codemods.refactor.name_references import NameReferences
    from skills_engine.codemods.refactor.project import Project

__all__ = ["private_references"]


def private_references(project: Project, owner: Scope, found: NameReferences) -> None:
    """Add, to what the new name of the class `owner` changes, the accesses that spell its private
    names. One on an object of unknown class is not clear.
    """
    old, new = (f"_{name.lstrip('_')}__" for name in (found.old, found.new))
    if old == new:
        return
    types = Types(project)
    for path in project.files.containing(old.encode(), ".py"):
        names = project.at(path)
        for name in sorted(n for n in names.accesses if n.startswith(old) and n[-2:] != "__"):
            own = "__" + name.removeprefix(old)
            if not (owner.bound.get(own) or owner.attributes.get(own)):
                continue
            for access in names.accesses[name]:
                things = types.of(access.value, access.scope)
                classes = [thing.scope for thing in things if thing.scope is not None]
                ours = [c is owner or owner in types.ancestors(c)[0] for c in classes]
                text = new + name.removeprefix(old)
                if ours and all(ours) and len(classes) == len(things):
                    found.rename(names, access.attr, text)
                elif not things or any(ours):
                    found.doubtful(names, access.attr, text)
