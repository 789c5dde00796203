"""The one hand that touches what agents can write.

An agent may put anything into its folders, and change it while we look: links, pipes, folders for
files, a million names, endless depth. So nothing there is reached by a path. A `Tree` is opened;
what is in it is known by one name below an open directory, never followed, and read within limits.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # neither a pipe nor a lease makes us wait
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
PATH = getattr(os, "O_PATH", 0)
IN_THE_WAY = {errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST}

Skipped = Callable[[str, str], None]
"""Told the path, and the reason, of what is left out."""


class Refused(OSError):
    """What stands there is not what was asked for, or is more than may be; the text says which."""


@dataclass(frozen=True, slots=True)
class WalkLimits:
    """Of a walk: levels of folders, entries in all, and the characters of a path in the tree."""

    depth: int = 64
    entries: int = 500_000
    path: int = 1_000


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory below which agents write. The way to it is the host's own."""

    source: Path
    """For a mount, and for nothing else: what is done in it is done through `open`."""

    def open(self) -> "Folder":
        """Raises OSError where there is none."""
        return Folder(os.open(self.source, os.O_RDONLY | os.O_DIRECTORY))

    def make(self) -> "Folder":
        """Open it, new if there is none; one that an agent shut is opened to us again."""
        self.source.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):
            return self.open()._ours()
        self.source.chmod(0o700)
        return self.open()


