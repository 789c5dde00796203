"""The object database of a repository: read through one `git cat-file --batch`, written in memory
until it is flushed, by gitdb, and then on the disk.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from hashlib import sha1
from typing import IO, TYPE_CHECKING, Protocol

from skills_engine.durable import sync_files
from skills_engine.errors import Refused, SkillsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["PREDICTABLE", "Objects"]

PREDICTABLE = (
    "-c", "core.quotePath=false",
    "-c", "core.fsmonitor=false",
    "-c", "core.fsync=committed,reference",
    "-c", "protocol.ext.allow=never",
    "-c", "gc.auto=0",
    "-c", "trailer.separators=:",
    "-c", "log.showSignature=false",
    "-c", "i18n.commitEncoding=UTF-8",
    "-c", "i18n.logOutputEncoding=UTF-8",
)  # fmt: skip
"""Settings for every git command. What git writes is on the disk when it ends (git 2.36 and
later).
"""

_AT_ONCE = 200
"""Objects asked for at once: their names fit in the pipe while git waits to be read."""
_HEADER = re.compile(rb"([0-9a-f]{40}) [a-z]+ ([0-9]+)\n")
"""What `git cat-file --batch` says before an object."""


class _Folders(Protocol):
    @property
    def common_dir(self) -> Path: ...


class _Repository(Protocol):
    """What there is to know of a repository whose objects are wanted."""

    @property
    def directory(self) -> Path: ...
    @property
    def repository(self) -> _Folders: ...
    def environ(self) -> dict[str, str]: ...


class Objects:
    """The object database: read through to git, written in memory until `flush`."""

    def __init__(self, git: _Repository) -> None:
        self._git = git
        self._pending: dict[str, tuple[str, bytes]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._cache: dict[str, bytes] = {}

    def resolve(self, spec: str) -> str | None:
        """The object id of a revision such as `HEAD^{tree}` or `main:bot/app.py`, or None."""
        found = self._ask(spec)
        return found[0] if found else None

    def read(self, oid: str) -> bytes:
        """The bytes of an object. Raises Refused for one that is not there (a shallow or pruned
        repository).
        """
        if oid in self._pending:
            return self._pending[oid][1]
        if oid in self._cache:
            return self._cache[oid]
        found = self._ask(oid)
        if found is None:
            raise Refused(
                f"object {oid[:12]} is missing from this repository",
                hint="fetch it: git fetch --unshallow, or git fetch upstream",
            )
        self._cache[oid] = found[1]
        return found[1]

    def fetch(self, oids: Iterable[str]) -> None:
        """Read objects that will be asked for one by one: git answers for many at once. What is
        missing is told by `read`.
        """
        wanted = [oid for oid in oids if oid not in self._pending and oid not in self._cache]
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            for oid, found in zip(some, self._answers(some), strict=True):
                if found is not None:
                    self._cache[oid] = found[1]

    def has(self, oid: str) -> bool:
        return oid in self._pending or oid in self._cache or self._ask(oid) is not None

    def write(self, kind: str, data: bytes) -> str:
        """The id of an object, which `flush` will write."""
        header = b"%s %d\0" % (kind.encode(), len(data))
        oid = sha1(header + data, usedforsecurity=False).hexdigest()
        if oid not in self._cache:
            self._pending.setdefault(oid, (kind, data))
        return oid

    def flush(self, *roots: str) -> int:
        """Write what is pending of these objects and of all that they reach, without any of
        everything; how many.

        A fold makes a tree after each step, and only the last of them is ever looked at again.
        """
        # Contents before the trees that name them: what is reachable is complete at every instant.
        order = self._pending_below(roots or tuple(self._pending))
        if not order:
            return 0
        from io import BytesIO  # noqa: PLC0415

        from gitdb import IStream, LooseObjectDB  # noqa: PLC0415  (50 ms, and only writers pay)

        folder = self._git.repository.common_dir / "objects"
        store, there = LooseObjectDB(str(folder)), {*folder.glob("obj*")}
        try:
            for oid in order:
                kind, data = self._pending[oid]
                store.store(IStream(kind.encode(), len(data), BytesIO(data)))
                self._cache[oid] = data
        except OSError:
            for unfinished in {*folder.glob("obj*")} - there:  # a full disk, and gitdb forgets it
                unfinished.unlink(missing_ok=True)
            raise
        sync_files(folder / oid[:2] / oid[2:] for oid in order)
        for oid in order:
            del self._pending[oid]
        return len(order)

    def _pending_below(self, roots: Iterable[str]) -> list[str]:
        """The pending objects that these are or reach, each after all that it reaches."""
        order: dict[str, None] = {}

        def visit(oid: str) -> None:
            if oid in order or oid not in self._pending:
                return
            kind, data = self._pending[oid]
            at = 0
            while kind == "tree" and at < len(data):
                at = data.index(b"\0", at) + 21  # mode, space, name, NUL, 20 bytes of id
                visit(data[at - 20 : at].hex())
            order[oid] = None

        for root in roots:
            visit(root)
        return list(order)

    def close(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    _pipe(pipe).close()
            process.wait()

    def _ask(self, spec: str) -> tuple[str, bytes] | None:
        return None if "\n" in spec else self._answers([spec])[0]

    def _answers(self, specs: Sequence[str]) -> list[tuple[str, bytes] | None]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                ["git", *PREDICTABLE, "cat-file", "--batch"],
                cwd=self._git.directory,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._git.environ(),
            )
        stdin, stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        stdin.write(b"".join(os.fsencode(spec) + b"\n" for spec in specs))
        stdin.flush()
        found: list[tuple[str, bytes] | None] = []
        for _ in specs:
            header = _HEADER.fullmatch(stdout.readline())  # else what was asked, and "missing"
            data = stdout.read(int(header[2]) + 1)[:-1] if header else b""
            found.append((header[1].decode(), data) if header else None)
        return found


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise SkillsError("git cat-file has no pipe")
    return pipe
