"""The owner's working tree where an operation wants to write, and how both are kept.

Only the paths that change are looked at, so the cost does not grow with the
repository. Uncommitted edits are merged with the change like committed ones;
where that is a conflict, or a file that git does not know stands in the way,
the operation is refused.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections import Counter
from dataclasses import dataclass
from functools import partial
from hashlib import sha1
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import paths_from
from skills_engine.lines import bare_lines
from skills_engine.transaction.journal import FileSignature
from skills_engine.tree import (
    DIRECTORY,
    EXECUTABLE,
    LINK,
    REGULAR,
    SUBMODULE,
    Entry,
    Tree,
    difference,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from skills_engine.git import Git, Repository
    from skills_engine.merge import LineMerge

__all__ = ["Target", "as_edited", "check_quiet", "entries_on_disk", "targets"]

_SPARSE = ("--skip-worktree",)
_IN_PROGRESS = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisect",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A path that changes: what the index will have there, and what the working tree will.

    `write` is False where the working tree stays as it is (the owner has
    deleted the file, a sparse checkout leaves it out, or it has the new content already). `kept`
    are the marks that the owner has set on its index entry and that it keeps:
    `--assume-unchanged`, `--skip-worktree`.
    """

    path: str
    index: Entry | None
    file: Entry | None
    write: bool
    before: FileSignature | None
    kept: tuple[str, ...] = ()


def check_quiet(repository: Repository) -> None:
    """Raises Refused while git itself is in the middle of something here."""
    for name, what in _IN_PROGRESS.items():
        if (repository.git_dir / name).exists():
            ways = ("reset",) if what == "bisect" else ("--continue", "--abort")
            raise Refused(
                f"a {what} is in progress in this repository",
                hint="run: " + ", or ".join(f"git {what} {way}" for way in ways),
            )


def targets(
    git: Git, old: str, new: str, *, lines: LineMerge, taking_out: bool = False
) -> tuple[Target, ...]:
    """What must be done to index and working tree when HEAD's tree goes from `old` to `new`."""
    changed = [*difference(git.objects, old, new)]
    paths = [path for path, _, _ in changed]
    staged = _staged(git)
    root = git.repository.root
    marks = _marks(git, paths)
    edited = _edited(git, paths) | marks.keys() | staged.keys()
    merged = partial(_merged, git, lines=lines, taking_out=taking_out)
    for path in paths:
        _check_parents(root, path)
    signatures = {path: FileSignature.of(root / path) for path in paths}
    sparse = {path for path in marks if signatures[path] is None and marks[path] == _SPARSE}
    tree = Tree(git.objects, old)
    added = [path for path, entry in staged.items() if entry and tree.entry(path) is None]
    there = [
        p for p, was, _ in changed if p in edited or (was is None and signatures[p] is not None)
    ]
    on_disk = entries_on_disk(git, {path: signatures[path] for path in there})
    found = []
    for path, was, wanted in changed:
        before = signatures[path]
        index_was = staged.get(path, was)
        index = merged(path, was, index_was, wanted, kind="staged")
        if SUBMODULE in {entry.mode for entry in (was, wanted) if entry is not None}:
            _check_submodule(path, was, wanted, before)
            found.append(Target(path, index, None, write=False, before=before))
            continue
        kept = marks.get(path, ())
        if path in sparse:
            found.append(Target(path, index, None, write=False, before=before, kept=kept))
            continue
        if path not in on_disk:
            found.append(Target(path, index, wanted, write=True, before=before))
            continue
        mine = on_disk[path]
        if was is None and mine is not None and not _same(mine, wanted):
            raise Refused(
                f"{path} is in the way: it is not tracked, and the operation adds a file there",
                hint=f"move or commit {path} first",
            )
        if mine is None and wanted is not None:
            _check_unmoved(git, path, was, added)
            found.append(Target(path, index, None, write=False, before=before, kept=kept))
            continue
        file = merged(path, was, mine, wanted, kind="uncommitted")
        write = not _same(mine, file)
        found.append(Target(path, index, file, write=write, before=before, kept=kept))
    return tuple(found)


