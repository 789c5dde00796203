"""A Python file that was written for another version, with all that it names followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.graft.follow import Follower

if TYPE_CHECKING:
    from collections.abc import Collection

    from skills_engine.graft.follow import Followed, Known

__all__ = ["follow_bytes"]


def follow_bytes(
    data: bytes, files: Followed, own: Collection[str], path: str, known: Known | None = None
) -> bytes:
    """A Python file with what it names followed; one that is no UTF-8 is left as it is. `own` are
    the paths that the skill brings itself, and `known` what an import was made before.
    """
    try:
        source = data.decode()
    except UnicodeDecodeError:
        return data
    follower = Follower(files, own, path, known)
    if follower.concerns(source):
        from skills_engine.graft.attributes import follow_attributes  # noqa: PLC0415  (LibCST)

        source = follow_attributes(source, follower)
    return follower.imports(source).encode()
