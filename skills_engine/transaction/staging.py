"""The new files and the new index, complete on disk before the owner's checkout is touched."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from skills_engine.transaction.journal import FileStep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.git import Git
    from skills_engine.transaction.worktree import Target
    from skills_engine.tree import Entry

__all__ = ["stage"]

_NO_OID = "0" * 40


def stage(git: Git, staging: Path, targets: Sequence[Target]) -> tuple[FileStep, ...]:
    """Write `staging/new/…` as git would check them out (filters, links, modes) and
    `staging/index`.
    """
    staging.mkdir(parents=True)
    index = staging / "index"
    _index(git, index, targets)
    writes = [t for t in targets if t.write and t.file is not None]
    if writes:
        if any(t.file != t.index for t in writes):  # with uncommitted edits
            index = staging / "checkout"
            _update(git, index, b"".join(_line(t.path, t.file) for t in writes))
        names = b"".join(os.fsencode(t.path) + b"\0" for t in writes)
        prefix = f"--prefix={staging / 'new'}/"
        git.run(
            "checkout-index",
            "-z",
            "--stdin",
            prefix,
            stdin=names,
            env={"GIT_INDEX_FILE": str(index)},
        )
    return tuple(
        FileStep(t.path, f"new/{t.path}" if t.file is not None else None, t.before)
        for t in targets
        if t.write
    )


def _index(git: Git, path: Path, targets: Sequence[Target]) -> None:
    real = git.repository.git_dir / "index"
    if real.exists():
        shutil.copyfile(real, path)
    _update(git, path, b"".join(_line(t.path, t.index) for t in targets))
    for mark in ("--assume-unchanged", "--skip-worktree"):
        kept = [os.fsencode(t.path) + b"\0" for t in targets if mark in t.kept and t.index]
        if kept:
            env = {"GIT_INDEX_FILE": str(path)}
            git.run("update-index", mark, "-z", "--stdin", stdin=b"".join(kept), env=env)


def _update(git: Git, index: Path, lines: bytes) -> None:
    git.run("update-index", "-z", "--index-info", stdin=lines, env={"GIT_INDEX_FILE": str(index)})


def _line(path: str, entry: Entry | None) -> bytes:
    mode, oid = (entry.mode, entry.oid) if entry is not None else (0, _NO_OID)
    return b"%o %s\t%s\0" % (mode, oid.encode(), os.fsencode(path))
