"""Expressions that a skill brings, and assignments that `Source.definitions` does not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.source.code import Snippet
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.source import Splice
from skills_engine.codemods.source.syntax import descend, expressions, extract, flatten, same
from skills_engine.parsing import parse_expression

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = [
    "Expression",
    "assignment_of",
    "bound_by",
    "bound_otherwise",
    "instance_attributes",
    "value_of",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression in a skill."""

    snippet: Snippet
    node: cst.BaseExpression

    @classmethod
    def parse(cls, text: str, key: str) -> Expression:
        """Raises Malformed (for `key`) for what is not one expression without a comment around
        it.
        """
        right = "one expression (in brackets if it takes several lines)"
        snippet = Snippet.parse(text.strip(), key)
        match snippet.nodes:
            case (cst.Expr(value=node),) if not snippet.text.startswith("#"):
                pass
            case _:
                raise Malformed(key, f"`{first_line(text)}` is not one expression", right)
        try:
            parse_expression(snippet.text)
        except cst.ParserSyntaxError:
            raise Malformed(
                key, f"`{first_line(text)}` has a comment or a semicolon after it", right
            ) from None
        return cls(snippet, node)

    @property
    def short(self) -> str:
        """For a message: its first line."""
        return first_line(self.snippet.text)

    def is_code(self, node: cst.BaseExpression | None) -> bool:
        return node is not None and same(node, self.node)

    def at(self, source: Source, statement: cst.CSTNode) -> str:
        """The source, its further lines indented as the statement is that will hold it."""
        indent = source.indent_at(source.span(statement).start)
        return (
            self.snippet.lines(indent, source.indent_unit).removeprefix(indent).removesuffix("\n")
        )

    def instead_of(self, source: Source, old: cst.BaseExpression, statement: cst.CSTNode) -> Splice:
        """Replace an expression with its parentheses."""
        span = extract(source, [old])
        glued = source.data[span.start - 1 : span.start].isalnum()
        return Splice(span.start, span.end, " " * glued + self.at(source, statement))


def assignment_of(source: Source, selector: str, doing: str) -> cst.Assign | cst.AnnAssign:
    """The assignment of a variable or, for `Class.name` that is none, of `self.name` in the class's
    methods.

    Raises CannotEnsure: DRIFTED also for names that are bound in another way.
    """
    if not source.has(selector):
        found = instance_attributes(source, selector)
        if len(found) == 1:
            return found[0]
        if found:
            raise source.ambiguous(doing, f"{selector} is assigned {len(found)} times", found)
        if other := bound_otherwise(source, selector):
            raise source.drifted(
                doing,
                f"{selector} is bound in another way than by an assignment of its own",
                *other,
            )
    node = source.find(selector, "variable", doing=doing).node
    assert isinstance(node, cst.Assign | cst.AnnAssign)  # noqa: S101 - what find was asked for
    return node


def value_of(
    source: Source, selector: str, doing: str
) -> cst.Assign | cst.AnnAssign | cst.TypeAlias:
    """The statement that gives a variable or a type alias its value. Raises as
    `assignment_of`.
    """
    found = [d.node for d in source.definitions if d.qualname == selector]
    if len(found) == 1 and isinstance(found[0], cst.TypeAlias):
        return found[0]
    return assignment_of(source, selector, doing)


def instance_attributes(source: Source, selector: str) -> list[cst.Assign | cst.AnnAssign]:
    """The assignments to `self.name` in the methods of a class, for the selector `Class.name`."""
    owner, _, name = selector.rpartition(".")
    classes = [d.node for d in source.definitions if d.qualname == owner and d.kind == "class"]
    found: list[cst.Assign | cst.AnnAssign] = []
    for node in classes:
        methods = list(flatten(node.body)) if isinstance(node, cst.ClassDef) else []
        for method in methods:
            if isinstance(method, cst.FunctionDef) and method.params.params:
                found += _assigned(method, method.params.params[0].name.value, name)
    return found


def _assigned(method: cst.FunctionDef, me: str, name: str) -> list[cst.Assign | cst.AnnAssign]:
    found: list[cst.Assign | cst.AnnAssign] = []
    for block in descend(method.body):
        for small in flatten(block):
            if (
                isinstance(small, cst.Assign)
                and any(_is_attribute(t.target, me, name) for t in small.targets)
            ) or (isinstance(small, cst.AnnAssign) and _is_attribute(small.target, me, name)):
                found.append(small)
    return found


def _is_attribute(node: cst.CSTNode, me: str, name: str) -> bool:
    match node:
        case cst.Attribute(value=cst.Name(value=first), attr=cst.Name(value=last)):
            return (first, last) == (me, name)
    return False


def bound_otherwise(source: Source, selector: str) -> list[cst.CSTNode]:
    """Where a name is bound in the scope that it names, by other than a definition: by unpacking, a
    loop, `with`, `:=`, `case`, `except` or augmented assignment.
    """
    owner, _, name = selector.rpartition(".")
    bodies = [
        d.node.body
        for d in source.definitions
        if d.qualname == owner and isinstance(d.node, cst.ClassDef | cst.FunctionDef)
    ]
    found: list[cst.CSTNode] = []
    for body in bodies if owner else [source.module]:
        for block in descend(body):
            found += [node for node in flatten(block) if name in bound_by(node)]
    return found


def bound_by(node: cst.CSTNode) -> set[str]:
    """The names that a statement binds itself; what is in its blocks left out."""
    heads: list[cst.CSTNode] = []
    match node:
        case cst.Assign(targets=targets):
            heads = [t.target for t in targets]
        case cst.AugAssign(target=target) | cst.For(target=target) | cst.AnnAssign(target=target):
            heads = [target]
        case cst.With(items=items):
            heads = [item.asname.name for item in items if item.asname]
        case cst.Try(handlers=handlers) | cst.TryStar(handlers=handlers):
            heads = [handler.name.name for handler in handlers if handler.name]
        case cst.Match(cases=cases):
            return {name for case in cases for name in _captured(case.pattern)}
    names = {name for head in heads for name in _targets(head)}
    tests = [node.test] if isinstance(node, cst.If | cst.While) else []
    if isinstance(node, cst.BaseSmallStatement):
        tests = [child for child in node.children if isinstance(child, cst.BaseExpression)]
    for test in tests:
        for e in expressions(test):
            if isinstance(e, cst.NamedExpr):
                names |= set(_targets(e.target))
    return names


def _targets(node: cst.CSTNode) -> list[str]:
    """The names that are assigned to; a subscript and an attribute bind none."""
    match node:
        case cst.Name(value=name):
            return [name]
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return [name for element in elements for name in _targets(element.value)]
    return []


def _captured(pattern: cst.CSTNode) -> list[str]:
    found: list[str] = []
    stack = [pattern]
    while stack:
        node = stack.pop()
        match node:
            case cst.MatchAs(name=cst.Name(value=name)) | cst.MatchStar(name=cst.Name(value=name)):
                found.append(name)
            case cst.MatchMapping(rest=cst.Name(value=name)):
                found.append(name)
        stack += node.children
    return found
