"""A Matrix server on loopback: in memory, or the Synapse that listens where MATRIX_SYNAPSE says; and
people who use it through matrix-nio.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import ClientSession, web
from doubles import serving
from nio import AsyncClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Person", "Server", "matrix"]

SYNAPSE = os.environ.get("MATRIX_SYNAPSE")
SECRET = "a secret of the tests"
V3, V1 = "/_matrix/client/v3", "/_matrix/client/v1"
USER = web.RequestKey("user", str)


@dataclass(frozen=True)
class Server:
    """Where it is; `tokens` are those of accounts by name, where it is the one in memory."""

    url: str
    tokens: dict[str, str]

    async def register(self, name: str) -> tuple[str, str]:
        """A new account's name and token. Two of the same name are two."""
        name = f"{name}-{uuid4().hex[:8]}"
        if not SYNAPSE:
            self.tokens[token := uuid4().hex] = f"@{name}:localhost"
            return self.tokens[token], token
        url = f"{self.url}/_synapse/admin/v1/register"
        async with ClientSession() as session:
            async with session.get(url) as answer:
                nonce = (await answer.json())["nonce"]
            parts = "\0".join([nonce, name, "pw", "notadmin"]).encode()
            mac = hmac.new(SECRET.encode(), parts, hashlib.sha1).hexdigest()
            about = {"nonce": nonce, "username": name, "password": "pw", "admin": False, "mac": mac}
            async with session.post(url, json=about) as answer:
                made = await answer.json()
        return made["user_id"], made["access_token"]

    @asynccontextmanager
    async def person(self, name: str) -> AsyncIterator[Person]:
        user, token = await self.register(name)
        client = AsyncClient(self.url, user)
        client.access_token, client.user_id = token, user
        try:
            yield Person(client)
        finally:
            await client.close()


@dataclass
class Person:
    """Somebody who writes, and hears what others write."""

    client: AsyncClient
    heard: list[dict[str, Any]] = field(default_factory=list)
    """What others have said, as it came."""

    async def room(self, *others: str) -> str:
        made = await self.client.room_create(invite=list(others), is_direct=len(others) == 1)
        return str(made.room_id)

    async def say(self, room: str, text: str, **more: Any) -> str:
        said = {"msgtype": "m.text", "body": text, **more}
        return str((await self.client.room_send(room, "m.room.message", said)).event_id)

    async def hear(self) -> Any:
        """One piece of the feed."""
        news = await self.client.sync(5_000)
        for found in news.rooms.join.values():
            for event in found.timeline.events:
                kind, by = event.source["type"], event.source["sender"]
                if kind == "m.room.message" and by != self.client.user_id:
                    self.heard.append(event.source)
        return news

    async def until(self, count: int) -> list[str]:
        """The texts of others, once there are so many."""
        async with asyncio.timeout(120):
            while len(self.heard) < count:
                await self.hear()
        return [one["content"]["body"] for one in self.heard]

    async def until_joined(self, room: str, who: str) -> None:
        async with asyncio.timeout(120):
            while who not in self.client.rooms[room].users if room in self.client.rooms else True:
                await self.hear()
            while who in self.client.rooms[room].invited_users:
                await self.hear()


@asynccontextmanager
async def matrix() -> AsyncIterator[Server]:
    """A server, for as long as the context lasts."""
    if SYNAPSE:
        yield Server(SYNAPSE, {})
    else:
        fake = _Fake()
        async with serving(fake.app()) as url:
            yield Server(url, fake.tokens)


