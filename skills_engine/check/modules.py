"""Modules of the tree: from a dotted name to a file, from a name in it to its definition."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.check.presence import Presence, presence
from skills_engine.check.scopes import Bindings, Function, ImportBinding, bindings, dotted
from skills_engine.syntax import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skills_engine.check.version import TreeVersion

__all__ = ["GLOBAL", "CallTarget", "Index", "Modules", "plain_bases", "stem"]

_ALWAYS = {
    "__name__",
    "__doc__",
    "__file__",
    "__path__",
    "__package__",
    "__spec__",
    "__loader__",
    "__dict__",
}
_DYNAMIC = re.compile(rb"(?<![.\w])(?:(?:globals|exec)\(|vars\(\))|\bsys\.modules\b")
"""What a module says that makes names of its own which cannot be seen in its text."""
GLOBAL = re.compile(rb"^[ \t]+global[ \t]", re.MULTILINE)
_FOLLOW = 8
"""How many re-exports and base classes are followed: more is a cycle."""


def stem(path: str) -> str:
    """The last part of a module's dotted name: `channels` for bot/channels.py and
    bot/channels/__init__.py.
    """
    parts = path.rsplit(".", 1)[0].split("/")
    return parts[-2] if parts[-1] == "__init__" and len(parts) > 1 else parts[-1]


@dataclass(frozen=True, slots=True)
class CallTarget:
    """A definition, or (without `node`) a module. `owner` is the class that a method is in."""

    path: str
    node: Function | ast.ClassDef | None = None
    owner: ast.ClassDef | None = None


class Index:
    """The names of one module."""

    def __init__(self, path: str, tree: ast.Module, data: bytes) -> None:
        self.path = path
        self._tree = tree
        self.names: Bindings = bindings(tree.body)
        self.dynamic = "__getattr__" in self.names or _DYNAMIC.search(data) is not None
        """Whether it makes names of its own that cannot be seen in its text."""
        self.weak: frozenset[str] = frozenset()
        """Names that were there always, and are on some paths only."""
        if GLOBAL.search(data):
            declared = {
                n for node in walk(tree) if isinstance(node, ast.Global) for n in node.names
            }
            self.names.times.update(declared)
            self.names.forget(declared)

    @cached_property
    def presence(self) -> Presence:
        return presence(self._tree)

    @cached_property
    def absent(self) -> frozenset[str]:
        """The names that it binds, and that nobody can rely on at run time."""
        if self.dynamic:
            return frozenset()
        return self.presence.typing | (self.presence.sometimes & self.weak)

    @property
    def exported(self) -> frozenset[str] | None:
        """What `__all__` lists, if it is a plain list; None if that is not clear, or there is
        none.
        """
        for statement in self._tree.body:
            match statement:
                case ast.Assign(
                    targets=[ast.Name(id="__all__")], value=ast.List(elts=e) | ast.Tuple(elts=e)
                ) if all(isinstance(each, ast.Constant) for each in e):
                    return frozenset(
                        str(each.value) for each in e if isinstance(each, ast.Constant)
                    )
        return None


class Modules:
    """Finds modules and definitions in one version of the tree."""

    def __init__(self, version: TreeVersion) -> None:
        self.version = version
        self._indexes: dict[str, Index | None] = {}
        self._classes: dict[ast.ClassDef, Bindings] = {}
        self._stores: dict[ast.ClassDef, set[str]] = {}

    def index(self, path: str) -> Index | None:
        """The module's names, or None if it is not there or does not parse."""
        if path not in self._indexes:
            parsed = self.version.parsed(path)
            tree = parsed.tree if parsed else None
            self._indexes[path] = Index(path, tree, parsed.data) if parsed and tree else None
        return self._indexes[path]

    def provides(self, path: str, name: str, depth: int = 0) -> bool:
        """Whether `from module import name` may work, submodules aside; true where it is not
        clear.
        """
        index = self.index(path)
        if index is None or index.dynamic or name in _ALWAYS or depth > _FOLLOW:
            return True
        if name in index.names:
            return name not in index.absent
        return index.names.star and self.by_star(path, name, depth)

    def by_star(self, path: str, name: str, depth: int = 0) -> bool:
        """Whether one of a module's `from … import *` may bring a name."""
        tree = self.version.module(path)
        for node in walk(tree) if tree else ():
            if not isinstance(node, ast.ImportFrom) or node.names[0].name != "*":
                continue
            source = self.find(path, node.module or "", node.level)
            index = self.index(source) if source else None
            if source is None or index is None:
                return True
            exported = index.exported
            shown = name in exported if exported is not None else not name.startswith("_")
            shown = shown or ("__all__" in index.names and exported is None)
            if shown and self.provides(source, name, depth + 1):
                return True
        return False

    def members(self, node: ast.ClassDef) -> Bindings:
        if node not in self._classes:
            self._classes[node] = bindings(node.body)
        return self._classes[node]

    def stores(self, node: ast.ClassDef) -> set[str]:
        """The attributes that anything in the class sets: of what `self.name` is then, its methods
        say nothing.
        """
        if node not in self._stores:
            self._stores[node] = {
                n.attr
                for n in walk(node)
                if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
            }
        return self._stores[node]

    # --- modules

    def stems(self, importer: str, module: str, level: int) -> list[str]:
        """The paths, without `.py` or `/__init__.py`, that a module may have when `importer`
        imports it.
        """
        tail = module.replace(".", "/")
        if level:
            folders = importer.split("/")[:-level]
            if len(importer.split("/")) < level:
                return []
            return ["/".join([*folders, tail] if tail else folders)]
        found = [tail, "src/" + tail]
        root = self._root(importer)
        if root and module.partition(".")[0] not in sys.stdlib_module_names:
            found.append(
                f"{root}/{tail}"
            )  # a script, or a test below pytest's rootdir, sees its own folder first
        return list(dict.fromkeys(found))

    def find(self, importer: str, module: str, level: int = 0) -> str | None:
        """The file of a module, or None if the tree has none."""
        for start in self.stems(importer, module, level):
            if found := self.file(start):
                return found
        return None

    def file(self, start: str) -> str | None:
        for path in (f"{start}/__init__.py" if start else "__init__.py", f"{start}.py"):
            if self.version.exists(path):
                return path
        return None

    def submodule(self, package: str, name: str) -> str | None:
        """The file of a package's submodule; `package` is the path of its `__init__.py`."""
        if not package.endswith("__init__.py"):
            return None
        return self.file(package.removesuffix("__init__.py") + name)

    def _root(self, path: str) -> str:
        """The folder that the importer's own top-level package, or the importer itself, lies in."""
        folder = path.rpartition("/")[0]
        while folder and self.version.exists(folder + "/__init__.py"):
            folder = folder.rpartition("/")[0]
        return folder

    # --- definitions

    def resolve(
        self, path: str, parts: Sequence[str], local: ImportBinding | None = None, depth: int = 0
    ) -> CallTarget | None:
        """What `a.b.c` in the file `path` clearly refers to, or None. `local` is an import that
        binds `a` there.
        """
        index = self.index(path)
        if index is None or not parts or depth > _FOLLOW:
            return None
        first, rest = parts[0], parts[1:]
        imported = local or index.names.imports.get(first)
        if imported is not None:
            return self._imported(path, imported, rest, depth)
        node = index.names.classes.get(first) or index.names.functions.get(first)
        return self._member(CallTarget(path, node), rest, depth) if node is not None else None

    def _imported(
        self, path: str, imported: ImportBinding, rest: Sequence[str], depth: int
    ) -> CallTarget | None:
        found = self.find(path, imported.module, imported.level)
        if imported.name is not None:
            if found is not None:
                return self._member(CallTarget(found), (imported.name, *rest), depth)
            namespace = [
                start for start in self.stems(path, imported.module, imported.level) if start
            ]
            files = [file for start in namespace if (file := self.file(f"{start}/{imported.name}"))]
            return self._member(CallTarget(files[0]), rest, depth) if files else None
        if found is None and imported.whole:  # the root is a folder without __init__.py
            for length in range(1, len(rest) + 1):
                deeper = self.find(path, ".".join([imported.module, *rest[:length]]))
                if deeper is not None:
                    return self._member(CallTarget(deeper), rest[length:], depth)
        return self._member(CallTarget(found), rest, depth) if found is not None else None

    def _member(self, target: CallTarget, rest: Sequence[str], depth: int) -> CallTarget | None:
        if not rest:
            return target
        if target.node is None:
            index = self.index(target.path)
            if index is not None and rest[0] in index.names:
                return self.resolve(target.path, rest, depth=depth + 1)
            deeper = self.submodule(target.path, rest[0])
            return self._member(CallTarget(deeper), rest[1:], depth + 1) if deeper else None
        if isinstance(target.node, ast.ClassDef) and len(rest) == 1:
            return self.method(target, rest[0], depth=depth)
        if isinstance(target.node, ast.ClassDef):
            inner = self.members(target.node).classes.get(rest[0])
            return (
                self._member(CallTarget(target.path, inner, target.node), rest[1:], depth)
                if inner
                else None
            )
        return None

    def method(
        self, target: CallTarget, name: str, *, inherited: bool = True, depth: int = 0
    ) -> CallTarget | None:
        """A class's method or inner class, its own or of the one base that the tree has. None if it
        is not clear.
        """
        if not isinstance(target.node, ast.ClassDef) or depth > _FOLLOW:
            return None
        own = self.members(target.node)
        if name in own:
            node = own.functions.get(name) or own.classes.get(name)
            return CallTarget(target.path, node, target.node) if node else None
        base = self.base(target, depth) if inherited else None
        return self.method(base, name, depth=depth + 1) if base else None

    def lacks(self, target: CallTarget | None, name: str, depth: int = 0) -> bool:
        """Whether nothing can give a class that attribute: the tree has all its bases, and none of
        them does.
        """
        if target is None or not isinstance(target.node, ast.ClassDef) or depth > _FOLLOW:
            return False
        node = target.node
        own = self.members(node)
        if (
            name in own
            or name in self.stores(node)
            or "__getattr__" in own
            or "__getattribute__" in own
        ):
            return False
        if node.keywords or any(
            dotted(d)[-1:] not in _ADD_NOTHING for d in map(_called, node.decorator_list)
        ):
            return False
        bases = [self.resolve(target.path, parts) for parts in plain_bases(node)]
        return all(self.lacks(base, name, depth + 1) for base in bases)

    def base(self, target: CallTarget, depth: int = 0) -> CallTarget | None:
        """The only base class, if the tree has it."""
        bases = plain_bases(target.node)
        if len(bases) != 1 or depth > _FOLLOW:
            return None
        found = self.resolve(target.path, bases[0], depth=depth + 1)
        if found is None or not isinstance(found.node, ast.ClassDef) or found.node is target.node:
            return None
        return found


_ADD_NOTHING = {("dataclass",), ("final",), ("runtime_checkable",)}
_HARMLESS = {"object", "ABC", "Generic", "Protocol"}


def plain_bases(node: ast.AST | None) -> list[tuple[str, ...]]:
    """The bases that can bring methods of their own; an expression that is no name is an empty
    tuple.
    """
    bases: Iterable[ast.expr] = node.bases if isinstance(node, ast.ClassDef) else ()
    found = []
    for base in bases:
        parts = dotted(base.value if isinstance(base, ast.Subscript) else base)
        if not parts or parts[-1] not in _HARMLESS:
            found.append(parts)
    return found


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator
