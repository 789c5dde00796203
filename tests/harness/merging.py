"""git's own line merge, for tests of the merge that stands on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from skills_engine.merge import LineMerge, Merged, from_lines

__all__ = ["git_lines"]


def git_lines(room: Path) -> LineMerge:
    """`git merge-file` with diff3 markers, on three files in `room`."""

    def lines(base: bytes, ours: bytes, theirs: bytes) -> Merged:
        names = [room / name for name in ("ours", "base", "theirs")]
        for name, data in zip(names, (ours, base, theirs), strict=True):
            name.write_bytes(data)
        done = subprocess.run(
            ["git", "merge-file", "-p", "--diff3", *names], capture_output=True, check=False
        )
        return from_lines(done.stdout, clean=done.returncode == 0)

    return lines
