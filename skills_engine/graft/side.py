"""A side of a merge as code of the other side finds it: what it renamed or moved since the base is
followed in the imports that come.

What came is known again later, although its bytes differ: it says the same, but for where it
imports from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from skills_engine.codemods.paths import dotted
from skills_engine.codemods.refactor.overlay import OverlaidFiles
from skills_engine.errors import SkillsError
from skills_engine.graft.follow import imported
from skills_engine.graft.follow_file import follow_bytes
from skills_engine.graft.overrides import follow_override, renamed_overrides
from skills_engine.graft.renamed import definitions, renamed_definition
from skills_engine.graft.renames import SIMILAR, similarity
from skills_engine.tree import Entry, Tree, difference

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from skills_engine.git import Objects
    from skills_engine.graft.importer import FromImport
    from skills_engine.graft.renames import Changes

__all__ = ["Side", "as_here", "as_it_came", "follow_side"]


@dataclass(frozen=True)
class Side:
    """A side's tree over the base's, and the paths at which they differ. With `settled`, only what
    came is known again, and nothing more is followed.
    """

    base: Tree
    tree: Tree
    changes: Changes
    settled: bool = False

    @classmethod
    def between(cls, objects: Objects, base: str, tree: str, *, settled: bool = False) -> Side:
        changes = {path: (was, now) for path, was, now in difference(objects, base, tree)}
        return cls(Tree(objects, base), Tree(objects, tree), changes, settled)

    def read(self, path: str) -> bytes | None:
        return self.tree.read(path)

    def exists(self, path: str) -> bool:
        return self.tree.exists(path)

    def text(self, path: str) -> str:
        return _text(self.tree, path)

    def text_of(self, entry: Entry | None) -> str:
        """What an entry holds; empty for what is no file, or no UTF-8."""
        return _decoded(_data(self.tree, entry))

    def follow(self, path: str) -> str | None:
        """The new file that has half of the lines and all definitions of one that is gone, if
        there is just one.
        """
        was, now = self.changes.get(path, (None, None))
        if self.settled or was is None or now is not None or not was.is_file:
            return None
        text = _text(self.base, path)
        names = definitions(text).keys()
        if not text.strip():
            return None  # nothing tells an empty file from another one
        found = [
            new
            for new, (before, after) in self.changes.items()
            if before is None and after is not None and after.is_file and new.endswith(".py")
            if similarity(self.tree.objects, was, after) >= SIMILAR
            if names <= definitions(_text(self.tree, new)).keys()
        ]
        return found[0] if len(found) == 1 else None

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        if self.settled or path not in self.changes:
            return None
        before, after = partial(_text, self.base), partial(_text, self.tree)
        return renamed_definition(before, after, self.changes, path, name)

    def listdir(self, path: str) -> list[str]:
        return self.tree.listdir(path)

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        read = self.tree.objects.read
        return sorted(
            path
            for path, entry in self.tree.walk()
            if path.endswith(suffix) and entry.is_file and needle in read(entry.oid)
        )

    @cached_property
    def modules(self) -> frozenset[str]:
        """Those of the base that it changed or has no more, from any folder on that an import may
        begin in.
        """
        parts = [
            dotted(path).split(".")
            for path, (was, _) in self.changes.items()
            if was is not None and path.endswith(".py")
        ]
        return frozenset(".".join(each[at:]) for each in parts for at in range(len(each)))

    def concerns(self, path: str, *texts: bytes) -> bool:
        """Whether a file may import from one of these modules."""
        words = {word.rpartition(".")[2].encode() for word in self.modules}
        return path.endswith(".py") and any(word in text for word in words for text in texts)


def follow_side(
    side: Side, their: Changes, place: Mapping[str, str]
) -> tuple[Changes, tuple[str, ...]]:
    """The changes of the other side, with their imports followed; and a note of each file that
    comes so. `place` has the files that the side renamed.
    """
    own = {path for path, (was, _) in their.items() if was is None}
    found: Changes = {}
    notes = []
    for path, entries in their.items():
        found[path] = entries
        texts = [_data(side.tree, entry) for entry in entries]
        if side.concerns(path, *texts):
            known = _known(side, path, texts, side.read(place.get(path, path)) or b"")
            followed = [
                _with(side.tree, entry, text, follow_bytes(text, side, own, path, known))
                for entry, text in zip(entries, texts, strict=True)
            ]
            found[path] = (followed[0], followed[1])
            if entries[0] is None and followed[1] != entries[1]:
                notes.append(f"{path}: imports what you renamed from where it is")
    came = {path: now for path, (was, now) in found.items() if was is None}
    goes = {path: was for path, (was, now) in found.items() if now is None}
    for some, at in ((goes, 0), (came, 1)):
        whole = {path: _data(side.tree, entry) for path, entry in some.items()}
        for path, text in _overriding(side, whole, notes if at else None).items():
            entry = _with(side.tree, some[path], whole[path], text)
            found[path] = (None, entry) if at else (entry, None)
    return {path: pair for path, pair in found.items() if pair[0] != pair[1]}, tuple(notes)


def _overriding(
    side: Side, texts: Mapping[str, bytes], notes: list[str] | None = None
) -> dict[str, bytes]:
    """Files that come, where their classes override what the side renamed: as they are then. A note
    says where that is not clear.
    """
    written = {path: text for path, text in texts.items() if text and path.endswith(".py")}
    files = OverlaidFiles(side, written)
    for override in renamed_overrides(files, written.keys()):
        try:
            said = follow_override(files, override, written.keys()).summary
        except SkillsError as error:
            said = error.message
        if notes is not None and said not in notes:
            notes.append(said)
    return {path: text for path, text in written.items() if text != texts[path]}


def as_here(objects: Objects, base: str, graft: str, here: str) -> str:
    """A graft's tree as it came to a fork whose tree is `here`: what the skills import (not what
    the base does) is taken from where the fork has it.
    """
    side = Side.between(objects, graft, here, settled=True)
    before, out = Tree(objects, base), Tree(objects, graft)
    for path, (was, _) in side.changes.items():
        text = _data(out, was)
        if was is not None and side.concerns(path, text):
            came = as_it_came(side, path, before.read(path) or b"", text)
            out.put(path, _with(out, was, text, came))
    own = [
        path
        for path, was, now in difference(objects, base, graft)
        if was is None and now is not None and now.is_file and path.endswith(".py")
    ]
    texts = {path: out.read(path) or b"" for path in own}
    for path, text in _overriding(replace(side, settled=False), texts).items():
        entry = out.entry(path)
        if side.read(path) == text:
            out.put(path, _with(out, entry, texts[path], text))
    return out.oid()


def as_it_came(side: Side, path: str, base: bytes, text: bytes) -> bytes:
    """A file of the graft as the side has it; what it has from the base stays."""
    was = imported(_decoded(base), path)
    known = _known(side, path, [text], side.read(path) or b"", was)
    return follow_bytes(text, side, (), path, known)


def _known(
    side: Side, path: str, texts: list[bytes], mine: bytes, but: Collection[FromImport] = ()
) -> dict[FromImport, FromImport]:
    """What a file imports that has come already, for what it imported as it was written."""
    here: dict[str, set[FromImport]] = {}
    for each in imported(_decoded(mine), path):
        here.setdefault(each.bound, set()).add(each)
    written = {each for text in texts for each in imported(_decoded(text), path)}
    return {
        each: next(iter(now))
        for each in written.difference(but)
        if {each.module, f"{each.module}.{each.name}"} & side.modules
        and len(now := here.get(each.bound, set())) == 1
    }


def _with(tree: Tree, entry: Entry | None, text: bytes, followed: bytes) -> Entry | None:
    if entry is None or followed == text:
        return entry
    return Entry(entry.mode, tree.objects.write("blob", followed))


def _data(tree: Tree, entry: Entry | None) -> bytes:
    return tree.objects.read(entry.oid) if entry is not None and entry.is_file else b""


def _text(tree: Tree, path: str) -> str:
    return _decoded(tree.read(path) or b"")


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""
