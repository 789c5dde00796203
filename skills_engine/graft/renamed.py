"""Renames and moves that a side made. Upstream's are told by the commit that did it: files by git's
detection, definitions where the old and the new one are the same but for the name.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

from skills_engine.codemods.paths import dotted
from skills_engine.git import paths_from
from skills_engine.lines import bare_lines, split_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skills_engine.git import Git

__all__ = [
    "Reader",
    "definitions",
    "removals",
    "renamed_by",
    "renamed_definition",
    "renamed_name",
]

Reader: TypeAlias = "Callable[[str], str]"
"""The text of a path in a version of the tree; an empty one where there is none."""

_DISTINCT = 6
"""Words of a definition, beside its name, that another one does not have by chance."""

_WORD = re.compile(r"\w+")

_DEFINES = r"^((async +)?def|class) +{0}\b|^{0}\b *(:|=[^=])"


def removals(git: Git, commit: str) -> dict[str, str]:
    """The paths that were ever removed, each with the last commit before `commit` that did: in one
    walk, for a skill asks for many, and a walk for one path is hardly cheaper.
    """
    words = ["log", "-m", "--first-parent", "--diff-filter=D", "--no-renames", "--name-only", "-z"]
    found: dict[str, str] = {}
    removed, first = "", False
    for item in paths_from(git.run(*words, f"--format={_COMMIT}%H", commit)):
        if item.startswith(_COMMIT):
            removed, first = item.removeprefix(_COMMIT), True
            continue
        found.setdefault(item.removeprefix("\n") if first else item, removed)
        first = False
    return found


_COMMIT = "\x01"
"""Before the name of a commit, to tell it from a path. Git itself ends the line after it."""


def renamed_by(git: Git, removed: str, path: str) -> str | None:
    """What the commit that removed `path` renamed it to, by git's rename detection."""
    parent = git.objects.resolve(f"{removed}^")
    if parent is None:
        return None
    flags = ["-r", "-z", "-M40%", "--diff-filter=R", "--name-status"]
    out = [*paths_from(git.run("diff-tree", *flags, parent, removed))]
    for status, old, new in zip(out[::3], out[1::3], out[2::3], strict=False):
        if status.startswith("R") and old == path:
            return new
    return None


def renamed_name(git: Git, commit: str, path: str, name: str) -> tuple[str, str] | None:
    """The file and the name that a definition of a module has since it lost its own.

    It is known where the commit that took `name` out of `path` has, in that file or in another that
    it changed, just one new definition that is the old one word for word, but for the name.
    """
    pattern = _DEFINES.format(re.escape(name))
    words = ["log", "-1", "-m", "--first-parent", "-E", f"-G{pattern}", "--format=%H"]
    removed = git.run(*words, commit, "--", path).decode().strip()
    parent = git.objects.resolve(f"{removed}^") if removed else None
    if parent is None:
        return None
    changed = [*paths_from(git.run("diff-tree", "-r", "-z", "--name-only", parent, removed))]
    before, after = partial(_text, git, parent), partial(_text, git, removed)
    return renamed_definition(before, after, changed, path, name)


def renamed_definition(
    before: Reader, after: Reader, changed: Iterable[str], path: str, name: str
) -> tuple[str, str] | None:
    """The file and the name that a definition has in a later version, of which these files
    changed; None where that is not certain.

    Just one new definition is the old one word for word, but for the name. So much is not written
    twice by chance, or else what used the old one uses the new one.
    """
    old = definitions(before(path)).get(name)
    if old is None:
        return None
    python = [each for each in dict.fromkeys([path, *changed]) if each.endswith(".py")]
    found = [
        (other, new)
        for other in python
        for new, source in definitions(after(other)).items()
        if new not in definitions(before(other)) and _same(old, name, source, new)
    ]
    if len(found) != 1:
        return None
    words = [word for word in _WORD.findall(old) if word != name]
    if len(words) < _DISTINCT and not any(
        _uses_it_now(before(each), after(each), (path, name), found[0], here=each == path)
        for each in python
    ):
        return None
    return found[0]


def _text(git: Git, commit: str, path: str) -> str:
    oid = git.objects.resolve(f"{commit}:{path}")
    try:
        return git.objects.read(oid).decode() if oid is not None else ""
    except UnicodeDecodeError:
        return ""


def _uses_it_now(
    before: str, after: str, old: tuple[str, str], new: tuple[str, str], *, here: bool
) -> bool:
    """Whether a file imports the new one where it imported or (`here`) had the old one, or a line
    of it is the same but for the name.
    """
    was, now = ((dotted(path), name) for path, name in (old, new))
    had = here or was in _imports(before) - _imports(after)
    if had and now in _imports(after) - _imports(before):
        return True
    if old[1] == new[1]:
        return False
    lines, there = ({line.strip() for line in bare_lines(text)} for text in (after, before))
    word = re.compile(rf"\b{old[1]}\b")
    defines = re.compile(_DEFINES.format(old[1]))
    return any(
        word.sub(new[1], line) in lines - there
        for line in there
        if word.search(line) and not defines.match(line)
    )


@lru_cache(500)
def _imports(source: str) -> frozenset[tuple[str, str]]:
    try:
        nodes = [*ast.walk(ast.parse(source))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return frozenset((node.module or "", each.name) for node in found for each in node.names)


@lru_cache(500)
def definitions(source: str) -> dict[str, str]:
    """The text of each definition of a module; of a name that has several, none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, str] = {}
    twice = set()
    lines = split_lines(source)
    for node in tree.body:
        for name in _bound(node):
            twice |= {name} & found.keys()
            decorators = getattr(node, "decorator_list", [])
            start = min([node.lineno, *(each.lineno for each in decorators)])
            found[name] = "".join(lines[start - 1 : node.end_lineno])
    return {name: text for name, text in found.items() if name not in twice}


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _same(old: str, name: str, new: str, renamed: str) -> bool:
    put_back = re.sub(rf"\b{re.escape(renamed)}\b", name, new)
    return " ".join(old.split()) == " ".join(put_back.split())
