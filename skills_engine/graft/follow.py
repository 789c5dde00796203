"""Imports of code that was written for another version, made to name what was renamed since: those
of a skill's, for upstream's renames, and those that come in a merge, for the other side's.

A module or a name that is gone is looked for as operations look for their places; the code goes on
to use its own word: `from bot.config import Config as Settings`.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from skills_engine.codemods.paths import dotted, module_paths
from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from skills_engine.codemods.operation import Operation

__all__ = [
    "Followed",
    "FromImport",
    "follow_bytes",
    "follow_imports",
    "follow_operation",
    "imported",
]

O = TypeVar("O", bound="Operation")  # noqa: E741  (an operation of any kind)


class Followed(Protocol):
    """A tree, and what became of the paths and definitions that it has no more."""

    def read(self, path: str) -> bytes | None: ...
    def exists(self, path: str) -> bool: ...
    def follow(self, path: str) -> str | None: ...
    def follow_name(self, path: str, name: str) -> tuple[str, str] | None: ...


@dataclass(frozen=True)
class FromImport:
    """One name of `from module import name as bound`."""

    module: str
    name: str
    bound: str

    def __str__(self) -> str:
        return self.name if self.name == self.bound else f"{self.name} as {self.bound}"

    @property
    def statement(self) -> str:
        return f"from {self.module} import {self}"


Known: TypeAlias = "Mapping[FromImport, FromImport]"
"""Imports, and what stands in their place where the code has come already."""

_CODE = ("code", "import_")
"""The keys of operations that hold statements."""


def follow_operation(operation: O, files: Followed, own: Collection[str]) -> O:
    """The operation with the imports in its code followed."""
    changed = {}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if field.name in _CODE and isinstance(value, str):
            followed = follow_imports(value, files, own)
            if followed != value:
                changed[field.name] = followed
    return replace(operation, **changed) if changed else operation


def follow_bytes(
    data: bytes, files: Followed, own: Collection[str], known: Known | None = None
) -> bytes:
    """A Python file with its imports followed; one that is no UTF-8 is left as it is."""
    try:
        source = data.decode()
    except UnicodeDecodeError:
        return data
    return follow_imports(source, files, own, known).encode()


def follow_imports(
    source: str, files: Followed, own: Collection[str], known: Known | None = None
) -> str:
    """Source with its imports followed; `own` are the paths that the skill brings itself, and
    `known` what an import was made before.
    """
    lines = split_lines(source)
    for node in sorted(_statements(source), key=lambda n: n.lineno, reverse=True):
        new = _followed(node, files, own, known or {})
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        alone = not lines[first][: node.col_offset].strip()
        if new is None or not alone or lines[last].encode()[node.end_col_offset :].strip():
            continue
        end = lines[last][len(lines[last].rstrip("\r\n")) :]
        indent = lines[first][: node.col_offset]
        lines[first : last + 1] = [f"{indent}{line}{end}" for line in new]
    return "".join(lines)


def imported(source: str) -> frozenset[FromImport]:
    """What a module imports by name, wherever it does."""
    return frozenset(each for node in _statements(source) for each in _imports(node))


def _statements(source: str) -> list[ast.ImportFrom]:
    try:
        nodes = [*ast.walk(ast.parse(source))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [n for n in nodes if isinstance(n, ast.ImportFrom) and n.module and not n.level]


def _imports(node: ast.ImportFrom) -> list[FromImport]:
    return [
        FromImport(node.module or "", each.name, each.asname or each.name) for each in node.names
    ]


def _followed(
    node: ast.ImportFrom, files: Followed, own: Collection[str], known: Known
) -> list[str] | None:
    """The statements that import the same; None where nothing has to be followed."""
    before = _imports(node)
    after = [_where(each, files, own, known) for each in before]
    if after == before:
        return None
    modules = dict.fromkeys(each.module for each in after)
    return [
        f"from {module} import {', '.join(str(n) for n in after if n.module == module)}"
        for module in modules
    ]


def _where(name: FromImport, files: Followed, own: Collection[str], known: Known) -> FromImport:
    """The name as it is to be imported now; itself where it is there, or nobody knows."""
    found: FromImport | None = name
    for _ in range(_STEPS):
        if found is None or _there(found, files, own):
            break
        before = known.get(found)
        found = before if before and _there(before, files, own) else _step(found, files)
    return found if found is not None and _there(found, files, own) else name


_STEPS = 5


def _there(name: FromImport, files: Followed, own: Collection[str]) -> bool:
    """Whether the import leads somewhere, or that cannot be told."""
    paths = module_paths(name.module)
    inside = module_paths(f"{name.module}.{name.name}")
    if any(path in own for path in (*paths, *inside)) or any(files.exists(p) for p in inside):
        return True
    path = next((path for path in paths if files.read(path) is not None), None)
    if path is None:  # Python's own is there, whatever the tree once had under that name
        return name.module.partition(".")[0] in sys.stdlib_module_names
    if name.name == "*":
        return True
    return _has(files.read(path) or b"", name.name)


def _step(name: FromImport, files: Followed) -> FromImport | None:
    paths = module_paths(name.module)
    path = next((path for path in paths if files.read(path) is not None), None)
    if moved := _moved(module_paths(f"{name.module}.{name.name}"), files):
        package, _, last = moved.rpartition(".")
        return FromImport(package, last, name.bound) if package else None
    if path is None and (moved := _moved(paths, files)):
        return replace(name, module=moved)
    for each in paths if path is None else (path,):
        if (found := files.follow_name(each, name.name)) is not None:
            return FromImport(dotted(found[0]), found[1], name.bound)
    return None


def _moved(paths: Collection[str], files: Followed) -> str:
    found = (files.follow(path) for path in paths)
    return next((dotted(path) for path in found if path and path.endswith(".py")), "")


@lru_cache(500)
def _names(source: bytes) -> frozenset[str] | None:
    """Every name that a module may have; None where that cannot be told."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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
