"""Faults of a merged text that show when it runs, though in neither side: names that are imported
for type checkers alone, and fields of a dataclass that must have a default.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.merge.python.source import every, parse
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["failing"]

_CHECKING = "TYPE_CHECKING"
_DATACLASSES = frozenset({"dataclass", "define", "frozen", "mutable", "attrs", "s"})
_RECORDS = frozenset({"NamedTuple", "Struct"})
_MAKES = re.compile(r"dataclass|\battrs?\b|NamedTuple|Struct")


def failing(ours: str, theirs: str, result: str) -> str:
    """Why a result fails when it runs, though neither side does; '' if there is no reason, or a
    text does not parse."""
    try:
        for found in (_for_checkers, _without_default):
            there = found(result)  # seldom anything: the sides are not read for nothing
            fresh = there and there - found(ours) - found(theirs)
            if fresh:
                return min(fresh)
    except Unsupported:
        pass
    return ""


def _for_checkers(text: str) -> set[str]:
    """The names that only type checkers import, and the code uses."""
    if _CHECKING not in text or "__folded_" in text:  # that says what it reads, and not where
        return set()
    checked: set[str] = set()
    for stmt in parse(text).body:
        if isinstance(stmt, ast.If) and _last(stmt.test) == _CHECKING:
            for inner in stmt.body:
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    checked |= {a.asname or a.name.partition(".")[0] for a in inner.names}
    later = "from __future__ import annotations" in text
    used, said = set[str](), set[int]()
    for node in every(text):
        if later:
            for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                said |= {id(n) for n in ast.walk(part)} if isinstance(part, ast.AST) else set()
        if isinstance(node, ast.Name) and id(node) not in said:
            (used if isinstance(node.ctx, ast.Load) else checked).add(node.id)
    return {f"{name} is imported for type checkers alone, and is used" for name in checked & used}


def _without_default(text: str) -> set[str]:
    """The fields of dataclasses that stand without a default behind one that has one."""
    found: set[str] = set()
    for node in every(text) if _MAKES.search(text) else ():
        if not isinstance(node, ast.ClassDef) or not _orders_fields(node):
            continue
        given = ""
        for name, has_default in _fields(node):
            if given and not has_default:
                found.add(f"{node.name}.{name} has no default, and stands behind {given}")
            given = given or (name if has_default else "")
    return found


def _orders_fields(node: ast.ClassDef) -> bool:
    makers = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    keywords = [k for d in node.decorator_list if isinstance(d, ast.Call) for k in d.keywords]
    return not any(k.arg == "kw_only" for k in (*keywords, *node.keywords)) and (
        any(_last(maker) in _DATACLASSES for maker in makers)
        or any(_last(base) in _RECORDS for base in node.bases)
    )


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, bool]]:
    """The fields that a class is called with by position, and whether they have a default."""
    for stmt in node.body:
        match stmt:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=value):
                if _last(kind) == "KW_ONLY":
                    return
                bare = kind.value if isinstance(kind, ast.Subscript) else kind
                said = {k.arg for k in value.keywords} if isinstance(value, ast.Call) else set()
                if _last(bare) == "ClassVar" or said & {"init", "kw_only"}:
                    continue
                makes = isinstance(value, ast.Call) and _last(value.func) in {"field", "ib"}
                given = bool(said & {"default", "default_factory", "factory"} or not makes)
                yield name, value is not None and given


def _last(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
