"""The law of variables: a name that is new in a function means what it meant to who wrote it."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from skills_engine.judge.doubt import Doubt
from skills_engine.judge.labels import BODIES
from skills_engine.syntax import children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.judge.reading import CountedStatement, Four, Reading, Scoped

__all__ = ["variables"]


def variables(four: Four) -> Iterator[Doubt]:
    """A name that both sides bring into a function, where one binds it, is read behind the binding
    of the side that reads it.
    """
    yield from _unbound(four)
    yield from _taken_away(four)
    base, *sides, result = four
    crossed = _names(sides[0]) & _names(sides[1]) & _names(result)
    crossed -= _names(base) if crossed else set()
    functions = _functions(base) if crossed else set()
    for scope, name in sorted(crossed):
        if scope in functions and _confused(name, scope, sides, result):
            yield Doubt("var", name, scope, says="would be one name for two things")


def _unbound(four: Four) -> Iterator[Doubt]:
    """A name that a function reads in a side, and binds there, is bound in the result."""
    _, *sides, result = four
    known = {fact for side in sides for fact in side.used & _bound(side)}
    for scope, name in sorted((known & result.used) - _bound(result)):
        if not _binds(result.module, scope, name):
            yield Doubt("var", name, scope, says="would be read, and nothing binds it")


def _taken_away(four: Four) -> Iterator[Doubt]:
    """A name that one side took away, whatever bound it, is not read by what the other side
    wrote.
    """
    base, *sides, result = four
    gone = _bound_names(base) - _bound_names(result)
    bound = [(side, _bound_names(side)) for side in sides] if gone else []
    known: dict[str, bool] = {}
    for scope, name in sorted(fact for fact in result.used if fact[1] in gone):
        if all(
            name in names for side, names in bound if (scope, name) in side.used
        ) and not hasattr(builtins, name):
            if name not in known:
                known[name] = any(_binding(node, name) for node in ast.walk(result.module))
            if known[name]:
                continue
            yield Doubt("var", name, scope, says="would be read, and nothing binds it any more")


def _bound_names(reading: Reading) -> set[str]:
    return {name for _, name in reading.bound}


def _bound(reading: Reading) -> set[Scoped]:
    return reading.bound | _parameters(reading)


def _binds(module: ast.Module, scope: str, name: str) -> bool:
    """Whether anything in the definitions that a scope stands in, or in the module, binds a name.
    More than one may be called so: any of them counts."""
    bodies: list[ast.AST] = [module]
    for part in ("", *scope.split(".")):
        if part:
            bodies = [
                node
                for body in bodies
                for node in _within(body)
                if isinstance(node, _DEFINITION) and node.name == part
            ]
        if any(_binding(node, name) for body in bodies for node in _within(body)):
            return True
    return not bodies


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _within(body: ast.AST) -> Iterator[ast.AST]:
    """What stands in a definition, but not in others within it."""
    waiting = children(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _DEFINITION):
            waiting += children(node)


def _binding(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=each, ctx=ast.Store()) | ast.arg(arg=each):
            return each == name
        case ast.alias(name=whole, asname=other):
            return (other or whole.partition(".")[0]) in {name, "*"}
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return name in names
    return getattr(node, "name", None) == name or getattr(node, "rest", None) == name


def _names(reading: Reading) -> set[Scoped]:
    return reading.bound | reading.used | _parameters(reading)


def _parameters(reading: Reading) -> set[Scoped]:
    return {
        (scope, label.removeprefix("par ").lstrip("*"))
        for scope, parent, role, label in reading.edges
        if parent == "def" and role == "parameter"
    }


def _functions(reading: Reading) -> set[str]:
    return {
        f"{s.scope}.{s.title.removeprefix('def ')}".lstrip(".")
        for s in reading.sequence
        if s.title.startswith("def ")
    }


def _confused(name: str, scope: str, sides: list[Reading], result: Reading) -> bool:
    """Whether a statement of the result reads a name as it was bound by the other side."""
    known = [_mentioned(name, scope, side) for side in sides]
    takes = {at for at, side in enumerate(sides) if (scope, name) in _parameters(side)}
    binds = takes | {at for at, found in enumerate(known) if any(b for _, b in found.values())}
    if not binds:
        return False
    owners = takes
    for key, (reads, bound) in _mentioned(name, scope, result).items():
        of = {at for at, found in enumerate(known) if key in found}
        if reads and not ((of or {0, 1}) <= (owners or binds)):
            return True
        if bound:
            owners = of or {0, 1}
    return False


def _mentioned(name: str, scope: str, reading: Reading) -> dict[str, tuple[bool, bool]]:
    """The statements of a scope that have a name, in their order: whether they read and bind it."""
    rows = ((s, _uses(s, name)) for s in reading.statements if s.scope == scope)
    return {s.key: found for s, found in rows if any(found)}


def _uses(statement: CountedStatement, name: str) -> tuple[bool, bool]:
    reads = bound = False
    waiting = [statement.node] if statement.node is not None else []
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Name(id=each) if each == name:
                bound = bound or isinstance(node.ctx, ast.Store)
                reads = reads or not isinstance(node.ctx, ast.Store)
            case ast.ExceptHandler(name=each) | ast.MatchAs(name=each) if each == name:
                bound = True
            case ast.AugAssign(target=ast.Name(id=each)) if each == name:
                reads = True
            case _ if _own(node, name):
                continue
        header = isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)
        for role, value in ast.iter_fields(node):
            if not (header and role in BODIES):
                parts = value if isinstance(value, list) else [value]
                waiting += [part for part in parts if isinstance(part, ast.AST)]
    return reads, bound


def _own(node: ast.AST, name: str) -> bool:
    """Whether a comprehension or lambda has a name for itself."""
    if isinstance(node, ast.Lambda):
        return any(isinstance(n, ast.arg) and n.arg == name for n in ast.walk(node.args))
    targets = [generator.target for generator in getattr(node, "generators", ())]
    return any(isinstance(n, ast.Name) and n.id == name for t in targets for n in ast.walk(t))
