"""The places that bind a name beside its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.read import names_of

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["bound_too", "only_assigned"]


def only_assigned(source: Source, selector: str, doing: str, *, grows: bool = False) -> None:
    """Raises CannotEnsure where a variable has another value than its assignment says, as far as
    the text tells; `grows`: what `+=` adds is known.
    """
    if not any(d.qualname == selector and d.kind == "variable" for d in source.definitions):
        return
    around = selector.rpartition(".")[0]
    owners = [d.node for d in source.definitions if d.qualname == around] if around else [None]
    other = [n for each in owners for n in bound_too(source, each, selector.rpartition(".")[2])]
    if other := [node for node in other if not (grows and isinstance(node, cst.AugAssign))]:
        what = f"{selector} is bound in another way, too, so that one assignment does not decide it"
        raise source.drifted(doing, what, *other)


def bound_too(source: Source, owner: cst.CSTNode | None, name: str) -> list[cst.CSTNode]:
    """Where a name of a class, a function or (without `owner`) the module is bound by what is no
    definition: an import, unpacking, a loop, `with`, `:=`, `case`, `except`, `+=`, or together
    with other names.
    """
    scopes = [names_of(source).module]
    for each in scopes if owner is not None else ():
        scopes += each.inner.values()
    scope = next((s for s in scopes if owner is None or s.node is owner), None)
    plain = {id(d.node) for d in source.definitions if d.name == name}
    return [
        binding.node
        for binding in (scope.bound.get(name, ()) if scope is not None else ())
        if binding.scope is scope and binding.kind not in {"class", "function", "parameter"}
        if not (binding.imported and binding.imported.guarded) and id(binding.node) not in plain
    ]
