"""The paths that a package may name: those of `codemods.paths`, if they mean the same file on every
system.
"""

from __future__ import annotations

import unicodedata

from skills_engine.codemods.paths import UnsafePath, checked

__all__ = ["RESERVED", "reserved", "unsafe"]

RESERVED = ("manifests/", ".claude/skills/", ".agents/skills/", ".claude/resolutions/")
"""What only the engine writes: a package could otherwise bring the answer to a conflict that it
makes.
"""


def unsafe(path: str) -> UnsafePath | None:
    """What is wrong with a path, or None."""
    try:
        checked(path)
    except UnsafePath as error:
        return error
    if any(unicodedata.category(character) == "Cf" for character in path):
        return UnsafePath(f"{path!r} has a character that cannot be seen", "leave it out")
    for part in path.split("/"):
        if part.startswith(" ") or part.endswith((" ", ".")):
            return UnsafePath(
                f"{path!r} has a part that begins or ends with a space, or ends with a dot",
                "rename it",
            )
        if ":" in part:
            return UnsafePath(f"{path!r} has a colon", "rename it")
    return None


def reserved(path: str) -> bool:
    """Whether a path is the engine's own, also where case does not matter."""
    folded = f"{path}/".casefold()
    return folded.startswith(RESERVED)
