"""A file that imports: from the words of an import to the files that they may mean, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from skills_engine.codemods.paths import dotted, module_paths

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

__all__ = ["FromImport", "Importer"]


@dataclass(frozen=True)
class FromImport:
    """One name of `from module import name as bound`. Of a `relative` one, the module is named
    from the repository's root on.
    """

    module: str
    name: str
    bound: str
    relative: bool = False

    def __str__(self) -> str:
        return self.name if self.name == self.bound else f"{self.name} as {self.bound}"

    @property
    def statement(self) -> str:
        """It, as any file can say it."""
        module = self.module.removeprefix("src.") if self.relative else self.module
        return f"from {module} import {self}"


class _Tree(Protocol):
    def exists(self, path: str) -> bool: ...


@dataclass(frozen=True)
class Importer:
    """`root` is the folder, with a slash at its end, that the file's own top-level package lies in,
    or the file itself: its imports may begin there, as in the repository's root and below src/.
    """

    path: str = ""
    root: str = ""

    @classmethod
    def at(cls, path: str, tree: _Tree) -> Importer:
        folder = path.rpartition("/")[0]
        while folder and tree.exists(f"{folder}/__init__.py"):
            folder = folder.rpartition("/")[0]
        return cls(path, "" if folder in {"", "src"} else f"{folder}/")

    def names(self, node: ast.ImportFrom) -> Iterator[FromImport]:
        """What a statement imports; nothing of a relative one that leads out of the tree, or where
        it is not known which file this is.
        """
        module = node.module or ""
        if node.level:
            folders = self.path.split("/")[: -node.level]
            if node.level > self.path.count("/"):
                return
            module = ".".join([*folders, *([module] if module else [])])
        for each in node.names:
            yield FromImport(module, each.name, each.asname or each.name, bool(node.level))

    def paths(self, module: str, *, relative: bool = False) -> tuple[str, ...]:
        """The files that a module may be."""
        found = module_paths(module)
        if relative:
            return found[:2]
        if not self.root:
            return found
        return *found, *(self.root + path for path in found[:2])

    def module(self, path: str, *, relative: bool = False) -> str:
        """The module that a file is, as it is named here."""
        if relative:
            return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        return dotted(path.removeprefix(self.root))

    def statement(self, module: str, names: str, *, relative: bool) -> str:
        """The statement that imports from a module."""
        return f"from {self._spelled(module) if relative else module} import {names}"

    def _spelled(self, module: str) -> str:
        here, there = self.path.split("/")[:-1], module.split(".")
        common = 0
        while here[common : common + 1] == there[common : common + 1] != []:
            common += 1
        if not common:
            return module.removeprefix("src.")
        return "." * (len(here) - common + 1) + ".".join(there[common:])
