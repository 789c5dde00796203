"""What a process asks of its files, failing: in the place of `os` in the one module that touches
what agents can write.
"""

from __future__ import annotations

import errno
import os
from typing import IO, Any

from simulation.world import World

ERRORS = {"eio": errno.EIO, "enospc": errno.ENOSPC, "short": errno.ENOSPC}


class Files:
    """All of `os`; what changes something may fail."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._short: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        kind = self._world.fault("file") if flags & os.O_CREAT else ""
        if kind and kind != "short":
            raise self._error(kind)
        number = os.open(path, flags, *arguments, **named)
        if kind:
            self._short.add(number)
        return number

    def fdopen(self, number: int, mode: str) -> Any:
        file = os.fdopen(number, mode)
        if number not in self._short:
            return file
        self._short.discard(number)
        return Short(file)

    def mkdir(self, *arguments: Any, **named: Any) -> None:
        self._change()
        os.mkdir(*arguments, **named)  # noqa: PTH102  # it is os

    def rename(self, *arguments: Any, **named: Any) -> None:
        self._change()
        os.rename(*arguments, **named)  # noqa: PTH104  # likewise

    def unlink(self, *arguments: Any, **named: Any) -> None:
        self._change()
        os.unlink(*arguments, **named)

    def _change(self) -> None:
        if kind := self._world.fault("file"):
            raise self._error(kind)

    @staticmethod
    def _error(kind: str) -> OSError:
        return OSError(ERRORS[kind], os.strerror(ERRORS[kind]))


class Short:
    """A file that takes half of what is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> Short:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
