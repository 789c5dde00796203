"""Renames and moves that upstream made, by the commit that did it: files by git's detection,
definitions where the old and the new one are the same but for the name.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.git import paths_from
from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from skills_engine.git import Git

__all__ = ["removals", "renamed_by", "renamed_name"]

_DEFINES = r"^((async +)?def|class) +{0}\b|^{0}\b *(:|=[^=])"


def removals(git: Git, commit: str, top: str) -> dict[str, str]:
    """The paths at or below a name of the root that were ever removed, each with the last commit
    before `commit` that did: in one walk, for a skill asks for many.
    """
    words = ["log", "-m", "--first-parent", "--diff-filter=D", "--no-renames", "--name-only", "-z"]
    found: dict[str, str] = {}
    removed, first = "", False
    for item in paths_from(git.run(*words, f"--format={_COMMIT}%H", commit, "--", top)):
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
    old = _definitions(_text(git, parent, path)).get(name)
    if old is None:
        return None
    changed = [*paths_from(git.run("diff-tree", "-r", "-z", "--name-only", parent, removed))]
    found = []
    for other in dict.fromkeys([path, *changed]):
        if not other.endswith(".py"):
            continue
        before = _definitions(_text(git, parent, other))
        for new, source in _definitions(_text(git, removed, other)).items():
            if new not in before and _same(old, name, source, new):
                found.append((other, new))
    here = [each for each in found if each[0] == path]
    chosen = here or found
    return chosen[0] if len(chosen) == 1 else None


def _text(git: Git, commit: str, path: str) -> str:
    oid = git.objects.resolve(f"{commit}:{path}")
    try:
        return git.objects.read(oid).decode() if oid is not None else ""
    except UnicodeDecodeError:
        return ""


def _definitions(source: str) -> dict[str, str]:
    """The text of each definition of a module; of a name that has several, none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
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
