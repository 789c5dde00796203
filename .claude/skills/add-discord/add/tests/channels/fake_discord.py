"""Discord in this process: the gateway and the REST API, as far as the channel relies on them.

After https://docs.discord.com/developers/events/gateway: hello, identify, ready, dispatches with a sequence, heartbeats,
resume with what was missed, invalid sessions; and of the API: users, channels, messages with nonces, typing.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord.gateway
import discord.http
import pytest
import yarl
from aiohttp import WSMsgType, web
from doubles import serving

__all__ = ["ADA", "ME", "TOKEN", "FakeDiscord", "fake_discord"]

TOKEN = "a-token-for-tests"
ME = {"id": "1", "username": "andy", "discriminator": "0", "avatar": None, "bot": True}
ADA = {"id": "7", "username": "ada", "global_name": "Ada L.", "discriminator": "0", "avatar": None}
ROLE = {
    "id": "55",
    "name": "andy",
    "tags": {"bot_id": "1"},
    "permissions": "0",
    "position": 1,
    "color": 0,
    "hoist": False,
    "managed": True,
    "mentionable": False,
}
APPLICATION = {
    "id": "1",
    "name": "Andy",
    "description": "",
    "icon": None,
    "verify_key": "",
    "flags": 0,
    "bot_public": False,
    "bot_require_code_grant": False,
    "team": None,
    "owner": ADA,
}
GUILD = 9
TEXT, PRIVATE, THREAD = 0, 1, 11
THREAD_META = {
    "archived": False,
    "auto_archive_duration": 60,
    "archive_timestamp": "2026-01-01T00:00:00+00:00",
}


class FakeDiscord:
    """A server (9) with a channel (100), a thread in it (200), and a private chat with Ada (300)."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """What was asked by REST: method and path, and what came along."""
        self.sent: list[tuple[str, str]] = []
        """Messages of the bot: channel and content, each nonce once."""
        self.refusals: list[tuple[int, int, str]] = []
        """What the next messages are answered with instead: status, code, text."""
        self.answers_lost = 0
        """So many of the next messages are taken, and the answer says otherwise."""
        self.close_with = 0
        """The code by which an identification is refused, if any."""
        self.files: dict[str, bytes] = {}
        self.resumes = True
        self.identified = 0
        self._history: dict[str, list[dict[str, Any]]] = {"100": [], "200": [], "300": []}
        self._nonces: set[str] = set()
        self._next = 1000
        self._dispatched: list[dict[str, Any]] = []
        self._socket: web.WebSocketResponse | None = None
        self._news = asyncio.Condition()

    async def write(
        self, content: str, channel: str = "300", *, live: bool = True, **more: Any
    ) -> str:
        """Somebody writes; the message's number. One that is not `live` is missed by the gateway."""
        self._next += 1
        message = {
            "id": str(self._next),
            "channel_id": channel,
            "author": ADA,
            "content": content,
            "timestamp": "2026-01-01T10:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "type": 0,
            **more,
        }
        if channel != "300" and live:
            message["guild_id"] = str(GUILD)
        self._history[channel].append(message)
        if live:
            await self.dispatch("MESSAGE_CREATE", message)
        return str(message["id"])

    async def dispatch(self, event: str, data: Any) -> None:
        """An event, which a session that is resumed gets, too."""
        payload = {"op": 0, "t": event, "s": len(self._dispatched) + 1, "d": data}
        self._dispatched.append(payload)
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json(payload)

    async def lose_the_connection(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close(code=4000)

    async def until(self, sent: int = 0, identified: int = 0) -> list[tuple[str, str]]:
        """What the bot has sent, once there are so many; or once it has connected so often."""
        async with asyncio.timeout(600), self._news:
            await self._news.wait_for(
                lambda: len(self.sent) >= sent and self.identified >= identified
            )
        return self.sent

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 40000}})
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            said = json.loads(frame.data)
            if said["op"] == 1:
                await socket.send_json({"op": 11})
            elif said["op"] == 2:
                await self._identify(socket, said["d"])
            elif said["op"] == 6:
                await self._resume(socket, said["d"])
        return socket

    async def _identify(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if self.close_with:
            await socket.close(code=self.close_with)
            return
        assert said["token"] == TOKEN
        assert said["intents"] & 1 << 15, "the content of messages is asked for"
        self._socket, self._dispatched = socket, []
        ready = {
            "v": 10,
            "user": ME,
            "guilds": [{"id": str(GUILD), "unavailable": True}],
            "session_id": "S",
            "resume_gateway_url": self.url.replace("http", "ws") + "/gw",
            "application": {"id": "1", "flags": 0},
            "private_channels": [],
            "relationships": [],
        }
        await self.dispatch("READY", ready)
        guild = {
            "id": str(GUILD),
            "name": "Home",
            "channels": [{**self._channel("100"), "position": 0, "permission_overwrites": []}],
            "threads": [self._channel("200")],
            "roles": [{**ROLE, "id": str(GUILD), "name": "@everyone", "tags": {}}, ROLE],
            "members": [],
            "emojis": [],
            "features": [],
            "member_count": 2,
            "owner_id": "7",
            "premium_tier": 0,
        }
        await self.dispatch("GUILD_CREATE", guild)
        async with self._news:
            self.identified += 1
            self._news.notify_all()

    async def _resume(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if not self.resumes:
            await socket.send_json({"op": 9, "d": False})
            return
        for payload in self._dispatched[said["seq"] :]:
            await socket.send_json(payload)
        self._socket = socket
        await self.dispatch("RESUMED", {})

    def _channel(self, number: str) -> dict[str, Any]:
        if number == "300":
            return {"id": number, "type": PRIVATE, "recipients": [ADA]}
        found = {"id": number, "guild_id": str(GUILD), "name": f"channel-{number}", "position": 0}
        if number == "200":
            more = {
                "type": THREAD,
                "parent_id": "100",
                "owner_id": "7",
                "thread_metadata": THREAD_META,
            }
            return {
                **found,
                **more,
                "message_count": 1,
                "member_count": 1,
                "rate_limit_per_user": 0,
            }
        return {**found, "type": TEXT, "permission_overwrites": []}

    async def rest(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v10")
        given = await self._given(request)
        self.calls.append((f"{request.method} {path}", given))
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _answer({"message": "401: Unauthorized", "code": 0}, 401)
        match (request.method, *path.strip("/").split("/")):
            case ("GET", "users", "@me"):
                return _answer(ME)
            case ("GET", "oauth2", "applications", "@me"):
                return _answer(APPLICATION)
            case ("GET", "channels", number):
                return _answer(self._channel(number))
            case ("GET", "channels", number, "messages"):
                after = int(request.query["after"])
                found = [one for one in self._history[number] if int(one["id"]) > after]
                oldest = found[: int(request.query["limit"])]
                return _answer(oldest[::-1])
            case ("GET", "channels", number, "messages", message):
                return _answer(next(one for one in self._history[number] if one["id"] == message))
            case ("POST", "channels", number, "messages"):
                return await self._post(number, given)
            case ("POST", "channels", _, "typing"):
                async with self._news:
                    self._news.notify_all()
                return web.Response(status=204)
        return _answer({"message": "404: Not Found", "code": 0}, 404)

    async def give(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    async def _given(self, request: web.Request) -> dict[str, Any]:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            found = json.loads(str(form["payload_json"]))
            file = form["files[0]"]
            assert isinstance(file, web.FileField)
            return {**found, "file": (file.filename, file.file.read())}
        return dict(await request.json()) if request.can_read_body else {}

    async def _post(self, channel: str, given: dict[str, Any]) -> web.Response:
        if self.refusals:
            status, code, text = self.refusals.pop(0)
            return _answer({"message": text, "code": code}, status)
        assert given["enforce_nonce"]
        if given["nonce"] not in self._nonces:
            self._nonces.add(given["nonce"])
            async with self._news:
                self.sent.append((channel, given.get("content") or ""))
                self._news.notify_all()
        if self.answers_lost:
            self.answers_lost -= 1
            return _answer({"message": "the answer is lost", "code": 0}, 501)
        number = await self.write(given.get("content") or "", channel, live=False, author=ME)
        return _answer(next(one for one in self._history[channel] if one["id"] == number))


@asynccontextmanager
async def fake_discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    """On a free port of loopback, where discord.py finds it for as long as the context lasts."""
    fake = FakeDiscord()
    app = web.Application()
    app.router.add_get("/gw/", fake.gateway)
    app.router.add_get("/gw", fake.gateway)
    app.router.add_get("/files/{name}", fake.give)
    app.router.add_route("*", "/api/v10/{path:.*}", fake.rest)
    async with serving(app) as fake.url:
        monkeypatch.setattr(discord.http.Route, "BASE", f"{fake.url}/api/v10")
        gateway = yarl.URL(fake.url.replace("http", "ws") + "/gw")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        try:
            yield fake
        finally:
            # an identification that was refused leaves its own
            for thread in threading.enumerate():
                if isinstance(thread, discord.gateway.KeepAliveHandler):
                    thread.stop()
                    thread.join()


def _answer(found: Any, status: int = 200) -> web.Response:
    # discord.py reads JSON of exactly this type alone
    return web.Response(
        body=json.dumps(found).encode(), status=status, headers={"Content-Type": "application/json"}
    )
