"""Rule "duplicate": a name defined twice in one scope, a key twice in one dict literal.

A merge that takes a definition from each side gives a file that compiles and
in which the first definition is dead.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.syntax import children, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from skills_engine.check.scopes import Function
    from skills_engine.check.version import Parsed

__all__ = ["duplicates"]

_DECLARE = {"module", "class"}
_SEVERAL = {"overload", "register", "dispatch", "multimethod", "setter", "getter", "deleter"}


def duplicates(parsed: Parsed, skip: Collection[Function] = ()) -> Iterator[Hit]:
    """The bodies of the functions in `skip` are passed over.

    Branches of `if`, `try`, `match` and loops are each looked at alone: they are
    alternatives of one another.
    """
    if parsed.tree is None:
        return
    for scope, block, kind in _blocks(parsed.tree.body, "", "module", skip):
        seen: dict[str, tuple[str, int]] = {}
        for name, identity, node in _bindings(block, kind):
            first = seen.setdefault(name, (identity, node.lineno))
            if first[1] == node.lineno or (first[0] == identity and identity):
                continue
            if kind == "function" and _used_between(block, name, first[1], node.lineno):
                continue
            qualname = f"{scope}.{name}" if scope else name
            yield Hit(
                ("name", qualname),
                node.lineno,
                parsed.line(node.lineno),
                f"{qualname} is defined a second time (first in line {first[1]})",
            )
    yield from _keys(parsed, parsed.tree, skip)


def _blocks(
    body: list[ast.stmt], scope: str, kind: str, skip: Collection[Function]
) -> Iterator[tuple[str, list[ast.stmt], str]]:
    yield scope, body, kind
    for statement in body:
        match statement:
            case ast.ClassDef():
                yield from _blocks(statement.body, _join(scope, statement.name), "class", skip)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement not in skip:
                    yield from _blocks(
                        statement.body, _join(scope, statement.name), "function", skip
                    )
            case _:
                for block in _inner(statement):
                    yield from _blocks(
                        block, scope, "function" if kind == "function" else "branch", skip
                    )


def _inner(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a compound statement."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(statement, field, None)
        if block:
            yield block
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _bindings(block: list[ast.stmt], kind: str) -> Iterator[tuple[str, str, ast.stmt]]:
    """Name, identity (two of the same are no duplicate; empty: always one) and statement of what a
    block defines.

    Variables in functions, and below `if __name__ == "__main__"`, are set again and again: they do
    not count there.
    """
    for statement in block:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not _one_of_several(statement):
                yield statement.name, "", statement
            case ast.ClassDef():
                yield statement.name, "", statement
            case ast.Import() if kind != "function":
                for alias in statement.names:
                    root = alias.name.partition(".")[0]
                    yield (
                        alias.asname or root,
                        f"import {alias.name if alias.asname else root}",
                        statement,
                    )
            case ast.ImportFrom() if kind != "function" and statement.names[0].name != "*":
                for alias in statement.names:
                    whence = "." * statement.level + (statement.module or "")
                    yield (
                        alias.asname or alias.name,
                        f"from {whence} import {alias.name}",
                        statement,
                    )
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if kind in _DECLARE:
                if not _uses(value, name):
                    yield name, "", statement
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if kind in _DECLARE:
                if value is not None and not _uses(value, name):
                    yield name, "", statement


def _one_of_several(node: Function) -> bool:
    """Overloads, property setters, registered implementations: definitions that share a name on
    purpose.
    """
    if node.name == "_":
        return True
    for decorator in node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        match target:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _SEVERAL:
                return True
        if _uses(target, node.name):
            return True
    return False


def _used_between(block: list[ast.stmt], name: str, first: int, second: int) -> bool:
    """Whether a function uses its inner function before it defines the next one of that name, as
    tests do.
    """
    between = (statement for statement in block if first < statement.lineno < second)
    return any(_uses(statement, name) for statement in between)


def _uses(node: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in walk(node))


def _keys(parsed: Parsed, tree: ast.Module, skip: Collection[Function]) -> Iterator[Hit]:
    waiting: list[tuple[ast.AST, str]] = [(tree, "")]
    while waiting:
        node, scope = waiting.pop()
        if node in skip:
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            scope = _join(scope, node.name)
        elif isinstance(node, ast.Dict):
            seen: set[str] = set()
            for key in node.keys:
                text = _key(key)
                if text in seen and key is not None:
                    message = f"the key {text} is in the dict a second time"
                    yield Hit(("key", scope, text), key.lineno, parsed.line(key.lineno), message)
                if text:
                    seen.add(text)
        waiting += [(child, scope) for child in children(node)]


def _key(key: ast.expr | None) -> str:
    """The text of a key that is the same each time it is evaluated; empty for others and for
    `**mapping`.
    """
    match key:
        case ast.Constant(value=value):
            return repr(value)
        case ast.Name() | ast.Attribute():
            return ast.unparse(key)
    return ""


def _join(scope: str, name: str) -> str:
    return f"{scope}.{name}" if scope else name
