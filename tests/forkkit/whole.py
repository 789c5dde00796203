"""Every byte of a directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["whole"]


def whole(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and content of everything below a folder, `.git` included."""
    found: dict[str, tuple[int, bytes]] = {}
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            mode = path.lstat().st_mode
            data = b""
            if stat.S_ISLNK(mode):
                data = os.fsencode(path.readlink())
            elif stat.S_ISREG(mode):
                data = path.read_bytes()
            found[path.relative_to(folder).as_posix()] = (mode, data)
    return found