class _Fake:
    """What matrix-nio asks a server, and no more. A place in the feed is the number of an event."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.events: list[dict[str, Any]] = []
        self.media: dict[str, tuple[str, bytes]] = {}
        self.typing: defaultdict[str, set[str]] = defaultdict(set)
        self.sent: dict[tuple[str, str], str] = {}
        self.news = asyncio.Condition()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._known], client_max_size=1 << 24)
        room = f"{V3}/rooms/{{room}}"
        app.add_routes(
            [
                web.get(f"{V3}/account/whoami", self.whoami),
                web.post(f"{V3}/createRoom", self.create),
                web.post(f"{V3}/join/{{room}}", self.join),
                web.get(f"{V3}/sync", self.sync),
                web.put(f"{room}/send/{{type}}/{{name}}", self.send),
                web.put(f"{room}/typing/{{user}}", self.type),
                web.get(f"{room}/messages", self.messages),
                web.get(f"{room}/event/{{event}}", self.event),
                web.post("/_matrix/media/v3/upload", self.upload),
                web.get(f"{V1}/media/download/localhost/{{media}}", self.download),
            ]
        )
        return app

    @web.middleware
    async def _known(self, request: web.Request, handler: Any) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = token or request.query.get("access_token", "")
        if token not in self.tokens:
            return _refused(401, "M_UNKNOWN_TOKEN")
        request[USER] = self.tokens[token]
        answer: web.StreamResponse = await handler(request)
        return answer

    async def whoami(self, request: web.Request) -> web.Response:
        return web.json_response({"user_id": request[USER], "device_id": "D"})

    async def create(self, request: web.Request) -> web.Response:
        room = f"!{uuid4().hex[:10]}:localhost"
        await self._add(room, "m.room.member", request[USER], {"membership": "join"})
        for other in (await request.json()).get("invite", ()):
            content = {"membership": "invite"}
            await self._add(room, "m.room.member", request[USER], content, state_key=other)
        return web.json_response({"room_id": room})

    async def join(self, request: web.Request) -> web.Response:
        room = request.match_info["room"]
        await self._add(room, "m.room.member", request[USER], {"membership": "join"})
        return web.json_response({"room_id": room})

    async def send(self, request: web.Request) -> web.Response:
        room, user = request.match_info["room"], request[USER]
        if self._members(room).get(user) != "join":
            return _refused(403, "M_FORBIDDEN")
        data = await request.read()
        if len(data) > 65_536:
            return _refused(413, "M_TOO_LARGE")
        key = user, request.match_info["name"]
        if key not in self.sent:
            kind = request.match_info["type"]
            self.sent[key] = await self._add(room, kind, user, json.loads(data))
        return web.json_response({"event_id": self.sent[key]})

    async def type(self, request: web.Request) -> web.Response:
        typing = (await request.json())["typing"]
        there = self.typing[request.match_info["room"]]
        (there.add if typing else there.discard)(request[USER])
        async with self.news:
            self.news.notify_all()
        return web.json_response({})

    async def event(self, request: web.Request) -> web.Response:
        number = request.match_info["event"]
        found = [event for event in self.events if event["event_id"] == number]
        return web.json_response(found[0]) if found else _refused(404, "M_NOT_FOUND")

    async def messages(self, request: web.Request) -> web.Response:
        room, most = request.match_info["room"], int(request.query["limit"])
        first, last = int(request.query.get("to") or 0), int(request.query["from"])
        found = [one for one in range(first, last) if self.events[one]["room_id"] == room][-most:]
        answer: dict[str, Any] = {"start": str(last), "chunk": self._texts(found)[::-1]}
        return web.json_response(answer | ({"end": str(found[0])} if found else {}))

    async def upload(self, request: web.Request) -> web.Response:
        self.media[name := uuid4().hex] = request.content_type, await request.read()
        return web.json_response({"content_uri": f"mxc://localhost/{name}"})

    async def download(self, request: web.Request) -> web.Response:
        if (found := self.media.get(request.match_info["media"])) is None:
            return _refused(404, "M_NOT_FOUND")
        return web.Response(body=found[1], content_type=found[0])

    async def sync(self, request: web.Request) -> web.Response:
        since, user = request.query.get("since"), request[USER]
        wait = int(request.query.get("timeout", 0)) / 1000
        typing = {room: set(who) for room, who in self.typing.items()}
        async with self.news:
            if since and int(since) >= len(self.events):
                try:
                    async with asyncio.timeout(min(wait, 5)):
                        while int(since) >= len(self.events) and typing == self.typing:
                            await self.news.wait()
                except TimeoutError:
                    pass
        rooms: dict[str, dict[str, Any]] = {"join": {}, "invite": {}, "leave": {}}
        for room in dict.fromkeys(event["room_id"] for event in self.events):
            whole = request.query.get("full_state") == "true"
            match self._members(room).get(user):
                case "join":
                    if found := self._room(room, user, int(since or 0), whole=whole):
                        rooms["join"][room] = found
                case "invite":
                    rooms["invite"][room] = {"invite_state": {"events": []}}
        return web.json_response({"next_batch": str(len(self.events)), "rooms": rooms})

    def _room(self, room: str, user: str, since: int, *, whole: bool) -> dict[str, Any] | None:
        places = [one for one, event in enumerate(self.events) if event["room_id"] == room]
        came = max(one for one in places if self.events[one].get("state_key") == user)
        new = places if came >= since else [one for one in places if one >= since]
        shown = new[-10:]  # so that few are enough to be more than it shows
        typing = {"type": "m.typing", "content": {"user_ids": sorted(self.typing[room])}}
        if not (shown or whole or self.typing[room]):
            return None
        state = [self.events[one] for one in places if "state_key" in self.events[one]]
        before = shown[0] if shown else len(self.events)
        limited = len(shown) < len(new)
        timeline = {"events": self._texts(shown), "limited": limited, "prev_batch": str(before)}
        return {
            "state": {"events": state if whole or came >= since else []},
            "timeline": timeline,
            "ephemeral": {"events": [typing]},
        }

    def _texts(self, places: list[int]) -> list[dict[str, Any]]:
        return [self.events[one] for one in places]

    def _members(self, room: str) -> dict[str, str]:
        return {
            event["state_key"]: event["content"]["membership"]
            for event in self.events
            if event["room_id"] == room and event["type"] == "m.room.member"
        }

    async def _add(
        self, room: str, kind: str, sender: str, content: dict[str, Any], state_key: str = ""
    ) -> str:
        event = {
            "event_id": f"${uuid4().hex}",
            "room_id": room,
            "type": kind,
            "sender": sender,
            "content": content,
            "origin_server_ts": int(time() * 1000),
        }
        if kind == "m.room.member":
            event["state_key"] = state_key or sender
        self.events.append(event)
        async with self.news:
            self.news.notify_all()
        return str(event["event_id"])


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"errcode": code, "error": code}, status=status)
