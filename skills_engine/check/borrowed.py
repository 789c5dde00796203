"""Packages of the engine's own interpreter, lent to another environment: the ones that it asks for
with all that they need, and no others.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from skills_engine.check.requirements import normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution

__all__ = ["lend", "lendable"]


def lendable(
    requirements: Iterable[str], constraints: Iterable[str] = ()
) -> list[Distribution] | None:
    """The installed packages that satisfy the requirements, theirs included, and the constraints;
    None where something is missing, or is no plain installation (an editable one, say, or one
    without a list of files).
    """
    bounds = {normal(each.name): each.specifier for each in map(Requirement, constraints)}
    queue = [(Requirement(text), "") for text in requirements]
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while queue:
        wanted, extra = queue.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = normal(wanted.name)
        try:
            there = found.get(name) or importlib.metadata.distribution(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            return None
        bound = wanted.specifier & bounds.get(name, SpecifierSet())
        fits = bound.contains(there.version, prereleases=True)
        if wanted.url is not None or not fits or not there.files or _is_editable(there):
            return None
        found[name] = there
        for asked in {"", *wanted.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, asked))
            queue += [(Requirement(text), asked) for text in there.requires or ()]
    return list(found.values())


def _is_editable(there: Distribution) -> bool:
    try:
        said = json.loads(there.read_text("direct_url.json") or "{}")
    except ValueError:
        return True
    return bool(said.get("dir_info", {}).get("editable"))


def lend(packages: Sequence[Distribution], home: Path) -> None:
    """Put the packages' files into the environment in `home`; links where the disk can."""
    purelib = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    place = Path(purelib)
    for package in packages:
        for file in package.files or ():
            if ".." in file.parts or file.is_absolute() or "__pycache__" in file.parts:
                continue  # scripts, which name the other interpreter, and manual pages
            source, target = Path(str(package.locate_file(file))), place / file
            if not source.is_file() or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)
