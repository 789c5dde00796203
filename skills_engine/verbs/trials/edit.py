"""A Python file that is changed as text, at the places that `ast` finds in it."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Definition", "Edit", "EditedText", "bound", "display"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Edit = tuple[int, int, str]
"""From an offset in characters to another, and what comes there."""


@dataclass(frozen=True)
class EditedText:
    """Source with `\\n` line ends."""

    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.source.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        return starts

    def at(self, line: int, column: int) -> int:
        """The offset of a position of ast's: lines from 1, columns in bytes of UTF-8."""
        start = self._starts[line - 1]
        text = self.source[start : self._starts[line] - 1]
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def start(self, node: ast.stmt | ast.expr) -> int:
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.stmt | ast.expr) -> int:
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def segment(self, node: ast.stmt | ast.expr) -> str:
        return self.source[self.start(node) : self.end(node)]

    def line_start(self, node: ast.stmt) -> int:
        """Where the line begins in which a statement does, its decorators included."""
        decorators = node.decorator_list if isinstance(node, Definition) else []
        return self._starts[min([node.lineno, *(each.lineno for each in decorators)]) - 1]

    def line_end(self, node: ast.stmt) -> int:
        """After the line end of its last line."""
        return min(self._starts[node.end_lineno or node.lineno], len(self.source))

    def edited(self, edits: Iterable[Edit]) -> str:
        out = self.source
        for start, end, new in sorted(edits, reverse=True):
            out = out[:start] + new + out[end:]
        return out

    def named(self, name: str) -> ast.stmt | None:
        """The statement that defines a name of the module, or `Class.method`."""
        body = self.tree.body
        *outer, last = name.split(".")
        for part in outer:
            found = next((n for n in body if isinstance(n, ast.ClassDef) and n.name == part), None)
            if found is None:
                return None
            body = found.body
        return next((node for node in body if last in bound(node)), None)

    def tokens(self) -> Iterator[tokenize.TokenInfo]:
        yield from tokenize.generate_tokens(io.StringIO(self.source).readline)


def bound(node: ast.stmt) -> tuple[str, ...]:
    """The names that a statement defines."""
    if isinstance(node, Definition):
        return (node.name,)
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return (node.target.id,)
    if isinstance(node, ast.Assign):
        return tuple(target.id for target in node.targets if isinstance(target, ast.Name))
    return ()


def display(node: ast.stmt | None) -> ast.expr | None:
    """The list, tuple, set or dictionary that is assigned."""
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value if isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict) else None
