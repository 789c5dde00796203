"""`merge-file`: the structural merge of three files alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.git import Git
from skills_engine.graft.operation import line_merge
from skills_engine.merge import is_known, merge_file

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.merge import Merged

__all__ = ["MergeResult", "carry_file", "merge_files", "read_versions", "result_of"]


@dataclass(frozen=True, slots=True)
class MergeResult:
    """How a merge went: the rung that answered, and where the conflicts are (lines of the
    output).
    """

    clean: bool
    how: str
    conflicts: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]


def merge_files(base: Path, ours: Path, theirs: Path, out: Path) -> MergeResult:
    """Merge three versions of a file into `out`, with diff3 markers where they conflict."""
    versions = read_versions(base, ours, theirs)
    kind = _kind(base, ours, theirs, out)
    merged = merge_file(kind, *versions, lines=line_merge(Git(out.resolve().parent)))
    _write(out, merged.data)
    return result_of(merged)


def result_of(merged: Merged) -> MergeResult:
    """What a person is told of a merge."""
    places = tuple((region.line, region.reason) for region in merged.regions)
    return MergeResult(merged.clean, merged.how, places, merged.notes)


def carry_file(base: Path, ours: Path, theirs: Path, out: Path) -> MergeResult:
    """Record what `theirs` changed as operations and apply them to `ours`; `out` is not written if
    one is refused.
    """
    from skills_engine.record.carry import carry  # noqa: PLC0415

    carried = carry(
        _kind(base, ours, theirs, out),
        *read_versions(base, ours, theirs),
        lines=line_merge(Git(out.resolve().parent)),
    )
    if carried.data is None:
        return MergeResult(
            clean=False, how="record", conflicts=((carried.line, carried.refused),), notes=()
        )
    _write(out, carried.data)
    return MergeResult(clean=True, how="record", conflicts=(), notes=())


def _kind(base: Path, ours: Path, theirs: Path, out: Path) -> str:
    """The name that says what kind of file it is: the result's, or a version's where that says
    nothing (`-o /tmp/merged`).
    """
    return next((path.name for path in (out, ours, theirs, base) if is_known(path.name)), out.name)


def read_versions(base: Path, ours: Path, theirs: Path) -> tuple[bytes, bytes, bytes]:
    """The bytes of three files. Raises Refused for one that cannot be read."""
    try:
        return base.read_bytes(), ours.read_bytes(), theirs.read_bytes()
    except OSError as error:
        raise Refused(f"{error.filename} cannot be read: {error.strerror}") from None


def _write(out: Path, data: bytes) -> None:
    try:
        out.write_bytes(data)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from None
