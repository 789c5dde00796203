"""Code that was written for another version, made to name what was renamed since: a skill's, for
upstream's renames, and what comes in a merge, for the other side's.

A module or a name that is gone is looked for as operations look for their places; the code goes on
to use its own word: `from bot.config import Config as Settings`. What it takes from a module by the
module's name, or names in a string, is `attributes`' affair.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeGuard, TypeVar

from skills_engine.graft.importer import FromImport, Importer
from skills_engine.lines import split_lines
from skills_engine.syntax import nodes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from skills_engine.codemods.operation import Operation

__all__ = [
    "Followed",
    "Follower",
    "Known",
    "follow_operation",
    "imported",
    "module_names",
]

O = TypeVar("O", bound="Operation")  # noqa: E741  (an operation of any kind)


class Followed(Protocol):
    """A tree, and what became of the paths and definitions that it has no more."""

    def read(self, path: str) -> bytes | None: ...
    def exists(self, path: str) -> bool: ...
    def follow(self, path: str) -> str | None: ...
    def follow_name(self, path: str, name: str) -> tuple[str, str] | None: ...


Known: TypeAlias = "Mapping[FromImport, FromImport]"
"""Imports, and what stands in their place where the code has come already."""

_CODE = ("code", "import_")
"""The keys of operations that hold statements."""


def follow_operation(operation: O, files: Followed, own: Collection[str]) -> O:
    """The operation with the imports in its code followed."""
    follower = Follower(files, own, operation.touches()[0] if operation.touches() else "")
    changed = {}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if field.name in _CODE and isinstance(value, str):
            followed = follower.imports(value)
            if followed != value:
                changed[field.name] = followed
    return replace(operation, **changed) if changed else operation


def imported(source: str, path: str = "") -> frozenset[FromImport]:
    """What a module imports by name, wherever it does; what is relative, where its path is
    known.
    """
    importer = Importer(path)
    return frozenset(each for node in _statements(source) for each in importer.names(node))


def _statements(source: str) -> list[ast.ImportFrom]:
    return [n for n in nodes(source) if isinstance(n, ast.ImportFrom)]


_STEPS = 5
_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*[.:][^\W\d]\w*")
_IN_TYPE = re.compile(r"(?<![\w.])(\w+)((?:\.\w+)+)")
_LONGEST = 200
"""Characters of a string that may be a type, or a path."""


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _LONGEST


def _taken(every: Iterable[ast.AST], texts: list[str]) -> dict[str, set[str]]:
    """The words that follow a name after a dot, or beside it in a string: `setattr(a, "b")`."""
    found: dict[str, set[str]] = {}
    for node in every:
        if isinstance(node, ast.Attribute):
            found.setdefault(_first(node), set()).add(node.attr)
        elif isinstance(node, ast.Call):
            words = {each.value for each in node.args[1:] if isinstance(each, ast.Constant)}
            words |= {each.arg for each in node.keywords}
            for each in node.args[:1]:
                found.setdefault(_first(each), set()).update(w for w in words if _is_text(w))
    for text in texts:
        for first, rest in _IN_TYPE.findall(text):
            found.setdefault(first, set()).update(rest.split(".")[1:])
    return found


def _first(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


class Follower:
    """Names of one file of a skill, on a tree: where they are now."""

    def __init__(
        self, files: Followed, own: Collection[str], path: str, known: Known | None = None
    ) -> None:
        self.files, self.own = files, own
        self.importer = Importer.at(path, files)
        self._known: Known = known or {}

    def imports(self, source: str) -> str:
        """Source with its from-imports followed."""
        lines = split_lines(source)
        for node in sorted(_statements(source), key=lambda n: n.lineno, reverse=True):
            new = self._followed(node)
            first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
            alone = not lines[first][: node.col_offset].strip()
            behind = lines[last].encode()[node.end_col_offset :].decode().rstrip()
            if new is None or not alone or behind.lstrip()[:1] not in {"", "#"}:
                continue
            new[-1] += behind
            end = lines[last][len(lines[last].rstrip("\r\n")) :]
            indent = lines[first][: node.col_offset]
            lines[first : last + 1] = [f"{indent}{line}{end}" for line in new]
        return "".join(lines)

    def _followed(self, node: ast.ImportFrom) -> list[str] | None:
        """The statements that import the same; None where nothing has to be followed."""
        before = list(self.importer.names(node))
        after = [self.where(each) for each in before]
        if after == before:
            return None
        modules = dict.fromkeys((each.module, each.relative) for each in after)
        return [
            self.importer.statement(
                module,
                ", ".join(str(n) for n in after if (n.module, n.relative) == (module, relative)),
                relative=relative,
            )
            for module, relative in modules
        ]

    def where(self, name: FromImport) -> FromImport:
        """The name as it is to be imported now; itself where it is there, or nobody knows."""
        found: FromImport | None = name
        for _ in range(_STEPS):
            if found is None or self.there(found):
                break
            before = self._known.get(found)
            found = before if before and self.there(before) else self._step(found)
        return found if found is not None and self.there(found) else name

    def there(self, name: FromImport) -> bool:
        """Whether the import leads somewhere, or that cannot be told."""
        paths, inside = self._paths(name)
        if any(path in self.own for path in (*paths, *inside)) or any(
            self.files.exists(p) for p in inside
        ):
            return True
        path = self.file(name.module, relative=name.relative)
        if path is None:  # Python's own is there, whatever the tree once had under that name
            top = name.module.partition(".")[0]
            return not name.relative and top in sys.stdlib_module_names
        names = module_names(self.files.read(path) or b"")
        return name.name == "*" or names is None or name.name in names

    def concerns(self, source: str) -> bool:
        """Whether a module that the source names is gone, or has not what it may take from there
        by the module's name, or name in a string: a quick look.
        """
        every = nodes(source)
        texts = [n.value for n in every if isinstance(n, ast.Constant) if _is_text(n.value)]
        taken = _taken(every, texts)
        for node in every:
            if isinstance(node, ast.Import):
                found = [(e.name, e.asname or e.name.partition(".")[0], False) for e in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = self.importer.names(node)
                found = [(f"{e.module}.{e.name}", e.bound, e.relative) for e in names]
            else:
                continue
            for module, bound, relative in found:
                if self._lacks(module, taken.get(bound, set()), relative=relative):
                    return True
        paths = [re.split("[.:]", text) for text in texts if _PATH.fullmatch(text)]
        return any(
            self._lacks(".".join(parts[:length]), {parts[length]})
            for parts in paths
            for length in range(1, len(parts))
        )

    def _lacks(self, module: str, words: set[str], *, relative: bool = False) -> bool:
        paths = self.importer.paths(module, relative=relative)
        path = self.file(module, relative=relative)
        if path is None:
            return any(self.files.follow(each) for each in paths)
        names = module_names(self.files.read(path) or b"")
        return names is not None and not words <= names and not {*paths} & {*self.own}

    def file(self, module: str, *, relative: bool = False) -> str | None:
        """The file of a module that is there."""
        paths = self.importer.paths(module, relative=relative)
        return next((path for path in paths if self.files.read(path) is not None), None)

    def moved(self, module: str, *, relative: bool = False) -> str:
        """The name that a module has now, which is gone by this one; empty where nobody knows."""
        found = map(self.files.follow, self.importer.paths(module, relative=relative))
        return next(
            (
                self.importer.module(path, relative=relative)
                for path in found
                if path and path.endswith(".py")
            ),
            "",
        )

    def _paths(self, name: FromImport) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files that the module may be, and those of a module that the name may be."""
        one, other = (
            self.importer.paths(module, relative=name.relative)
            for module in (name.module, f"{name.module}.{name.name}")
        )
        return one, other

    def _step(self, name: FromImport) -> FromImport | None:
        path = self.file(name.module, relative=name.relative)
        if moved := self.moved(f"{name.module}.{name.name}", relative=name.relative):
            package, _, last = moved.rpartition(".")
            return replace(name, module=package, name=last) if package else None
        if path is None and (moved := self.moved(name.module, relative=name.relative)):
            return replace(name, module=moved)
        paths, _ = self._paths(name)
        for each in paths if path is None else (path,):
            if (found := self.files.follow_name(each, name.name)) is not None:
                module = self.importer.module(found[0], relative=name.relative)
                return replace(name, module=module, name=found[1])
        return None


@lru_cache(500)
def module_names(source: bytes) -> frozenset[str] | None:
    """Every name that a module may have; None where that cannot be told."""
    every = nodes(source)
    if not every:
        return None
    found: set[str] = set()
    for node in every:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {a.asname or a.name.partition(".")[0] for a in node.names}
    return None if found & {"*", "__getattr__"} else frozenset(found)
