"""The version of a core: what its repository says of itself, wherever it says so.

[tool.skills] version       a file, or `git`
[project] version           and [tool.poetry] version
a dynamic one               the file that hatch, setuptools, flit or pdm reads it from
setup.cfg                   [metadata] version, `attr:` and `file:` included
setup.py                    where it is a plain text there
tags                        the newest that the commit stands on (`v1.2.3`)
"""

from __future__ import annotations

import configparser
import re
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from skills_engine.errors import Refused
from skills_engine.graft.project import read_project, read_tables
from skills_engine.manifest import DEPENDENCIES
from skills_engine.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.git import Git

__all__ = ["core_version"]

_LITERAL = re.compile(
    r"""^[ \t]*(?:__version__|__VERSION__|VERSION|version)\b[^=\n]*=[ \t]*["']([^"']+)["']""",
    re.MULTILINE,
)
_IN_SETUP = re.compile(r"""\bversion[ \t]*=[ \t]*["']([^"']+)["']""")


def core_version(git: Git, commit: str, fork: Tree | None = None) -> str:
    """As PEP 440 has it; "0" where nothing says one, which only an open range of core accepts.

    `fork` may say in its `[tool.skills]` where the version stands; without it the commit's own
    table counts. Raises Refused where that names a place that has none.
    """
    tree = Tree(git.objects, git.tree_of(commit))
    place = read_project(fork if fork is not None else tree).version
    if place:
        said = _of_tags(git, commit) if place == "git" else _in_file(tree, place)
        if said is None or not _valid(said):
            what = "no tag" if place == "git" else f"no version in {place}"
            raise Refused(
                f"[tool.skills] says that the version is that of {place}, and {commit[:12]} has "
                f"{what}",
                hint="name the file that has it, or git",
            )
        return said
    found = (said for said in _said(tree) if said is not None and _valid(said))
    return next(found, None) or _of_tags(git, commit) or "0"


def _said(tree: Tree) -> Iterator[str | None]:
    project, tool = read_tables(tree.read(DEPENDENCIES))
    for table in (project, _table(tool, "poetry")):
        version = table.get("version")
        yield version if isinstance(version, str) else None
    for path in _named(project, tool):
        yield _in_file(tree, path)
    yield from _of_setup(tree)


def _named(project: dict[str, Any], tool: dict[str, Any]) -> Iterator[str]:
    """The files that build tools read the version from, with those where it usually stands."""
    hatch = _table(tool, "hatch", "version").get("path")
    pdm = _table(tool, "pdm", "version").get("path")
    yield from (path for path in (hatch, pdm) if isinstance(path, str))
    dynamic = _table(tool, "setuptools", "dynamic", "version")
    if isinstance(attribute := dynamic.get("attr"), str):
        yield from _modules(attribute.rpartition(".")[0])
    listed = dynamic.get("file")
    yield from [listed] if isinstance(listed, str) else listed or ()
    if "version" in project.get("dynamic", ()) or "flit" in tool:
        flit = _table(tool, "flit", "module").get("name") or _table(tool, "flit", "metadata").get(
            "module"
        )
        yield from _modules(str(flit or project.get("name", "")).replace("-", "_"))


def _of_setup(tree: Tree) -> Iterator[str | None]:
    config = configparser.ConfigParser(interpolation=None)
    try:
        config.read_string((tree.read("setup.cfg") or b"").decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        config.clear()
    said = config.get("metadata", "version", fallback="")
    how, colon, where = said.partition(":")
    if not colon:
        yield said or None
    elif how == "attr":
        for path in _modules(where.strip().rpartition(".")[0]):
            yield _in_file(tree, path)
    else:
        yield _in_file(tree, where.strip())
    found = _IN_SETUP.search((tree.read("setup.py") or b"").decode("utf-8", "replace"))
    yield found[1] if found else None


def _modules(dotted: str) -> Iterator[str]:
    path = dotted.replace(".", "/")
    for folder in ("", "src/", "lib/"):
        yield from (f"{folder}{path}.py", f"{folder}{path}/__init__.py")


def _in_file(tree: Tree, path: str) -> str | None:
    """What a module assigns, or a file says that holds nothing else."""
    data = tree.read(path)
    if data is None:
        return None
    text = data.decode("utf-8", "replace")
    found = _LITERAL.search(text)
    return found[1] if found else text.strip()


def _of_tags(git: Git, commit: str) -> str | None:
    """Of the nearest tag that is a version, whatever stands before its number."""
    words = ("describe", "--tags", "--abbrev=0", "--match=[vV][0-9]*", "--match=[0-9]*")
    said = git.text_or_none(*words, "--match=*-[0-9]*", "--match=*-v[0-9]*", commit) or ""
    number = re.search(r"\d[^-]*$", said)
    return number[0] if number and _valid(number[0]) else None


def _valid(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _table(tool: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        found = tool.get(key)
        tool = found if isinstance(found, dict) else {}
    return tool