def as_edited(git: Git, head: str) -> str:
    """HEAD's tree with the uncommitted edits of tracked files, in memory: for verbs that look, and
    write nothing.
    """
    tree = Tree(git.objects, head)
    raw = git.run(
        "diff-index", "--raw", "-z", "--no-renames", "--ignore-submodules=all", "HEAD", "--"
    )
    for _, _, _, path in _records(raw):
        target = git.repository.root / path
        found = FileSignature.of(target)
        if found is not None and stat.S_ISLNK(found.mode):
            tree.put(path, Entry(LINK, git.objects.write("blob", os.fsencode(target.readlink()))))
        elif found is not None and stat.S_ISREG(found.mode):
            kind = EXECUTABLE if found.mode & 0o100 else REGULAR
            tree.put(path, Entry(kind, git.objects.write("blob", _as_stored(git, target, path))))
        elif found is None:
            tree.put(path, None)
    return tree.oid()


def _as_stored(git: Git, target: Path, path: str) -> bytes:
    """A file's bytes with the line ends that git would store; as they are where a filter does more
    than that.
    """
    data = target.read_bytes()
    if b"\r\n" in data:
        unix = data.replace(b"\r\n", b"\n")
        header = b"blob %d\0" % len(unix)
        if (
            git.text("hash-object", "--", path)
            == sha1(header + unix, usedforsecurity=False).hexdigest()
        ):
            return unix
    return data


def _check_unmoved(git: Git, path: str, was: Entry | None, added: list[str]) -> None:
    """Raises Refused where the owner seems to have moved a file and not committed that: its change
    would be lost. `added` are the files that are staged and new.
    """
    if was is None or not was.is_file:
        return
    lines = Counter(bare_lines(git.objects.read(was.oid)))
    unknown = paths_from(git.run("ls-files", "-z", "--others", "--exclude-standard"))
    for other in (*added, *unknown):
        file = git.repository.root / other
        if file.suffix != PurePosixPath(path).suffix or file.is_symlink() or not file.is_file():
            continue
        there = Counter(bare_lines(file.read_bytes()))
        if (
            4 * (lines & there).total() > lines.total() + there.total()
        ):  # git's threshold for a rename
            raise Refused(
                f"{path} is gone and {other} is much like it: it looks moved, and the "
                "operation changes it",
                hint=(
                    f"tell git first: git add -A -- {shlex.quote(path)} {shlex.quote(other)} "
                    "&& git commit"
                ),
            )


def _check_submodule(
    path: str, was: Entry | None, wanted: Entry | None, there: FileSignature | None
) -> None:
    """What is inside a submodule is the owner's, as git has it: a change of its commit is one of
    the index alone.

    Raises Refused where a file is to become one or the other way round.
    """
    if was is not None and wanted is not None and was.mode != wanted.mode:
        what = "becomes" if wanted.mode == SUBMODULE else "stops being"
        raise Refused(
            f"{path} {what} a submodule", hint="do that by hand in a commit, then run it again"
        )
    if wanted is not None and there is not None and not stat.S_ISDIR(there.mode):
        raise Refused(
            f"{path} is in the way: the operation adds a submodule there", hint=f"move {path} first"
        )


def _same(one: Entry | None, other: Entry | None) -> bool:
    return one == other


def _merged(
    git: Git,
    path: str,
    was: Entry | None,
    mine: Entry | None,
    wanted: Entry | None,
    *,
    lines: LineMerge,
    taking_out: bool,
    kind: str,
) -> Entry | None:
    if mine in {was, wanted}:
        return wanted
    if mine is None:
        return None
    if wanted is None or was is None or not (mine.is_file and wanted.is_file and was.is_file):
        raise Refused(
            f"{path} has {kind} edits, and the operation "
            f"{'removes' if wanted is None else 'replaces'} it",
            hint="commit or stash them first",
        )
    from skills_engine.merge import merge_file  # noqa: PLC0415  (only for edits that must be merged)
    from skills_engine.merge.removal import without  # noqa: PLC0415

    before, ours, theirs = (git.objects.read(entry.oid) for entry in (was, mine, wanted))
    data = without(path, before, ours, theirs) if taking_out else None
    if data is None:
        result = merge_file(path, before, ours, theirs, lines=lines, keeping=taking_out)
        if not result.clean:
            raise Refused(
                f"{path} has {kind} edits where the operation changes it",
                hint="commit or stash them first",
            )
        data = result.data
    return Entry(
        mine.mode if mine.mode != was.mode else wanted.mode, git.objects.write("blob", data)
    )


