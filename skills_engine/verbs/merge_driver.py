"""The merge driver: git's own merges (`merge`, `rebase`, `cherry-pick`, `stash pop`) by structure.

`install` writes into the repository's `.git` only. The command that it configures names this
interpreter by its absolute path. Where that is gone or fails, `git merge-file` merges in its place,
so git is never left with less than it would have made by itself. What the repository's own
`.gitattributes` say of merging a file is done instead, though git asks `info/attributes` first.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import Git
from skills_engine.graft.operation import line_merge
from skills_engine.lines import bare_lines, split_lines
from skills_engine.merge import filled, merge_file
from skills_engine.verbs.merging import MergeResult, read_versions, result_of

if TYPE_CHECKING:
    from skills_engine.merge import Merged, Region

__all__ = [
    "CONFLICTING",
    "MERGED",
    "Installed",
    "Markers",
    "driver",
    "driver_install",
    "driver_uninstall",
]

MERGED, CONFLICTING = 64, 65
"""Exit codes of `merge-driver run`, which nothing else ends with."""

_NAME = "skills"
_ATTRIBUTES = b"*.py merge=skills\n"
"""The first line: what the owner's own lines there say of some path counts more."""
_STRUCTURE = {"unspecified", "set", _NAME}
_NEVER = "the repository's attributes say that it is not merged"
_FALLBACK = (
    'echo "skills: the structural merge of "%P" could not run; merged by lines" >&2; '
    'set -- %X %S %Y; case "$1" in %%*) set -- ours base theirs;; esac; '
    'git merge-file --marker-size=%L -L "$1" -L "$2" -L "$3" %A %O %B || exit 1'
)
"""What runs where the engine does not: git's own merge, and a conflict where it finds one. Git
before 2.44 has no names for the three versions, and leaves `%X` as it is.
"""


@dataclass(frozen=True, slots=True)
class Markers:
    """How git wants conflicts marked: the attribute `conflict-marker-size`, and the names of the
    three versions.
    """

    size: int = 7
    base: str = "base"
    ours: str = "ours"
    theirs: str = "theirs"

    @property
    def names(self) -> tuple[str, str, str]:
        """In the order of the markers."""
        return self.ours, self.base, self.theirs


@dataclass(frozen=True, slots=True)
class Installed:
    """What `merge-driver install` or `uninstall` did, a line each."""

    done: tuple[str, ...]


def driver(base: Path, ours: Path, theirs: Path, name: str, markers: Markers) -> MergeResult:
    """What git runs: the result goes into `ours`, whole or not at all.

    `name` is the file's path in the repository, which says what kind of file it is.
    """
    git = Git(Path.cwd())
    versions = read_versions(base, ours, theirs)
    told = _told(git, name)
    if told in {"unset", "binary"}:
        return MergeResult(clean=False, how=told, conflicts=((1, _NEVER),), notes=())
    own = git.settings.value(f"merge.{told}.driver")
    if own is not None:
        return _by(own, (base, ours, theirs), name, markers)
    if told not in _STRUCTURE:
        style = "union" if told == "union" else _style(git)
        data, count = git.merge_lines(*versions, markers.names, markers.size, style)
        _put(ours, data)
        conflicts = tuple((1, "both sides changed these lines") for _ in range(count))
        return MergeResult(clean=not count, how=told, conflicts=conflicts, notes=())
    merged = merge_file(name, *versions, lines=line_merge(git, size=markers.size))
    data = merged.data
    if merged.regions and merged.how == "lines":  # git's answer: as git would have written it
        data, _ = git.merge_lines(*versions, markers.names, markers.size, _style(git))
    elif merged.regions:
        data = restyled(merged, markers, _style(git))
    _put(ours, data)
    return result_of(merged)


