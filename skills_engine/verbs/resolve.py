"""`resolve`: see the conflicts of a stopped operation, and decide them one by one."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, UsageError
from skills_engine.graft.fork import Fork
from skills_engine.merge import filled, has_markers, regions_in
from skills_engine.resolve.candidates import candidates
from skills_engine.resolve.definition import definition_at
from skills_engine.resolve.kept import undecided
from skills_engine.resolve.pending import Pending, load
from skills_engine.transaction.lock import exclusive
from skills_engine.transaction.scratch import put_stored, stored
from skills_engine.tree import LINK, SUBMODULE, Tree
from skills_engine.verbs.paths import from_top

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skills_engine.merge import Region
    from skills_engine.resolve.pending import Waiting

__all__ = ["Choice", "Left", "Offered", "conflicts", "edit", "resolve"]

OURS, THEIRS = 2, 3
"""The stages of git's index."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that may be taken, and what it is made of."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Offered:
    """A conflict that nobody has decided: its place in the worktree as it is now, both sides, what
    both began with, and what is offered for it.

    What has no markers (`kind`) has no texts either.
    """

    path: str
    line: int
    reason: str
    kind: str
    definition: str
    ours: str = ""
    base: str = ""
    theirs: str = ""
    candidates: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """What is still to be decided, and in which folder."""

    folder: str
    conflicts: tuple[Offered, ...]


def conflicts(directory: Path) -> Left:
    """What a stopped operation waits for. Raises Refused where none waits."""
    fork = Fork.open(directory)
    try:
        return _left(fork, _waiting(fork))
    finally:
        fork.close()


def resolve(directory: Path, path: str, line: int, choice: str, *, wait: bool = False) -> Left:
    """Decide a conflict: `choice` is `ours`, `theirs`, `both` (ours, then theirs), or the number of
    a candidate. `path` is one from `directory`, or from the top, as conflicts are listed. `line` is
    a line of the region that is meant; 0 means all of the file.

    The worktree alone is changed. Raises Refused for a path that is not in conflict, and for a
    choice that it does not have.
    """
    return _decide(directory, path, lambda fork, it: _take(fork, it, line, choice), wait=wait)


def edit(directory: Path, path: str, *, wait: bool = False) -> Left:
    """Open a file that is in conflict in the editor that git is configured with."""
    return _decide(directory, path, _edited, wait=wait)


def _decide(
    directory: Path, path: str, how: Callable[[Fork, Waiting], None], *, wait: bool
) -> Left:
    fork = Fork.open(directory)
    try:
        with exclusive(fork.repository, "resolve", wait=wait):
            pending = _waiting(fork)
            here = from_top(fork.repository.root, directory, path)
            found = [each for each in undecided(fork, pending) if here in each.paths]
            found += [each for each in undecided(fork, pending) if path in each.paths]
            if not found:
                open_ = [each.path for each in undecided(fork, pending)]
                raise Refused(
                    f"{path} is not in conflict, or decided already",
                    hint=f"undecided: {', '.join(open_) or 'nothing; run: skills continue'}",
                )
            how(fork, found[0])
            return _left(fork, pending)
    finally:
        fork.close()


def _waiting(fork: Fork) -> Pending:
    pending = load(fork.repository)
    if pending is None:
        raise Refused("no operation waits: there is nothing to resolve")
    if pending.merged is None:
        raise Refused(
            f"it waits for no decision in files: {pending.reason}",
            hint="run: skills skip, or skills abort",
        )
    if not Pending.folder(fork.repository).is_dir():
        raise Refused("the conflict's worktree is gone", hint="run: skills abort")
    return pending


def _left(fork: Fork, pending: Pending) -> Left:
    folder = Pending.folder(fork.repository)
    found: list[Offered] = []
    for waiting in undecided(fork, pending):
        data = _text_of(fork, waiting) if waiting.marked else b""
        reasons = _reasons(fork, pending, waiting)
        regions = regions_in(data)
        for region in regions:
            sides = (region.ours, region.base, region.theirs)
            reason = reasons.get(sides, waiting.places[0].reason)
            found.append(_offered(waiting, data, region, reason))
        if not regions:  # without markers, or with others than were put there
            told = waiting.places[0]
            found.append(Offered(told.path, 1, told.reason, waiting.kind, told.definition))
    return Left(str(folder), tuple(found))


def _offered(waiting: Waiting, data: bytes, region: Region, reason: str) -> Offered:
    path = waiting.path
    around = definition_at(path, data, region.line)
    ours, base, theirs = (_text(side) for side in (region.ours, region.base, region.theirs))
    offers = tuple(Choice(each.name, _text(each.text)) for each in candidates(path, data, region))
    return Offered(path, region.line, reason, waiting.kind, around, ours, base, theirs, offers)


