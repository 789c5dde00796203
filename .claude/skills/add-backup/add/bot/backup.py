"""`bot backup` and `bot restore`: a verified copy of the store, the groups and the agents'
sessions.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bot.errors import BotError

__all__ = ["backup", "restore"]

ROOMS = ("groups", "sessions")
MANIFEST = "manifest.json"


def backup(data: Path, target: Path) -> int:
    """Write `target`, a .tar.gz with the digest of each file in it; how many there are. The bot may
    run meanwhile.
    """
    if not (data / "bot.db").exists():
        raise BotError(f"there is no store in {data}", hint="name its folder with --data")
    if target.exists():
        raise BotError(f"{target} is there already", hint="name another file")
    partial = target.with_name(f".{target.name}.partial")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent) as place:
        files = {"bot.db": Path(place) / "bot.db"}
        with (
            closing(sqlite3.connect(data / "bot.db")) as live,
            closing(sqlite3.connect(files["bot.db"])) as copy,
        ):
            live.backup(copy)
        for room in ROOMS:
            found = (
                path
                for path in sorted((data / room).rglob("*"))
                if path.is_file() and not path.is_symlink()
            )
            files |= {path.relative_to(data).as_posix(): path for path in found}
        with tarfile.open(partial, "w:gz") as archive:
            digests = {}
            for name, path in files.items():
                with suppress(
                    FileNotFoundError
                ):  # an agent may have removed it, or be writing it now:
                    packed = Path(
                        shutil.copy(path, Path(place) / "packed")
                    )  # what is digested is what is packed
                    digests[name] = _digest(packed)
                    archive.add(packed, name)
            manifest = Path(place) / MANIFEST
            manifest.write_text(json.dumps(digests), encoding="utf-8")
            archive.add(manifest, MANIFEST)
        partial.chmod(0o600)
        _unpack(partial, Path(place) / "check")
    partial.rename(target)
    return len(digests)


def restore(source: Path, data: Path) -> Path | None:
    """Put a backup in the place of `data`; where the old data went, if there were any. The bot must
    not run.
    """
    data.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.absolute().parent) as place:
        fresh = Path(place) / "data"
        _unpack(source, fresh)
        if not data.exists():
            fresh.rename(data)
            return None
        try:
            with FileLock(data / "bot.lock", timeout=0):
                old = data.with_name(f"{data.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
                data.rename(old)
                fresh.rename(data)
                return old
        except Timeout:
            raise BotError(f"a bot is running on {data}", hint="stop it first") from None


def _unpack(source: Path, into: Path) -> None:
    """Raises BotError if anything in it is not as it was packed."""
    try:
        with tarfile.open(source) as archive:
            archive.extractall(into, filter="data")
        digests = json.loads((into / MANIFEST).read_text("utf-8"))
        (into / MANIFEST).unlink()
        found = {
            path.relative_to(into).as_posix(): _digest(path)
            for path in into.rglob("*")
            if path.is_file()
        }
        with closing(sqlite3.connect(into / "bot.db")) as db:
            (sound,) = db.execute("PRAGMA quick_check").fetchone()
    except (OSError, tarfile.TarError, EOFError, ValueError, sqlite3.Error) as error:
        raise BotError(
            f"{source} is no backup that can be read: {error}", hint="take another one"
        ) from None
    if found != digests or sound != "ok":
        raise BotError(f"{source} is not as it was made", hint="take another one")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
