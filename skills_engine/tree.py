"""A git tree that can be read lazily and edited in memory.

Only directories on the way to what is read or changed are loaded, so the cost
does not grow with the repository. Paths are text with forward slashes (bytes
that are not UTF-8 as surrogate escapes, as the os module has them).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.git import Objects

__all__ = ["DIRECTORY", "EXECUTABLE", "LINK", "REGULAR", "SUBMODULE", "Entry", "Tree", "difference"]

REGULAR, EXECUTABLE, LINK, DIRECTORY, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o040000, 0o160000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree has at a path."""

    mode: int
    oid: str

    @property
    def is_file(self) -> bool:
        return self.mode in {REGULAR, EXECUTABLE}


class _Folder:
    """A directory: entries as loaded, sub-directories that were opened, and whether anything
    changed.
    """

    __slots__ = ("changed", "entries", "objects", "oid", "opened")

    def __init__(self, objects: Objects, oid: str | None) -> None:
        self.objects = objects
        self.oid = oid
        self.entries: dict[str, Entry] = _parse(objects.read(oid)) if oid else {}
        self.opened: dict[str, _Folder] = {}
        self.changed = oid is None

    def open(self, name: str, *, create: bool = False) -> _Folder | None:
        if name in self.opened:
            return self.opened[name]
        entry = self.entries.get(name)
        if entry is None and create:
            folder = _Folder(self.objects, None)
        elif entry is not None and entry.mode == DIRECTORY:
            folder = _Folder(self.objects, entry.oid)
        else:
            return None
        self.opened[name] = folder
        return folder

    def write(self) -> str | None:
        """The directory's id; None when it is empty, for git has no empty directories."""
        for name, folder in self.opened.items():
            oid = folder.write()
            before = self.entries.get(name)
            if oid is None and before is not None:
                del self.entries[name]
                self.changed = True
            elif oid is not None and (before is None or before.oid != oid):
                self.entries[name] = Entry(DIRECTORY, oid)
                self.changed = True
        if self.changed:
            self.oid = self.objects.write("tree", _render(self.entries)) if self.entries else None
            self.changed = False
        return self.oid


_MOST_LINKS = 20


