"""Presence: whether a module's names are there always, for type checkers only, or on some paths
only; and where they are used at run time.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.check.scopes import bindings, dotted
from skills_engine.syntax import children

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from skills_engine.check.scopes import Function
    from skills_engine.check.version import Parsed

__all__ = ["Presence", "absent", "at_run_time", "for_checkers", "presence", "uses"]

_LAZY = sys.version_info >= (3, 14)
"""Whether annotations are evaluated only when somebody asks for them."""
_ENDS = {("sys", "exit"), ("exit",), ("quit",), ("os", "_exit")}


@dataclass(frozen=True, slots=True)
class Presence:
    """The names that a module binds on every path, under `TYPE_CHECKING` alone, or on some paths;
    of the last, the conditions under which it does.
    """

    always: frozenset[str]
    typing: frozenset[str]
    sometimes: frozenset[str]
    guards: dict[str, frozenset[str]] = field(default_factory=dict)


def presence(tree: ast.Module) -> Presence:
    """What can be told of a module without running it. Of one whose statements stand in each other
    more deeply than this can walk, that all names are there always: no check doubts them then.
    """
    found = _Walk()
    try:
        always = found.block(tree.body, ())
    except RecursionError:
        return Presence(frozenset(bindings(tree.body).times), frozenset(), frozenset())
    possible = frozenset(found.guards)
    certain = frozenset(always) if always is not None else possible
    typing = frozenset(found.typing) - possible
    guards = {name: frozenset(found.guards[name]) for name in possible - certain}
    return Presence(certain, typing, possible - certain, guards)


class _Walk:
    """The statements that run when a module is imported."""

    def __init__(self) -> None:
        self.guards: dict[str, set[str]] = {}
        self.typing: set[str] = set()

    def block(self, body: Iterable[ast.stmt], around: tuple[str, ...]) -> set[str] | None:
        """The names that are bound at its end; None if the end is never reached."""
        certain: set[str] = set()
        for statement in body:
            if isinstance(statement, ast.Delete):
                certain -= {t.id for t in statement.targets if isinstance(t, ast.Name)}
                continue
            bound = self.statement(statement, around)
            if bound is None:
                return None
            certain |= bound
        return certain

    def statement(self, node: ast.stmt, around: tuple[str, ...]) -> set[str] | None:
        match node:
            case ast.If():
                return self._if(node, around)
            case ast.Try() | ast.TryStar():
                return self._try(node, around)
            case ast.With() | ast.AsyncWith():
                names = self._names(list(node.items), around)
                inside = self.block(node.body, around)
                swallows = any(_expects(item.context_expr) for item in node.items)
                return names if swallows else _join(names, inside)
            case ast.For() | ast.AsyncFor() | ast.While():
                self._names([node], around)
                return set()
            case ast.Match():
                ends = [self.block(case.body, around) for case in node.cases]
                last = node.cases[-1]
                whole = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
                return _either(ends if whole and last.guard is None else [*ends, set()])
            case ast.Raise():
                return None
            case ast.Expr(value=ast.Call(func=function)) if dotted(function) in _ENDS:
                return None
        return self._names([node], around)

    def _names(self, nodes: Iterable[ast.AST], around: tuple[str, ...]) -> set[str]:
        names = {*bindings(nodes).times}
        for name in names:
            self.guards.setdefault(name, set()).update(around)
        return names

    def _if(self, node: ast.If, around: tuple[str, ...]) -> set[str] | None:
        match for_checkers(node.test):
            case True:
                self.typing |= {*bindings(node.body).times}
                return self.block(node.orelse, around)
            case False:
                self.typing |= {*bindings(node.orelse).times}
                return self.block(node.body, around)
        test = ast.dump(node.test)
        tested = self._names([node.test], around)
        branches = [
            self.block(node.body, (*around, test)),
            self.block(node.orelse, (*around, f"not {test}")),
        ]
        return _join(tested, _either(branches))

    def _try(self, node: ast.Try | ast.TryStar, around: tuple[str, ...]) -> set[str] | None:
        whole = self.block(node.body, around)
        if whole is not None:
            whole = _join(whole, self.block(node.orelse, around))
        ends = [whole, *(self.block(handler.body, around) for handler in node.handlers)]
        return _join(self.block(node.finalbody, around), _either(ends))


def _either(ends: Iterable[set[str] | None]) -> set[str] | None:
    """What is bound whichever of several ways was taken."""
    reached = [end for end in ends if end is not None]
    return set.intersection(*reached) if reached else None


def _join(one: set[str] | None, other: set[str] | None) -> set[str] | None:
    return None if one is None or other is None else one | other


def for_checkers(test: ast.expr) -> bool | None:
    """Whether a branch is for type checkers only (True), for others only (False), or neither."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = for_checkers(operand)
            return None if inner is None else not inner
        case ast.Constant(value=value):
            return not value
    return True if dotted(test)[-1:] == ("TYPE_CHECKING",) else None


def _expects(context: ast.expr) -> bool:
    """Whether a `with` statement goes on after an error inside of it."""
    return isinstance(context, ast.Call) and dotted(context.func)[-1:] in {
        ("suppress",),
        ("raises",),
        ("assertRaises",),
        ("assertRaisesRegex",),
    }