class Folder:
    """An open directory. Every method raises OSError, `Refused` among them, and takes single names;
    what it cannot do it leaves as it was.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._number)

    @property
    def watched(self) -> str:
        """A path of this very directory, however it is called, while it is open (Linux alone)."""
        return f"/proc/self/fd/{self._number}"

    @property
    def owner(self) -> tuple[int, int]:
        found = os.fstat(self._number)
        return found.st_uid, found.st_gid

    def folder(self, name: str) -> "Folder":
        return Folder(os.open(_single(name), DIRECTORY, dir_fd=self._number))

    def make(self, name: str) -> "Folder":
        """The folder of that name, new if there is none, and open to us even if an agent shut it.
        What stands in its way is put aside.
        """
        with suppress(FileExistsError):
            os.mkdir(_single(name), dir_fd=self._number)
        try:
            return self.folder(name)._ours()
        except PermissionError:
            self._unlock(name)
        except OSError as error:
            if error.errno not in IN_THE_WAY:
                raise
            self._put_aside(name)
            os.mkdir(name, dir_fd=self._number)
        return self.folder(name)._ours()

    def names(self, most: int) -> list[str]:
        """So many of the names in it, as they come."""
        with os.scandir(self._number) as entries:
            return [entry.name for entry in islice(entries, most)]

    def open(self, name: str) -> BinaryIO:
        """A regular file, to be read."""
        file = os.fdopen(os.open(_single(name), FILE, dir_fd=self._number), "rb")
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise Refused("it is no file")
        return file

    def read(self, name: str, most: int) -> bytes:
        """A regular file of up to so many bytes."""
        with self.open(name) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise Refused(f"it is longer than {most} bytes")
        return data

    def create(self, name: str) -> BinaryIO:
        """A new file, to be written; FileExistsError if anything has the name, be it a link."""
        return os.fdopen(os.open(_single(name), NEW, 0o644, dir_fd=self._number), "wb")

    def add(self, name: str, data: bytes) -> bool:
        """A new file with its contents; False, and nothing done, if anything has the name."""
        try:
            file = self.create(name)
        except FileExistsError:
            return False
        try:
            with file:
                file.write(data)
        except OSError:  # a full disk: not half of it
            self.remove(name)
            raise
        return True

    def put(self, name: str, data: bytes) -> None:
        """A whole file or none. It replaces what has its name; a folder is put aside."""
        self.add(draft := f".{secrets.token_hex(8)}.tmp", data)
        try:
            try:
                self.move(draft, self, name)
            except OSError as error:
                if error.errno not in IN_THE_WAY:
                    raise
                self._put_aside(name)
                self.move(draft, self, name)
        except OSError:
            with suppress(OSError):
                self.remove(draft)
            raise

    def move(self, name: str, into: "Folder", named: str | None = None) -> None:
        """Rename, into a folder of the same tree."""
        target = _single(name if named is None else named)
        os.rename(_single(name), target, src_dir_fd=self._number, dst_dir_fd=into._number)

    def remove(self, name: str) -> None:
        """A file, a link, or an empty folder."""
        try:
            os.unlink(_single(name), dir_fd=self._number)
        except (IsADirectoryError, PermissionError):  # macOS says the latter
            os.rmdir(name, dir_fd=self._number)

    def entries(
        self, skipped: Skipped, limits: WalkLimits = WalkLimits()
    ) -> Iterator[tuple["Folder", str, os.stat_result]]:
        """What is below, in order: the folder that it is in, its path, and what kind it is."""
        return self._below(_Walk(limits, skipped))

    def files(
        self, skipped: Skipped, limits: WalkLimits = WalkLimits()
    ) -> Iterator[tuple[str, BinaryIO]]:
        """Each regular file below by its path, open until the next is asked for."""
        for folder, path, kind in self.entries(skipped, limits):
            if stat.S_ISDIR(kind.st_mode):
                continue
            try:
                if not stat.S_ISREG(kind.st_mode):
                    raise Refused("it is a link" if stat.S_ISLNK(kind.st_mode) else "it is no file")
                file = folder.open(path.rpartition("/")[2])
            except OSError as error:
                skipped(path, reason(error))
                continue
            with file:
                yield path, file

    def kinds(self, limits: WalkLimits = WalkLimits()) -> Iterator[os.stat_result]:
        """What the system says of each regular file below, as far as a walk goes."""
        for _, _, kind in self.entries(lambda *_: None, limits):
            if stat.S_ISREG(kind.st_mode):
                yield kind

    def give(
        self, user: int, group: int, skipped: Skipped, limits: WalkLimits = WalkLimits()
    ) -> None:
        """Make a user the owner of it, and of what is below."""
        os.fchown(self._number, user, group)
        for folder, path, kind in self.entries(skipped, limits):
            if (kind.st_uid, kind.st_gid) != (user, group):
                name = path.rpartition("/")[2]
                try:
                    os.chown(name, user, group, dir_fd=folder._number, follow_symlinks=False)
                except OSError as error:
                    skipped(path, reason(error))

    def _below(
        self, walk: "_Walk", above: str = ""
    ) -> Iterator[tuple["Folder", str, os.stat_result]]:
        try:
            names = sorted(self.names(walk.left + 1))
        except OSError as error:
            walk.skipped(above, reason(error))
            return
        for name in names:
            path = f"{above}{name}"
            if not walk.admits(path):
                continue
            try:
                kind = os.stat(name, dir_fd=self._number, follow_symlinks=False)
                yield self, path, kind
                if stat.S_ISDIR(kind.st_mode):
                    with self.folder(name) as folder:
                        yield from folder._below(walk, f"{path}/")
            except FileNotFoundError:
                continue  # the agent has removed it meanwhile
            except OSError as error:
                walk.skipped(path, reason(error))

    def _ours(self) -> Self:
        """One that is ours, but shut to us in part, is opened to us."""
        kind = os.fstat(self._number)
        if kind.st_uid == os.geteuid() and kind.st_mode & 0o700 != 0o700:
            os.fchmod(self._number, stat.S_IMODE(kind.st_mode) | 0o700)
        return self

    def _unlock(self, name: str) -> None:
        """Open to us a folder that is shut to us. The way by /proc changes what was opened, and
        nothing that was put in its place.
        """
        if not PATH:
            raise PermissionError(errno.EACCES, "it is shut")
        number = os.open(name, PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._number)
        try:
            Path(f"/proc/self/fd/{number}").chmod(0o700)
        finally:
            os.close(number)

    def _put_aside(self, name: str) -> None:
        self.move(name, self, f".aside-{secrets.token_hex(8)}")


@dataclass(slots=True)
class _Walk:
    limits: WalkLimits
    skipped: Skipped
    seen: int = 0

    @property
    def left(self) -> int:
        return self.limits.entries - self.seen

    def admits(self, path: str) -> bool:
        """Whether what has this path may be looked at; it counts."""
        self.seen += 1
        if self.left == -1:
            self.skipped(path, f"it is beyond {self.limits.entries} entries, as all that follows")
        elif path.count("/") >= self.limits.depth:
            self.skipped(path, f"it is below {self.limits.depth} folders")
        elif len(os.fsencode(path)) > self.limits.path:
            self.skipped(path, f"its path is longer than {self.limits.path} bytes")
        else:
            return self.left >= 0
        return False


def reason(error: OSError) -> str:
    """Why, in words without a path."""
    return error.strerror or str(error)


def _single(name: str) -> str:
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise Refused(f"{name[:80]!r} is no name")
    return name
