"""`merge-file` and `merge-driver`: the structural merge alone, also for plain git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import Git
from skills_engine.graft.operation import line_merge
from skills_engine.merge import Region, merge_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Installed",
    "MergeResult",
    "carry_file",
    "driver",
    "driver_install",
    "driver_uninstall",
    "merge_files",
]

_NAME = "skills"
_ATTRIBUTES = "*.py merge=skills\n"
_ENDED = "endedLine"
"""Noted where the attributes lacked their last line end, so that taking the driver off gives back
every byte.
"""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """How a merge went: the rung that answered, and where the conflicts are (lines of the
    output).
    """

    clean: bool
    how: str
    conflicts: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Installed:
    """What `merge-driver install` or `uninstall` did, a line each."""

    done: tuple[str, ...]


def merge_files(base: Path, ours: Path, theirs: Path, out: Path, *, name: str = "") -> MergeResult:
    """Merge three versions of a file into `out`, with diff3 markers where they conflict."""
    merged = merge_file(
        name or str(out),
        *_versions(base, ours, theirs),
        lines=line_merge(Git(out.resolve().parent)),
    )
    _write(out, merged.data)
    return MergeResult(
        merged.clean, merged.how, tuple(_place(region) for region in merged.regions), merged.notes
    )


def carry_file(base: Path, ours: Path, theirs: Path, out: Path) -> MergeResult:
    """Record what `theirs` changed as operations and apply them to `ours`; `out` is not written if
    one is refused.
    """
    from skills_engine.record.carry import carry  # noqa: PLC0415

    carried = carry(
        out.name, *_versions(base, ours, theirs), lines=line_merge(Git(out.resolve().parent))
    )
    if carried.data is None:
        return MergeResult(
            clean=False, how="record", conflicts=((carried.line, carried.refused),), notes=()
        )
    _write(out, carried.data)
    return MergeResult(clean=True, how="record", conflicts=(), notes=())


def _versions(base: Path, ours: Path, theirs: Path) -> tuple[bytes, bytes, bytes]:
    try:
        return base.read_bytes(), ours.read_bytes(), theirs.read_bytes()
    except OSError as error:
        raise Refused(f"{error.filename} cannot be read: {error.strerror}") from None


def _write(out: Path, data: bytes) -> None:
    try:
        out.write_bytes(data)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from None


def _place(region: Region) -> tuple[int, str]:
    return region.line, region.reason


def driver(base: Path, ours: Path, theirs: Path, name: str) -> MergeResult:
    """What git runs: the result goes into `ours`."""
    return merge_files(base, ours, theirs, ours, name=name)


def driver_install(directory: Path) -> Installed:
    """Make git merge this repository's Python files structurally. Touches its own configuration
    only.
    """
    git = Git(directory)
    attributes = git.repository.common_dir / "info" / "attributes"
    git.run("config", f"merge.{_NAME}.name", "structural merge of Python")
    git.run("config", f"merge.{_NAME}.driver", "skills merge-driver run %O %A %B %P")
    text = attributes.read_text(encoding="utf-8") if attributes.exists() else ""
    if _ATTRIBUTES not in text.splitlines(keepends=True):
        attributes.parent.mkdir(exist_ok=True)
        if text and not text.endswith("\n"):
            git.run("config", f"merge.{_NAME}.{_ENDED}", "true")
            text += "\n"
        attributes.write_text(text + _ATTRIBUTES, encoding="utf-8")
    return Installed((f"merge.{_NAME} in the repository's configuration", f"*.py in {attributes}"))


def driver_uninstall(directory: Path) -> Installed:
    """Take it off again, without a trace."""
    git = Git(directory)
    attributes = git.repository.common_dir / "info" / "attributes"
    ended = git.config(f"merge.{_NAME}.{_ENDED}") is not None
    if git.config(f"merge.{_NAME}.driver") is not None:
        git.run("config", "--remove-section", f"merge.{_NAME}")
    if attributes.exists():
        lines = attributes.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line != _ATTRIBUTES]
        if kept:
            text = "".join(kept)
            attributes.write_text(text.removesuffix("\n") if ended else text, encoding="utf-8")
        else:
            attributes.unlink()
    return Installed(("taken off",))
