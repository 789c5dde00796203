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
    from collections.abc import Iterable
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
        if "\n" in spec:
            return None
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
        stdin.write(os.fsencode(spec) + b"\n")
        stdin.flush()
        header = _HEADER.fullmatch(stdout.readline())  # else what was asked, and that it is missing
        if header is None:
            return None
        data = stdout.read(int(header[2]) + 1)[:-1]
        return header[1].decode(), data


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise SkillsError("git cat-file has no pipe")
    return pipe
