"""What was written is on the disk: files and folders, synced.

A power cut loses what the system has not written out yet: contents of files, and names in folders.
A rename is a change of its folders.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["sync_files", "sync_folders", "sync_tree"]

_CANNOT = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES, errno.EPERM}
"""File systems that sync no folders, and folders that may be used and not read."""


def sync_files(paths: Iterable[Path]) -> None:
    """Regular files, and the folders that they lie in. Raises OSError where a disk fails."""
    folders: set[Path] = set()
    for path in paths:
        if path.is_file() and not path.is_symlink():
            _sync(path)
        folders |= {path.parent, path.parent.parent}
    sync_folders(folders)


def sync_folders(folders: Iterable[Path]) -> None:
    """The names in folders; one that is gone is passed over."""
    for folder in sorted({*folders}, reverse=True):  # inner ones first
        try:
            _sync(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno not in _CANNOT:
                raise


def sync_tree(top: Path) -> None:
    """All files and folders below one, and itself."""
    for folder, _, names in os.walk(top):
        sync_files(Path(folder, name) for name in names)
        sync_folders([Path(folder)])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
