"""Definitions that a change calls otherwise: one entry, wherever they are used."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.codemods.operation import Malformed, perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, Refused, Unparsable
from skills_engine.lines import bare_lines
from skills_engine.record.overlay import Overlay

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skills_engine.record.delta import Entry

__all__ = ["renames"]

_NO_RENAME = (CannotEnsure, Malformed, Refused, Unparsable, ValueError, RecursionError)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def renames(
    changes: Mapping[str, tuple[bytes, bytes]], world: Overlay
) -> Iterator[tuple[str, Entry]]:
    """The renames, with their files, that bring the files nearer to what they became, each made in
    `world` before the next one; none that touches another file, or a line that stays as it was.

    `changes` are files before and after.
    """
    for path in changes:
        refused: set[tuple[str, str]] = set()
        while True:
            named = _other_name(world, path, changes[path][1], refused)
            if named is None:
                break
            entry: Entry = {"ensure": "rename", "in": path, "of": named[0], "to": named[1]}
            trial = Overlay(world)
            try:
                perform(decode(entry), trial)
            except _NO_RENAME:
                refused.add(named)
                continue
            if not all(_nearer(world, changes, name, data) for name, data in trial.written.items()):
                refused.add(named)
                continue
            for name, data in trial.written.items():
                world.write(name, data or b"")
            yield path, entry


def _nearer(
    world: Overlay, changes: Mapping[str, tuple[bytes, bytes]], path: str, data: bytes | None
) -> bool:
    """Whether each line that a rename makes stands in the file as it became, and is new there."""
    if path not in changes or data is None:
        return False
    before, after = bare_lines(world.read(path) or b""), bare_lines(changes[path][1])
    made = set(bare_lines(data)) - set(before)
    return bool(made) and made <= set(after)


def _other_name(
    world: Overlay, path: str, after: bytes, but: set[tuple[str, str]]
) -> tuple[str, str] | None:
    """The qualified name of a definition that is gone, and what the same one is called now."""
    if not path.endswith(".py"):
        return None
    try:
        before = world.read(path) or b""
        old, new = (dict(_definitions(ast.parse(data), "")) for data in (before, after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    came = {name: node for name, node in new.items() if name not in old}
    for name, node in old.items():
        owner, _, last = name.rpartition(".")
        alike = [
            now.name
            for other, now in came.items()
            if other.rpartition(".")[0] == owner and _alike(node, last, now)
        ]
        if name not in new and len(alike) == 1 and (name, alike[0]) not in but:
            return name, alike[0]
    return None


def _alike(old: _Definition, name: str, new: _Definition) -> bool:
    """Whether two definitions are one but for its name, in its own body and docstring too."""
    if type(old) is not type(new):
        return False
    one, other = ast.unparse(old), ast.unparse(new)
    return one.replace(name, new.name) == other.replace(name, new.name)


def _definitions(node: ast.AST, owner: str) -> Iterator[tuple[str, _Definition]]:
    for child in getattr(node, "body", ()):
        if isinstance(child, _Definition):
            name = f"{owner}.{child.name}" if owner else child.name
            yield name, child
            if isinstance(child, ast.ClassDef):
                yield from _definitions(child, name)
