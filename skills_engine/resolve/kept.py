"""Decisions of operations that were given up: kept in the git directory, offered when the very
same conflict comes again.

Unlike a recorded resolution they decide nothing: what was kept is laid into the conflict's
worktree, the operation still stops, and `skills continue` takes it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.resolve.pending import Pending
from skills_engine.transaction.scratch import stored, unmerged_in
from skills_engine.tree import EXECUTABLE, REGULAR, Entry, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from skills_engine.git import Repository
    from skills_engine.graft.fork import Fork
    from skills_engine.resolve.pending import Waiting

__all__ = ["Offer", "forget", "keep", "offers", "undecided"]

_MOST = 100
"""So many are kept; the oldest go."""
_FILES = (REGULAR, EXECUTABLE)
_BEGINS = re.compile(rb"^(?:(?:<{7}|>{7})(?= |\r?$)|<{8,} ours\r?$|>{8,} theirs\r?$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What became of the paths of a conflict: mode and bytes, or None for a path that goes."""

    waiting: Waiting
    files: tuple[tuple[str, tuple[int, bytes] | None], ...]

    def put(self, fork: Fork, tree: Tree) -> None:
        for path, content in self.files:
            entry = None
            if content is not None:
                entry = Entry(content[0], fork.objects.write("blob", content[1]))
            tree.put(path, entry)


def undecided(fork: Fork, pending: Pending) -> list[Waiting]:
    """The conflicts of which nobody has said what becomes of them: markers are left in the file, or
    git's index of the worktree has the versions still (no `git add`, no `git rm`).
    """
    folder = Pending.folder(fork.repository)
    open_ = unmerged_in(fork.git, folder)
    there = _files(fork, pending)
    found = []
    for waiting in pending.conflicts:
        unmerged = not open_.isdisjoint(waiting.paths)
        files = {path: there[path] for path in waiting.paths}
        texts = (fork.objects.read(v.oid) for v in waiting.versions if v.mode in _FILES)
        most = max(map(_marks, texts), default=0)
        left = any(content is not None and _marks(content[1]) > most for content in files.values())
        gone = files[waiting.path] is None
        if left or (unmerged and (not waiting.marked or gone)):
            found.append(waiting)
    return found


def _marks(data: bytes) -> int:
    """How many lines begin a conflict, of whatever style; a text about git may have some itself."""
    return len(_BEGINS.findall(data)) if b"\0" not in data else 0


def keep(fork: Fork, pending: Pending) -> tuple[str, ...]:
    """Keep what was made of a stopped operation's conflicts; the paths of those."""
    folder = Pending.folder(fork.repository)
    if pending.merged is None or not folder.is_dir():
        return ()
    stopped = Tree(fork.objects, pending.merged)
    open_ = {waiting.digest for waiting in undecided(fork, pending)}
    kept, there = [], _files(fork, pending)
    for waiting in pending.conflicts:
        files = {path: there[path] for path in waiting.paths}
        if waiting.marked:
            mine = files[waiting.path]
            worth = mine is not None and mine[1] != stopped.read(waiting.path)
        else:
            worth = waiting.digest not in open_
        if not waiting.digest or not worth:
            continue
        _write(fork.repository, waiting, files)
        kept.append(waiting.path)
    return tuple(kept)


def offers(repository: Repository, conflicts: Iterable[Waiting]) -> list[Offer]:
    """What was kept for exactly these conflicts. What cannot be read is none."""
    found = []
    for waiting in conflicts:
        try:
            text = _place(repository, waiting).read_text(encoding="utf-8")
            files = tuple(
                (path, None if content is None else (content[0], base64.b64decode(content[1])))
                for path, content in json.loads(text).items()
            )
        except (OSError, ValueError, TypeError, LookupError):
            continue
        if waiting.digest and {path for path, _ in files} == {*waiting.paths}:
            found.append(Offer(waiting, files))
    return found


def forget(repository: Repository, conflicts: Iterable[Waiting]) -> None:
    """Their decisions were published: nothing is left to offer."""
    for waiting in conflicts:
        if waiting.digest:
            _place(repository, waiting).unlink(missing_ok=True)


def _folder(repository: Repository) -> Path:
    return repository.state / "kept"


def _place(repository: Repository, waiting: Waiting) -> Path:
    return _folder(repository) / f"{waiting.digest or 'none'}.json"


def _write(
    repository: Repository, waiting: Waiting, files: dict[str, tuple[int, bytes] | None]
) -> None:
    folder = _folder(repository)
    folder.mkdir(parents=True, exist_ok=True)
    found = {
        path: None if content is None else [content[0], base64.b64encode(content[1]).decode()]
        for path, content in files.items()
    }
    partial = folder / ".partial"
    partial.write_text(json.dumps(found), encoding="utf-8")
    partial.replace(_place(repository, waiting))
    there = sorted(folder.glob("*.json"), key=lambda each: each.stat().st_mtime)
    for old in there[:-_MOST]:
        old.unlink(missing_ok=True)


def _files(fork: Fork, pending: Pending) -> dict[str, tuple[int, bytes] | None]:
    """What lies in the worktree at the paths of the conflicts, as git would have it."""
    paths = {path for waiting in pending.conflicts for path in waiting.paths}
    return stored(fork.git, Pending.folder(fork.repository), sorted(paths))
