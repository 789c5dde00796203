"""The variable that each name in a file is: Python's scoping rules over a LibCST tree.

`names_of(source)` (read.py) walks a file once. Every scope knows the bindings of each of
its names; every use of a name, every attribute and every import knows the scope
it stands in. String annotations are parsed and take part. The rules are those
of the language reference, 4.2 (resolution of names), with PEP 572 (assignment
expressions), PEP 634 (patterns) and PEP 695 (type parameters).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.source.syntax import dotted_name
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome, Span

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["Access", "Binding", "Imported", "Names", "Scope", "Use", "class_of_first_parameter"]

ScopeKind = Literal["module", "class", "function", "comprehension", "type"]
BindingKind = Literal["class", "function", "import", "parameter", "assignment", "loop", "other"]


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """One name of an import statement.

    `module` is as written, with its leading dots; `name` is what is taken from it: '' for `import
    a.b`, '*' for all. `guarded` says that it stands below `if TYPE_CHECKING:`.
    """

    module: str
    name: str
    statement: cst.Import | cst.ImportFrom
    alias: cst.ImportAlias | None
    scope: Scope
    guarded: bool = False

    @property
    def bound(self) -> str:
        """The name that it binds; '' for a star."""
        if self.alias is not None and self.alias.asname is not None:
            return str(self.alias.evaluated_alias)
        return self.module.split(".")[0] if not self.name else self.name.strip("*")

    @property
    def links(self) -> bool:
        """Whether the importing file has it under the name that the imported module has it."""
        return bool(self.name) and self.bound == self.name


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """One place that binds a name. `value` and `annotation` are there where the place has them,
    read in `scope`.
    """

    kind: BindingKind
    name: cst.Name | None
    scope: Scope
    node: cst.CSTNode
    value: cst.BaseExpression | None = None
    annotation: cst.BaseExpression | None = None
    imported: Imported | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A namespace. `node` is the tree's node that opens it."""

    kind: ScopeKind
    parent: Scope | None
    node: cst.CSTNode
    names: Names
    bound: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    attributes: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    """In a class: what its methods assign to attributes of their first parameter."""
    global_: set[str] = field(default_factory=set)
    nonlocal_: set[str] = field(default_factory=set)
    inner: dict[cst.CSTNode, Scope] = field(default_factory=dict)
    """The scopes that open directly in this one, by their node."""

    @property
    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def qualname(self) -> str:
        named = [
            s.node
            for s in reversed(self.chain())
            if isinstance(s.node, cst.ClassDef | cst.FunctionDef)
        ]
        return ".".join(node.name.value for node in named)

    def chain(self) -> list[Scope]:
        """This scope and those around it, innermost first."""
        out, scope = [self], self
        while scope.parent is not None:
            scope = scope.parent
            out.append(scope)
        return out

    def owner(self, name: str, *, outside: bool = False) -> Scope:
        """The scope whose variable `name` is when it is read here; the module's if nothing binds
        it.

        `outside`: in a class body, before the class itself has bound the name.
        """
        visible_class = not outside
        for scope in self.chain():
            if name in scope.global_:
                return self.module
            if name in scope.nonlocal_:
                visible_class = False
                continue
            if name in scope.bound and (scope.kind != "class" or visible_class):
                return scope
            visible_class = visible_class and scope.kind == "type"
        return self.module


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """A place where a variable's name is written, bindings included. `outside`: see Scope.owner."""

    node: cst.Name
    scope: Scope
    outside: bool = False

    @property
    def owner(self) -> Scope:
        return self.scope.owner(self.node.value, outside=self.outside)


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """`value.attr`; or the keyword of a class pattern, whose `value` is the class and `instance` is
    true; or a string that names it (`getattr(value, "attr")`), where `quoted` is.
    """

    attr: cst.Name
    value: cst.BaseExpression
    scope: Scope
    instance: bool = False
    quoted: bool = False


@dataclass(eq=False)
class Names:
    """All that a file says about names."""

    source: Source
    uses: dict[str, list[Use]] = field(default_factory=lambda: defaultdict(list))
    accesses: dict[str, list[Access]] = field(default_factory=lambda: defaultdict(list))
    imports: list[Imported] = field(default_factory=list)
    exports: list[cst.SimpleString] = field(default_factory=list)
    """The strings of `__all__`."""
    opaque: list[cst.CSTNode] = field(default_factory=list)
    """String annotations whose text is not their value, so that no byte of theirs can be pointed
    at.
    """
    scopes: list[Scope] = field(default_factory=list)
    inside_strings: dict[cst.CSTNode, Span] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def module(self) -> Scope:
        return self.scopes[0]

    @property
    def classes(self) -> list[Scope]:
        return [scope for scope in self.scopes if scope.kind == "class"]

    @property
    def stars(self) -> list[Imported]:
        return [imported for imported in self.imports if imported.name == "*"]

    def span(self, node: cst.CSTNode) -> Span:
        """The bytes of a node, of one inside a string annotation too."""
        return self.inside_strings.get(node) or self.source.span(node)

    def scope_at(self, offset: int) -> Scope:
        """The innermost scope around a byte of the file."""
        around = self.module
        for scope in self.scopes[1:]:
            span = self.span(scope.node)
            around = scope if span.start <= offset < span.end else around
        return around

    def drifted(self, doing: str, what: str, at: cst.CSTNode, hint: str = "") -> CannotEnsure:
        """As Source.drifted, for a node inside a string annotation too."""
        place = self.source.place(self.span(at).start)
        return CannotEnsure(Outcome.DRIFTED, f"{doing}: {what}", candidates=(place,), hint=hint)

    def exports_of(self, name: str) -> list[Span]:
        """Where `__all__` has that name: the bytes between the quotes."""
        spans = []
        for literal in self.exports:
            if literal.evaluated_value == name and name in literal.value:
                start = self.source.span(literal).start + len(literal.prefix) + len(literal.quote)
                spans.append(Span(start, start + len(name.encode())))
        return spans

    def public(self, name: str) -> bool:
        """Whether `from module import *` brings the name."""
        if "__all__" in self.module.bound:
            return any(literal.evaluated_value == name for literal in self.exports)
        return not name.startswith("_")


def class_of_first_parameter(scope: Scope, name: str) -> Scope | None:
    """The class whose instance (or which itself) `name` is here: it is the first parameter of a
    method.
    """
    function = scope.owner(name)
    bindings = function.bound.get(name, [])
    around = function.parent
    if (
        around is None
        or around.kind != "class"
        or len(bindings) != 1
        or bindings[0].kind != "parameter"
    ):
        return None
    node = function.node
    if not isinstance(node, cst.FunctionDef) or any(
        dotted_name(d.decorator) == "staticmethod" for d in node.decorators
    ):
        return None
    parameters = (*node.params.posonly_params, *node.params.params)
    return around if parameters and parameters[0].name.value == name else None
