"""`bot backup` and `bot restore`: a verified copy of the store, the groups and the agents'
sessions.

What agents wrote is read by `bot.confined`. A file that cannot be read is named and left out; one
with holes keeps them, in the archive and where it is put back.
"""

import ctypes
import errno
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from bot.confined import Tree, reason
from bot.database import code, hint_for
from bot.errors import OF_THE_SYSTEM, BotError
from bot.migrations import MIGRATIONS
from bot.paths import Paths

__all__ = ["Made", "backup", "restore"]

MANIFEST = "manifest.json"
_EXCHANGE = 2  # RENAME_EXCHANGE
BLOCK = 1 << 16
LONGEST = 1 << 40
"""The bytes of one file; one with holes may claim any number."""
LEAST_HOLES = 1 << 20
"""The zeros, in bytes, that a file has at least to be packed with its holes."""


@dataclass(slots=True)
class Made:
    """How many files a backup holds, and which were left out, each with the reason."""

    files: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


def backup(data: Path, target: Path) -> Made:
    """Write `target`, a .tar.gz with the digest of each file in it. The bot may run meanwhile."""
    if not (data / "bot.db").exists():
        raise BotError(f"there is no store in {data}", hint="name its folder with --data")
    if os.path.lexists(target):
        raise BotError(f"{target} is there already", hint="name another file")
    parent = target.absolute().parent
    try:
        with _private(), tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=parent) as here:
            place = Path(here)
            made = _pack(data, place, place / "archive")
            _unpack(place / "archive", place / "check")
            (place / "archive").rename(target)
            return made
    except OSError as error:
        why = f"{target} cannot be written: {reason(error)}"
        hint = OF_THE_SYSTEM.get(error.errno or 0, "make room, or name a file elsewhere")
        raise BotError(why, hint=hint) from error
    except sqlite3.Error as error:
        where = parent if code(error) == sqlite3.SQLITE_FULL else data
        hint = hint_for(error, where) or "see what the bot says at its start: bot run"
        raise BotError(f"the store cannot be copied: {error}", hint=hint) from error


def restore(source: Path, data: Path) -> Path | None:
    """Put a backup in the place of `data`; where the old data went, if there were any. The bot must
    not run. One that fails leaves the data where they are.
    """
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        with _private(), tempfile.TemporaryDirectory(dir=data.absolute().parent) as place:
            fresh = Path(place) / "data"
            _unpack(source, fresh)
            _refuse_what_is_newer(source, fresh)
            if not data.exists():
                fresh.rename(data)
                return None
            with FileLock(data / "bot.lock", timeout=0):
                return _put(fresh, data)
    except Timeout:
        raise BotError(f"a bot is running on {data}", hint="stop it first") from None
    except OSError as error:
        hint = "restore into a folder that is there no more, beside which you may write: --data"
        hint = OF_THE_SYSTEM.get(error.errno or 0, hint)
        raise BotError(f"{data} cannot be put back: {reason(error)}", hint=hint) from error


def _put(fresh: Path, data: Path) -> Path:
    """Take the place of the old data; where those are now."""
    now = f"{data.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    names = (
        data.with_name(now + more) for more in ("", *(f".{number}" for number in range(2, 99)))
    )
    old = next(name for name in names if not os.path.lexists(name))
    fresh.rename(old)
    if _exchanged(old, data):  # there are data at every moment, whoever ends this process
        return old
    old.rename(fresh)
    data.rename(old)
    try:
        fresh.rename(data)
    except BaseException:
        old.rename(data)
        raise
    return old


def _exchanged(one: Path, other: Path) -> bool:
    """Give two paths each other's place in one step; False where the system has none for it."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux
    paths = (os.fsencode(path.absolute()) for path in (one, other))
    return rename is not None and rename(-1, next(paths), -1, next(paths), _EXCHANGE) == 0


def _refuse_what_is_newer(source: Path, fresh: Path) -> None:
    """Raises BotError for a store that this bot could not be started with."""
    with closing(sqlite3.connect(fresh / "bot.db")) as db:
        ((version,),) = db.execute("PRAGMA user_version")
    if version > len(MIGRATIONS):
        why = f"its schema is {version}, and this bot knows {len(MIGRATIONS)}"
        raise BotError(f"{source} was made by a newer bot: {why}", hint="update this bot first")


@contextmanager
def _private() -> Iterator[None]:
    """What is made is its owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _pack(data: Path, place: Path, target: Path) -> Made:
    made, digests = Made(), {}
    with (
        closing(sqlite3.connect(data / "bot.db")) as live,
        closing(sqlite3.connect(place / "bot.db")) as copy,
    ):
        live.backup(copy)
    with tarfile.open(target, "w:gz") as archive:
        with (place / "bot.db").open("rb") as store:
            digests["bot.db"] = _add(archive, "bot.db", store)
        for name, tree in Paths(data).kept():
            for path, file in _files(name, tree, made):
                # what is digested is what is packed: an agent may be writing it now
                with (place / "packed").open("w+b") as packed:
                    if (why := _copy(file, packed)) is None:
                        digests[path] = _add(archive, path, packed)
                    else:
                        made.left_out.append((path, why))
        manifest = json.dumps({"format": 2, "files": digests}).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(manifest)
        archive.addfile(info, io.BytesIO(manifest))
    made.files = len(digests)
    return made


