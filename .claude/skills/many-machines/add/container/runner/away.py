"""Requests to the host from another machine than the host's: its files are not there, so they go by
the proxy's socket.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from functools import wraps
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.protocol import Start

__all__ = ["by_the_proxy", "reached_by"]

FILES, WORKSPACE = Path("/workspace/ipc"), Path("/workspace/group")
PATIENCE, ATTEMPTS, OK = 120.0, 3, 200
_door: dict[str, str] = {}
_elsewhere = not FILES.exists()


def reached_by(start: Start) -> None:
    """Where the host is, and as whom it is asked."""
    _door.update(socket=start.proxy.removeprefix("unix:"), token=start.token)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(_door["socket"])


def by_the_proxy(
    by_files: Callable[..., Awaitable[Any]],
) -> Callable[..., Awaitable[Any]]:
    """The same request, by files where the host sees them."""

    @wraps(by_files)
    async def request(tool: str, arguments: dict[str, Any], *place: Path) -> Any:
        if place or not _door or not _elsewhere:
            return await by_files(tool, arguments, *place)
        return await asyncio.to_thread(_asked, tool, arguments)

    return request


def _asked(tool: str, arguments: dict[str, Any]) -> Any:
    from runner.ipc import Refused  # noqa: PLC0415  # which is made of this

    if tool == "send_file":
        _sent(str(arguments.get("path", "")))
    name = f"{time.time_ns():020}-{uuid4().hex[:12]}"
    body = json.dumps({"id": name, "tool": tool, "arguments": arguments}).encode()
    status, said = _tried("POST", f"/away/requests/{name}", body)
    if status != OK:
        raise Refused(said.decode("utf-8", "replace") or "the host does not answer")
    answer = json.loads(said)
    if not answer["ok"]:
        raise Refused(answer["error"])
    return answer["result"]


def _sent(path: str) -> None:
    """A file that the host is to send goes there first. One that is none it will refuse itself."""
    place = WORKSPACE / path
    if place.is_file() and place.is_relative_to(WORKSPACE):
        name = quote(place.relative_to(WORKSPACE).as_posix())
        _tried("PUT", f"/away/files/{name}", place.read_bytes())


def _tried(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Asked again where the connection breaks: by its name a request has its effect once."""
    for attempt in range(1, ATTEMPTS + 1):
        connection = _Connection("host", timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"x-api-key": _door["token"]})
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS:
                raise OSError(f"the host cannot be reached: {error}") from error
            time.sleep(attempt)
        finally:
            connection.close()
    raise AssertionError
