"""The credentials proxy: a container holds a token that is worth something here alone, and only
while it lives.
"""

import json
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web

from bot.log import log
from bot.settings import Settings

PATHS = frozenset({"/v1/messages", "/v1/messages/count_tokens"})
LONGEST_LINE = 1 << 20
CREDENTIALS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"}
)
OF_ONE_CONNECTION = frozenset(
    {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"}
)
TIMEOUT = ClientTimeout(total=None, sock_connect=30, sock_read=600)


class Proxy:
    """Passes requests for PATHS on to the configured API and its answers back as they come.

    `used(group, input, output)` is told the tokens of each answer. Where it listens is `address`,
    in the words of the runner: a socket in `folder` on Linux, whose containers need no network
    then; a loopback port elsewhere.
    """

    def __init__(
        self, settings: Settings, folder: Path, used: Callable[[str, int, int], Awaitable[None]]
    ) -> None:
        self._upstream = settings.anthropic_base_url.rstrip("/")
        key = settings.anthropic_api_key
        self.credential = "api_key" if key else "oauth"
        oauth = {"authorization": f"Bearer {settings.claude_code_oauth_token.value}"}
        self._header = {"x-api-key": key.value} if key else oauth
        self._folder, self._used = folder, used
        self._groups: dict[str, str] = {}
        self._session: ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.address = ""

    def admit(self, group: str) -> str:
        """A new token for a container of the group."""
        token = f"graftbot-{secrets.token_urlsafe(32)}"
        self._groups[token] = group
        return token

    def forget(self, token: str) -> None:
        """The container has ended: what comes with its token is refused."""
        self._groups.pop(token, None)

    async def open(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        self._session = ClientSession(
            timeout=TIMEOUT, auto_decompress=False, cookie_jar=DummyCookieJar()
        )
        await self._runner.setup()
        if sys.platform == "linux":
            self._folder.mkdir(parents=True, exist_ok=True)
            place = os.open(
                self._folder, os.O_PATH
            )  # a socket's path may have 107 bytes; this one is always short
            try:
                socket = self._folder / "proxy.sock"
                socket.unlink(missing_ok=True)
                await web.UnixSite(self._runner, f"/proc/self/fd/{place}/proxy.sock").start()
                socket.chmod(0o666)  # the token is what admits; the folder is the owner's
            finally:
                os.close(place)
            self.address = "unix:/run/graftbot/proxy.sock"
        else:
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            self.address = f"http://host.docker.internal:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        self._groups.clear()
        if self._runner and self._session:
            await self._runner.cleanup()
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("x-api-key") or request.headers.get(
            "authorization", ""
        ).removeprefix("Bearer ")
        if (group := self._groups.get(token)) is None:
            return _refusal(
                401, "authentication_error", "this token is not, or no longer, valid here"
            )
        if request.method != "POST" or request.path not in PATHS or self._session is None:
            return _refusal(
                403, "permission_error", f"{request.method} {request.path} is not passed on"
            )
        headers = _passing(request.headers) | self._header | {"Accept-Encoding": "identity"}
        url = self._upstream + request.path_qs
        response: web.StreamResponse | None = None
        try:
            async with self._session.post(
                url, data=request.content, headers=headers, allow_redirects=False
            ) as answer:
                response = web.StreamResponse(
                    status=answer.status, headers=_passing(answer.headers)
                )
                await response.prepare(request)
                usage = _Usage()
                async for piece in answer.content.iter_any():
                    usage.feed(piece)
                    await response.write(piece)
                await response.write_eof()
        except (ClientError, TimeoutError) as error:
            log.warning("the API does not answer", group=group, error=type(error).__name__)
            if response is not None:  # the container sees that the answer broke off
                raise
            return _refusal(502, "api_error", f"the API cannot be reached: {type(error).__name__}")
        if usage.input or usage.output:
            await self._used(group, usage.input, usage.output)
        return response


class _Usage:
    """The tokens that an answer tells of: an event stream line by line, or one JSON document."""

    def __init__(self) -> None:
        self.input = self.output = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest[-LONGEST_LINE:] + piece).split(b"\n")
        for line in (*lines, self._rest) if self._rest.endswith(b"}") else lines:
            with suppress(ValueError, KeyError, TypeError, AttributeError):  # it tells of none
                said = json.loads(line.removeprefix(b"data:")) if b'"usage"' in line else {}
                usage = said.get("usage") or said["message"]["usage"]
                read = sum(
                    usage.get(f"{kind}input_tokens") or 0
                    for kind in ("", "cache_creation_", "cache_read_")
                )
                self.input, self.output = (
                    max(self.input, read),
                    max(self.output, usage.get("output_tokens") or 0),
                )


def _passing(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in CREDENTIALS | OF_ONE_CONNECTION
    }


def _refusal(status: int, kind: str, text: str) -> web.Response:
    return web.json_response(
        {"type": "error", "error": {"type": kind, "message": text}}, status=status
    )
