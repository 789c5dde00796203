"""Imports of code that came to another file than its author's: what it uses, and does not find
there, is imported as in the file that it was written for.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from skills_engine.codemods.operation import perform
from skills_engine.codemods.paths import dotted
from skills_engine.codemods.registry import decode
from skills_engine.graft.follow import imported

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["bring_imports", "drop_imports"]


def bring_imports(files: Files, path: str, home: str, written: str) -> None:
    """Import in a file what it uses and `home`, the text of the file that it was `written` in,
    imports. What `files` lack of it is for the checks.
    """
    missing = _missing(_text(files, path))
    for each in sorted(imported(home, written), key=str):
        if each.bound in missing and each.module != dotted(path):
            perform(decode({"ensure": "import", "in": path, "import": each.statement}), files)


def drop_imports(files: Files, path: str, was: str, home: str, written: str) -> None:
    """Import in a file no more what `home` imported as it `was`, and does not now, where nothing
    there uses it.
    """
    for each in sorted(imported(was, written) - imported(home, written), key=str):
        if each in imported(_text(files, path)):
            perform(decode({"ensure": "no-import", "in": path, "import": each.statement}), files)


def _missing(source: str) -> set[str]:
    """Names that a file uses and that nothing in it binds."""
    used, bound = set[str](), set(dir(builtins))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
    return used - bound


def _text(files: Files, path: str) -> str:
    return (files.read(path) or b"").decode("utf-8", "replace")
