"""Folders of agents as archives: how they go to another machine, and come home.

What goes is reached by `bot.confined` alone. What comes is that machine's word, which may be in
other hands: it is counted before it is written, made of files, folders and links that stay inside,
and lands in a folder that nobody uses yet.
"""

import os
import stat
import tarfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, TypeAlias

from bot.confined import Folder, Refused, Skipped, Tree, reason

MOST_BYTES, MOST_ENTRIES = 256 << 20, 20_000
DEEPEST, LONGEST_PATH, PIECE = 64, 1_000, 1 << 20
DAMAGED = (tarfile.TarError, ValueError, OverflowError, EOFError, KeyError, RecursionError)
Seen: TypeAlias = dict[str, tuple[int, int, int, int]]
"""Of each path mode, size, time of change and number: what tells that it is another one."""


@dataclass(slots=True)
class Left:
    """What may still travel of a group."""

    size: int = MOST_BYTES
    entries: int = MOST_ENTRIES

    def take(self, size: int = 0, entries: int = 0) -> None:
        self.size, self.entries = self.size - size, self.entries - entries
        if self.size < 0 or self.entries < 0:
            most = f"{MOST_BYTES >> 20} MB, or {MOST_ENTRIES:,} entries"
            raise Refused(f"it has more than {most}")


def seen(tree: Tree) -> Seen:
    """What a folder holds; nothing if there is none."""
    try:
        with tree.open() as opened:
            return {path: _sign(kind) for _, path, kind in opened.entries(lambda *_: None)}
    except FileNotFoundError:
        return {}


def _sign(kind: os.stat_result) -> tuple[int, int, int, int]:
    if stat.S_ISDIR(kind.st_mode):
        return stat.S_IFMT(kind.st_mode), 0, 0, 0
    return kind.st_mode, kind.st_size, kind.st_mtime_ns, kind.st_ino


def pack(
    tar: tarfile.TarFile,
    tree: Tree,
    target: str,
    user: tuple[int, int],
    left: Left,
    skipped: Skipped,
    known: Seen,
) -> Seen:
    """Put a folder into an archive, to be unpacked at / as `target`: all that is not `known`. What
    it holds. Raises OSError, `Refused` where that is more than may travel.
    """
    there: Seen = {}

    def add(path: str, kind: bytes, mode: int, size: int = 0, link: str = "") -> tarfile.TarInfo:
        entry = tarfile.TarInfo(f"{target.lstrip('/')}/{path}".rstrip("/"))
        entry.type, entry.mode, entry.size, entry.linkname = kind, mode, size, link
        entry.uid, entry.gid = user
        entry.mtime = int(time.time())
        return entry

    with tree.open() as opened:
        if not known:
            tar.addfile(add("", tarfile.DIRTYPE, 0o755))
        for folder, path, kind in opened.entries(skipped):
            left.take(entries=1)
            there[path] = _sign(kind)
            if known.get(path) == there[path]:
                continue
            name = path.rpartition("/")[2]
            try:
                if stat.S_ISDIR(kind.st_mode):
                    tar.addfile(add(path, tarfile.DIRTYPE, 0o755))
                elif stat.S_ISLNK(kind.st_mode):
                    link = str(Path(folder.watched, name).readlink())
                    tar.addfile(add(path, tarfile.SYMTYPE, 0o777, link=link))
                else:
                    with folder.open(name) as file:
                        size = os.fstat(file.fileno()).st_size
                        left.take(size)
                        mode = 0o755 if kind.st_mode & 0o100 else 0o644
                        entry = add(path, tarfile.REGTYPE, mode, size)
                        entry.mtime = int(kind.st_mtime)
                        tar.addfile(entry, file)
            except FileNotFoundError:
                del there[path]  # it went meanwhile
            except Refused as error:
                if left.size < 0:
                    raise
                skipped(path, reason(error))  # a pipe, say
    return there


