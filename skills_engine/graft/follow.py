"""Imports of a skill's own code, made to name what upstream has renamed since it was written.

A module or a name that is gone is looked for as operations look for their places; the code goes on
to use its own word: `from bot.config import Config as Settings`.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from skills_engine.codemods.operation import module_paths
from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Collection

    from skills_engine.codemods.operation import Operation
    from skills_engine.graft.files import GraftFiles

__all__ = ["follow_bytes", "follow_imports", "follow_operation"]

O = TypeVar("O", bound="Operation")  # noqa: E741  (an operation of any kind)

_CODE = ("code", "import_")
"""The keys of operations that hold statements."""


def follow_operation(operation: O, files: GraftFiles, own: Collection[str]) -> O:
    """The operation with the imports in its code followed."""
    changed = {}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if field.name in _CODE and isinstance(value, str):
            followed = follow_imports(value, files, own)
            if followed != value:
                changed[field.name] = followed
    return replace(operation, **changed) if changed else operation


def follow_bytes(data: bytes, files: GraftFiles, own: Collection[str]) -> bytes:
    """A Python file with its imports followed; one that is no UTF-8 is left as it is."""
    try:
        source = data.decode()
    except UnicodeDecodeError:
        return data
    return follow_imports(source, files, own).encode()


def follow_imports(source: str, files: GraftFiles, own: Collection[str]) -> str:
    """Source with its imports followed; `own` are the paths that the skill brings itself."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return source
    lines = split_lines(source)
    for node in sorted(
        (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and not n.level),
        key=lambda n: n.lineno,
        reverse=True,
    ):
        new = _followed(node, files, own)
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        alone = not lines[first][: node.col_offset].strip()
        if new is None or not alone or lines[last].encode()[node.end_col_offset :].strip():
            continue
        end = lines[last][len(lines[last].rstrip("\r\n")) :]
        indent = lines[first][: node.col_offset]
        lines[first : last + 1] = [f"{indent}{line}{end}" for line in new]
    return "".join(lines)


@dataclass(frozen=True)
class _Name:
    module: str
    name: str
    bound: str

    def __str__(self) -> str:
        return self.name if self.name == self.bound else f"{self.name} as {self.bound}"


def _followed(node: ast.ImportFrom, files: GraftFiles, own: Collection[str]) -> list[str] | None:
    """The statements that import the same; None where nothing has to be followed."""
    before = [_Name(node.module or "", a.name, a.asname or a.name) for a in node.names]
    after = [_where(name, files, own) for name in before]
    if after == before:
        return None
    modules = dict.fromkeys(name.module for name in after)
    return [
        f"from {module} import {', '.join(str(n) for n in after if n.module == module)}"
        for module in modules
    ]


def _where(name: _Name, files: GraftFiles, own: Collection[str]) -> _Name:
    """The name as it is to be imported now; itself where it is there, or nobody knows."""
    for _ in range(_STEPS):
        found = _step(name, files, own)
        if found is None:
            return name
        name = found
    return name


_STEPS = 5


def _step(name: _Name, files: GraftFiles, own: Collection[str]) -> _Name | None:
    paths = module_paths(name.module)
    if any(path in own for path in paths):
        return None
    path = next((path for path in paths if files.read(path) is not None), None)
    if path is None:
        if name.module.partition(".")[0] in sys.stdlib_module_names:
            return None  # Python's own, whatever the tree once had under that name
        moved = _moved(paths, files)
        return replace(name, module=moved) if moved else None
    inside = module_paths(f"{name.module}.{name.name}")
    if name.name == "*" or any(each in own or files.exists(each) for each in inside):
        return None
    if _has(files.read(path) or b"", name.name):
        return None
    moved = _moved(inside, files)
    if moved:
        package, _, last = moved.rpartition(".")
        return _Name(package, last, name.bound) if package else None
    found = files.follow_name(path, name.name)
    return _Name(_dotted(found[0]), found[1], name.bound) if found else None


def _moved(paths: Collection[str], files: GraftFiles) -> str:
    found = (files.follow(path) for path in paths)
    return next((_dotted(path) for path in found if path and path.endswith(".py")), "")


def _dotted(path: str) -> str:
    stem = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return stem.replace("/", ".")


@lru_cache(500)
def _names(source: bytes) -> frozenset[str] | None:
    """Every name that a module may have; None where that cannot be told."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {a.asname or a.name.partition(".")[0] for a in node.names}
    return None if found & {"*", "__getattr__"} else frozenset(found)


def _has(source: bytes, name: str) -> bool:
    names = _names(source)
    return names is None or name in names
