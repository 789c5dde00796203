"""A package's content as one name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from skills_engine.package.model import PackageFiles

__all__ = ["digest"]


def digest(files: PackageFiles, executable: AbstractSet[str] = frozenset()) -> str:
    """`sha256:` and the hex digest of everything in a package that can change what it does.

    Hashed are, for each file in the order of its path's UTF-8 bytes: the length of
    the path in bytes, the path, `x` or `-` for the executable bit, the length of
    the content and the content. Lengths are 8 bytes, big-endian, so that no two
    packages give the same stream. Git, file times and the directory's own name
    have no part in it.
    """
    state = hashlib.sha256()
    for path, data in sorted((path.encode("utf-8", "surrogateescape"), path) for path in files):
        content = files[data]
        state.update(len(path).to_bytes(8, "big") + path)
        state.update(b"x" if data in executable else b"-")
        state.update(len(content).to_bytes(8, "big") + content)
    return "sha256:" + state.hexdigest()