def _files(name: str, tree: Tree, made: Made) -> Iterator[tuple[str, BinaryIO]]:
    """The files of a tree, by their paths in the archive."""

    def left_out(path: str, why: str) -> None:
        made.left_out.append((f"{name}/{path}".rstrip("/"), why))

    try:
        with tree.open() as folder:
            for path, file in folder.files(left_out):
                yield f"{name}/{path}", file
    except OSError as error:
        left_out("", reason(error))


def _copy(source: BinaryIO, target: BinaryIO) -> str | None:
    """As much as there is now, but for its holes; why it cannot be read."""
    kind = os.fstat(source.fileno())
    if kind.st_size > LONGEST:
        return f"it claims to have {kind.st_size} bytes"
    blocks = _blocks(source, kind.st_size)
    while True:
        try:
            found = next(blocks, None)
        except OSError as error:
            return reason(error)
        if found is None:
            break
        target.seek(found[0])
        target.write(found[1])
    target.truncate(kind.st_size)
    target.flush()
    os.fchmod(target.fileno(), kind.st_mode & 0o700 | 0o600)
    return None


def _blocks(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """The blocks up to `size` that are not zeros alone, each with its offset."""
    offset = 0
    while offset < size:
        try:
            offset = os.lseek(file.fileno(), offset, os.SEEK_DATA) // BLOCK * BLOCK
        except OSError as error:
            if error.errno == errno.ENXIO:
                return  # a hole up to the end
        file.seek(offset)
        block = file.read(min(BLOCK, size - offset))
        if block.strip(b"\0"):
            yield offset, block
        offset += BLOCK


def _digest(file: BinaryIO) -> str:
    """Of what is in it and where, whether holes are kept as such or not."""
    size = os.fstat(file.fileno()).st_size
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    for offset, block in _blocks(file, size):
        digest.update(offset.to_bytes(8, "big") + block)
    return digest.hexdigest()


def _add(archive: tarfile.TarFile, name: str, file: BinaryIO) -> str:
    """Pack a file that nobody else writes; its digest."""
    kind = os.fstat(file.fileno())
    info = tarfile.TarInfo(name)
    info.mode, info.mtime = kind.st_mode & 0o700, int(kind.st_mtime)
    held = [(offset, len(block)) for offset, block in _blocks(file, kind.st_size)]
    if kind.st_size - sum(length for _, length in held) < LEAST_HOLES:
        info.size = kind.st_size
        file.seek(0)
        archive.addfile(info, file)
        return _digest(file)
    # as GNU tar writes it, 1.0: the map of what is held, then that
    held.append((kind.st_size, 0))
    numbers = "".join(f"{number}\n" for number in (len(held), *chain(*held))).encode()
    table = numbers.ljust(-(-len(numbers) // 512) * 512, b"\0")
    info.size = len(table) + sum(length for _, length in held)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": name,
        "GNU.sparse.realsize": str(kind.st_size),
    }
    pieces = (block for _, block in _blocks(file, kind.st_size))
    archive.addfile(info, _Pieces(chain([table], pieces)))  # type: ignore[arg-type]
    return _digest(file)


class _Pieces:
    """Pieces that are read as one file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _unpack(source: Path, into: Path) -> None:
    """Raises BotError if anything in it is not as it was packed."""
    try:
        with tarfile.open(source) as archive:
            archive.extractall(into, filter=_files_alone)  # noqa: S202 - the filter takes files alone
        manifest = json.loads((into / MANIFEST).read_text("utf-8"))
        (into / MANIFEST).unlink()
        digests = manifest["files"] if manifest.get("format") == 2 else manifest
        digest = _digest if manifest.get("format") == 2 else _digest_of_the_first_format
        found = {}
        for path in into.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    found[path.relative_to(into).as_posix()] = digest(file)
        with closing(sqlite3.connect(into / "bot.db")) as db:
            (sound,) = db.execute("PRAGMA quick_check").fetchone()
    except (
        *(OSError, tarfile.TarError, EOFError, ValueError, zlib.error),
        *(KeyError, AttributeError, TypeError, sqlite3.Error),
    ) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        hint = "take another one"
        raise BotError(f"{source} is no backup that can be read: {error}", hint=hint) from None
    if found != digests or sound != "ok":
        raise BotError(f"{source} is not as it was made", hint="take another one")


def _files_alone(member: tarfile.TarInfo, into: str) -> tarfile.TarInfo:
    """Nothing else was ever packed: a link would come in beside what is digested."""
    if not (member.isreg() or member.isdir()):
        raise ValueError(f"{member.name!r} is no file")
    return tarfile.data_filter(member, into)


def _digest_of_the_first_format(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(BLOCK):
        digest.update(piece)
    return digest.hexdigest()
