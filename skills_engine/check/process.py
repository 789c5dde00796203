"""Runs a program in a session of its own, for a bounded time and with a bounded output; nothing of
it is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Completed", "last_lines", "run"]

_KEEP = 100_000
"""Bytes of output kept from the start, and as many from the end."""

_LINE = 65_536
"""Bytes after which what comes is told as a line that has not ended yet."""

_GRACE = 3.0
"""Seconds between the interrupt that lets a program tidy up and the kill."""


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. `code` is None if it took longer than it may, or was silent for too
    long (`silent`).
    """

    code: int | None
    output: str
    seconds: float
    silent: bool = False


class _Output:
    """Standard output and error as they come, the middle left out when there is too much of it."""

    def __init__(self, stream: IO[bytes], on_line: Callable[[str], None] | None) -> None:
        self._stream = stream
        self._on_line = on_line
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self.last = time.monotonic()
        """When something came last."""

    def read(self) -> None:
        begun = b""
        while part := os.read(self._stream.fileno(), 65_536):
            self.last = time.monotonic()
            self._keep(part)
            *whole, begun = (begun + part).split(b"\n")
            self._tell(whole)
            if len(begun) >= _LINE:
                self._tell([begun])
                begun = b""
        self._tell([begun] if begun else [])

    def _keep(self, part: bytes) -> None:
        room = _KEEP - len(self._head)
        self._head += part[:room]
        self._tail += part[room:]
        excess = len(self._tail) - _KEEP
        if excess > _KEEP:  # trimmed now and then, not at every part
            self._dropped += excess
            del self._tail[:excess]

    def _tell(self, lines: Sequence[bytes]) -> None:
        if self._on_line is not None:
            for line in lines:
                self._on_line(line.decode("utf-8", "replace").rstrip())

    def text(self) -> str:
        excess = max(len(self._tail) - _KEEP, 0)
        dropped = self._dropped + excess
        middle = f"\n[… {dropped} bytes left out …]\n".encode() if dropped else b""
        return (bytes(self._head) + middle + bytes(self._tail[excess:])).decode("utf-8", "replace")


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    silence: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Completed:
    """Run a program with no standard input. Its whole session ends with it, at the time-out, when
    nothing came of it for `silence` seconds, or with this process's interrupt. `on_line` is called
    for each line, from another thread. Raises OSError if the program cannot start.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if process.stdout is None:
        raise AssertionError("standard output is a pipe")
    output = _Output(process.stdout, on_line)
    reader = threading.Thread(target=output.read, daemon=True)
    code: int | None = None
    silent = False
    try:
        reader.start()
        end = started + timeout
        while code is None:
            now = time.monotonic()
            until = end if silence is None else min(end, output.last + silence)
            silent = until <= now < end
            if until <= now:
                _signal(process.pid, signal.SIGINT)
                process.wait(_GRACE)
                break
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(until - now)
    except subprocess.TimeoutExpired:
        pass  # the interrupt did not end it
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()
        reader.join(_GRACE)
        if not reader.is_alive():
            process.stdout.close()
    return Completed(code, output.text(), time.monotonic() - started, silent)


def _signal(session: int, number: signal.Signals) -> None:
    try:
        os.killpg(session, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return


def last_lines(output: str, count: int = 15) -> str:
    """The end of an output, blank lines left out."""
    return "\n".join([line.rstrip() for line in output.splitlines() if line.strip()][-count:])
