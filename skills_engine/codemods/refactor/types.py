"""The type of an expression, as far as the text says so.

Annotations, constructor calls, annotated returns, `self`, `cls`, `super()`, literals, and what
containers hold when they say it. Everything else is unknown (an empty set): nothing is guessed from
names or from use.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.source.syntax import dotted_name
from skills_engine.parsing import parse_expression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.codemods.names.scopes import Binding, Imported, Scope
    from skills_engine.codemods.refactor.project import Project

__all__ = ["UNKNOWN", "Thing", "Things", "Types"]


@dataclass(frozen=True)
class Thing:
    """A value. `scope` is a class's, or where a function stands; `name` is a module's stem or a
    foreign name.
    """

    kind: Literal[
        "package", "class", "instance", "super", "function", "foreign class", "foreign", "none"
    ]
    scope: Scope | None = None
    name: str = ""
    node: cst.FunctionDef | None = None
    holds: tuple[Things, ...] = ()


Things = frozenset[Thing]
UNKNOWN: Things = frozenset()
_WRAPPERS = {"Optional", "Union", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"}
_VAGUE = {
    "Any",
    "object",
    "Self",
    "TypeVar",
    "Protocol",
    "type",
    "Mock",
    "MagicMock",
    "AsyncMock",
    "NonCallableMock",
}
_LITERALS = (
    cst.BaseNumber,
    cst.BaseString,
    cst.Comparison,
    cst.Lambda,
    cst.DictComp,
    cst.GeneratorExp,
)


def foreign(name: str, *holds: Things) -> Things:
    return frozenset({Thing("foreign", name=name, holds=holds)})


def union(parts: Iterable[Things]) -> Things:
    """All of them, or unknown if one is."""
    found: set[Thing] = set()
    for part in parts:
        if not part:
            return UNKNOWN
        found |= part
    return frozenset(found)


def _held(thing: Thing, at: int) -> Things:
    """What a container holds: keys first, values last; a tuple, any of its elements."""
    if thing.kind not in {"foreign", "foreign class"} or not thing.holds:
        return UNKNOWN
    return union(thing.holds) if thing.name.lower() == "tuple" else thing.holds[at]


class Types:
    """Inference over a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._variables: dict[tuple[Scope, str], Things] = {}

    # --- expressions

    def of(self, node: cst.BaseExpression, scope: Scope) -> Things:  # noqa: PLR0912 - one arm a shape
        match node:
            case cst.Name(value="None"):
                return frozenset({Thing("none")})
            case cst.Name(value=name):
                return self.variable(scope.owner(name), name)
            case cst.Attribute(value=value, attr=cst.Name(value=attr)):
                return union(self.attribute(thing, attr) for thing in self.of(value, scope))
            case cst.Call():
                return self.call(node, scope)
            case cst.Await(expression=awaited):
                return union(
                    t.holds[0] if t.name == "Coroutine" else UNKNOWN
                    for t in self.of(awaited, scope)
                )
            case cst.List() | cst.Tuple() | cst.Set():
                if any(isinstance(e, cst.StarredElement) for e in node.elements):
                    return foreign("list", UNKNOWN)
                return foreign("list", union(self.of(e.value, scope) for e in node.elements))
            case cst.Dict(elements=elements):
                plain = [e for e in elements if isinstance(e, cst.DictElement)]
                held = (
                    union(self.of(e.value, scope) for e in plain)
                    if len(plain) == len(elements)
                    else UNKNOWN
                )
                return foreign("dict", UNKNOWN, held)
            case cst.ListComp() | cst.SetComp():
                return foreign("list", self.of(node.elt, scope.inner.get(node, scope)))
            case cst.IfExp(body=one, orelse=other) | cst.BooleanOperation(left=one, right=other):
                return union((self.of(one, scope), self.of(other, scope)))
            case cst.NamedExpr(value=value):
                return self.of(value, scope)
            case cst.Subscript():
                return self.subscript(node, scope)
            case cst.UnaryOperation(operator=cst.Not()):
                return foreign("bool")
        return foreign("literal") if isinstance(node, _LITERALS) else UNKNOWN

    def call(self, node: cst.Call, scope: Scope) -> Things:
        name = dotted_name(node.func)
        if name == "super":
            around = [s for s in scope.chain() if s.kind == "class"]
            return frozenset({Thing("super", around[0])}) if around else UNKNOWN
        if name.rpartition(".")[2] == "cast" and len(node.args) == 2:
            return self.annotation(node.args[0].value, scope)
        if name == "type" and len(node.args) == 1:
            return union(
                frozenset({Thing("class", t.scope)}) if t.kind == "instance" else UNKNOWN
                for t in self.of(node.args[0].value, scope)
            )
        return union(self.result(thing) for thing in self.of(node.func, scope))

    def result(self, thing: Thing) -> Things:
        """What calling it gives."""
        if thing.kind == "class":
            return frozenset({Thing("instance", thing.scope)})
        if thing.kind == "function" and thing.node is not None and thing.scope is not None:
            if thing.node.returns is None:
                return UNKNOWN
            given = self.annotation(thing.node.returns.annotation, thing.scope)
            return foreign("Coroutine", given) if thing.node.asynchronous else given
        if thing.kind == "foreign class":
            if thing.holds:
                return foreign("values", _held(thing, -1))
            last = thing.name.rpartition(".")[2]
            known = isinstance(getattr(builtins, thing.name, None), type) or last[:1].isupper()
            return foreign(last) if known and last not in _VAGUE and last != "super" else UNKNOWN
        return UNKNOWN

    def subscript(self, node: cst.Subscript, scope: Scope) -> Things:
        found = []
        for thing in self.of(node.value, scope):
            whole = thing.kind != "foreign" or any(
                isinstance(e.slice, cst.Slice) for e in node.slice
            )
            found.append(frozenset({thing}) if whole else _held(thing, -1))
        return union(found)

    def attribute(self, thing: Thing, attr: str) -> Things:
        if thing.kind == "package":
            names = self.project.module(thing.name)
            if names is not None and (attr in names.module.bound or names.stars):
                return self.variable(names.module, attr)
            inner = f"{thing.name}/{attr}"
            return (
                frozenset({Thing("package", name=inner)})
                if self.project.is_module(inner)
                else UNKNOWN
            )
        if thing.kind == "foreign class":
            return frozenset({Thing("foreign class", name=f"{thing.name}.{attr}")})
        if thing.kind == "foreign" and attr == "values" and thing.holds:
            return frozenset({Thing("foreign class", name=attr, holds=thing.holds)})
        if thing.scope is not None and thing.kind in {"class", "instance"}:
            return self.member(thing.scope, attr)
        return UNKNOWN

    # --- classes

    def bases(self, scope: Scope) -> list[Things]:
        """What stands between the parentheses of a class, keywords left out."""
        node = scope.node
        around = scope.parent
        if not isinstance(node, cst.ClassDef) or around is None:
            return []
        return [UNKNOWN if base.star else self.of(base.value, around) for base in node.bases]

    def ancestors(self, scope: Scope) -> tuple[list[Scope], list[str]]:
        """The classes of the project that a class inherits from, and the names of those from
        elsewhere ('' unknown).
        """
        found: list[Scope] = []
        outside: list[str] = []
        todo = [scope]
        while todo:
            for things in self.bases(todo.pop(0)):
                for thing in things or {Thing("none")}:
                    if (
                        thing.kind == "class"
                        and thing.scope is not None
                        and thing.scope not in (*found, scope)
                    ):
                        found.append(thing.scope)
                        todo.append(thing.scope)
                    elif thing.kind != "class":
                        outside.append(thing.name)
        return found, outside

    def member(self, scope: Scope, attr: str) -> Things:
        for owner in (scope, *self.ancestors(scope)[0]):
            bindings = owner.bound.get(attr) or owner.attributes.get(attr)
            if bindings:
                said = [
                    b
                    for b in (*bindings, *owner.attributes.get(attr, ()))
                    if b.annotation is not None
                ]
                things = union(self.binding(b, attr) for b in said or bindings)
                return union(self._read(thing) for thing in things)
        return UNKNOWN

    def _read(self, thing: Thing) -> Things:
        """A property read is what its function returns."""
        if thing.kind == "function" and thing.node is not None:
            names = [dotted_name(each.decorator) for each in thing.node.decorators]
            decorators = {name.rpartition(".")[2] for name in names}
            if decorators & {"property", "cached_property"}:
                return self.result(thing)
        return frozenset({thing})

    # --- variables

    def variable(self, scope: Scope, name: str) -> Things:
        key = (scope, name)
        if key not in self._variables:
            self._variables[key] = UNKNOWN  # what depends on itself is unknown
            self._variables[key] = self._variable(scope, name)
        return self._variables[key]

    def _variable(self, scope: Scope, name: str) -> Things:
        bindings = scope.bound.get(name)
        if not bindings:
            for star in scope.names.stars if scope.kind == "module" else ():
                stem = self.project.stem(scope.names.path, star.module)
                names = None if stem is None else self.project.module(stem)
                if names is None or (
                    names.public(name) and (name in names.module.bound or names.stars)
                ):
                    return UNKNOWN if names is None else self.variable(names.module, name)
            return (
                frozenset({Thing("foreign class", name=name)})
                if hasattr(builtins, name)
                else UNKNOWN
            )
        said = [b for b in bindings if b.annotation is not None and b.kind == "assignment"]
        return union(self.binding(b, name) for b in said or bindings)

    def binding(self, binding: Binding, name: str) -> Things:
        match binding.kind, binding.node:
            case "class", node:
                inner = binding.scope.inner.get(node)
                return frozenset({Thing("class", inner)}) if inner else UNKNOWN
            case "function", cst.FunctionDef() as node:
                return frozenset({Thing("function", binding.scope, name, node)})
            case "import", _ if binding.imported is not None:
                return self.imported(binding.imported)
            case "parameter", _ if binding.annotation is None:
                return self._first_parameter(binding, name)
        if binding.annotation is not None:
            return self.annotation(binding.annotation, binding.scope)
        if binding.value is None:
            return UNKNOWN
        things = self.of(binding.value, binding.scope)
        return (
            union(self.iterated(t, binding.value, binding.scope) for t in things)
            if binding.kind == "loop"
            else things
        )

    def iterated(self, thing: Thing, value: cst.BaseExpression, scope: Scope) -> Things:
        if thing.kind == "foreign" and thing.holds:
            return thing.holds[0]
        return UNKNOWN

    def _first_parameter(self, binding: Binding, name: str) -> Things:
        function = binding.scope.node
        around = binding.scope.parent
        if not isinstance(function, cst.FunctionDef) or around is None or around.kind != "class":
            return UNKNOWN
        parameters = (*function.params.posonly_params, *function.params.params)
        decorators = {dotted_name(d.decorator) for d in function.decorators}
        if not parameters or parameters[0].name.value != name or "staticmethod" in decorators:
            return UNKNOWN
        of_class = "classmethod" in decorators or function.name.value in {
            "__new__",
            "__init_subclass__",
        }
        return frozenset({Thing("class" if of_class else "instance", around)})

    def imported(self, imported: Imported) -> Things:
        path = imported.scope.names.path
        whole = (
            imported.module
            if imported.name or imported.bound != imported.module.split(".")[0]
            else imported.bound
        )
        stem = self.project.stem(path, whole)
        if stem is None:
            name = f"{whole}.{imported.name}" if imported.name else whole
            return (
                UNKNOWN if whole.startswith(".") else frozenset({Thing("foreign class", name=name)})
            )
        package = Thing("package", name=stem)
        return self.attribute(package, imported.name) if imported.name else frozenset({package})

    # --- annotations

    def annotation(self, node: cst.BaseExpression, scope: Scope) -> Things:
        match node:
            case cst.SimpleString():
                try:
                    return self.annotation(
                        parse_expression(str(node.evaluated_value).strip()), scope
                    )
                except cst.ParserSyntaxError:
                    return UNKNOWN
            case cst.BinaryOperation(left=left, operator=cst.BitOr(), right=right):
                return union((self.annotation(left, scope), self.annotation(right, scope)))
            case cst.Subscript(value=value, slice=elements):
                inside = [e.slice.value for e in elements if isinstance(e.slice, cst.Index)]
                form = dotted_name(value).rpartition(".")[2]
                if form in _WRAPPERS:
                    none = [frozenset({Thing("none")})] if form == "Optional" else []
                    return union([*(self.annotation(i, scope) for i in inside), *none])
                if form == "Annotated":
                    return self.annotation(inside[0], scope)
                if form in {"type", "Type"}:
                    held = self.annotation(inside[0], scope)
                    return union(
                        frozenset({Thing("class", t.scope)}) if t.kind == "instance" else UNKNOWN
                        for t in held
                    )
                holds = tuple(
                    self.annotation(i, scope) for i in inside if not isinstance(i, cst.Ellipsis)
                )
                return frozenset(
                    Thing(t.kind, t.scope, t.name, holds=holds if t.kind == "foreign" else ())
                    for t in self.annotation(value, scope)
                )
            case cst.Name() | cst.Attribute():
                if dotted_name(node).rpartition(".")[2] == "Self":
                    around = [s for s in scope.chain() if s.kind == "class"]
                    return frozenset({Thing("instance", around[0])}) if around else UNKNOWN
                return union(self._annotated(thing) for thing in self.of(node, scope))
        return UNKNOWN

    def _annotated(self, thing: Thing) -> Things:
        last = thing.name.rpartition(".")[2]
        if thing.kind == "class":
            return frozenset({Thing("instance", thing.scope)})
        if thing.kind == "foreign class":
            return UNKNOWN if last in _VAGUE else foreign(last)
        return frozenset({thing}) if thing.kind == "none" else UNKNOWN
