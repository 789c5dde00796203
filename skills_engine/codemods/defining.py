"""The common part of `method`, `function` and `class`: a definition that a body must hold, and its
place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import libcst as cst

from skills_engine.codemods.match.anchors import between
from skills_engine.codemods.names.bound import bound_too
from skills_engine.codemods.names.read import names_of
from skills_engine.codemods.operation import Malformed, SourceOperation
from skills_engine.codemods.source.blocks import (
    append,
    extent,
    fill,
    insert,
    is_main_guard,
    prologue,
)
from skills_engine.codemods.source.code import Snippet
from skills_engine.codemods.source.definitions import role
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import extract, same

if TYPE_CHECKING:
    from skills_engine.codemods.source.definitions import Body, Definition
    from skills_engine.codemods.source.source import Source

__all__ = ["DefinitionOperation", "Position", "replaced"]

Position = Literal["", "first", "last"]


@dataclass(frozen=True, kw_only=True)
class DefinitionOperation(SourceOperation):
    """A definition stands in a body: it is there, is replaced or is put there."""

    node: ClassVar[type[cst.ClassDef | cst.FunctionDef]]
    noun: ClassVar[str]
    neighbour: ClassVar[tuple[str, str]] = (
        "a neighbour is named with its class",
        "its name alone, and the class in `of`",
    )
    """What is wrong with a neighbour that has a dot, and what is right."""

    code: str
    before: str = ""
    after: str = ""
    position: Position = ""
    replace: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.snippet()
        if self.position and (self.before or self.after):
            raise Malformed(
                "position", "the place is named twice", "`position`, or `before` and `after`"
            )
        for key in ("before", "after"):
            if "." in getattr(self, key):
                raise Malformed(key, *self.neighbour)

    def snippet(self) -> tuple[Snippet, str]:
        """The code, and the name that it defines."""
        return _definitions(self.code, self.node, self.noun)

    def owner(self, source: Source) -> Definition | None:
        """The definition whose body it stands in; None is the module."""
        del source
        return None

    def where(self) -> str:
        return self.in_

    def describe(self) -> str:
        return f"add {self.noun} {self.snippet()[1]} to {self.where()}"

    def edit(self, source: Source) -> Edit:
        doing, owner = self.describe(), self.owner(source)
        snippet, name = self.snippet()
        qualname = f"{owner.qualname}.{name}" if owner else name
        named = [d for d in source.definitions if d.qualname == qualname]
        part = role(snippet.nodes[0], name)
        present = [d for d in named if len(snippet.nodes) > 1 or role(d.node, name) == part]
        before, after = self.before, self.after
        if part and named and not (before or after or self.position):
            after = name
        if present:
            return self._settled(source, owner, present, snippet)
        if (taken := _taken(source, owner, name)) is not None:
            raise source.drifted(doing, f"{qualname} is {taken[0]} already", taken[1])
        node = owner.node if owner else None
        if isinstance(node, cst.ClassDef | cst.FunctionDef) and not (before or after):
            filled = fill(source, node, snippet)
            if filled is not None:
                return filled
        body = source.body_of(owner)
        if before or after:
            index, near = _beside(source, owner, body, before, after, doing)
            return insert(source, body, index, snippet, near=near)
        return _at(source, body, snippet, self.position)

    def _settled(
        self, source: Source, owner: Definition | None, present: list[Definition], snippet: Snippet
    ) -> Edit:
        """What is there is the same, or gives way where that is said. Raises."""
        doing, qualname = self.describe(), present[0].qualname
        if same([d.node for d in present], snippet.nodes):
            apart = [d.node for d in present if d.body is not source.body_of(owner)]
            if apart:
                what = f"{qualname} stands in a block of its own, and not on every path"
                raise source.drifted(doing, what, *apart)
            return Edit()
        variable = any(d.kind in {"variable", "type"} for d in present)
        if self.replace and not variable:
            return replaced(source, present, snippet, doing)
        what = f"{source.path} already has another {qualname}"
        hint = "" if variable else "write `replace: true` if the other one may go"
        raise source.drifted(doing, what, present[0].node, hint=hint)


def _definitions(code: str, kind: type[cst.CSTNode], what: str) -> tuple[Snippet, str]:
    """The snippet and the name that it defines: one definition, or several functions that share a
    name.
    """
    snippet = Snippet.parse(code)
    names = {
        n.name.value
        for n in snippet.nodes
        if isinstance(n, cst.ClassDef | cst.FunctionDef) and type(n) is kind
    }
    alone = kind is cst.FunctionDef or len(snippet.nodes) == 1
    if len(names) != 1 or not alone or not all(type(n) is kind for n in snippet.nodes):
        raise Malformed(
            "code", f"the code is not one {what}", f"the source of one {what}, decorators included"
        )
    return snippet, names.pop()


def _taken(source: Source, owner: Definition | None, name: str) -> tuple[str, cst.CSTNode] | None:
    """What has the name though it is no definition: an import, unpacking, a loop and the like; an
    attribute that methods of the class assign.
    """
    if other := bound_too(source, owner.node if owner else None, name):
        return ("imported" if isinstance(other[0], cst.ImportAlias) else "bound"), other[0]
    scope = next((s for s in names_of(source).classes if owner and s.node is owner.node), None)
    assigned = scope.attributes.get(name, ()) if scope else ()
    return ("an attribute that methods assign", assigned[0].node) if assigned else None


def _at(source: Source, body: Body, snippet: Snippet, position: Position) -> Edit:
    """First is after the docstring and imports, last before `if __name__ == "__main__":`."""
    if position == "first":
        index = prologue(body)
        return insert(source, body, index, snippet, near="after" if index else "before")
    last = len(body.body) - 1
    if isinstance(body, cst.Module) and body.body and is_main_guard(body.body[-1]):
        return insert(source, body, last, snippet, near="after" if last else "before")
    return append(source, body, snippet)


def _beside(
    source: Source, owner: Definition | None, body: Body, before: str, after: str, doing: str
) -> tuple[int, Literal["before", "after"]]:
    """The index to insert at, next to the members of those names, and on which side of what is
    there. Raises.
    """
    prefix = f"{owner.qualname}." if owner else ""
    after_members, before_members = (
        [d for d in source.definitions if name and d.qualname == prefix + name]
        for name in (after, before)
    )
    if not (after_members or before_members):
        source.find(prefix + (after or before), doing=doing)
    last = [body.body.index(d.statement) for d in after_members[-1:] if d.body is body]
    first = [body.body.index(d.statement) for d in before_members[:1] if d.body is body]
    index = between(last, first)
    if index is None:
        member = (after_members or before_members)[0]
        if last and first:
            raise source.drifted(
                doing, f"{prefix}{before} stands before {prefix}{after}", member.node
            )
        raise source.drifted(doing, f"{member.qualname} stands in a block of its own", member.node)
    return index, "after" if last and index == last[0] + 1 else "before"


def replaced(source: Source, present: list[Definition], snippet: Snippet, doing: str) -> Edit:
    """Definitions that stand one after another, replaced; their comments only by comments."""
    body = present[0].body
    indexes = [body.body.index(d.statement) for d in present if d.body is body]
    if indexes != list(range(indexes[0], indexes[0] + len(present))):
        raise source.drifted(
            doing, f"the definitions of {present[0].qualname} are apart", *[d.node for d in present]
        )
    first = extract(source, [body.body[indexes[0]]]).start
    start, indent = source.line_start(first), source.indent_at(first)
    if snippet.text.startswith("#"):
        start = extent(source, body, indexes[0]).start
    end = extent(source, body, indexes[-1]).end
    code = snippet.lines(indent, source.indent_unit)
    if not source.data[start:end].endswith(b"\n"):
        code = code.removesuffix("\n")
    return Edit((Splice(start, end, code),))
