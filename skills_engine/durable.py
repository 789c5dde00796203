"""Durability: what was written is on the disk, files and folders, synced.

A power cut loses what the system has not written out yet: contents of files, and names in folders.
A rename is a change of its folders.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["sync_files", "sync_folders", "sync_tree"]

_AT_ONCE = 16
_CANNOT = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES, errno.EPERM}
"""File systems that sync no folders, and folders that may be used and not read."""


def sync_files(paths: Iterable[Path]) -> None:
    """Regular files, and the folders that they lie in. Raises OSError where a disk fails."""
    found = [*paths]
    _sync_all([path for path in found if path.is_file() and not path.is_symlink()], _sync)
    sync_folders({folder for path in found for folder in (path.parent, path.parent.parent)})


def sync_folders(folders: Iterable[Path]) -> None:
    """The names in folders; one that is gone is passed over."""
    _sync_all([*{*folders}], _sync_folder)


def sync_tree(top: Path) -> None:
    """All files and folders below one, and itself."""
    walked = [(Path(folder), names) for folder, _, names in os.walk(top)]
    sync_files(folder / name for folder, names in walked for name in names)
    sync_folders(folder for folder, _ in walked)


def _sync_all(paths: list[Path], sync: Callable[[Path], None]) -> None:
    """Side by side: a disk then writes several at once, which takes no longer than one."""
    if len(paths) <= 1:
        for path in paths:
            sync(path)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (verbs that look sync nothing)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(sync, paths):
            pass


def _sync_folder(folder: Path) -> None:
    try:
        _sync(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
