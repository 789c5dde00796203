"""A package's changelog: CHANGELOG.md beside its page, a heading with a version for each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from skills_engine.package.model import PackageFiles

__all__ = ["between"]

_HEADING = re.compile(r"#{1,4}[ \t]+\[?v?(\d[^\s\]]*)\]?")


def between(files: PackageFiles, old: str, new: str) -> tuple[str, ...]:
    """The lines on the versions after `old`, up to `new`, each with its version; none where the
    package has no changelog.
    """
    found, version = [], ""
    for line in files.get("CHANGELOG.md", b"").decode("utf-8", "replace").splitlines():
        heading = _HEADING.match(line)
        if heading is not None:
            version = heading[1] if _inside(heading[1], old, new) else ""
        elif version and line.strip() and not line.startswith("#"):
            found.append(f"{version}: {line.strip().lstrip('-*').strip()}")
    return tuple(found)


def _inside(version: str, old: str, new: str) -> bool:
    try:
        return Version(old) < Version(version) <= Version(new)
    except InvalidVersion:
        return False
