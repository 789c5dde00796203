"""Runs a skill's own codemod class in a process of its own.

The process is a bare interpreter (`python -I`) with PATH as its only variable,
an empty temporary directory to stand in, and limits on memory, time, files and
children. It sees the bytes that it is given and answers with new bytes for the
same paths; anything else is refused here. It runs in a room (`sandbox`) that
has the interpreter and LibCST, and nothing else of the machine.

Where this machine can make no room, the code can read what its user can read
and open connections, and for root some limits do not hold: the owner is told
so when the package's digest is to be trusted.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from skills_engine.errors import CannotEnsure
from skills_engine.sandbox import Room, enclosed, python_files
from skills_engine.types import Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["run"]

_CHILD = Path(__file__).with_name("worker_child.py")
_NOISE = 64 * 1024
"""How much of what the code prints is kept, in bytes."""


def run(
    code: str,
    class_name: str,
    arguments: Mapping[str, Any],
    files: Mapping[str, bytes],
    *,
    name: str = "codemod.py",
    seconds: float = 60,
    memory: int = 1 << 30,
) -> dict[str, bytes]:
    """The files as the class leaves them; all of `files` come back.

    `name` is what the code's file is called in messages; `memory` is in bytes.
    Raises CannotEnsure (DRIFTED) if the code fails, crashes, takes too long, is
    not a fixed point (run on its own result it changes it again) or answers
    with anything but bytes for these files.
    """
    request = {
        "code": code,
        "name": name,
        "class": class_name,
        "arguments": dict(arguments),
        "files": {path: base64.b64encode(data).decode("ascii") for path, data in files.items()},
        "seconds": math.ceil(seconds) + 1,
        "memory": memory,
    }
    whole = json.dumps(request).encode("ascii")
    status, out, noise = _run(whole, seconds, 16 * len(whole) + (1 << 20))
    if status is None:
        raise _drifted(name, f"did not finish within {seconds:g} seconds", noise)
    if status < 0:
        raise _drifted(name, f"was killed by {signal.Signals(-status).name}", noise)
    return _answer(name, files, out, noise)


def _run(request: bytes, seconds: float, most: int) -> tuple[int | None, bytes, bytes]:
    """Exit status (None: out of time), standard output up to `most` bytes, standard error up to
    some.
    """
    with (
        tempfile.TemporaryDirectory(prefix="skills-worker-") as empty,
        tempfile.TemporaryFile() as stdin,
    ):
        stdin.write(request)
        stdin.seek(0)
        room = Room(Path(empty), (*python_files(Path(sys.executable)), _CHILD), (Path(empty),))
        command = [sys.executable, "-I", "-B", "-X", "utf8", str(_CHILD)]
        path = {"PATH": os.environ.get("PATH", os.defpath)}
        with enclosed(command, room, path) as inside:
            process = subprocess.Popen(
                inside.command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=empty,
                env=inside.env,
                start_new_session=True,
            )
            with process:
                readers = [_Reader(process.stdout, most), _Reader(process.stderr, _NOISE)]
                try:
                    status = inside.status(process.wait(timeout=seconds))
                except subprocess.TimeoutExpired:
                    status = None
                finally:
                    _kill(process)
                for reader in readers:
                    reader.join(timeout=5)
    return status, bytes(readers[0].data), bytes(readers[1].data)


class _Reader(threading.Thread):
    """Drains a pipe, keeping the first `most` bytes."""

    def __init__(self, pipe: IO[bytes] | None, most: int) -> None:
        super().__init__(daemon=True)
        self.pipe = pipe
        self.most = most
        self.data = bytearray()
        self.start()

    def run(self) -> None:
        while self.pipe is not None and (chunk := os.read(self.pipe.fileno(), 1 << 16)):
            self.data += chunk[: self.most - len(self.data)]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started, if anything is left of them."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def _answer(name: str, files: Mapping[str, bytes], out: bytes, noise: bytes) -> dict[str, bytes]:
    try:
        answer = json.loads(out)
        if "error" in answer:
            on = f" on {answer['path']}" if answer["path"] else ""
            at = f" at {answer['where']}" if answer["where"] else ""
            raise _drifted(name, f"failed{on}: {answer['error']}{at}", path=answer["path"])
        if "moving" in answer:
            path = answer["moving"]
            raise _drifted(
                name, f"is not idempotent: run on its own result it changes {path} again", path=path
            )
        found = {
            path: base64.b64decode(text, validate=True) for path, text in answer["files"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise _drifted(name, "gave no answer that can be read", noise) from None
    if found.keys() != files.keys():
        odd = ", ".join(sorted(found.keys() ^ files.keys()))
        raise _drifted(name, f"answered with other files than it was given: {odd}")
    return found


def _drifted(name: str, what: str, noise: bytes = b"", path: str = "") -> CannotEnsure:
    said = noise.decode("utf-8", "replace").strip().splitlines()
    return CannotEnsure(
        Outcome.DRIFTED,
        f"the skill's own code {name} {what}"
        + (f" (it said last: {said[-1].strip()})" if said else ""),
        candidates=(Place(path, 1),) if path else (),
        hint="report this to the skill's author",
    )
