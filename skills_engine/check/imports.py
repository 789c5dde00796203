"""Rule "import": what is imported from a module of the tree must be there."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.check.presence import at_run_time, uses
from skills_engine.check.scopes import dotted
from skills_engine.syntax import children, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from skills_engine.check.modules import Index, Modules

__all__ = ["Import", "attributes", "imports", "missing", "starred"]

Import = tuple[str, int, str | None, int, bool]
"""Module, level, name (None for `import module`), line, and whether it is for type checkers only or
under a condition.
"""

_CATCHES = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException", "AttributeError"}


def imports(tree: ast.Module) -> Iterator[Import]:
    """Every import of a file; those in a `try` that expects them to fail left out."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, guarded = waiting.pop()
        match node:
            case ast.Import():
                yield from ((alias.name, 0, None, node.lineno, guarded) for alias in node.names)
            case ast.ImportFrom():
                yield from (
                    (node.module or "", node.level, alias.name, node.lineno, guarded)
                    for alias in node.names
                )
            case ast.If():
                waiting += [(child, True) for child in (*node.body, *node.orelse)]
            case ast.Try() if any(_catches(handler) for handler in node.handlers):
                waiting += [(child, guarded) for child in node.finalbody]
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=func))]) if dotted(func)[
                -1:
            ] in {
                ("suppress",),
                ("raises",),
            }:
                continue
            case _:
                inner = (child for child in children(node) if not isinstance(child, ast.expr))
                waiting += [(child, guarded) for child in inner]


def _catches(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case None:
            return True
        case ast.Tuple(elts=elts):
            return any(dotted(e)[-1:] and dotted(e)[-1] in _CATCHES for e in elts)
        case expression:
            return bool(dotted(expression)) and dotted(expression)[-1] in _CATCHES


def missing(
    modules: Modules, path: str, gone: set[str], wanted: Callable[[str, int, str | None], bool]
) -> Iterator[Hit]:
    """The imports of a file that this version of the tree cannot satisfy.

    `gone` has the files that the operation removed: a module that is not in
    the tree is somebody else's unless it was here before, or its package is.
    """
    tree = modules.version.module(path)
    if tree is None:
        return
    parsed = modules.version.parsed(path)
    for module, level, name, line, guarded in sorted(imports(tree), key=lambda i: i[3]):
        if not wanted(module, level, name):
            continue
        reason = _reason(modules, path, (module, level, name, line, guarded), gone)
        if reason:
            key = ("import", "." * level + module, name or "")
            yield Hit(key, line, parsed.line(line) if parsed else "", reason)


def attributes(modules: Modules, path: str, names: set[str]) -> Iterator[Hit]:
    """The uses `module.name` of these names where a module of this version of the tree does not
    define them.
    """
    parsed, index = modules.version.parsed(path), modules.index(path)
    if parsed is None or parsed.tree is None or index is None:
        return
    nodes = walk(parsed.tree)
    rebound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    rebound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    for node in at_run_time(parsed.tree):
        if (
            not isinstance(node, ast.Attribute)
            or node.attr not in names
            or not isinstance(node.ctx, ast.Load)
        ):
            continue
        parts = dotted(node)
        if len(parts) < 2 or parts[0] in rebound or parts[0] not in index.names.imports:
            continue
        target = modules.resolve(path, parts[:-1])
        module = modules.index(target.path) if target and target.node is None else None
        if (
            module is None
            or modules.provides(module.path, node.attr)
            or modules.submodule(module.path, node.attr)
        ):
            continue
        if node.attr in module.absent:
            message = f"{_why(module, node.attr)}, and is used as {'.'.join(parts)}"
        else:
            message = (
                f"{module.path} does not define {node.attr}, which is used as {'.'.join(parts)}"
            )
        yield Hit(("attribute", ".".join(parts)), node.lineno, parsed.line(node.lineno), message)


def starred(modules: Modules, path: str, names: Collection[str]) -> Iterator[Hit]:
    """The uses of these names in a file that has them from `from … import *`, where none of those
    modules brings them in this version of the tree.
    """
    parsed, index = modules.version.parsed(path), modules.index(path)
    if parsed is None or parsed.tree is None or index is None or not index.names.star:
        return
    unbound = {name for name in names if name not in index.names and not hasattr(builtins, name)}
    for name, line in uses(parsed.tree, unbound):
        if not modules.by_star(path, name):
            text = f"the name {name!r} is not defined: no `import *` of this file brings it"
            yield Hit(("star", name), line, parsed.line(line), text)


def _why(index: Index, name: str) -> str:
    only = "for type checkers only" if name in index.presence.typing else "on some paths only"
    return f"{index.path} defines {name} {only}"


def _reason(modules: Modules, path: str, what: Import, gone: set[str]) -> str:
    module, level, name, _, guarded = what
    found = modules.find(path, module, level)
    if found is None:
        lost = _lost_module(modules, path, what, gone)
        return f"there is no module {lost}" if lost else ""
    if name is None or name == "*":
        return ""
    index = modules.index(found)
    if index is None or modules.provides(found, name) or modules.submodule(found, name):
        return ""
    if name in index.absent:
        return "" if guarded else _why(index, name) + ", and is imported from it"
    if _built(modules, found.removesuffix("__init__.py") + name):
        return ""
    if found.endswith("__init__.py") and modules.version.has_folder(
        found.removesuffix("__init__.py") + name
    ):
        return ""
    return f"{found} does not define {name}, which is imported from it"


def _lost_module(modules: Modules, path: str, what: Import, gone: set[str]) -> str:
    """The module that an import names and that ought to be in the tree; empty if it may be somebody
    else's.
    """
    module, level, name, _, _ = what
    shown = "." * level + module
    starts = [start for start in modules.stems(path, module, level) if start]
    if name not in {None, "*"}:
        parts = [f"{start}/{name}" for start in starts]
        if any(
            modules.file(part) or modules.version.has_folder(part)
            for part in parts
            if _was(part, gone)
        ):
            return ""
        if any(_was(part, gone) for part in parts):
            return f"{shown}.{name}" if module else shown + str(name)
    removed = any(_was(start, gone) for start in starts)
    if not removed and not _in_our_package(modules, path, module, level):
        return ""
    folder = any(modules.version.has_folder(start) for start in starts)
    if not folder or (
        removed and name not in {None, "*"} and not any(modules.file(f"{s}/{name}") for s in starts)
    ):
        return shown
    return ""


def _was(start: str, gone: set[str]) -> bool:
    return f"{start}.py" in gone or f"{start}/__init__.py" in gone


def _in_our_package(modules: Modules, path: str, module: str, level: int) -> bool:
    """Whether a module's parent is a regular package of the tree, which keeps its modules in its
    own folder.
    """
    parent, _, last = module.rpartition(".")
    if not last or not (parent or level):
        return False
    package = modules.find(path, parent, level)
    if package is None or not package.endswith("__init__.py"):
        return False
    index = modules.index(package)
    if index is not None and "__path__" in index.names:
        return False
    return not any(_built(modules, start) for start in modules.stems(path, module, level))


def _built(modules: Modules, start: str) -> bool:
    """Whether a module may be made by a build (`_version.py`, `_native.so`): then no tree of
    sources has it.
    """
    return start.rpartition("/")[2].startswith("_") or any(
        modules.version.exists(start + suffix) for suffix in (".pyi", ".pyx", ".c", ".so")
    )
