"""The three-way merge of whole trees: directories by id, files by `merge/`, renames on either side
followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.graft.conflicts import FileConflict, Stage, enclosed, stages
from skills_engine.graft.renames import Changes, renames
from skills_engine.manifest import is_manifest
from skills_engine.tree import DIRECTORY, Entry, Tree, difference

if TYPE_CHECKING:
    from skills_engine.git import Objects
    from skills_engine.merge import LineMerge, Merged

__all__ = ["TreeMerge", "merge_trees"]


_OTHER_KIND = "both sides changed a link, a submodule or the kind of file"


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
    keeping: bool = False,
) -> TreeMerge:
    """Ours with the change from base to theirs. Manifests are the engine's: theirs, always.

    With `taking_out`, base is a tree that the owner had, and what theirs lacks of a file is cut out
    of ours where it stands unchanged and once. With `keeping` entries of
    data that ours edited and theirs deletes stay, with a note.
    """
    if theirs in {base, ours}:
        return TreeMerge(ours)
    return _Merge(objects, base, ours, theirs, lines, taking_out, keeping).run()


@dataclass
class _Merge:
    objects: Objects
    base: str
    ours: str
    theirs: str
    lines: LineMerge
    taking_out: bool
    keeping: bool
    conflicts: list[FileConflict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> TreeMerge:
        out = Tree(self.objects, self.ours)
        self.our = _changes(self.objects, self.base, self.ours)
        self.their = _changes(self.objects, self.base, self.theirs)
        self.our_renames = renames(self.objects, self.our, self.their)
        self._follow(out)
        self.their_renames = renames(self.objects, self.their, self.our)
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

    def _follow(self, out: Tree) -> None:
        """What theirs imports is taken from where ours has it now."""
        if any(path.endswith(".py") for path in self.our) and any(
            path.endswith(".py") for path in self.their
        ):
            from skills_engine.graft.moved import follow_moves  # noqa: PLC0415
            from skills_engine.graft.side import Side, follow_side  # noqa: PLC0415

            side = Side(Tree(self.objects, self.base), out, self.our)
            self.their, moved = follow_moves(side, self.their)
            self.their, notes = follow_side(side, self.their, self.our_renames)
            self.notes += (*moved, *notes)

    def _take(self, out: Tree, path: str, wanted: Entry | None) -> None:
        """Theirs alone changed it; but ours may have put a file where theirs needs a folder, or the
        reverse. Then theirs stands beside it, under a name that is free.
        """
        if wanted is not None:
            parts = path.split("/")
            for depth in range(1, len(parts) + 1):
                above = "/".join(parts[:depth])
                there = out.entry(above)
                if there is None or (there.mode == DIRECTORY) == (depth < len(parts)):
                    continue
                reason = (
                    f"{above} is a file on your side"
                    if depth < len(parts)
                    else "it is a folder on your side"
                )
                beside = "/".join([_free(out, above), *parts[depth:]])
                out.put(beside, wanted)
                self._conflict(path, "file/folder", reason, stages(beside, theirs=wanted))
                return
        out.put(path, wanted)

    def _conflict(self, path: str, kind: str, reason: str, versions: tuple[Stage, ...]) -> None:
        self.conflicts.append(FileConflict(path, reason, kind, versions=versions))

    def _both(
        self, out: Tree, path: str, was: Entry | None, mine: Entry | None, wanted: Entry | None
    ) -> None:
        if mine == wanted:
            return
        if mine == was:
            out.put(path, wanted)
            return
        if mine is not None and wanted is None and self._only_reformatted(path, was, mine):
            self.notes.append(f"{path}: removed; you had changed no more than its layout")
            out.put(path, None)
            return
        if mine is not None and wanted is None and self._keeps_some(out, path, was, mine):
            return
        versions = stages(path, was, mine, wanted)
        if mine is None or wanted is None:
            reason = (
                "you deleted it, and it was changed"
                if mine is None
                else "it is removed, and you changed it"
            )
            self._conflict(path, "modify/delete", reason, versions)
            if mine is None:
                out.put(path, wanted)
            return
        if not (mine.is_file and wanted.is_file):
            self._conflict(path, "type", _OTHER_KIND, versions)
            return
        mode = _mode(was, mine, wanted)
        if was is None:
            data = self._both_added(path, mine, wanted)
        else:
            before = self.objects.read(was.oid) if was.is_file else b""
            data = self._content(path, before, mine, wanted, versions)
        out.put(path, Entry(mode, self.objects.write("blob", data)))

    def _both_added(self, path: str, mine: Entry, wanted: Entry) -> bytes:
        """A file that both sides brought: two things, until somebody says that they are one."""
        ours, theirs = self.objects.read(mine.oid), self.objects.read(wanted.oid)
        if ours == theirs:
            return ours
        if _shared(path) and (both := _joined(path, ours, theirs, self.lines)) is not None:
            self.notes.append(f"{path}: both sides added it; their entries were joined")
            self.merged.append((path, "data"))
            return both
        reason = "both sides added a file here"
        versions = stages(path, ours=mine, theirs=wanted)
        if b"\0" in ours or b"\0" in theirs:
            self._conflict(path, "add/add", reason, versions)
            return ours
        data, region = enclosed(b"", ours, theirs, reason)
        self.conflicts.append(FileConflict(path, reason, "add/add", (region,), versions))
        return data

    def _keeps_some(self, out: Tree, path: str, was: Entry | None, mine: Entry) -> bool:
        """A file that skills share and began: their entries go with the last of them, and the
        owner's stay.
        """
        if was is None or not (was.is_file and mine.is_file):
            return False
        if not _shared(path):
            return False
        from skills_engine.merge import merge_file  # noqa: PLC0415

        before, ours = self.objects.read(was.oid), self.objects.read(mine.oid)
        result = merge_file(path, before, ours, b"", lines=self.lines, keeping=self.keeping)
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

    def _content(
        self, path: str, before: bytes, mine: Entry, wanted: Entry, versions: tuple[Stage, ...]
    ) -> bytes:
        from skills_engine.merge import merge_file  # noqa: PLC0415  (most operations merge nothing)

        ours, theirs = self.objects.read(mine.oid), self.objects.read(wanted.oid)
        exact = self._taken_out(path, before, ours, theirs) if self.taking_out else None
        result = exact or merge_file(
            path,
            before,
            ours,
            theirs,
            lines=self.lines,
            keeping=self.keeping,
        )
        self.notes += [f"{path}: {note}" for note in result.notes]
        self.merged.append((path, result.how))
        if not result.clean:
            reason = result.regions[0].reason or "both sides changed the same lines"
            binary = any(b"\0" in data for data in (before, ours, theirs))
            kind, regions = ("binary", ()) if binary else ("content", result.regions)
            self.conflicts.append(FileConflict(path, reason, kind, regions, versions))
        return result.data

    def _taken_out(self, path: str, before: bytes, ours: bytes, theirs: bytes) -> Merged | None:
        from skills_engine.merge import Merged  # noqa: PLC0415
        from skills_engine.merge.removal import without  # noqa: PLC0415

        exact = without(path, before, ours, theirs)
        return None if exact is None else Merged(exact, how="history")

    # --- renames

    def _renamed(
        self, path: str, was: Entry, mine: Entry, wanted: Entry, versions: tuple[Stage, ...]
    ) -> Entry:
        """What both sides made of a file that is now at `path`."""
        if not (mine.is_file and wanted.is_file):
            self._conflict(path, "type", _OTHER_KIND, versions)
            return mine
        data = self._content(path, self.objects.read(was.oid), mine, wanted, versions)
        return Entry(_mode(was, mine, wanted), self.objects.write("blob", data))

    def _into_our_rename(
        self, out: Tree, path: str, was: Entry | None, wanted: Entry | None
    ) -> None:
        """The owner renamed what theirs changed: the change goes where the file is now."""
        new = self.our_renames[path]
        mine = self.our[new][1]
        if wanted is None or was is None or mine is None:
            reason = f"it is removed (as {path}), and you renamed it"
            self._conflict(new, "rename/delete", reason, stages(new, was, mine))
            return
        out.put(new, self._renamed(new, was, mine, wanted, stages(new, was, mine, wanted)))

    def _their_rename(self, out: Tree, old: str, new: str) -> None:
        was, wanted = self.their[old][0], self.their[new][1]
        if wanted is None or was is None:
            raise AssertionError(f"{old} was taken for a rename")
        if old in self.our_renames:
            self._both_renamed(out, old, self.our_renames[old], new)
            return
        mine = self.our[old][1]
        if mine is None:
            reason = f"renamed from {old}, and you deleted that"
            self._conflict(new, "rename/delete", reason, stages(new, was, theirs=wanted))
            out.put(new, wanted)
            return
        out.put(old, None)
        there = self.our[new][1] if new in self.our else None
        if there is not None:
            beside = _free(out, new)
            entry = self._renamed(beside, was, mine, wanted, ())
            out.put(beside, entry)
            versions = (*stages(new, ours=there), *stages(beside, theirs=entry))
            reason = f"renamed from {old}, and you have a file there"
            self._conflict(new, "rename/add", reason, versions)
            return
        out.put(new, self._renamed(new, was, mine, wanted, stages(new, was, mine, wanted)))

    def _both_renamed(self, out: Tree, old: str, mine_at: str, theirs_at: str) -> None:
        was, mine, wanted = self.their[old][0], self.our[mine_at][1], self.their[theirs_at][1]
        if was is None or mine is None or wanted is None:
            raise AssertionError(f"{old} was taken for a rename")
        versions = stages(mine_at, was, mine, wanted) if mine_at == theirs_at else ()
        entry = self._renamed(mine_at, was, mine, wanted, versions)
        out.put(mine_at, entry)
        if mine_at == theirs_at:
            return
        out.put(theirs_at, entry)
        reason = f"you renamed {old} to {mine_at}, and it was renamed to {theirs_at}"
        both = (*stages(mine_at, ours=entry), *stages(theirs_at, theirs=entry))
        self._conflict(mine_at, "rename/rename", reason, both)


def _mode(was: Entry | None, mine: Entry, wanted: Entry) -> int:
    """The mode of a file that both sides have: the one that a side changed, ours if both did."""
    return wanted.mode if was is not None and mine.mode == was.mode else mine.mode


def _free(out: Tree, path: str) -> str:
    """A path beside this one at which nothing is."""
    beside = f"{path}~theirs"
    while out.entry(beside) is not None:
        beside += "~"
    return beside


def _shared(path: str) -> bool:
    """A file to which skills and the owner add entries of their own: several may begin it."""
    from skills_engine.data.services import NAMES  # noqa: PLC0415

    name = path.rpartition("/")[2]
    return name.startswith(".env") or name in NAMES


def _joined(path: str, ours: bytes, theirs: bytes, lines: LineMerge) -> bytes | None:
    """What both sides have in a file that they fill together; None where one does not say all that
    the other does.
    """
    from skills_engine.data.errors import DataError  # noqa: PLC0415
    from skills_engine.data.services import NAMES, ensure_services  # noqa: PLC0415

    if path.rpartition("/")[2] in NAMES:
        try:
            return ensure_services(ours, theirs)
        except DataError:
            return None
    from skills_engine.merge import merge_file  # noqa: PLC0415

    result = merge_file(path, b"", ours, theirs, lines=lines)
    return result.data if result.clean else None


def _changes(objects: Objects, base: str, side: str) -> Changes:
    return {path: (before, after) for path, before, after in difference(objects, base, side)}
