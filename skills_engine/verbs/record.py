"""The verb `record`: a change of commits, of the owner, or between two directories, as a skill
package.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.codemods.files import Files, MemoryFiles
from skills_engine.errors import Refused
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import fold
from skills_engine.graft.fork import Fork
from skills_engine.graft.side import as_here
from skills_engine.manifest import AGENTS, SKILLS
from skills_engine.package.frontmatter import NAME
from skills_engine.record.package import ChangedFile, Changes, record_package
from skills_engine.tree import EXECUTABLE, Tree, difference
from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skills_engine.types import Progress

__all__ = ["Recorded", "core_range", "record", "write_package"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A package that was written: where, its files, what its operations say.

    `exact`: applied to what was there before, it gives what was there after, byte for byte; where
    not, `differences` say so. `left` are changed paths that no skill may touch, or that are no
    regular files.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    operations: tuple[str, ...]
    exact: bool
    differences: tuple[str, ...]
    left: tuple[str, ...]


_KEPT_APART = re.compile(
    r"(?i)(^|/)((changelog|changes|history|news|release[-_]notes)(\.(md|rst|txt))?"
    r"|(uv|poetry|pdm|pipfile)\.lock|package-lock\.json)$"
)
"""What belongs to a release of upstream's, or is made by a tool of what else the commits change."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A change as it was found: against what, which files, in a sentence what for, and on which
    skills it stands.
    """

    around: Files
    changes: Changes
    left: tuple[str, ...]
    about: str
    core: str
    depends: dict[str, str]


def record(
    directory: Path,
    name: str,
    change: Sequence[str],
    out: Path | None,
    *,
    loose: bool = False,
    every: bool = False,
) -> Progress[Recorded]:
    """Record `A..B`, two directories, or with nothing named what HEAD has beyond the graft. Writes
    the package only. Changelogs and lock files are left out, but for `every`.
    """
    if not NAME.fullmatch(name) or len(name) > 64:
        raise Refused(
            f"{name} is no name of a skill",
            hint="lower-case letters, digits and single hyphens: add-thing",
        )
    fork = Fork.open(directory)
    try:
        folder = (out or fork.repository.root / SKILLS / name).absolute()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refused(f"{folder} is there already", hint="choose another name, or -o DIR")
        yield Event("see what changed")
        seen = yield from _seen(fork, change)
        if not every:
            seen = _without_releases(seen)
        if not seen.changes:
            raise Refused(
                "nothing changed that a skill could hold",
                hint="commit your edits first, or name commits: skills record NAME A..B",
            )
        yield Event(f"record {len(seen.changes)} files")
        found = record_package(
            name,
            seen.changes,
            seen.around,
            core=seen.core,
            about=seen.about,
            depends=seen.depends,
            loose=loose,
        )
        write_package(folder, found.files, found.executable)
        return Recorded(
            name,
            str(folder),
            tuple(sorted(found.files)),
            found.operations,
            not found.differences,
            found.differences,
            seen.left,
        )
    finally:
        fork.close()


def _seen(fork: Fork, change: Sequence[str]) -> Progress[_Seen]:
    if len(change) == 2:
        one, other = (Path(word) for word in change)
        return _directories(one, other)
    if len(change) > 1 or (change and ".." not in change[0]):
        raise Refused(
            f"{' '.join(change)} is no change", hint="commits as A..B, or two directories"
        )
    if change:
        start, _, end = change[0].partition("..")
        base, commit = (_commit(fork, word) for word in (start, end.lstrip(".") or "HEAD"))
        before, after = fork.git.tree_of(base), fork.git.tree_of(commit)
        subjects = (
            fork.git.text_or_none("log", "--format=%s", "--no-merges", f"{base}..{commit}") or ""
        ).split("\n")
        return _trees(fork, base, before, after, subjects[0] if len(subjects) == 1 else "")
    graft = yield from fold(fork.git, fork.goal, fork.applicable)
    base = fork.git.tree_of(fork.core.base)
    before = as_here(fork.objects, base, graft.tree, fork.tree_oid)
    return _trees(fork, fork.core.base, before, fork.tree_oid, "")


def _without_releases(seen: _Seen) -> _Seen:
    apart = {path for path in seen.changes if _KEPT_APART.search(path)}
    changes = {path: change for path, change in seen.changes.items() if path not in apart}
    return replace(seen, changes=changes, left=(*seen.left, *sorted(apart)))


def _commit(fork: Fork, word: str) -> str:
    found = fork.objects.resolve(word)
    if found is None:
        raise Refused(
            f"there is no commit {word}", hint="name commits as git does: main..my-branch"
        )
    return found


def _trees(fork: Fork, base: str, before: str, after: str, about: str) -> _Seen:
    changes: dict[str, ChangedFile] = {}
    left: list[str] = []
    for path, old, new in difference(fork.objects, before, after):
        if path.startswith(("manifests/", f"{SKILLS}/", f"{AGENTS}/")) or any(
            e is not None and not e.is_file for e in (old, new)
        ):
            left.append(path)
            continue
        was, now = (fork.objects.read(e.oid) if e is not None else None for e in (old, new))
        if was == now:
            left.append(path)
            continue
        changes[path] = ChangedFile(was, now, executable=new is not None and new.mode == EXECUTABLE)
    tree = Tree(fork.objects, before)
    depends = {}
    for pin in fork.pins.values():
        manifest = fork.pinned(pin).manifest
        if manifest and any(
            path in changes and changes[path].before is not None for path in manifest.adds
        ):
            depends[pin.name] = f">={pin.version}"
    return _Seen(
        GraftFiles(fork.git, base, tree),
        changes,
        tuple(left),
        about,
        core_range(fork.version_at(before)),
        depends,
    )


def core_range(version: str) -> str:
    """From this version of the core on, below the next that may break things."""
    parts = version.split(".")
    if not all(part.isdigit() for part in parts[:2]) or len(parts) < 2:
        return ">=0"
    return f">={parts[0]}.{parts[1]},<{int(parts[0]) + 1}"


def _directories(one: Path, other: Path) -> _Seen:
    before, after = _read(one), _read(other)
    changes = {
        path: ChangedFile(
            before.get(path), after.get(path), executable=os.access(other / path, os.X_OK)
        )
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }
    return _Seen(MemoryFiles(before), changes, (), "", ">=0", {})


def _read(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise Refused(f"{folder} is no directory", hint="name commits as A..B, or two directories")
    found = {}
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in {".git", "__pycache__"})
        for name in names:
            path = Path(at, name)
            if path.is_file() and not path.is_symlink():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def write_package(folder: Path, files: Mapping[str, bytes], executable: frozenset[str]) -> None:
    """The files of a package, those that are there of the same names replaced."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if name in executable:
            path.chmod(0o755)
