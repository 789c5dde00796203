"""Patterns that were written for another version, made to name what was renamed since.

A pattern is followed where the file that it looks in has its name nowhere, and what the name stood
for there is called otherwise now: `make($X)` becomes `build($X)`, in what it is replaced by, too.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from skills_engine.codemods.operation import SourceOperation
from skills_engine.graft.follow import Follower, imported, module_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from skills_engine.codemods.files import Files
    from skills_engine.codemods.operation import Operation

__all__ = ["follow_patterns"]

O = TypeVar("O", bound="Operation")  # noqa: E741  (an operation of any kind)

_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "argument": (("call",), ("argument",)),
    "element": (("call",), ()),
    "no-element": (("call",), ()),
    "no-statement": (("code", "before", "after"), ()),
    "replace": (("pattern",), ("with_",)),
    "statement": (("before", "after"), ("code",)),
    "wrap": (("statements", "to"), ("wrapper",)),
}
"""The keys of an operation that are looked for, and those that are written in their place."""
_TOKEN = re.compile(
    r"""(?P<text>(?s:\"{3}.*?\"{3}|'{3}.*?'{3})|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#[^\n]*)"""
    r"|(?<![\w.$])(?P<owner>[^\W\d]\w*\s*\.\s*)?(?P<name>[^\W\d]\w*)\b(?P<binds>\s*=(?!=))?"
)
_STEPS = 5


def follow_patterns(operation: O, files: Files, own: Collection[str]) -> O:
    """The operation with the names in its patterns followed; itself where none is gone, or nobody
    knows.
    """
    looked_for, written = _KEYS.get(operation.ensure, ((), ()))
    if not looked_for or not isinstance(operation, SourceOperation):
        return operation
    texts = {
        key: value
        for key in (*looked_for, *written)
        if isinstance(value := getattr(operation, key), str) and value
    }
    path = next((each for each in operation.touches() if files.read(each) is not None), None)
    if path is None:
        return operation
    data = files.read(path) or b""
    there = set(re.findall(r"[^\W\d]\w*", data.decode("utf-8", "replace")))
    every = [found for text in texts.values() for found in _names(text)]
    bound = {name for _, name, binds in every if binds}
    wanted = {found[:2] for key in looked_for for found in _names(texts.get(key, ""))}
    now: dict[tuple[str, str], str] = {}
    for owner, name in sorted(wanted):
        if name in there or name in bound or keyword.iskeyword(name):
            continue
        place = _Place(files, own, path, data, operation.selected("of").rpartition(".")[0])
        if (new := place.now(owner, name)) is not None:
            now[owner, name] = new
    if not now:
        return operation
    changed = {key: _renamed(text, now) for key, text in texts.items()}
    return replace(operation, **changed)


def _names(text: str) -> list[tuple[str, str, bool]]:
    """The names in code, each with what stands before its dot, and whether it is assigned there or
    names an argument.
    """
    found = [m for m in _TOKEN.finditer(text) if m["name"]]
    return [(_owner(m), m["name"], bool(m["binds"])) for m in found]


def _owner(match: re.Match[str]) -> str:
    return (match["owner"] or "").rstrip(" .\t\n")


def _renamed(text: str, now: dict[tuple[str, str], str]) -> str:
    def new(match: re.Match[str]) -> str:
        found = now.get((_owner(match), match["name"])) if match["name"] else None
        if found is None:
            return match[0]
        return f"{match['owner'] or ''}{found}{match['binds'] or ''}"

    return _TOKEN.sub(new, text)


class _Place:
    """Where a pattern is looked for: a file, and the class whose method it is looked for in."""

    def __init__(
        self, files: Files, own: Collection[str], path: str, data: bytes, around: str
    ) -> None:
        self.files, self.path, self.around = files, path, around
        self.follower = Follower(files, own, path)
        self.imports = imported(data.decode("utf-8", "replace"), path)

    def now(self, owner: str, name: str) -> str | None:
        """What the file calls a name now that it has no more; None where nobody knows."""
        if not owner:
            found = self._follow(self.path, name)
            return None if found is None else self._called(*found)
        if owner in {"self", "cls"}:
            found = self._follow(self.path, f"{self.around}.{name}") if self.around else None
            return None if found is None else found[1].rpartition(".")[2]
        modules = {
            self.follower.file(f"{each.module}.{each.name}", relative=each.relative)
            for each in self.imports
            if each.bound == owner
        }
        module = modules.pop() if len(modules) == 1 else None
        found = None if module is None else self._follow(module, name)
        return found[1] if found is not None and found[0] == module else None

    def _follow(self, path: str, name: str) -> tuple[str, str] | None:
        """Where a definition is, that was there by that name: as far as its name goes on being
        lost.
        """
        at: tuple[str, str] | None = path, name
        for _ in range(_STEPS):
            at = self.files.follow_name(*at) if at else None
            if at is None:
                return None
            names = module_names(self.files.read(at[0]) or b"")
            if names is None or at[1].rpartition(".")[2] in names:
                return at
        return None

    def _called(self, path: str, name: str) -> str | None:
        """The name that the file has for a definition."""
        if path == self.path:
            return name
        names = {
            each.bound
            for each in self.imports
            if each.name == name and self.follower.file(each.module, relative=each.relative) == path
        }
        return names.pop() if len(names) == 1 else None