class Tree:
    """A mutable tree of files; the port that operations see (`codemods.files.Files`) is built on
    it.
    """

    def __init__(self, objects: Objects, oid: str | None) -> None:
        self.objects = objects
        self._root = _Folder(objects, oid)

    def entry(self, path: str) -> Entry | None:
        folder, name = self._folder(path)
        if folder is None:
            return None
        if (opened := folder.opened.get(name)) is not None:
            oid = opened.write()
            return Entry(DIRECTORY, oid) if oid else None
        return folder.entries.get(name)

    def read(self, path: str) -> bytes | None:
        entry = self.entry(path)
        return self.objects.read(entry.oid) if entry is not None and entry.is_file else None

    def exists(self, path: str) -> bool:
        return self.entry(path) is not None

    def listdir(self, path: str) -> list[str]:
        folder: _Folder | None = self._root
        for part in path.split("/") if path else []:
            folder = folder.open(part) if folder else None
        if folder is None:
            return []
        folder.write()
        return sorted(
            name + ("/" if entry.mode == DIRECTORY else "")
            for name, entry in folder.entries.items()
        )

    def real(self, path: str) -> str | None:
        """What a path leads to, links on the way followed; None where that is not in the tree."""
        todo, at, links = path.split("/"), list[str](), 0
        while todo:
            part = todo.pop(0)
            if part == ".." and not at:
                return None
            if part in {"", ".", ".."}:
                del at[len(at) - (part == "..") :]
                continue
            entry = self.entry("/".join([*at, part]))
            if entry is None or links > _MOST_LINKS:
                return None
            if entry.mode != LINK:
                at.append(part)
                continue
            target = os.fsdecode(self.objects.read(entry.oid))
            if target.startswith("/"):
                return None
            todo, links = [*target.split("/"), *todo], links + 1
        return "/".join(at)

    def put(self, path: str, entry: Entry | None) -> None:
        """Set what is at a path, or remove it with None. Raises Refused where a file stands in the
        way.
        """
        folder, name = self._folder(path, create=entry is not None)
        if folder is None:
            if entry is None:
                return
            raise Refused(f"{path} cannot be written: a part of the path is a file or a link")
        if entry is None and name not in folder.entries and name not in folder.opened:
            return
        folder.opened.pop(name, None)
        if entry is None:
            folder.entries.pop(name, None)
        else:
            folder.entries[name] = entry
        folder.changed = True

    def write(self, path: str, data: bytes, mode: int | None = None) -> None:
        """Write a file; an existing one keeps its mode unless one is given. A link or a directory
        is not replaced.
        """
        before = self.entry(path)
        if before is not None and not before.is_file:
            raise Refused(f"{path} cannot be written: it is not a regular file")
        kept = before.mode if before is not None else REGULAR
        self.put(path, Entry(mode if mode is not None else kept, self.objects.write("blob", data)))

    def remove(self, path: str) -> None:
        self.put(path, None)

    def rename(self, old: str, new: str) -> None:
        entry = self.entry(old)
        if entry is None or self.exists(new):
            raise Refused(
                f"{old} cannot become {new}: "
                f"{'it is not there' if entry is None else 'that exists'}"
            )
        self.put(old, None)
        self.put(new, entry)

    def walk(self, below: str = "") -> Iterator[tuple[str, Entry]]:
        """Every file, link and submodule, sorted by path."""
        prefix = below + "/" if below else ""
        for name in self.listdir(below):
            path = prefix + name.rstrip("/")
            if name.endswith("/"):
                yield from self.walk(path)
            elif (entry := self.entry(path)) is not None:
                yield path, entry

    def oid(self) -> str:
        """The tree's id; its objects are pending until the object database is flushed."""
        return self._root.write() or self.objects.write("tree", b"")

    def _folder(self, path: str, *, create: bool = False) -> tuple[_Folder | None, str]:
        *parents, name = path.split("/")
        folder: _Folder | None = self._root
        for part in parents:
            folder = folder.open(part, create=create) if folder else None
        return folder, name


def difference(
    objects: Objects, old: str | None, new: str | None, prefix: str = ""
) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """The paths whose entries differ between two trees, sorted, directories descended into."""
    if old == new:
        return
    before = _parse(objects.read(old)) if old else {}
    after = _parse(objects.read(new)) if new else {}
    for name in sorted(before.keys() | after.keys()):
        a, b = before.get(name), after.get(name)
        if a == b:
            continue
        path = prefix + name
        left = a.oid if a is not None and a.mode == DIRECTORY else None
        right = b.oid if b is not None and b.mode == DIRECTORY else None
        if left or right:
            yield from difference(objects, left, right, path + "/")
        a, b = (None if left else a), (None if right else b)
        if a is not None or b is not None:
            yield path, a, b


def _parse(data: bytes) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at)
        end = data.find(b"\0", space)
        if space < 0 or end < 0 or not data[at:space].isdigit():
            raise Refused("an object that should be a git tree is none", hint="see: git fsck")
        entries[os.fsdecode(data[space + 1 : end])] = Entry(
            int(data[at:space], 8), data[end + 1 : end + 21].hex()
        )
        at = end + 21
    return entries


def _render(entries: dict[str, Entry]) -> bytes:
    def order(item: tuple[str, Entry]) -> bytes:
        name, entry = item
        return os.fsencode(name) + (b"/" if entry.mode == DIRECTORY else b"")

    return b"".join(
        b"%o %s\0%s" % (entry.mode, os.fsencode(name), bytes.fromhex(entry.oid))
        for name, entry in sorted(entries.items(), key=order)
    )
