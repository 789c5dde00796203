"""The files of a publication, on their way from staging into the owner's checkout.

prepare       before the commit point: whatever needs room on a disk
place_files   after it: renames and removals, which can be repeated
restore       back to before, wherever the other two were cut short
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.durable import sync_files, sync_folders, sync_tree
from skills_engine.transaction.journal import FileSignature, FileStep, Journal
from skills_engine.transaction.swap import exchange, move_new
from skills_engine.tree import SUBMODULE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.transaction.worktree import Target

__all__ = ["missing_folders", "place_files", "prepare", "restore"]


def missing_folders(root: Path, targets: Sequence[Target]) -> tuple[str, ...]:
    """The folders that must be made, outer ones first: those of the files, and an empty one for
    each submodule.
    """
    found = set()
    for target in targets:
        path = Path(target.path)
        submodule = target.index is not None and target.index.mode == SUBMODULE
        if submodule and not _is_empty(root / path):  # what is in it now may go with the operation
            found.add(target.path)
        if submodule or (target.write and target.file is not None):
            folder = path.parent
            while not (root / folder).exists():
                found.add(folder.as_posix())
                folder = folder.parent
    return tuple(sorted(found))


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is None


def prepare(journal: Journal) -> None:
    """Make the folders, keep what will be replaced, and bring what is staged on another file system
    over.
    """
    staging, root = Path(journal.staging), Path(journal.root)
    for folder in journal.folders:
        (root / folder).mkdir(exist_ok=True)
    for step in journal.files:
        target = root / step.path
        if step.before is not None and os.path.lexists(target):
            _keep(target, staging, step)
        if step.staged and (staging / step.staged).lstat().st_dev != target.parent.stat().st_dev:
            _bring_over(staging / step.staged, target)
    sync_tree(staging / "old")


def place_files(journal: Journal, *, later: bool = False) -> tuple[str, ...]:
    """Rename what is staged into place, then remove what goes; on the disk when it returns.

    Paths that somebody changed since they were looked at stay as they are, and
    are returned. `later`: after a crash, when the fork may be a copy of itself.
    """
    staging, root = Path(journal.staging), Path(journal.root)
    steps = sorted(
        journal.files, key=lambda step: step.staged is None
    )  # a folder must not be empty in between
    changed = tuple(
        step.path
        for step in steps
        if not (_write if step.staged else _remove)(step, staging, root, later=later)
    )
    for folder in journal.folders:
        (root / folder).mkdir(
            parents=True, exist_ok=True
        )  # a submodule's may have gone with its last file
    sync_folders(
        folder
        for step in steps
        for folder in (root / step.path).parents
        if folder.is_relative_to(root)
    )
    return changed


def restore(journal: Journal) -> None:
    """Bring back what was kept, and remove what was made."""
    staging, root = Path(journal.staging), Path(journal.root)
    for step in journal.files:
        old, target = staging / "old" / step.path, root / step.path
        placed = (
            _source(step, staging, root) is None if step.staged else not os.path.lexists(target)
        )
        if placed and os.path.lexists(old):
            target.parent.mkdir(parents=True, exist_ok=True)
            old.replace(target)
        elif placed and step.before is None:
            target.unlink(missing_ok=True)
        if step.staged:
            _beside(target).unlink(missing_ok=True)
    sync_folders((root / step.path).parent for step in journal.files)
    for folder in reversed(journal.folders):
        with suppress(OSError):  # somebody else put something there
            (root / folder).rmdir()


def _is_as_before(step: FileStep, target: Path, *, later: bool) -> bool:
    found = FileSignature.of(target)
    return found == step.before or (later and found is not None and found.means(step.before))


def _write(step: FileStep, staging: Path, root: Path, *, later: bool) -> bool:
    target, source = root / step.path, _source(step, staging, root)
    if source is None:
        _beside(target).unlink(missing_ok=True)  # killed right after the exchange
        return True
    if not _is_as_before(step, target, later=later):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _put(step, source, target, later=later)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _bring_over(source, target)
        return _put(step, _beside(target), target, later=later)


def _put(step: FileStep, source: Path, target: Path, *, later: bool) -> bool:
    """The new file in its place; False, and all as it was, if what stood there was changed at the
    last instant.
    """
    try:
        if step.before is None:
            move_new(source, target)
            return True
        if not exchange(source, target):
            source.replace(target)
            return True
    except (FileExistsError, FileNotFoundError):
        return False
    if not _is_as_before(step, source, later=later):
        exchange(source, target)
        return False
    source.unlink()  # what was there; a second name of it is kept
    return True


def _remove(step: FileStep, staging: Path, root: Path, *, later: bool) -> bool:
    target, gone = root / step.path, staging / "gone"
    if os.path.lexists(target) and not _is_as_before(step, target, later=later):
        return False
    try:
        target.replace(gone)
    except FileNotFoundError:
        pass  # somebody else removed it
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        target.unlink(missing_ok=True)
    else:
        if not _is_as_before(step, gone, later=later):
            move_new(gone, target)
            return False
    _prune(target.parent, root)
    return True


def _source(step: FileStep, staging: Path, root: Path) -> Path | None:
    """Where the new file is, or None once it is in its place: what lies there then is the old one,
    until it is removed.
    """
    places = (staging / (step.staged or ""), _beside(root / step.path))
    return next((path for path in places if not _is_old(step, path)), None)


def _is_old(step: FileStep, path: Path) -> bool:
    """Whether there is nothing, or what stood in the step's place."""
    found = FileSignature.of(path)
    return found is None or found.means(step.before)


def _bring_over(staged: Path, target: Path) -> None:
    """From one file system to another by a copy; from then on that is the new file."""
    shutil.copy2(staged, _beside(target), follow_symlinks=False)
    sync_files([_beside(target)])
    staged.unlink()


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.skills-partial")


def _keep(target: Path, staging: Path, step: FileStep) -> None:
    """A second name (or, on another file system, a copy) of what is replaced, should a later step
    fail.
    """
    old = staging / "old" / step.path
    old.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(target, old, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        shutil.copy2(target, old, follow_symlinks=False)


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that became empty, as git does."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
