"""Labels of syntax nodes: a node's own word, without what hangs below it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.syntax import children, written

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BODIES", "SKIPPED", "header_of", "label_of", "plain_label", "words_of"]

BODIES = frozenset({"body", "orelse", "finalbody", "handlers", "cases"})
SKIPPED = frozenset({"ctx", "op", "ops", "type_params", "kind"})
"""Fields that are no children to count: told by a label."""

_DISPLAYS: dict[type[ast.AST], str] = {
    ast.List: "[,]", ast.Tuple: "(,)", ast.Set: "{,}", ast.Dict: "{:}", ast.Subscript: "[]",
    ast.Starred: "*", ast.Lambda: "lambda", ast.IfExp: "if else", ast.JoinedStr: "f''",
    ast.Await: "await", ast.Yield: "yield", ast.YieldFrom: "yield from", ast.Slice: "slice",
}  # fmt: skip
_NESTING = ast.Call | ast.List | ast.Tuple | ast.Set | ast.Dict


def label_of(node: ast.AST) -> str:
    """The label. A call or display that holds others of its own label has one ' for each level."""
    label = _label(node)
    if isinstance(node, _NESTING):
        return label + "'" * _level(node, label)
    return label


def _level(node: ast.AST, label: str) -> int:
    """How many nodes of this label stand within one another below a node."""
    deepest = 0
    for child in children(node):
        if isinstance(child, ast.Name | ast.Constant):
            continue
        here = isinstance(child, _NESTING) and _label(child) == label
        deepest = max(deepest, here + _level(child, label))
    return deepest


def _label(node: ast.AST) -> str:  # noqa: PLR0912  (one case a kind of node)
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return f".{name}"
        case ast.Call(func=function):
            named = isinstance(function, ast.Name | ast.Attribute)
            return f"{_label(function) if named else 'call'}()"
        case ast.keyword(arg=name):
            return f"{name}=" if name else "**"
        case ast.Constant(value=value):
            return _constant(value)
        case ast.BoolOp() | ast.BinOp() | ast.UnaryOp():
            return type(node.op).__name__
        case ast.Compare(ops=ops):
            return " ".join(type(op).__name__ for op in ops)
        case ast.NamedExpr(target=target):
            return f"{target.id} :="
        case ast.comprehension(target=target, is_async=later):
            return f"{'async ' * bool(later)}for {_label(target)} in"
        case ast.withitem(context_expr=context):
            return f"with {_label(context)}"
        case ast.ExceptHandler(type=kind, name=name):
            return f"except {_label(kind) if kind else ''} {name or ''}".rstrip()
        case ast.match_case(pattern=pattern):
            return f"case {_pattern(pattern)}"
        case ast.pattern():
            return _pattern(node)
        case ast.stmt():
            return _statement(node)
    return _DISPLAYS.get(type(node), type(node).__name__)


def _pattern(node: ast.pattern) -> str:
    name = getattr(node, "name", None) or getattr(node, "rest", None) or ""
    return f"{type(node).__name__} {name}".rstrip()


def _constant(value: object) -> str:
    """A text of several lines merges line by line, so that its lines are words of their own."""
    return '"""' if isinstance(value, str) and "\n" in value else repr(value)


def _statement(node: ast.stmt) -> str:  # noqa: PLR0912  (one case a kind of node)
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return f"def {name}"
        case ast.ClassDef(name=name):
            return f"class {name}"
        case ast.Assign(targets=targets):
            return f"st {', '.join(_place(target) for target in targets)} ="
        case ast.AugAssign(target=target, op=op):
            return f"st {_place(target)} {type(op).__name__}="
        case ast.AnnAssign(target=target):
            return f"st {_place(target)} ="
        case ast.Expr(value=value):
            return f"st {_label(value)}"
        case ast.Return(value=value):
            return f"return {_label(value) if value else ''}".rstrip()
        case ast.Raise(exc=value):
            return f"raise {_label(value) if value else ''}".rstrip()
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
            return f"{type(node).__name__.lower()} {_label(test)}"
        case ast.For(target=target, iter=iter_) | ast.AsyncFor(target=target, iter=iter_):
            return f"for {_label(target)} in {_label(iter_)}"
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return f"with {', '.join(_label(item.context_expr) for item in items)}"
        case ast.Match(subject=subject):
            return f"match {_label(subject)}"
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return f"{type(node).__name__.lower()} {', '.join(names)}"
    return type(node).__name__.lower()


def plain_label(node: ast.stmt) -> str:
    """A statement's label as its header sees it: without what the header says."""
    assigns = isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
    return _statement(node) if assigns else type(node).__name__


def _place(target: ast.expr) -> str:
    """A target's words: `self.x`, `rows[]`."""
    match target:
        case ast.Attribute(value=value, attr=name):
            return f"{_place(value)}.{name}"
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return ", ".join(_place(element) for element in elts)
    return _label(target)


def words_of(node: ast.AST) -> Iterator[str]:  # noqa: PLR0912  (one case a kind of node)
    """The words that a node has itself. Brackets, commas and colons are layout."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Constant(value=str(text)):
            yield from (line.strip() for line in text.split("\n"))
        case ast.Constant(value=value):
            yield repr(value)
        case ast.keyword(arg=name):
            yield f"{name}=" if name else "**"
        case ast.BoolOp(op=op, values=values):
            yield from [type(op).__name__] * (len(values) - 1)
        case ast.Compare(ops=ops):
            yield from (type(op).__name__ for op in ops)
        case ast.BinOp(op=op) | ast.UnaryOp(op=op) | ast.AugAssign(op=op):
            yield type(op).__name__
        case ast.ExceptHandler(name=name):
            yield "except"
            if name:
                yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case ast.pattern() | ast.match_case():
            yield _label(node)
        case (
            ast.Call() | ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.Subscript()
            | ast.Slice() | ast.Expr() | ast.FormattedValue() | ast.AnnAssign() | ast.expr_context()
        ):  # fmt: skip
            return
        case _:
            yield type(node).__name__


def header_of(node: ast.AST) -> str:
    """What a statement or clause means, as text, without its bodies and decorators."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            returns = written(node.returns) if node.returns else ""
            return f"{type(node).__name__} {node.name} {written(node.args)} {returns}"
        case ast.ClassDef(name=name, bases=bases, keywords=keywords):
            return f"class {name} {' '.join(written(part) for part in (*bases, *keywords))}"
        case ast.If(test=part) | ast.While(test=part) | ast.Match(subject=part):
            return f"{type(node).__name__} {written(part)}"
        case ast.For() | ast.AsyncFor():
            return f"{type(node).__name__} {written(node.target)} {written(node.iter)}"
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return f"{type(node).__name__} {' '.join(written(item) for item in items)}"
        case ast.Try() | ast.TryStar():
            return type(node).__name__
        case ast.ExceptHandler(type=kind, name=name):
            return f"except {written(kind) if kind else ''} {name or ''}"
        case ast.match_case(pattern=pattern, guard=guard):
            return f"case {written(pattern)} {written(guard) if guard else ''}"
    return written(node)
