"""The order of a class's fields, those of its bases among them: one that is required must not come
after one with a default, in a dataclass as in a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.refactor.overlay import OverlaidFiles
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.refactor.types import Types
from skills_engine.codemods.source.fields import fields_of, makes_fields, orders_fields
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.names.scopes import Scope
    from skills_engine.codemods.source.fields import FieldLine
    from skills_engine.codemods.source.source import Source

__all__ = ["check_field_order"]


def check_field_order(files: Files, source: Source, data: bytes, owner: str, doing: str) -> None:
    """Refuse `data` as the new text of a file where Python would then refuse the class `owner`, or
    one that inherits from it, and does not so far.
    """
    name = owner.rpartition(".")[2]
    if not name:
        return
    after = _broken(Project(OverlaidFiles(files, {source.path: data})), source.path, name)
    if not after:
        return
    before = _broken(Project(files), source.path, name)
    for key, (what, place) in sorted(after.items()):
        if key not in before:
            raise CannotEnsure(
                Outcome.DRIFTED,
                f"{doing}: {what}: {place}",
                candidates=(place,),
                hint="give the required one a default too, or make it keyword-only",
            )


def _broken(project: Project, path: str, name: str) -> dict[tuple[str, str], tuple[str, Place]]:
    """The classes that Python refuses, by path and name: what is said of each, and where it is."""
    types = Types(project)
    home = project.at(path)
    named = (c for c in home.classes if c.qualname.rpartition(".")[2] == name)
    targets = {c for c in named if _makes_fields(c)}
    if not targets:
        return {}
    words, found = {name}, set(targets)
    while True:
        every = {c for names in project.inheriting(*sorted(words)) for c in names.classes}
        more = {c for c in every if targets & set(types.ancestors(c)[0])} - found
        if not more:
            break
        found |= more
        words |= {c.qualname.rpartition(".")[2] for c in more}
    broken: dict[tuple[str, str], tuple[str, Place]] = {}
    for scope in found:
        at = scope.names.source
        if (what := _fault(types, scope)) and isinstance(scope.node, cst.ClassDef):
            broken[scope.names.path, scope.qualname] = what, at.place(at.span(scope.node).start)
    return broken


def _makes_fields(scope: Scope) -> bool:
    return isinstance(scope.node, cst.ClassDef) and makes_fields(scope.names.source, scope.node)


def _fault(types: Types, scope: Scope) -> str:
    node, source = scope.node, scope.names.source
    if not (isinstance(node, cst.ClassDef) and orders_fields(source, node)):
        return ""
    fields: dict[str, FieldLine] = {}
    for around in (*reversed(types.ancestors(scope)[0]), scope):
        own, there = around.node, around.names.source
        if not (isinstance(own, cst.ClassDef) and _makes_fields(around)):
            continue
        positional = orders_fields(there, own)
        for field in fields_of(there, own.body.body):
            if field.annotated:
                fields[field.name] = field if positional else field.anywhere()
    optional = ""
    for field in fields.values():
        if field.required and optional:
            late = f"{field.name} is required, and {optional} before it has a default"
            return f"in {scope.qualname}, {late}"
        optional = optional or (field.name if field.optional else "")
    return ""
