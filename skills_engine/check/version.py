"""Versions of a tree as the checks see them, parsed on demand and only once for the same bytes."""

from __future__ import annotations

import ast
import re
import warnings
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.nesting import too_deep
from skills_engine.syntax import python_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.check.finding import CheckedTree

__all__ = ["Parsed", "TreeVersion", "is_python"]

_LINE_END = re.compile(r"\r\n|\r|\n")
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)


def is_python(path: str) -> bool:
    return path.endswith((".py", ".pyi"))


class Parsed:
    """One file's bytes and, on demand, its syntax tree."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data
        self.error: tuple[int, str] | None = None
        """The line and the reason, once `tree` or `compiles` has found the file wrong."""

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, or None with `error` set. Bytes that declare an encoding are decoded as
        Python does.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                tree = python_tree(self.data) or ast.parse(self.data, self.path)  # its error
                if too_deep("\n".join(self._lines)) is None:
                    return tree
                raise RecursionError  # the rules walk it with Python's own recursion
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self._fail(error)
        return None

    @cached_property
    def compiles(self) -> bool:
        """Whether the running Python accepts it: `return` outside a function parses, and does not
        compile.
        """
        if self.tree is None:
            return False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                compile(self.tree, self.path, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                self._fail(error)
                return False
        return True

    def _fail(self, error: Exception) -> None:
        if isinstance(error, SyntaxError):
            self.error = (error.lineno or 1, error.msg)
        elif isinstance(error, ValueError):
            at = self.data.find(b"\0")
            self.error = (self.data.count(b"\n", 0, max(at, 0)) + 1, str(error))
        else:
            self.error = (1, "it is nested too deeply")

    def line(self, number: int) -> str:
        """A line's text, stripped; empty where there is no such line."""
        return self._lines[number - 1].strip() if 0 < number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            declared = _CODING.search(b"\n".join(self.data.split(b"\n", 2)[:2]))
            try:
                text = self.data.decode(declared[1].decode() if declared else "latin-1", "replace")
            except LookupError:
                text = self.data.decode("latin-1")
        return _LINE_END.split(text)


class TreeVersion:
    """One version of the whole tree: the changed files as they are in it and, if `tree` is given,
    all others.

    Without `tree` a file that the operation did not change is unknown and
    reads as None.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | None],
        tree: CheckedTree | None,
        cache: dict[tuple[str, bytes], Parsed],
    ) -> None:
        self.files = files
        self._tree = tree
        self._cache = cache
        self._read: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        if path in self.files:
            return self.files[path]
        if self._tree is None:
            return None
        if path not in self._read:
            self._read[path] = self._tree.read(path)
        return self._read[path]

    def exists(self, path: str) -> bool:
        return self.read(path) is not None

    def parsed(self, path: str) -> Parsed | None:
        data = self.read(path)
        if data is None:
            return None
        key = (path, data)
        if key not in self._cache:
            self._cache[key] = Parsed(path, data)
        return self._cache[key]

    def module(self, path: str) -> ast.Module | None:
        """The file's syntax tree, or None if it is not there or does not parse."""
        parsed = self.parsed(path)
        return parsed.tree if parsed else None

    def has_folder(self, path: str) -> bool:
        """Whether any Python file lies below a folder. Looks through the whole tree: only before a
        finding.
        """
        prefix = path + "/"
        if any(name.startswith(prefix) and data is not None for name, data in self.files.items()):
            return True
        names = self._tree.containing(b"", ".py") if self._tree is not None else []
        return any(name.startswith(prefix) and self.read(name) is not None for name in names)
