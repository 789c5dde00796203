"""The walk that fills `Names`: every scope, binding, use, attribute and import of a file, in the
order they run.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.attribute_strings import attributes_named
from skills_engine.codemods.names.scopes import (
    Access,
    Binding,
    Imported,
    Scope,
    Use,
    class_of_first_parameter,
)
from skills_engine.codemods.names.type_strings import (
    StringTypes,
    children,
    is_type_form,
    types_among,
)
from skills_engine.codemods.source.syntax import dotted_name, every_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skills_engine.codemods.names.scopes import BindingKind, Names, ScopeKind

__all__ = ["Binder"]


class Binder:
    """One walk over one file."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.scope = Scope("module", None, names.source.module, names)
        names.scopes.append(self.scope)
        self.guarded = False
        self.types = StringTypes(names)
        self.late: list[tuple[str, Binding]] = []
        self.handlers: dict[type[cst.CSTNode], Callable[..., None]] = {
            cst.Name: self.use,
            cst.FunctionDef: self.function,
            cst.Lambda: self.lambda_,
            cst.ClassDef: self.class_,
            cst.ListComp: self.comprehension,
            cst.SetComp: self.comprehension,
            cst.DictComp: self.comprehension,
            cst.GeneratorExp: self.comprehension,
            cst.Assign: self.assign,
            cst.AnnAssign: self.annotated,
            cst.AugAssign: self.augmented,
            cst.NamedExpr: self.walrus,
            cst.For: self.loop,
            cst.AsName: lambda node: self.target(node.name, "other", node),
            cst.Import: self.import_,
            cst.ImportFrom: self.import_from,
            cst.Global: lambda node: self.declare(node, self.scope.global_),
            cst.Nonlocal: lambda node: self.declare(node, self.scope.nonlocal_),
            cst.Attribute: self.attribute,
            cst.Arg: lambda node: self.visit(node.value),
            cst.Call: self.call,
            cst.Subscript: self.subscript,
            cst.If: self.if_,
            cst.Annotation: lambda node: self.annotation(node.annotation),
            cst.TypeAlias: self.type_alias,
            cst.MatchAs: self.capture,
            cst.MatchStar: self.capture,
            cst.MatchMapping: self.capture,
            cst.MatchClass: self.class_pattern,
        }

    def walk(self) -> None:
        for statement in self.names.source.module.body:
            self.visit(statement)
        self.comments()
        for name, binding in self.late:
            around = binding.scope.parent or self.scope
            around.owner(name).bound[name].append(binding)

    def visit(self, node: cst.CSTNode | None) -> None:
        if node is None:
            return
        handler = self.handlers.get(type(node))
        if handler is not None:
            handler(node)
            return
        for child in children(node):
            self.visit(child)

    # --- names

    def use(self, node: cst.Name) -> None:
        name = node.value
        outside = self.scope.kind == "class" and name not in self.scope.bound
        self.names.uses[name].append(Use(node, self.scope, outside))

    def bind(
        self,
        name: cst.Name,
        kind: BindingKind,
        node: cst.CSTNode,
        *,
        value: cst.BaseExpression | None = None,
        annotation: cst.BaseExpression | None = None,
        imported: Imported | None = None,
    ) -> None:
        scope = self.scope
        if kind == "other" and isinstance(node, cst.NamedExpr):
            while scope.kind == "comprehension" and scope.parent is not None:
                scope = scope.parent
        text = str(imported.bound) if imported else name.value
        binding = Binding(kind, name, scope, node, value, annotation, imported)
        if text in scope.global_:
            scope.module.bound[text].append(binding)
        elif text in scope.nonlocal_:
            self.late.append((text, binding))
        else:
            scope.bound[text].append(binding)
        self.names.uses[text].append(Use(name, scope))

    def target(
        self,
        node: cst.CSTNode,
        kind: BindingKind,
        at: cst.CSTNode,
        *,
        value: cst.BaseExpression | None = None,
        annotation: cst.BaseExpression | None = None,
    ) -> None:
        match node:
            case cst.Name():
                self.bind(node, kind, at, value=value, annotation=annotation)
            case cst.Tuple() | cst.List():
                for element in node.elements:
                    self.target(element.value, "other", at)
            case cst.StarredElement():
                self.target(node.value, "other", at)
            case cst.Attribute(value=cst.Name(value=first), attr=attr):
                if (owner := class_of_first_parameter(self.scope, first)) is not None:
                    binding = Binding(kind, attr, self.scope, at, value, annotation)
                    owner.attributes[attr.value].append(binding)
                self.visit(node)
            case _:
                self.visit(node)

    def declare(self, node: cst.Global | cst.Nonlocal, names: set[str]) -> None:
        for item in node.names:
            names.add(item.name.value)
            self.names.uses[item.name.value].append(Use(item.name, self.scope))

    def attribute(self, node: cst.Attribute) -> None:
        self.visit(node.value)
        self.names.accesses[node.attr.value].append(Access(node.attr, node.value, self.scope))

    # --- scopes

    @contextmanager
    def inside(self, kind: ScopeKind, node: cst.CSTNode) -> Iterator[Scope]:
        outer = self.scope
        scope = Scope(kind, outer, node, self.names)
        self.names.scopes.append(scope)
        if kind != "type":
            outer.inner[node] = scope
        self.scope = scope
        try:
            yield scope
        finally:
            self.scope = outer

    @contextmanager
    def type_parameters(
        self, parameters: cst.TypeParameters | None, node: cst.CSTNode
    ) -> Iterator[None]:
        if parameters is None:
            yield
            return
        with self.inside("type", parameters):
            for parameter in parameters.params:
                self.bind(parameter.param.name, "other", parameter)
                if isinstance(parameter.param, cst.TypeVar):
                    self.annotation(parameter.param.bound)
                self.annotation(parameter.default)
            yield
            if self.scope.parent is not None:
                self.scope.parent.inner.update(
                    {k: v for k, v in self.scope.inner.items() if k is node}
                )

    def function(self, node: cst.FunctionDef) -> None:
        for decorator in node.decorators:
            self.visit(decorator.decorator)
        self.defaults(node.params)
        self.bind(node.name, "function", node)
        with self.type_parameters(node.type_parameters, node):
            for parameter in every_parameter(node.params):
                self.visit(parameter.annotation)
            self.visit(node.returns)
            with self.inside("function", node):
                self.parameters(node.params)
                self.visit(node.body)

    def lambda_(self, node: cst.Lambda) -> None:
        self.defaults(node.params)
        with self.inside("function", node):
            self.parameters(node.params)
            self.visit(node.body)

    def defaults(self, params: cst.Parameters) -> None:
        for parameter in every_parameter(params):
            self.visit(parameter.default)

    def parameters(self, params: cst.Parameters) -> None:
        starred = {id(params.star_arg), id(params.star_kwarg)}
        for parameter in every_parameter(params):
            annotation = parameter.annotation.annotation if parameter.annotation else None
            plain = id(parameter) not in starred
            self.bind(
                parameter.name,
                "parameter" if plain else "other",
                parameter,
                annotation=annotation if plain else None,
            )

    def class_(self, node: cst.ClassDef) -> None:
        for decorator in node.decorators:
            self.visit(decorator.decorator)
        with self.type_parameters(node.type_parameters, node):
            for argument in (*node.bases, *node.keywords):
                self.visit(argument)
                if isinstance(argument.value, cst.Subscript):
                    self.strings_in(argument.value)
            with self.inside("class", node):
                self.visit(node.body)
        self.bind(node.name, "class", node)

    def comprehension(self, node: cst.BaseSimpleComp | cst.DictComp) -> None:
        first = node.for_in
        self.visit(first.iter)
        with self.inside("comprehension", node):
            part: cst.CompFor | None = first
            while part is not None:
                if part is not first:
                    self.visit(part.iter)
                self.target(part.target, "loop", part, value=part.iter)
                for condition in part.ifs:
                    self.visit(condition.test)
                part = part.inner_for_in
            for child in children(node):
                if child is not first:
                    self.visit(child)

    # --- statements that bind

    def assign(self, node: cst.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.target(target.target, "assignment", node, value=node.value)
            if dotted_name(target.target) == "__all__":
                self.export(node.value)

    def annotated(self, node: cst.AnnAssign) -> None:
        self.annotation(node.annotation.annotation)
        self.visit(node.value)
        if dotted_name(node.annotation.annotation).endswith("TypeAlias") and node.value is not None:
            self.strings_in(node.value)
        self.target(
            node.target, "assignment", node, value=node.value, annotation=node.annotation.annotation
        )
        if dotted_name(node.target) == "__all__" and node.value is not None:
            self.export(node.value)

    def augmented(self, node: cst.AugAssign) -> None:
        self.visit(node.value)
        self.target(node.target, "other", node)
        if dotted_name(node.target) == "__all__":
            self.export(node.value)

    def walrus(self, node: cst.NamedExpr) -> None:
        self.visit(node.value)
        self.target(node.target, "other", node, value=node.value)

    def loop(self, node: cst.For) -> None:
        self.visit(node.iter)
        self.target(node.target, "loop", node, value=node.iter)
        self.visit(node.body)
        self.visit(node.orelse)

    def if_(self, node: cst.If) -> None:
        self.visit(node.test)
        outer = self.guarded
        self.guarded = outer or dotted_name(node.test).rpartition(".")[2] == "TYPE_CHECKING"
        self.visit(node.body)
        self.guarded = outer
        self.visit(node.orelse)

    def type_alias(self, node: cst.TypeAlias) -> None:
        self.bind(node.name, "other", node)
        with self.type_parameters(node.type_parameters, node):
            self.annotation(node.value)

    def capture(self, node: cst.MatchAs | cst.MatchStar | cst.MatchMapping) -> None:
        name = node.rest if isinstance(node, cst.MatchMapping) else node.name
        for child in children(node):
            if child is not name:
                self.visit(child)
        if name is not None:
            self.bind(name, "other", node)

    def class_pattern(self, node: cst.MatchClass) -> None:
        self.visit(node.cls)
        for pattern in node.patterns:
            self.visit(pattern.value)
        for keyword in node.kwds:
            self.names.accesses[keyword.key.value].append(
                Access(keyword.key, node.cls, self.scope, instance=True)
            )
            self.visit(keyword.pattern)

    def import_(self, node: cst.Import) -> None:
        for alias in node.names:
            imported = Imported(dotted_name(alias.name), "", node, alias, self.scope, self.guarded)
            self.imported(imported, alias)

    def import_from(self, node: cst.ImportFrom) -> None:
        module = "." * len(node.relative) + dotted_name(node.module)
        if isinstance(node.names, cst.ImportStar):
            self.names.imports.append(Imported(module, "*", node, None, self.scope, self.guarded))
            return
        for alias in node.names:
            name = dotted_name(alias.name)
            imported = Imported(module, name, node, alias, self.scope, self.guarded)
            self.imported(imported, alias)

    def imported(self, imported: Imported, alias: cst.ImportAlias) -> None:
        self.names.imports.append(imported)
        name: cst.CSTNode = alias.asname.name if alias.asname is not None else alias.name
        while isinstance(name, cst.Attribute):
            name = name.value
        if isinstance(name, cst.Name):
            self.bind(name, "import", alias, imported=imported)

    # --- strings that are code

    def call(self, node: cst.Call) -> None:
        self.visit(node.func)
        for argument in node.args:
            self.visit(argument.value)
        for type_ in types_among(node):
            self.strings_in(type_)
        self.named_in_string(node)
        if dotted_name(node.func) in {"__all__.extend", "__all__.append"}:
            for argument in node.args:
                self.export(argument.value)

    def named_in_string(self, node: cst.Call) -> None:
        for owner, name, span in attributes_named(node, self.names.span):
            if span is not None:
                self.names.inside_strings[name] = span
            self.names.accesses[name.value].append(Access(name, owner, self.scope, quoted=True))

    def subscript(self, node: cst.Subscript) -> None:
        for child in children(node):
            self.visit(child)
        if is_type_form(node):
            self.strings_in(node)

    def annotation(self, node: cst.BaseExpression | None) -> None:
        if node is not None:
            self.visit(node)
            self.strings_in(node)

    def strings_in(self, node: cst.CSTNode) -> None:
        for type_ in self.types.below(node):
            self.visit(type_)

    def comments(self) -> None:
        """Types in comments, read in the innermost scope around them."""
        outer = self.scope
        for at, type_ in self.types.in_comments():
            self.scope = self.names.scope_at(at)
            self.visit(type_)
        self.scope = outer

    def export(self, node: cst.BaseExpression) -> None:
        match node:
            case cst.SimpleString():
                self.names.exports.append(node)
            case cst.List() | cst.Tuple() | cst.Set():
                for element in node.elements:
                    self.export(element.value)
            case cst.BinaryOperation():
                self.export(node.left)
                self.export(node.right)
