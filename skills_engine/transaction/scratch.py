"""Worktrees of the engine's own: a tree on disk, to run tests in or to resolve a conflict in."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.transaction.journal import FileSignature
from skills_engine.transaction.worktree import entries_on_disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skills_engine.git import Git

__all__ = [
    "add_worktree",
    "put_stored",
    "remove_worktree",
    "scratch",
    "stored",
    "unmerged_in",
    "write_tree",
]


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


def add_worktree(
    git: Git, folder: Path, commit: str, tree: str, unmerged: Sequence[tuple[int, str, int, str]]
) -> None:
    """A linked worktree, detached at `commit`, with the files of `tree`, as git leaves a merge that
    stopped: what is merged is in the index, and of what is not, the versions.

    `unmerged` are stage, path, mode and blob of those versions. `git diff HEAD` there shows the
    operation, `git status` what is to be decided.
    """
    git.objects.flush(tree, *(oid for _, _, _, oid in unmerged))
    remove_worktree(git, folder)
    git.run("worktree", "add", "--detach", "--no-checkout", str(folder), commit)
    git.run("read-tree", tree, cwd=folder)
    git.run("checkout-index", "--all", "--force", "-u", cwd=folder)
    lines = [f"0 {'0' * 40}\t{path}" for path in dict.fromkeys(path for _, path, _, _ in unmerged)]
    lines += [f"{mode:o} {oid} {stage}\t{path}" for stage, path, mode, oid in unmerged]
    if lines:
        script = os.fsencode("".join(line + "\0" for line in lines))
        git.run("update-index", "-z", "--index-info", stdin=script, cwd=folder)


def unmerged_in(git: Git, folder: Path) -> set[str]:
    """The paths of which a linked worktree's index has versions and no decision."""
    _attach(git, folder)
    listed = git.run("ls-files", "--unmerged", "-z", cwd=folder)
    return {os.fsdecode(entry.partition(b"\t")[2]) for entry in listed.split(b"\0") if entry}


def stored(git: Git, folder: Path, paths: Iterable[str]) -> dict[str, tuple[int, bytes] | None]:
    """Files and links of a linked worktree as git would have them, mode and bytes: not in the line
    ends, the encoding or the form of a filter in which they lie there. None for what is neither.
    """
    signatures = {path: FileSignature.of(folder / path) for path in paths}
    there = entries_on_disk(replace(git, directory=folder), signatures)
    return {
        path: (entry.mode, git.objects.read(entry.oid)) if entry is not None and entry.oid else None
        for path, entry in there.items()
    }


def put_stored(git: Git, folder: Path, path: str, data: bytes) -> None:
    """Write what git would have as a file of a linked worktree, as git would check it out."""
    oid = git.objects.write("blob", data)
    git.objects.flush(oid)
    shown = git.run("cat-file", "--filters", f"--path={path}", oid, cwd=folder)
    (folder / path).write_bytes(shown)


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
        where = os.fsdecode((entry / "gitdir").read_bytes()).strip()
    except FileNotFoundError:
        where = ""
    if where in {"", str(folder / ".git")}:
        return True
    tail = "/".join((*folder.parts[-2:], ".git"))  # of a fork that was moved since
    return where.endswith(f"/{tail}") and not Path(where).exists()


def _attach(git: Git, folder: Path) -> None:
    """Let a linked worktree find its repository again, if both were moved together."""
    known = os.fsdecode((folder / ".git").read_bytes()).strip().removeprefix("gitdir: ")
    if Path(known).parent != git.repository.common_dir / "worktrees":
        git.run("worktree", "repair", str(folder))


def write_tree(git: Git, folder: Path) -> str:
    """The tree of all files in a linked worktree, as they are now."""
    _attach(git, folder)
    git.run("add", "--all", cwd=folder)
    return git.run("write-tree", cwd=folder).decode().strip()
