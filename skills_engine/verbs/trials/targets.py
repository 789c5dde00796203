"""Targets: the places of the core that a skill touches, or takes something from, where changes
would hurt it.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.verbs.trials.edit import Definition, EditedText, bound, display

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Files", "Targets", "module", "targets"]

Files = dict[str, str]
"""Python files by path, with `\\n` line ends."""


@dataclass(frozen=True)
class Targets:
    """Places in the core, each a path and a qualified name.

    `displays`, `classes` and `functions` are what the skill changes; `imported` are the names, and
    `modules` the files, that the code which it brings takes from the core.
    """

    paths: tuple[str, ...]
    displays: tuple[tuple[str, str], ...]
    classes: tuple[tuple[str, str], ...]
    functions: tuple[tuple[str, str], ...]
    imported: tuple[tuple[str, str], ...]
    modules: tuple[str, ...]


def targets(core: Files, grafted: Files) -> Targets:
    """What turns the one into the other."""
    paths = tuple(p for p in core if p in grafted and core[p] != grafted[p])
    changed = [(p, name, node) for p in paths for name, node in _changed(core[p], grafted[p])]
    imported = dict.fromkeys(
        found for path in grafted if path not in core for found in _imported(grafted[path], core)
    )
    return Targets(
        paths,
        tuple((p, name) for p, name, node in changed if display(node) is not None),
        tuple((p, name) for p, name, node in changed if isinstance(node, ast.ClassDef)),
        tuple(
            (p, name)
            for p, name, node in changed
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        tuple((path, name) for path, name in imported if name),
        tuple(dict.fromkeys(path for path, _ in imported)),
    )


def module(path: str) -> str:
    """The dotted name of a file, `bot.channels` for bot/channels/__init__.py."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _changed(before: str, after: str) -> Iterator[tuple[str, ast.stmt]]:
    """The definitions of a file, and those in its classes, that are there before and after, and
    differ.
    """
    one, other = EditedText(before), EditedText(after)
    for name, node in _definitions(one.tree.body):
        now = other.named(name)
        if now is not None and ast.dump(now) != ast.dump(node):
            yield name, node


def _definitions(body: list[ast.stmt], outer: str = "") -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        for name in bound(node):
            yield outer + name, node
        if isinstance(node, ast.ClassDef):
            inside = [each for each in node.body if isinstance(each, Definition)]
            yield from _definitions(list(inside), f"{outer}{node.name}.")


def _imported(source: str, core: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The modules of the core that a file imports from, each with a name that it has; or with an
    empty one.
    """
    files = {module(path): path for path in core}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in files and not node.level:
            path = files[node.module]
            for name in node.names:
                known = EditedText(core[path]).named(name.name) is not None
                yield path, name.name if known else ""
        elif isinstance(node, ast.Import):
            yield from ((files[n.name], "") for n in node.names if n.name in files)
