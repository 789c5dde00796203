"""A page on this machine: the owner's own chat, in a browser, by aiohttp and a WebSocket."""

import asyncio
import json
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import WSMsgType, web

from bot.channels.base import Channel
from bot.errors import Unfetchable
from bot.formatting import parser
from bot.messages import Attachment, File, Message, Receive
from bot.settings import Settings

__all__ = ["WebChatChannel"]

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("webchat_page")
PARTS = {"": "index.html", "chat.js": "chat.js", "chat.css": "chat.css"}
SHOWN = 500
"""So many of the last messages a page is shown when it connects."""
LONGEST_FRAME = 1 << 20
HELLO_SECONDS, SLOW_SECONDS = 30, 5.0
"""So long a page may take to say its token, and to take what it is shown."""
LEAST_TOKEN = 32
OWN_NAMES = {HOST, "localhost"}
RULES = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src blob:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class WebChatChannel(Channel):
    """One chat, `webchat:me`, of whoever has the link. What was said in it is kept in `webchat/` in
    the data directory, so that every page shows it.
    """

    name: ClassVar[str] = "webchat"
    CHAT: ClassVar[str] = "webchat:me"

    def __init__(self, folder: Path, port: int, assistant_name: str, most: int) -> None:
        self._folder, self._port = folder, port
        self._assistant_name, self._most = assistant_name, most
        self._pages: dict[web.WebSocketResponse, web.Request] = {}
        self._said: list[dict[str, Any]] | None = None
        self._receive: Receive
        self._writing = asyncio.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        port = settings.webchat_port
        if not port:
            return None
        most = settings.attachment_mb << 20
        return cls(settings.graftbot_data / "webchat", port, settings.assistant_name, most)

    async def check(self) -> str:
        return f"http://{HOST}:{self._port}/#{self._token()}"

    async def pair(self) -> str | None:
        return self.CHAT

    async def connect(self, receive: Receive) -> None:
        self._receive = receive
        self._token()
        app = web.Application(client_max_size=self._most + 1)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/files", self._upload)
        app.router.add_get("/files/{number}", self._download)
        app.router.add_get("/{part:(chat.js|chat.css)?}", self._part)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port).start()
            await asyncio.Event().wait()
        finally:
            for page in list(self._pages):
                await page.close()
            await runner.cleanup()

    async def send(self, chat: str, text: str) -> None:
        await self._say({"from": "assistant", "text": text})

    async def send_file(self, chat: str, file: File, text: str) -> None:
        data = await asyncio.to_thread(Path(file.copy).read_bytes)
        about = await self._keep(data, file.name, file.type)
        await self._say({"from": "assistant", "text": text, "files": [about]})

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        try:
            data = await asyncio.to_thread((self._folder / "files" / attachment.source).read_bytes)
        except OSError as error:
            raise Unfetchable(f"it is no longer there ({type(error).__name__})") from None
        if len(data) > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        return data

    async def typing(self, chat: str) -> None:
        await self._show({"typing": True})

    async def _part(self, request: web.Request) -> web.FileResponse:
        self._here(request)
        return web.FileResponse(PAGE / PARTS[request.match_info["part"]], headers=RULES)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        """The first thing a page says is the token; then it is shown what was said."""
        self._here(request)
        page = web.WebSocketResponse(heartbeat=30, max_msg_size=LONGEST_FRAME, compress=False)
        await page.prepare(request)
        try:
            hello = await page.receive(timeout=HELLO_SECONDS)
        except TimeoutError:
            return page
        if hello.type is not WSMsgType.TEXT or not self._knows(hello.data):
            await page.close(code=4401, message=b"not the link that bot setup shows")
            return page
        said = [_shown(one) for one in self._history()[-SHOWN:]]
        self._pages[page] = request  # what is said from now on comes after that
        try:
            await page.send_json({"name": self._assistant_name, "said": said})
            async for frame in page:
                if frame.type is WSMsgType.TEXT:
                    await self._take_in(page, frame.data)
        finally:
            self._pages.pop(page, None)
        return page

    async def _take_in(self, page: web.WebSocketResponse, data: str) -> None:
        """A message. A page keeps it until it is said to be stored, and brings it again."""
        try:
            given = json.loads(data)
            number, text = str(given["id"]), str(given["text"]).strip()
            files = [_file(one) for one in given.get("files") or ()]
        except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
            await self.skip("a message", error)
            return
        named = [f"[{'; '.join(f'document {one.name}' for one in files)}]"] if files else []
        if text or files:
            written = " ".join(filter(None, [*named, text]))
            now = datetime.now(UTC)
            message = Message(self.CHAT, number, "me", written, now, attachments=tuple(files))
            await self.hand_over(self._receive, message)
            kept = given.get("files") or []
            await self._say({"from": "me", "id": number, "text": text, "files": kept})
        await page.send_json({"stored": number})

    async def _upload(self, request: web.Request) -> web.Response:
        self._allowed(request)
        name = request.query.get("name") or "file"
        about = await self._keep(await request.read(), name, request.content_type)
        return web.json_response(about)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        self._allowed(request)
        path = self._folder / "files" / Path(request.match_info["number"]).name
        if not await asyncio.to_thread(path.is_file):
            raise web.HTTPNotFound
        return web.FileResponse(path, headers={**RULES, "Content-Type": "application/octet-stream"})

    async def _keep(self, data: bytes, name: str, type_: str) -> dict[str, Any]:
        number = uuid4().hex
        await asyncio.to_thread(self._write, self._folder / "files" / number, data, "xb")
        return {"id": number, "name": name, "type": type_, "size": len(data)}

    async def _say(self, one: dict[str, Any]) -> None:
        """Keep it, then show it to every page; what a page brings again is there."""
        async with self._writing:
            history = self._history()
            if "id" in one and any(other.get("id") == one["id"] for other in history):
                return
            one = {**one, "time": datetime.now(UTC).isoformat(timespec="seconds")}
            line = json.dumps(one).encode() + b"\n"
            try:
                await asyncio.to_thread(self._write, self._folder / "said.jsonl", line, "ab")
            except OSError:
                self._said = None  # half of it may be there: what is whole is read again
                raise
            history.append(one)
        await self._show({"said": [_shown(one)]})

    async def _show(self, what: dict[str, Any]) -> None:
        """Every page is shown it; one that does not take it connects again when it can."""
        await asyncio.gather(*(self._show_one(*page, what) for page in list(self._pages.items())))

    async def _show_one(
        self, page: web.WebSocketResponse, request: web.Request, what: dict[str, Any]
    ) -> None:
        try:
            async with asyncio.timeout(SLOW_SECONDS):
                await page.send_json(what)
        except (OSError, RuntimeError):
            self._pages.pop(page, None)
            if request.transport is not None:
                request.transport.abort()

    def _history(self) -> list[dict[str, Any]]:
        if self._said is None:
            file = self._folder / "said.jsonl"
            data = file.read_bytes() if file.exists() else b""
            *lines, half = data.split(b"\n")
            if half:  # of a crash, or of a full disk: it was not said to be kept
                os.truncate(file, len(data) - len(half))
            self._said = []
            for line in lines:
                with suppress(ValueError):
                    self._said.append(json.loads(line))
        return self._said

    def _write(self, path: Path, data: bytes, mode: str) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, mode, opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _token(self) -> str:
        """What the link ends in; made once, and whole: an empty one would let everybody in."""
        file = self._folder / "token"
        token = file.read_text("ascii", "replace").strip() if file.exists() else ""
        if len(token) < LEAST_TOKEN:
            token, draft = secrets.token_urlsafe(LEAST_TOKEN), file.with_name(".token.tmp")
            self._write(draft, token.encode(), "wb")
            draft.replace(file)
        return token

    def _knows(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(errors="replace"), self._token().encode())

    def _here(self, request: web.Request) -> None:
        """Only by a name of this machine, which no other site has whatever its name points to, and
        for its own page: a browser says whose page it is that asks.
        """
        origin = request.headers.get("Origin", f"http://{request.host}")
        try:
            name = urlsplit(f"//{request.host}").hostname
        except ValueError:
            name = None
        if name not in OWN_NAMES or origin != f"http://{request.host}":
            raise web.HTTPForbidden

    def _allowed(self, request: web.Request) -> None:
        self._here(request)
        if not self._knows(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            raise web.HTTPUnauthorized


def _file(given: dict[str, Any]) -> Attachment:
    number = str(given["id"])
    if not number.isalnum():
        raise ValueError("no file has such a number")
    return Attachment(
        "document", str(given["name"]), int(given["size"]), str(given["type"]), number
    )


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """What the assistant says is Markdown; HTML in it is text."""
    return {**one, "html": parser().render(one["text"])} if one["from"] == "assistant" else one


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