def absent(parsed: Parsed, weakened: Collection[str]) -> Iterator[Hit]:
    """The uses at run time of names that are there for type checkers only, or, of those that are
    `weakened` (they were there always), on some paths only.
    """
    if parsed.tree is None:
        return
    there = presence(parsed.tree)
    weak = there.sometimes & {*weakened}
    for name, line in uses(parsed.tree, there.typing | weak, there.guards):
        only = "for type checkers only" if name in there.typing else "on some paths only"
        kind = "typing" if name in there.typing else "sometimes"
        text = f"the name {name!r} is bound {only}, and used at run time"
        yield Hit((kind, name), line, parsed.line(line), text)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is around a node: names of enclosing functions, of the class that it stands in, and
    conditions.
    """

    hidden: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    function: bool = False
    guards: frozenset[str] = frozenset()


def uses(
    tree: ast.Module, names: Collection[str], guards: dict[str, frozenset[str]] | None = None
) -> Iterator[tuple[str, int]]:
    """The uses of global names at run time, each with its line; those under a condition of `guards`
    under which the name is bound left out.
    """
    known = guards or {}
    for node, around in _walk(tree) if names else ():
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if node.id not in names or node.id in around.hidden or node.id in around.own:
            continue
        if around.guards.isdisjoint(known.get(node.id, frozenset())):
            yield node.id, node.lineno


def at_run_time(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that is evaluated at run time: no annotation that is not, and nothing that is for
    type checkers only.
    """
    return (node for node, _ in _walk(tree))


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, _Around]]:
    lazy = _LAZY or any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )
    waiting: list[tuple[ast.AST, _Around]] = [(node, _Around()) for node in reversed(tree.body)]
    while waiting:
        node, around = waiting.pop()
        yield node, around
        waiting += reversed([*_inside(node, around, lazy=lazy)])


def _inside(node: ast.AST, around: _Around, *, lazy: bool) -> Iterator[tuple[ast.AST, _Around]]:
    """What is evaluated below a node, and what is around each part then."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
            yield from _in_scope(node, around, lazy=lazy)
        case ast.AnnAssign():
            if not lazy and not around.function:
                yield node.annotation, around
            yield from ((each, around) for each in (node.target, node.value) if each is not None)
        case ast.If():
            yield node.test, around
            yield from _in_branches(node, around)
        case ast.Try() | ast.TryStar() if any(map(_catches, node.handlers)):
            for block in (node.orelse, node.finalbody):
                yield from ((each, around) for each in block)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            own = bindings([node])
            inner = replace(around, hidden=around.hidden | {*own.times})
            yield from ((each, inner) for each in children(node))
        case _ if type(node).__name__ == "TypeAlias":  # its value is evaluated when asked for
            return
        case _:
            yield from ((each, around) for each in children(node))


def _in_scope(
    node: Function | ast.Lambda | ast.ClassDef, around: _Around, *, lazy: bool
) -> Iterator[tuple[ast.AST, _Around]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from ((each, around) for each in node.decorator_list)
            yield from _parameters(node.args, around, lazy=lazy)
            if node.returns is not None and not lazy:
                yield node.returns, around
            own = bindings(node.body, parameters=node.args)
            hidden = (around.hidden | {*own.times}) - own.outer
            body = _Around(hidden, frozenset(), function=True, guards=around.guards)
            yield from ((each, body) for each in node.body)
        case ast.Lambda():
            yield from _parameters(node.args, around, lazy=True)
            own = bindings([node.body], parameters=node.args)
            yield node.body, _Around(around.hidden | {*own.times}, frozenset(), True, around.guards)
        case ast.ClassDef():
            yield from ((each, around) for each in node.decorator_list)
            yield from ((each, around) for each in (*node.bases, *node.keywords))
            own = bindings(node.body)
            body = _Around(around.hidden, frozenset(own.times), False, around.guards)
            yield from ((each, body) for each in node.body)


def _in_branches(node: ast.If, around: _Around) -> Iterator[tuple[ast.AST, _Around]]:
    checkers, test = for_checkers(node.test), ast.dump(node.test)
    if checkers is not True:
        inner = replace(around, guards=around.guards | {test})
        yield from ((each, inner) for each in node.body)
    if checkers is not False:
        inner = replace(around, guards=around.guards | {f"not {test}"})
        yield from ((each, inner) for each in node.orelse)


def _parameters(
    node: ast.arguments, around: _Around, *, lazy: bool
) -> Iterator[tuple[ast.AST, _Around]]:
    for default in (*node.defaults, *node.kw_defaults):
        if default is not None:
            yield default, around
    all_ = [*node.posonlyargs, *node.args, *node.kwonlyargs, node.vararg, node.kwarg]
    for parameter in all_:
        if parameter is not None and parameter.annotation is not None and not lazy:
            yield parameter.annotation, around


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler expects a name that is not there."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {dotted(each)[-1:] for each in types if each is not None}
    return ("NameError",) in names
