"""Modules that moved: where one side imports all names of one from another now, the other's new
names follow.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.merge.python.source import every

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["moved", "with_modules"]

_ENOUGH = 2
"""Names that must have gone to one module which the base does not know: one alone may have moved by
itself.
"""


def moved(base: str, side: str, other: str) -> dict[str, str]:
    """The modules that `other` imports more from, with where `side` imports all that the base
    did.
    """
    b, s, t = (_imports(text) for text in (base, side, other))
    found: dict[str, str] = {}
    for module, names in b.items():
        if (
            len(names) < _ENOUGH
            or module in s
            or names == t.get(module, names)
            or not names <= t[module]
        ):
            continue
        now = [place for place, there in s.items() if names <= there and place not in b]
        if len(now) == 1:
            found[module] = now[0]
    return found


def with_modules(text: str, modules: Mapping[str, str]) -> str:
    """A text whose `from` imports name other modules."""
    lines = text.split("\n")
    for node in every(text):
        if isinstance(node, ast.ImportFrom) and (name := _module(node)) in modules:
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = re.sub(
                rf"\bfrom\s+{re.escape(name)}\s", f"from {modules[name]} ", line, count=1
            )
    return "\n".join(lines)


def _imports(text: str) -> dict[str, set[tuple[str, str | None]]]:
    found: dict[str, set[tuple[str, str | None]]] = {}
    for node in every(text):
        if isinstance(node, ast.ImportFrom):
            found.setdefault(_module(node), set()).update(
                (alias.name, alias.asname) for alias in node.names
            )
    return found


def _module(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")
