"""Worktrees of the engine's own: a tree on disk, to run tests in or to resolve a conflict in."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from skills_engine.git import Git

__all__ = ["add_worktree", "remove_worktree", "scratch", "write_tree"]


@contextmanager
def scratch(git: Git, tree: str) -> Iterator[Path]:
    """A plain directory with a tree's files (no `.git`, nothing that is not tracked), removed
    afterwards.
    """
    git.objects.flush(tree)
    folder = git.repository.state / "scratch" / os.urandom(16).hex()
    index = folder.with_suffix(".index")
    folder.mkdir(parents=True)
    environment = {"GIT_INDEX_FILE": str(index)}
    try:
        git.run("read-tree", tree, env=environment)
        git.run("checkout-index", "--all", f"--prefix={folder}/", env=environment)
        yield folder
    finally:
        index.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def add_worktree(git: Git, folder: Path, commit: str, tree: str) -> None:
    """A linked worktree, detached at `commit`, with the files of `tree`: `git diff` there shows the
    operation.
    """
    git.objects.flush(tree)
    remove_worktree(git, folder)
    git.run("worktree", "add", "--detach", "--no-checkout", str(folder), commit)
    git.run("read-tree", tree, cwd=folder)
    git.run("checkout-index", "--all", "--force", cwd=folder)
    git.run("reset", "--mixed", "--quiet", cwd=folder)
    git.run("add", "--intent-to-add", "--all", cwd=folder)


def remove_worktree(git: Git, folder: Path) -> None:
    """Remove a linked worktree, also a half-made one, and no other (`git worktree prune` asks
    nobody).
    """
    shutil.rmtree(folder, ignore_errors=True)
    known = git.repository.common_dir / "worktrees"
    for entry in known.glob(f"{folder.name}*"):
        if _is_of(entry, folder):
            shutil.rmtree(entry, ignore_errors=True)
    with suppress(OSError):
        known.rmdir()


def _is_of(entry: Path, folder: Path) -> bool:
    try:
        where = (entry / "gitdir").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        where = ""
    return where in {"", str(folder / ".git")}


def write_tree(git: Git, folder: Path) -> str:
    """The tree of all files in a linked worktree, as they are now."""
    git.run("add", "--all", cwd=folder)
    return git.run("write-tree", cwd=folder).decode().strip()