class Arriving:
    """An archive as it comes, piece by piece: a file for reading, of no more than may come."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._rest = iter(pieces), b""
        self._left = Left(MOST_BYTES + (MOST_ENTRIES << 11))

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._left.take(len(piece))
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def unpack(
    pieces: Iterable[bytes], target: str, into: Folder, left: Left, skipped: Skipped
) -> None:
    """The folder `target`, as the engine gives it, into an empty one. Raises Refused for what is no
    archive of it, or more than may come; a link that leads out, and what is no file, is left out.
    """
    stream: BinaryIO = Arriving(pieces)  # type: ignore[assignment]  # `read` is all that is wanted
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
            for member in tar:
                left.take(entries=1)
                Left(left.size, 0).take(member.size)  # before any of it is written
                parts = _inside(member.name, target)
                if parts:
                    _place(tar, member, parts, target, into, left, skipped)
    except DAMAGED as error:
        raise Refused(f"it is no archive of a folder: {type(error).__name__}") from None


def _place(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    parts: list[str],
    target: str,
    into: Folder,
    left: Left,
    skipped: Skipped,
) -> None:
    path, name = "/".join(parts), parts[-1]
    with ExitStack() as opened:
        folder = into
        for part in parts[:-1]:
            folder = opened.enter_context(folder.folder(part))
        if member.isdir():
            folder.make(name).__exit__()
        elif member.issym():
            if _leads_out(member.linkname, parts[:-1], target):
                skipped(path, "it is a link that leads out")
            else:
                Path(folder.watched, name).symlink_to(member.linkname)
        elif member.islnk():
            source = opened.enter_context(_opened(into, _inside(member.linkname, target)))
            _write(folder, name, member, source, left)
        elif member.isreg():
            data = tar.extractfile(member)
            if data is None:
                raise Refused(f"{path!r} has no contents")
            _write(folder, name, member, opened.enter_context(data), left)
        elif member.isfifo():
            skipped(path, "it is no file")
        else:
            raise Refused(f"{path!r} is a device, or of no kind")


def _opened(into: Folder, parts: list[str]) -> BinaryIO:
    with ExitStack() as opened:
        folder = into
        for part in parts[:-1]:
            folder = opened.enter_context(folder.folder(part))
        return folder.open(parts[-1] if parts else "")


def _write(
    folder: Folder, name: str, member: tarfile.TarInfo, source: IO[bytes], left: Left
) -> None:
    """A new file; FileExistsError where something has the name already."""
    with folder.create(name) as file:
        while piece := source.read(PIECE):
            left.take(len(piece))
            file.write(piece)
        file.flush()
        os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
        when = min(max(int(member.mtime), 0), 1 << 33)
        os.utime(file.fileno(), (when, when))


def _inside(name: str, target: str) -> list[str]:
    """The parts of a path below the folder. Raises Refused for one that is not there."""
    first, *parts = name.split("/")
    if parts[-1:] == [""]:
        parts.pop()
    short = len(parts) <= DEEPEST and len(os.fsencode(name)) <= LONGEST_PATH
    odd = not {"", ".", ".."}.isdisjoint(parts) or "\0" in name
    if first != PurePosixPath(target).name or not short or odd:
        raise Refused(f"{name[:80]!r} is no path in it")
    return parts


def _leads_out(link: str, folder: list[str], target: str) -> bool:
    """Whether a link leads out of the group's folder, as its agent sees it."""
    place = Path(target, *folder, link)  # an absolute one stands for itself
    return not Path(os.path.normpath(place)).is_relative_to(target)


def follow_home(home: Tree, came: Folder, known: Seen, gone: set[str]) -> Seen:
    """What was put into a folder at home, changed or removed there since it was sent as `known`, is
    so too in what `came`: an attachment may arrive while an agent is at work. `gone` is what was
    removed at home. What is at home now.
    """
    now = seen(home)
    gone |= {path for path in known if path not in now}
    gone -= now.keys()
    for path in sorted(gone, reverse=True):  # what is in a folder goes before it
        _in_folder(came, path, _removed)
    new = [path for path, sign in now.items() if known.get(path) != sign]
    for path in new:
        kind = now[path][0]
        if stat.S_ISDIR(kind):
            _in_folder(came, path, lambda folder, name: folder.make(name).__exit__())
        elif stat.S_ISREG(kind):
            with home.open() as opened, _opened(opened, path.split("/")) as file:
                data = file.read(MOST_BYTES)
            _in_folder(came, path, partial(_put, data))
    return now


def _put(data: bytes, folder: Folder, name: str) -> None:
    folder.put(name, data)


def _removed(folder: Folder, name: str) -> None:
    try:
        folder.remove(name)
    except OSError:  # a folder that has got something new, or it is not there
        return


def _in_folder(top: Folder, path: str, act: Callable[[Folder, str], None]) -> None:
    *parts, name = path.split("/")
    with ExitStack() as opened:
        folder = top
        for part in parts:
            try:
                folder = opened.enter_context(folder.folder(part))
            except FileNotFoundError:
                return  # its agent has removed the folder
        act(folder, name)
