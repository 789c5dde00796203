"""The three-way merge of whole trees: directories by id, files by `merge/`, renames on either side
followed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.manifest import is_manifest
from skills_engine.tree import DIRECTORY, Entry, Tree, difference

if TYPE_CHECKING:
    from skills_engine.git import Objects
    from skills_engine.merge import LineMerge, Merged, Region

__all__ = ["FileConflict", "TreeMerge", "merge_trees"]

_SIMILAR = 0.5  # git's own threshold for a rename


@dataclass(frozen=True, slots=True)
class FileConflict:
    """A file that could not be merged. `regions` is empty when it is the file itself (deleted here,
    edited there).
    """

    path: str
    reason: str
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeMerge:
    """The merged tree; with conflicts, it holds their markers and must not be published."""

    tree: str
    conflicts: tuple[FileConflict, ...] = ()
    notes: tuple[str, ...] = ()
    merged: tuple[tuple[str, str], ...] = ()
    """The files that both sides had changed, and the rung of `merge/` that answered."""


def merge_trees(
    objects: Objects,
    base: str,
    ours: str,
    theirs: str,
    *,
    lines: LineMerge,
    taking_out: bool = False,
) -> TreeMerge:
    """Ours with the change from base to theirs. Manifests are the engine's: theirs, always.

    With `taking_out`, base is a tree that the owner had, and what theirs lacks of a file is cut out
    of ours where it stands unchanged and once.
    """
    if theirs in {base, ours}:
        return TreeMerge(ours)
    return _Merge(objects, base, ours, theirs, lines, taking_out).run()


@dataclass
class _Merge:
    objects: Objects
    base: str
    ours: str
    theirs: str
    lines: LineMerge
    taking_out: bool
    conflicts: list[FileConflict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> TreeMerge:
        out = Tree(self.objects, self.ours)
        self.our = _changes(self.objects, self.base, self.ours)
        self.their = _changes(self.objects, self.base, self.theirs)
        self.our_renames = self._renames(self.our, self.their)
        self.their_renames = self._renames(self.their, self.our)
        renamed = {*self.their_renames, *self.their_renames.values()}
        gone_first = sorted(self.their.items(), key=lambda item: (item[1][1] is not None, item[0]))
        for path, (was, wanted) in gone_first:  # a folder that they empty may become something else
            if path in renamed:
                continue
            if path in self.our_renames:
                self._into_our_rename(out, path, was, wanted)
            elif path not in self.our or is_manifest(path):
                self._take(out, path, wanted)
            else:
                self._both(out, path, was, self.our[path][1], wanted)
        for old, new in sorted(self.their_renames.items()):
            self._their_rename(out, old, new)
        conflicts = sorted(self.conflicts, key=lambda conflict: conflict.path)
        return TreeMerge(out.oid(), tuple(conflicts), tuple(self.notes), tuple(self.merged))

    def _take(self, out: Tree, path: str, wanted: Entry | None) -> None:
        """Theirs alone changed it; but ours may have put a file where theirs needs a folder, or the
        reverse.
        """
        if wanted is not None:
            parts = path.split("/")
            for depth in range(1, len(parts)):
                above = out.entry("/".join(parts[:depth]))
                if above is not None and above.mode != DIRECTORY:
                    self.conflicts.append(
                        FileConflict(path, f"{'/'.join(parts[:depth])} is a file on your side")
                    )
                    return
            there = out.entry(path)
            if there is not None and there.mode == DIRECTORY:
                self.conflicts.append(FileConflict(path, "it is a folder on your side"))
                return
        out.put(path, wanted)

    def _both(
        self, out: Tree, path: str, was: Entry | None, mine: Entry | None, wanted: Entry | None
    ) -> None:
        if mine == wanted:
            return
        if mine is not None and wanted is None and self._only_reformatted(path, was, mine):
            self.notes.append(f"{path}: removed; you had changed no more than its layout")
            out.put(path, None)
            return
        if mine is not None and wanted is None and self._keeps_some(out, path, was, mine):
            return
        if mine is None or wanted is None:
            reason = (
                "you deleted it, and it was changed"
                if mine is None
                else "it is removed, and you changed it"
            )
            self.conflicts.append(FileConflict(path, reason))
            if mine is None:
                out.put(path, wanted)
            return
        if not (mine.is_file and wanted.is_file):
            self.conflicts.append(
                FileConflict(path, "both sides changed a link, a submodule or the kind of file")
            )
            return
        before = self.objects.read(was.oid) if was is not None and was.is_file else b""
        result = self._content(path, before, mine, wanted)
        mode = wanted.mode if was is not None and mine.mode == was.mode else mine.mode
        out.put(path, Entry(mode, self.objects.write("blob", result.data)))

    def _keeps_some(self, out: Tree, path: str, was: Entry | None, mine: Entry) -> bool:
        """A file that skills share and began: their entries go with the last of them, and the
        owner's stay.
        """
        if was is None or not (was.is_file and mine.is_file):
            return False
        from skills_engine.data.services import NAMES  # noqa: PLC0415
        from skills_engine.merge import merge_file  # noqa: PLC0415

        name = path.rpartition("/")[2]
        if not name.startswith(".env") and name not in NAMES:
            return False

        before, ours = self.objects.read(was.oid), self.objects.read(mine.oid)
        result = merge_file(path, before, ours, b"", lines=self.lines)
        if not result.clean:
            return False
        self.notes += [f"{path}: {note}" for note in result.notes]
        self.merged.append((path, result.how))
        kept = (
            Entry(mine.mode, self.objects.write("blob", result.data))
            if result.data.strip()
            else None
        )
        out.put(path, kept)
        return True

    def _only_reformatted(self, path: str, was: Entry | None, mine: Entry) -> bool:
        if was is None or not (was.is_file and mine.is_file) or not path.endswith(".py"):
            return False
        from skills_engine.graft.layout import same_code  # noqa: PLC0415

        return same_code(self.objects.read(was.oid), self.objects.read(mine.oid))

    def _content(self, path: str, before: bytes, mine: Entry, wanted: Entry) -> Merged:
        from skills_engine.merge import merge_file  # noqa: PLC0415  (most operations merge nothing)

        ours, theirs = self.objects.read(mine.oid), self.objects.read(wanted.oid)
        exact = self._taken_out(path, before, ours, theirs) if self.taking_out else None
        result = exact or merge_file(path, before, ours, theirs, lines=self.lines)
        self.notes += [f"{path}: {note}" for note in result.notes]
        self.merged.append((path, result.how))
        if not result.clean:
            reason = result.regions[0].reason or "both sides changed the same lines"
            self.conflicts.append(FileConflict(path, reason, result.regions))
        return result

    def _taken_out(self, path: str, before: bytes, ours: bytes, theirs: bytes) -> Merged | None:
        from skills_engine.merge import Merged  # noqa: PLC0415
        from skills_engine.merge.removal import without  # noqa: PLC0415

        exact = without(path, before, ours, theirs)
        return None if exact is None else Merged(exact, how="history")

    # --- renames

    def _into_our_rename(
        self, out: Tree, path: str, was: Entry | None, wanted: Entry | None
    ) -> None:
        """The owner renamed what theirs changed: the change goes where the file is now."""
        new = self.our_renames[path]
        mine = self.our[new][1]
        if wanted is None or was is None or mine is None:
            self.conflicts.append(
                FileConflict(new, f"it is removed (as {path}), and you renamed it")
            )
            return
        result = self._content(new, self.objects.read(was.oid), mine, wanted)
        out.put(new, Entry(mine.mode, self.objects.write("blob", result.data)))

    def _their_rename(self, out: Tree, old: str, new: str) -> None:
        was, wanted = self.their[old][0], self.their[new][1]
        mine = self.our[old][1]
        if mine is None or wanted is None or was is None:
            raise AssertionError(f"{old} was taken for a rename")
        if new in self.our:
            self.conflicts.append(
                FileConflict(new, f"renamed from {old}, and you have a file there")
            )
            return
        out.put(old, None)
        result = self._content(new, self.objects.read(was.oid), mine, wanted)
        out.put(new, Entry(wanted.mode, self.objects.write("blob", result.data)))

    def _renames(self, side: _Changes, other: _Changes) -> dict[str, str]:
        """Files that this side moved and the other side changed (the only ones for which it
        matters).
        """
        gone = {
            p: a
            for p, (a, b) in side.items()
            if b is None and a is not None and a.is_file and p in other
        }
        new = {p: b for p, (a, b) in side.items() if a is None and b is not None and b.is_file}
        gone = {p: a for p, a in gone.items() if not is_manifest(p) and other[p][1] is not None}
        found: dict[str, str] = {}
        for path, was in sorted(gone.items()):
            scores = [
                (self._similarity(was, entry), p)
                for p, entry in new.items()
                if p not in found.values()
            ]
            score, target = max(
                scores,
                key=lambda pair: (pair[0], pair[1].rpartition("/")[2] == path.rpartition("/")[2]),
                default=(0.0, ""),
            )
            if score >= _SIMILAR:
                found[path] = target
        return found

    def _similarity(self, one: Entry, other: Entry) -> float:
        """The share of lines in common (Dice), like git's estimate but by whole lines."""
        if one.oid == other.oid:
            return 1.0
        a = Counter(self.objects.read(one.oid).splitlines())
        b = Counter(self.objects.read(other.oid).splitlines())
        return 2 * (a & b).total() / max(1, a.total() + b.total())


_Changes = dict[str, tuple[Entry | None, Entry | None]]


def _changes(objects: Objects, base: str, side: str) -> _Changes:
    return {path: (before, after) for path, before, after in difference(objects, base, side)}