def _reasons(
    fork: Fork, pending: Pending, waiting: Waiting
) -> dict[tuple[bytes, bytes, bytes], str]:
    """Why each region of a file is one, by its sides: the lines move as regions are decided."""
    stopped = Tree(fork.objects, pending.merged or "").read(waiting.path) or b""
    return {
        (region.ours, region.base, region.theirs): place.reason
        for region, place in zip(regions_in(stopped), waiting.places, strict=False)
    }


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _take(fork: Fork, waiting: Waiting, line: int, choice: str) -> None:
    if not waiting.marked:
        _take_version(fork, waiting, choice)
        return
    folder = Pending.folder(fork.repository)
    data = _text_of(fork, waiting)
    regions = regions_in(data)
    meant = [region for region in regions if not line or _covers(region, line)]
    if not meant:
        raise Refused(
            f"no conflict of {waiting.path} is at line {line}",
            hint=f"they begin at: {', '.join(str(each.line) for each in regions)}",
        )
    texts = {region.line: _chosen(waiting.path, data, region, choice) for region in meant}
    whole = filled(data, regions, lambda region: texts.get(region.line))
    put_stored(fork.git, folder, waiting.path, whole)
    if not has_markers(whole):
        fork.git.run("add", "--force", "--", waiting.path, cwd=folder)


def _text_of(fork: Fork, waiting: Waiting) -> bytes:
    """What lies in the worktree, as git would have it; empty for what is no file."""
    folder = Pending.folder(fork.repository)
    found = stored(fork.git, folder, [waiting.path])[waiting.path]
    return found[1] if found is not None and found[0] != LINK else b""


def _covers(region: Region, line: int) -> bool:
    return region.line <= line < region.line + region.height


def _chosen(path: str, data: bytes, region: Region, choice: str) -> bytes:
    plain = {"ours": region.ours, "theirs": region.theirs, "both": region.ours + region.theirs}
    if choice in plain:
        return plain[choice]
    offered = candidates(path, data, region)
    if not choice.isdigit() or not 1 <= int(choice) <= len(offered):
        raise UsageError(
            f"{path}:{region.line} has {len(offered)} candidates, not {choice}",
            hint="see them: skills resolve",
        )
    return offered[int(choice) - 1].text


def _take_version(fork: Fork, waiting: Waiting, choice: str) -> None:
    """Of a conflict without markers: what one side has at its paths, or all that lies there."""
    folder = Pending.folder(fork.repository)
    if choice == "both" and waiting.kind not in {"rename/rename", "rename/add", "file/folder"}:
        raise Refused(
            f"{waiting.path}: there are not two files to keep ({waiting.kind})",
            hint="take --ours or --theirs, or decide with git add or git rm in the worktree",
        )
    if choice == "both":
        fork.git.run("add", "--force", "--", *waiting.paths, cwd=folder, ok=(0, 128))
        return
    if choice not in {"ours", "theirs"}:
        raise UsageError(f"{waiting.path} has no candidates", hint="take --ours or --theirs")
    if waiting.kind == "file/folder" and choice == "theirs":
        raise Refused(
            f"{waiting.path} cannot be put where a file of yours is",
            hint=f"move one of them in {folder}, then git add both",
        )
    stage = OURS if choice == "ours" else THEIRS
    taken = [version for version in waiting.versions if version.number == stage]
    gone = [path for path in waiting.paths if waiting.kind != "file/folder" or path != waiting.path]
    fork.git.run("rm", "--quiet", "--cached", "--ignore-unmatch", "--", *gone, cwd=folder)
    for path in gone:
        if not (folder / path).is_dir() or (folder / path).is_symlink():
            (folder / path).unlink(missing_ok=True)
    for version in taken:
        path = waiting.path if waiting.kind == "rename/add" else version.path
        entry = f"{version.mode:o},{version.oid},{path}"
        fork.git.run("update-index", "--add", "--cacheinfo", entry, cwd=folder)
        if version.mode != SUBMODULE:
            fork.git.run("checkout-index", "--force", "--", path, cwd=folder)


def _edited(fork: Fork, waiting: Waiting) -> None:
    folder = Pending.folder(fork.repository)
    place = folder / waiting.path
    if not place.is_file():
        raise Refused(f"{place} is no file", hint="take --ours or --theirs")
    editor = os.environ.get("GIT_EDITOR") or fork.git.text_or_none("var", "GIT_EDITOR")
    if editor is None:
        raise Refused("git knows no editor here", hint=f"edit {place}, or set GIT_EDITOR")
    done = subprocess.run(f"{editor} {shlex.quote(str(place))}", shell=True, check=False)  # noqa: S602  (git's own way to start one)
    if done.returncode:
        raise Refused(f"the editor ended with {done.returncode}", hint="nothing was decided")
    if not has_markers(_text_of(fork, waiting)):
        fork.git.run("add", "--force", "--", waiting.path, cwd=folder)
