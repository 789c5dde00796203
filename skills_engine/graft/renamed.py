"""Renames and moves that a side made. Upstream's are told by the commit that did it: files by git's
detection, definitions and methods where the old and the new one are the same but for the name, and
names that a module passed on by where it had them from.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

from skills_engine.codemods.paths import dotted
from skills_engine.git import paths_from
from skills_engine.graft.importer import Importer
from skills_engine.lines import bare_lines, split_lines
from skills_engine.syntax import nodes, python_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skills_engine.git import Git

__all__ = [
    "Reader",
    "definitions",
    "lost_functions",
    "methods",
    "passed_on",
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

_DEFINES = r"^[ \t]*((async +)?def|class) +{0}\b|^{0}\b *(:|=[^=])"

_IMPORTS = r"^[ \t]*from .*import.*\b{0}\b|^[ \t]+([A-Za-z0-9_]+ as +)?{0},?[ \t]*(#.*)?$"
"""A line of an import that binds a name, or one that reads like it."""

_COMMITS = 20
"""So many commits that changed such lines are looked at: one is of the name, most often the
first.
"""


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


def lost_functions(git: Git, commit: str, path: str) -> frozenset[str]:
    """The names of functions on lines of a file that a commit took away, or changed."""
    words = ["log", "-m", "--first-parent", "-p", "-U0", "--format=", "--no-renames", commit]
    return frozenset(found.decode() for found in _LOST.findall(git.run(*words, "--", path)))


_LOST = re.compile(rb"^-\s*(?:async +)?def +(\w+)", re.MULTILINE)


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
    it changed, just one new definition that is the old one word for word, but for the name. A
    method (`Class.method`) is looked for in its class. What the module had from another one is
    there.
    """
    last = re.escape(name.rpartition(".")[2])
    pattern = f"{_DEFINES}|{_IMPORTS}".format(last)
    words = ["log", f"-{_COMMITS}", "-m", "--first-parent", "-E", f"-G{pattern}", "--format=%H"]
    for removed in git.run(*words, commit, "--", path).decode().split():
        parent = git.objects.resolve(f"{removed}^")
        if parent is None:
            return None
        before, after = partial(_text, git, parent), partial(_text, git, removed)
        if _has(before(path), path, name) and not _has(after(path), path, name):
            out = git.run("diff-tree", "-r", "-z", "--name-only", parent, removed)
            return renamed_definition(before, after, [*paths_from(out)], path, name)
    return None


def _has(source: str, path: str, name: str) -> bool:
    return _source_of(source, name) is not None or name in passed_on(source, path)


def renamed_definition(
    before: Reader, after: Reader, changed: Iterable[str], path: str, name: str
) -> tuple[str, str] | None:
    """The file and the name that a definition has in a later version, of which these files
    changed; None where that is not certain.

    Just one new definition is the old one word for word, but for the name. So much is not written
    twice by chance, or else what used the old one uses the new one. A name that the module imported
    is where that came from.
    """
    old = _source_of(before(path), name)
    if old is None:
        froms = passed_on(before(path), path).get(name, ())
        there = {pair for pair in froms if before(pair[0]) and pair[0] != path}
        return there.pop() if len(there) == 1 else None
    owner, _, last = name.rpartition(".")
    read = partial(methods, owner=owner) if owner else definitions
    python = [each for each in dict.fromkeys([path, *changed]) if each.endswith(".py")]
    found = [
        (other, new)
        for other in ([path] if owner else python)
        for new, source in read(after(other)).items()
        if new not in read(before(other)) and _same(old, last, source, new)
    ]
    if len(found) != 1:
        return None
    words = [word for word in _WORD.findall(old) if word != last]
    if len(words) < _DISTINCT and not any(
        _uses_it_now(before(each), after(each), each, (path, last), found[0]) for each in python
    ):
        return None
    other, new = found[0]
    return other, f"{owner}.{new}" if owner else new


def _text(git: Git, commit: str, path: str) -> str:
    oid = git.objects.resolve(f"{commit}:{path}")
    try:
        return git.objects.read(oid).decode() if oid is not None else ""
    except UnicodeDecodeError:
        return ""


def _uses_it_now(
    before: str, after: str, path: str, old: tuple[str, str], new: tuple[str, str]
) -> bool:
    """Whether a file imports the new one where it imported or had the old one, or a line of it is
    the same but for the name.
    """
    was, now = ((dotted(file), name) for file, name in (old, new))
    one, other = _imports(before, path), _imports(after, path)
    if (path == old[0] or was in one - other) and now in other - one:
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
def _imports(source: str, path: str) -> frozenset[tuple[str, str]]:
    found = [n for n in nodes(source) if isinstance(n, ast.ImportFrom)]
    importer = Importer(path)
    return frozenset((each.module, each.name) for node in found for each in importer.names(node))


@lru_cache(500)
def passed_on(source: str, path: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """The names that a module imports from others for those who import it: the files that each may
    be from, and its name there.
    """
    importer = Importer(path)
    imports = [node for node in _body(source) if isinstance(node, ast.ImportFrom)]
    return {
        each.bound: tuple(
            (there, each.name) for there in importer.paths(each.module, relative=each.relative)
        )
        for node in imports
        for each in importer.names(node)
    }


def _source_of(source: str, name: str) -> str | None:
    """The text of a definition of a module, or of a method (`Class.method`)."""
    owner, _, last = name.rpartition(".")
    return (methods(source, owner) if owner else definitions(source)).get(last)


def _body(source: str) -> list[ast.stmt]:
    tree = python_tree(source)
    return tree.body if tree else []


@lru_cache(500)
def definitions(source: str) -> dict[str, str]:
    """The text of each definition of a module; of a name that has several, none."""
    return _texts(_body(source), source)


@lru_cache(500)
def methods(source: str, owner: str) -> dict[str, str]:
    """The text of each definition in a class of a module."""
    found = [n for n in _body(source) if isinstance(n, ast.ClassDef) and n.name == owner]
    return _texts(found[0].body, source) if len(found) == 1 else {}


def _texts(body: list[ast.stmt], source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    lines = split_lines(source)
    for node in body:
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
