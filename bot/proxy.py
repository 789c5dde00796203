"""The credentials proxy: each container has a socket of its own there, and holds a token that is
worth something at that socket alone, and only while it lives.
"""

import asyncio
import logging
import os
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    StreamReader,
    TCPConnector,
    web,
)

from bot.bounds import Seldom, parsed
from bot.errors import BotError
from bot.log import log
from bot.mcp import Server
from bot.settings import Settings

PATHS = frozenset({"/v1/messages", "/v1/messages/count_tokens"})
MCP, MCP_METHODS = "/mcp/", frozenset({"GET", "POST", "DELETE"})
CREDENTIALS = {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"}
OF_ONE_CONNECTION = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
OF_ONE_CONNECTION |= {"upgrade"}
TIMEOUT = ClientTimeout(total=None, sock_connect=30, sock_read=600)
SOCKET = "proxy.sock"
LONGEST_LINE = 1 << 20
"""Bytes of a line of an answer that are looked at for its tokens."""
Used = Callable[[str, int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Of one container: connections, seconds for the head of a request, and the bytes of a body.
    Those of a head are aiohttp's: 8 KB a line, 128 lines; so is that of requests sent ahead.
    """

    connections: int = 32
    head_seconds: float = 60.0
    body: int = 64 << 20


class Proxy:
    """Passes requests for PATHS on to the configured API, and for MCP servers that a group has to
    them, and the answers back as they come.

    `used(group, input, output)` is told the tokens of each answer. A container reaches it by a
    socket in a folder below `folder` on Linux, and so needs no network; by a loopback port
    elsewhere.
    """

    session: ClientSession
    """Once it is open."""

    def __init__(
        self, settings: Settings, folder: Path, used: Used, limits: ConnectionLimits | None = None
    ) -> None:
        self.upstream = settings.anthropic_base_url.rstrip("/")
        key = settings.anthropic_api_key
        self.credential = "api_key" if key else "oauth"
        oauth = {"authorization": f"Bearer {settings.claude_code_oauth_token.value}"}
        self.header = {"x-api-key": key.value} if key else oauth
        self.folder, self.used, self.limits = folder, used, limits or ConnectionLimits()
        self.trouble = Seldom()
        self.networked = sys.platform != "linux"
        """Whether containers need a network to reach it."""
        self.doors: set[Door] = set()

    async def open(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # what a kill has left; it is the host's own
        self.folder.mkdir(parents=True)
        self.session = ClientSession(
            connector=TCPConnector(limit=0),  # the doors have theirs
            timeout=TIMEOUT,
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
        )

    def admit(self, group: str, servers: Mapping[str, Server] = {}) -> "Door":
        """A door for a container of the group, until it is closed; `servers` are the MCP servers
        that are reached by it, as `/mcp/<name>`.
        """
        door = Door(self, group, servers)
        self.doors.add(door)
        return door

    async def close(self) -> None:
        for door in [*self.doors]:
            door.close()
        await self.session.close()

    def tell(self, group: str, what: str) -> None:
        """A container may do this by the thousand: it is in the log once a minute."""
        if count := self.trouble.count(f"{what} {group}"):
            log.warning(what, group=group, since_the_last=count)


class Door(web.Server):
    """What one container has of the proxy: its socket and its token. It accepts no more connections
    at a time than may be: others wait, at their end.
    """

    def __init__(self, proxy: Proxy, group: str, servers: Mapping[str, Server]) -> None:
        self.token = f"graftbot-{secrets.token_urlsafe(32)}"
        self.folder = proxy.folder / secrets.token_hex(8)
        """For a mount: what the container sees as /run/graftbot."""
        self._proxy, self._group, self._servers = proxy, group, servers
        quiet = logging.getLogger("bot.proxy.http")
        quiet.disabled = True  # a traceback for each request that is none, and its text
        super().__init__(
            self._handle,
            handler_cancellation=True,
            keepalive_timeout=proxy.limits.head_seconds,
            auto_decompress=False,  # it goes on as it comes, with the header that says how
            logger=quiet,
            access_log=None,
        )
        self._free = asyncio.Semaphore(proxy.limits.connections)
        self._socket = self._listen()
        self._accepting = asyncio.create_task(self._accept())

    @property
    def address(self) -> str:
        """Where the container finds it, in the words of the runner."""
        if self._proxy.networked:
            return f"http://host.docker.internal:{self._socket.getsockname()[1]}"
        return f"unix:/run/graftbot/{SOCKET}"

    def close(self) -> None:
        """The container has ended: nobody is heard any more."""
        self._accepting.cancel()
        self._socket.close()
        for connection in self.connections:
            connection.force_close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._proxy.doors.discard(self)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._free.release()

    def _listen(self) -> socket.socket:
        self.folder.mkdir()
        if self._proxy.networked:
            listening = socket.create_server(("127.0.0.1", 0))
        else:
            listening = socket.socket(socket.AF_UNIX)
            # a socket's path may have 107 bytes; this one is always short
            place = os.open(self.folder, os.O_PATH)
            try:
                listening.bind(f"/proc/self/fd/{place}/{SOCKET}")
            finally:
                os.close(place)
            (self.folder / SOCKET).chmod(0o666)  # the folder is this container's alone
            listening.listen()
        listening.setblocking(False)
        return listening

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._free.acquire()
            try:
                connection, _ = await loop.sock_accept(self._socket)
                await loop.connect_accepted_socket(self, connection)
            except OSError as error:  # no descriptor is free, say: others may need it more
                self._free.release()
                self._proxy.tell(self._group, f"no connection: {error.strerror}")
                await asyncio.sleep(1)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = request.headers.get("x-api-key") or bearer
        if not secrets.compare_digest(token.encode(errors="replace"), self.token.encode()):
            self._proxy.tell(self._group, "a wrong token, or no request")
            why = "this token is not, or no longer, valid here"
            return _refusal(401, "authentication_error", why)
        if (there := self._target(request)) is None:
            why = f"{request.method} {request.path} is not passed on"
            return _refusal(403, "permission_error", why)
        url, own = there
        own = {"Accept-Encoding": "identity", **own}
        headers = _passing(request.headers, *own) | own
        response: web.StreamResponse | None = None
        body = _Body(self._proxy.limits.body)
        pieces = body.pieces(request.content) if request.can_read_body else None
        try:
            async with self._proxy.session.request(
                request.method, url, data=pieces, headers=headers, allow_redirects=False
            ) as answer:
                response = web.StreamResponse(
                    status=answer.status, headers=_passing(answer.headers)
                )
                await response.prepare(request)
                usage = Usage()
                async for piece in answer.content.iter_any():
                    usage.feed(piece)
                    await response.write(piece)
                await response.write_eof()
        except (ClientError, TimeoutError) as error:
            if body.over:
                return _refusal(413, "request_too_large", f"it has more than {body.most} bytes")
            self._proxy.tell(self._group, f"the API does not answer: {type(error).__name__}")
            if response is not None:  # the container sees that the answer broke off
                raise
            return _refusal(502, "api_error", f"the API cannot be reached: {type(error).__name__}")
        if (usage.input or usage.output) and request.path in PATHS:
            await self._proxy.used(self._group, usage.input, usage.output)
        return response

    def _target(self, request: web.BaseRequest) -> tuple[str, Mapping[str, str]] | None:
        """Where a request is passed on to, and with which headers of ours; None if nowhere."""
        if request.method == "POST" and request.path in PATHS:
            return self._proxy.upstream + request.path_qs, self._proxy.header
        server = self._servers.get(request.path.removeprefix(MCP))
        if server and server.url and request.method in MCP_METHODS and request.path.startswith(MCP):
            return server.url, server.headers
        return None


class Usage:
    """Tokens that an answer of the Messages API tells of: an event stream, or one JSON document."""

    def __init__(self) -> None:
        self.input = self.output = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest[-LONGEST_LINE:] + piece).split(b"\n")
        for line in (*lines, self._rest) if self._rest.endswith(b"}") else lines:
            with suppress(BotError, KeyError, TypeError, AttributeError):  # it tells of none
                said = parsed(line.removeprefix(b"data:")) if b'"usage"' in line else {}
                usage = said.get("usage") or said["message"]["usage"]
                kinds = ("", "cache_creation_", "cache_read_")
                read = sum(usage.get(f"{kind}input_tokens") or 0 for kind in kinds)
                self.input = max(self.input, read)
                self.output = max(self.output, usage.get("output_tokens") or 0)


class _Body:
    """What a request brings, up to `most` bytes. One that is longer is broken off, and `over`."""

    def __init__(self, most: int) -> None:
        self.most, self.over = most, False

    async def pieces(self, content: StreamReader) -> AsyncIterator[bytes]:
        left = self.most
        async for piece in content.iter_any():
            left -= len(piece)
            if left < 0:
                self.over = True
                raise ValueError("the body is too long")
            yield piece


def _passing(headers: Mapping[str, str], *ours: str) -> dict[str, str]:
    kept = CREDENTIALS | OF_ONE_CONNECTION | {name.lower() for name in ours}
    return {name: value for name, value in headers.items() if name.lower() not in kept}


def _refusal(status: int, kind: str, text: str) -> web.Response:
    about = {"type": kind, "message": text}
    return web.json_response({"type": "error", "error": about}, status=status)
