"""The names that a block of statements binds, found without running it."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.syntax import children, walk

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Bindings", "Function", "ImportBinding", "bindings", "dotted"]

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class ImportBinding:
    """What an import binds a name to. `name` is None for `import module`; `whole` where that binds
    the first part.
    """

    module: str
    level: int = 0
    name: str | None = None
    whole: bool = False


@dataclass(slots=True)
class Bindings:
    """The names that a scope binds. A name is in `imports`, `functions` or `classes` only if it is
    bound once.
    """

    times: Counter[str] = field(default_factory=Counter)
    imports: dict[str, ImportBinding] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)
    star: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.times

    def forget(self, names: Iterable[str]) -> None:
        """No longer say what these names are, only that they are bound."""
        for name in names:
            self.imports.pop(name, None)
            self.functions.pop(name, None)
            self.classes.pop(name, None)


def bindings(body: Iterable[ast.AST], *, parameters: ast.arguments | None = None) -> Bindings:
    """Everything that `body` binds in its own scope, compound statements and comprehensions
    included.
    """
    found = Bindings()
    if parameters is not None:
        found.times.update(node.arg for node in walk(parameters) if isinstance(node, ast.arg))
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                found.times[node.name] += 1
                found.functions[node.name] = node
                continue
            case ast.ClassDef():
                found.times[node.name] += 1
                found.classes[node.name] = node
                continue
            case ast.Lambda():
                continue
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.times[name] += 1
            case ast.Import() | ast.ImportFrom():
                _imports(found, node)
            case ast.Global() | ast.Nonlocal():
                found.outer.update(node.names)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                found.times[name] += 1
        waiting += children(node)
    for name in found.outer:
        del found.times[name]
    found.forget({name for name, times in found.times.items() if times > 1} | found.outer)
    return found


def _imports(found: Bindings, node: ast.Import | ast.ImportFrom) -> None:
    for alias in node.names:
        if alias.name == "*":
            found.star = True
            continue
        if isinstance(node, ast.ImportFrom):
            name, target = (
                alias.asname or alias.name,
                ImportBinding(node.module or "", node.level, alias.name),
            )
        elif alias.asname:
            name, target = alias.asname, ImportBinding(alias.name)
        else:
            root = alias.name.partition(".")[0]
            name, target = root, ImportBinding(root, whole=True)
        if found.imports.get(name) == target:
            continue  # the same import twice, or `import a.b` and `import a.c`: one binding
        found.imports[name] = target
        found.times[name] += 1


def dotted(node: ast.expr) -> tuple[str, ...]:
    """`a.b.c` as its parts, `super().f` as ("super()", "f"); empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    match node:
        case ast.Name(id=name):
            parts.append(name)
        case ast.Call(func=ast.Name(id="super"), args=[], keywords=[]):
            parts.append("super()")
        case _:
            return ()
    return tuple(reversed(parts))