def _staged(git: Git) -> dict[str, Entry | None]:
    """Paths whose index entry differs from HEAD's. Raises Refused for unmerged ones."""
    flags = ("--cached", "--raw", "-z", "--no-renames", "--ignore-submodules=none")
    raw = git.run("diff-index", *flags, "HEAD", "--")
    return {path: _entry(mode, oid, status, path) for mode, oid, status, path in _records(raw)}


def _entry(mode: int, oid: str, status: str, path: str) -> Entry | None:
    if status == "U":
        raise Refused(f"{path} has an unresolved conflict", hint="resolve it and commit first")
    return None if status == "D" else Entry(mode, oid)


def _edited(git: Git, paths: list[str]) -> set[str]:
    """Those of the paths whose file may differ from the index (git decides by size and time)."""
    few = paths if len(paths) <= 500 else []
    raw = git.run(
        "diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=dirty", "--", *few
    )
    return {path for _, _, _, path in _records(raw)}


def _marks(git: Git, paths: list[str]) -> dict[str, tuple[str, ...]]:
    """The marks of those of the paths that git was told not to look at, though they may differ: it
    calls them unchanged. What a sparse checkout leaves out is marked so, too; a file that its owner
    marked and deleted is not among them.
    """
    few = paths if len(paths) <= 500 else []
    wanted, found = set(paths), {}
    leaves_out = git.settings.is_on("core.sparseCheckout")
    for record in git.run("ls-files", "-v", "-z", "--", *few).split(b"\0"):
        tag, path = record[:1].decode(), os.fsdecode(record[2:])
        marks = ("--assume-unchanged",) * tag.islower() + ("--skip-worktree",) * (tag in "Ss")
        deleted = tag == "S" and not os.path.lexists(git.repository.root / path) and not leaves_out
        if record and path in wanted and marks and not deleted:
            found[path] = marks
    return found


def _records(raw: bytes) -> Iterable[tuple[int, str, str, str]]:
    parts = raw.split(b"\0")
    for meta, path in zip(parts[::2], parts[1::2], strict=False):
        _, mode, _, oid, status = meta.decode().split()
        yield int(mode, 8), oid, status, os.fsdecode(path)


def entries_on_disk(
    git: Git, signatures: Mapping[str, FileSignature | None]
) -> dict[str, Entry | None]:
    """The files of git's own working tree as it would store them (line ends and filters applied);
    written, so that they are not lost.
    """
    regular = [
        path for path, found in signatures.items() if found is not None and stat.S_ISREG(found.mode)
    ]
    stored: dict[str, str] = {}
    for some in (regular[at : at + 500] for at in range(0, len(regular), 500)):
        stored.update(
            zip(some, git.run("hash-object", "-w", "--", *some).decode().split(), strict=True)
        )

    def entry(path: str, found: FileSignature | None) -> Entry | None:
        target = git.repository.root / path
        if found is None:
            return None
        if stat.S_ISLNK(found.mode):
            return Entry(LINK, git.objects.write("blob", os.fsencode(target.readlink())))
        if stat.S_ISDIR(found.mode):
            nested = (target / ".git").exists()
            return Entry(SUBMODULE if nested else DIRECTORY, "")
        if path not in stored:
            raise Refused(f"{path} is neither a file nor a link")
        return Entry(EXECUTABLE if found.mode & 0o100 else REGULAR, stored[path])

    return {path: entry(path, found) for path, found in signatures.items()}


def _check_parents(root: Path, path: str) -> None:
    """Every folder on the way is a real one that can be written: never through a link."""
    folder = root
    for part in path.split("/")[:-1]:
        below = folder / part
        if below.is_symlink() or (below.exists() and not below.is_dir()):
            there = below.relative_to(root)
            raise Refused(
                f"{path} cannot be written: {there} is not a folder of the repository",
                hint=f"move {there} away first",
            )
        if not below.exists():
            break
        folder = below
    if not os.access(folder, os.W_OK | os.X_OK) or os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise Refused(
            f"{path} cannot be written: {folder} is read-only",
            hint="make it writable, then run it again",
        )
