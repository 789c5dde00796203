"""Slack in this process: the Web API and Socket Mode, as far as the channel relies on them.

After https://docs.slack.dev/apis/events-api/using-socket-mode: hello, envelopes that come again until they are acknowledged,
disconnect; and the methods of the Web API that the channel calls, with pages, threads and metadata.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

from aiohttp import WSMsgType, web
from doubles import serving

__all__ = ["APP_TOKEN", "BOT_TOKEN", "FakeSlack", "fake_slack"]

BOT_TOKEN, APP_TOKEN = "xoxb-a-token-for-tests", "xapp-a-token-for-tests"
USERS = {"U7": "Ada L.", "U8": "Bob"}


class FakeSlack:
    """A workspace with a channel (C1) and a private chat (D1) with Ada (U7). The app is U1, its bot B1."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        """Messages of the app, as they were posted."""
        self.acknowledged: list[str] = []
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        """What the next calls of a method are answered with instead: status and error; status 0 is
        no answer at all.
        """
        self.answers_lost = 0
        """So many of the next messages are taken, and the answer says otherwise."""
        self.files: dict[str, bytes] = {}
        self.connected = 0
        self.page = 2
        self._history: list[dict[str, Any]] = []
        self._open: dict[str, dict[str, Any]] = {}
        self._socket: web.WebSocketResponse | None = None
        self._next = 1000
        self._news = asyncio.Condition()

    def now(self) -> str:
        self._next += 1
        return f"{int(time()) + self._next}.000100"

    async def write(self, text: str, channel: str = "D1", *, live: bool = True, **more: Any) -> str:
        """Somebody writes; the message's time. One that is not `live` brings no event."""
        message = {"type": "message", "user": "U7", "text": text, "ts": self.now(), **more}
        self._history.append({**message, "channel": channel})
        if live:
            await self.bring({**message, "channel": channel})
        return str(message["ts"])

    async def bring(self, event: dict[str, Any]) -> None:
        """An event in an envelope, which comes again with each connection until acknowledged."""
        self._next += 1
        number = f"E{self._next}"
        self._open[number] = {
            "envelope_id": number,
            "type": "events_api",
            "accepts_response_payload": False,
            "payload": {"type": "event_callback", "event_id": f"Ev{number}", "event": event},
        }
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json(self._open[number])

    async def reconnect(self) -> None:
        """Slack asks for a new connection, as it does every few hours."""
        assert self._socket is not None
        socket, self._socket = self._socket, None
        await socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def until(self, sent: int = 0, connected: int = 0, acknowledged: int = 0) -> list[str]:
        """What the app has said, once it has so often, or has connected or acknowledged so often."""
        async with asyncio.timeout(600), self._news:
            await self._news.wait_for(
                lambda: (
                    len(self.sent) >= sent
                    and self.connected >= connected
                    and len(self.acknowledged) >= acknowledged
                )
            )
        return [one["text"] for one in self.sent]

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self._socket = socket
        for envelope in list(self._open.values()):
            await socket.send_json({**envelope, "retry_attempt": 1})
        async with self._news:
            self.connected += 1
            self._news.notify_all()
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            number = json.loads(frame.data)["envelope_id"]
            self._open.pop(number, None)
            async with self._news:
                self.acknowledged.append(number)
                self._news.notify_all()
        return socket

    async def call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = {**request.query, **await self._given(request)}
        self.calls.append((method, given))
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if self.refusals.get(method):
            status, error = self.refusals[method].pop(0)
            if not status and request.transport:  # the connection breaks off
                request.transport.abort()
            headers = {"Retry-After": "0"}
            return web.json_response(
                {"ok": False, "error": error}, status=status or 500, headers=headers
            )
        answer = await self._answer(method, given)
        return web.json_response({"ok": True, **answer})

    async def _given(self, request: web.Request) -> dict[str, Any]:
        if request.content_type == "application/json":
            return dict(await request.json())
        return dict(await request.post())

    async def _answer(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "auth.test":
                return {"user_id": "U1", "bot_id": "B1", "user": "andy", "team": "Home"}
            case "apps.connections.open":
                return {"url": self.url.replace("http", "ws") + "/socket"}
            case "users.info":
                name = USERS[given["user"]]
                return {"user": {"name": "x", "real_name": name, "profile": {"display_name": name}}}
            case "users.conversations":
                return {"channels": [{"id": "C1", "name": "general"}]}
            case "conversations.history":
                found = [one for one in self._history if one.get("thread_ts") in {None, one["ts"]}]
                return self._page(self._newer(found, given)[::-1], given)
            case "conversations.replies":
                parent = [one for one in self._history if one["ts"] == given["ts"]]
                found = [one for one in self._history if one.get("thread_ts") == given["ts"]]
                return self._page([*parent, *self._newer(found, given)], given)
            case "chat.postMessage":
                return await self._post(given)
            case "files.getUploadURLExternal":
                return {"upload_url": f"{self.url}/upload/{given['filename']}", "file_id": "F9"}
            case "files.completeUploadExternal":
                return {"files": [{"id": "F9"}]}
            case "files.info":
                url = f"{self.url}/files/{given['file']}"
                if given["file"] == "F7":
                    url = "http://slack.com.example.org/F7"
                return {"file": {"url_private_download": url, "mimetype": "image/png"}}
        raise AssertionError(method)

    def _newer(self, found: list[dict[str, Any]], given: dict[str, Any]) -> list[dict[str, Any]]:
        oldest = float(given.get("oldest") or 0)
        return [
            one for one in found if one["channel"] == given["channel"] and float(one["ts"]) > oldest
        ]

    def _page(self, found: list[dict[str, Any]], given: dict[str, Any]) -> dict[str, Any]:
        """A page, which names no channel, and where the next one begins."""
        begin, size = int(given.get("cursor") or 0), min(self.page, int(given["limit"]))
        page = [
            {key: value for key, value in one.items() if key != "channel"}
            for one in found[begin : begin + size]
        ]
        next_ = str(begin + size) if len(found) > begin + size else ""
        return {"messages": page, "response_metadata": {"next_cursor": next_}}

    async def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        metadata = given["metadata"]
        said = {
            "text": given["text"],
            "channel": given["channel"],
            "user": "U1",
            "bot_id": "B1",
            "ts": self.now(),
            "metadata": json.loads(metadata) if isinstance(metadata, str) else metadata,
        }
        if given.get("thread_ts"):
            said["thread_ts"] = given["thread_ts"]
        self._history.append(said)
        async with self._news:
            self.sent.append(said)
            self._news.notify_all()
        if self.answers_lost:
            self.answers_lost -= 1
            raise web.HTTPBadGateway
        return {"ts": said["ts"]}

    async def give(self, request: web.Request) -> web.Response:
        known = request.match_info["name"] in self.files
        if not known or request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<html>log in</html>", content_type="text/html")
        return web.Response(body=self.files[request.match_info["name"]])

    async def take(self, request: web.Request) -> web.Response:
        form = await request.post() if request.content_type.startswith("multipart") else {}
        data = [one.file.read() for one in form.values() if isinstance(one, web.FileField)]
        self.files[request.match_info["name"]] = data[0] if data else await request.read()
        return web.Response(text="OK")


@asynccontextmanager
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """On a free port of loopback, for as long as the context lasts."""
    fake = FakeSlack()
    app = web.Application()
    app.router.add_get("/socket", fake.socket)
    app.router.add_get("/files/{name}", fake.give)
    app.router.add_post("/upload/{name}", fake.take)
    app.router.add_route("*", "/api/{method}", fake.call)
    async with serving(app) as fake.url:
        yield fake
