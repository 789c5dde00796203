"""Names that a function reads from around it, and that a new name of its own would hide."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from skills_engine.codemods.names.read import names_of

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.codemods.source.source import Source

__all__ = ["captured_by", "overwritten_by"]


def captured_by(source: Source, function: cst.FunctionDef, name: str) -> cst.Name | None:
    """Where a function reads `name` as something around it that is known; a name that nothing binds
    waits for the parameter.
    """
    names = names_of(source)
    scope = next((scope for scope in names.scopes if scope.node is function), None)
    for use in names.uses.get(name, ()):
        chain = use.scope.chain()
        if scope is None or scope not in chain:
            continue
        owner = use.owner
        outside = owner not in chain[: chain.index(scope) + 1]
        if outside and (name in owner.bound or hasattr(builtins, name)):
            return use.node
    return None


def overwritten_by(source: Source, function: cst.FunctionDef, name: str) -> cst.CSTNode | None:
    """Where a function binds `name` itself before it reads it, so that a parameter of that name
    would have no effect.
    """
    names = names_of(source)
    scope = next((scope for scope in names.scopes if scope.node is function), None)
    bound = [b for b in scope.bound.get(name, ()) if b.kind != "parameter"] if scope else []
    if not bound:
        return None
    first = min(bound, key=lambda b: names.span(b.name or b.node).start)
    ends = [names.span(part).end for part in (first.name or first.node, first.value) if part]
    binding = {b.name for b in bound}
    uses = names.uses.get(name, ())
    read = [u.node for u in uses if u.owner is scope and u.node not in binding]
    if any(names.span(node).start < max(ends) for node in read):
        return None
    return first.name or first.node