def _put(ours: Path, data: bytes) -> None:
    partial = ours.with_name(f"{ours.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(ours)


def _style(git: Git) -> str:
    configured = git.settings.value("merge.conflictStyle")
    return configured if configured in {"diff3", "zdiff3"} else "merge"


def _told(git: Git, name: str) -> str:
    """The attribute `merge` of a path, as it is without `info/attributes`: git reads that in the
    repository, so the question is asked in another one with the same working tree.
    """
    with TemporaryDirectory(prefix="skills-") as folder:
        for part in ("objects", "refs"):
            (Path(folder) / part).mkdir()
        (Path(folder) / "HEAD").write_text("ref: refs/heads/none\n", encoding="utf-8")
        there = {"GIT_DIR": folder, "GIT_WORK_TREE": str(Path.cwd())}
        others = git.settings.value("core.attributesFile")
        words = [] if others is None else ["-c", f"core.attributesFile={others}"]
        out = git.run(*words, "check-attr", "-z", "merge", "--", name, env=there, ok=range(256))
    return os.fsdecode(out).split("\0")[2] if out.count(b"\0") >= 3 else "unspecified"


def _by(own: str, files: tuple[Path, Path, Path], name: str, markers: Markers) -> MergeResult:
    """What another driver made of it, called as git calls one."""
    words = dict(zip("OAB", (str(file) for file in files), strict=True))
    words |= {"L": str(markers.size), "P": shlex.quote(name), "%": "%"}
    words |= zip("XSY", map(shlex.quote, markers.names), strict=True)
    command = re.sub("%([OABLPXSY%])", lambda found: words[found[1]], own)
    code = subprocess.run(command, shell=True, check=False).returncode  # noqa: S602  (git's own way)
    if code not in range(128):
        raise Refused(f"{own} ended with {code}")
    conflicts = ((1, f"{own} ended with {code}"),) if code else ()
    return MergeResult(clean=not code, how=own, conflicts=conflicts, notes=())


def restyled(merged: Merged, markers: Markers, style: str) -> bytes:
    """A merge with its conflicts marked as git was told to mark them; `style` is one of
    `merge.conflictStyle`.
    """
    if not _is_marked(merged):
        return merged.data
    lines = split_lines(merged.data)

    def restyled_one(region: Region) -> bytes:
        return b"".join(_marked(region, _end_of(lines[region.line - 1]), markers, style))

    return filled(merged.data, merged.regions, restyled_one)


def _is_marked(merged: Merged) -> bool:
    """Whether the conflicts stand in the data: of a binary file there is one side only."""
    lines = bare_lines(merged.data)
    return bool(merged.regions) and all(
        len(lines) >= region.line and lines[region.line - 1].startswith(b"<<<<<<<")
        for region in merged.regions
    )


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :] or b"\n"


def _marked(region: Region, end: bytes, markers: Markers, style: str) -> list[bytes]:
    def mark(kind: bytes, label: str) -> bytes:
        return kind * markers.size + (b" " + os.fsencode(label) if label else b"") + end

    ours, base, theirs = (_lines(side, end) for side in (region.ours, region.base, region.theirs))
    head: list[bytes] = []
    tail: list[bytes] = []
    if style == "zdiff3":
        while ours and theirs and ours[0] == theirs[0]:
            head.append(ours.pop(0))
            theirs.pop(0)
        while ours and theirs and ours[-1] == theirs[-1]:
            tail.insert(0, ours.pop())
            theirs.pop()
    middle = [] if style == "merge" else [mark(b"|", markers.base), *base]
    sides = [mark(b"<", markers.ours), *ours, *middle, mark(b"=", ""), *theirs]
    return [*head, *sides, mark(b">", markers.theirs), *tail]


def _lines(side: bytes, end: bytes) -> list[bytes]:
    """A side's lines, each with its end."""
    lines = split_lines(side)
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += end
    return lines


def command() -> str:
    """What git is told to run. Two exit codes are answers; with any other, 0 too, the engine did
    not run, or did not get to its end.
    """
    # -P: the working tree of a fork has a `skills_engine` too, and is in the middle of a merge
    program = shlex.join([sys.executable, "-P", "-m", "skills_engine"]).replace("%", "%%")
    labels = "--ours-label=%X --base-label=%S --theirs-label=%Y"
    run = f"{program} merge-driver run --marker-size=%L {labels} -- %O %A %B %P"
    return f"{run}; case $? in {MERGED}) ;; {CONFLICTING}) exit 1;; *) {_FALLBACK};; esac"


def driver_install(directory: Path) -> Installed:
    """Make git merge this repository's Python files structurally. Touches its own configuration
    only.
    """
    git = Git(directory)
    attributes = git.repository.common_dir / "info" / "attributes"
    git.configure(f"merge.{_NAME}.name", "structural merge of Python")
    git.configure(f"merge.{_NAME}.driver", command())
    text = attributes.read_bytes() if attributes.exists() else b""
    if _ATTRIBUTES not in split_lines(text):
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_bytes(_ATTRIBUTES + text)
    return Installed((f"merge.{_NAME} in the repository's configuration", f"*.py in {attributes}"))


def driver_uninstall(directory: Path) -> Installed:
    """Take it off again, without a trace."""
    git = Git(directory)
    attributes = git.repository.common_dir / "info" / "attributes"
    if git.settings.value(f"merge.{_NAME}.driver") is not None:
        git.configure("--remove-section", f"merge.{_NAME}")
    if attributes.exists():
        lines = split_lines(attributes.read_bytes())
        kept = [line for line in lines if line != _ATTRIBUTES]
        if kept:
            attributes.write_bytes(b"".join(kept))
        else:
            attributes.unlink()
    return Installed(("taken off",))
