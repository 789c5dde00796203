"""A Bot API server in this process: what Telegram does, as far as the channel relies on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from aiohttp import web
from doubles import serving

__all__ = ["TOKEN", "FakeTelegram", "fake_telegram"]

TOKEN = "123456:a-token-for-tests"
Refusal = tuple[int, str, dict[str, Any]]


class FakeTelegram:
    """Keeps each update until a poll's offset has passed it, as Telegram does; holds a poll that finds nothing."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.refusals: dict[str, list[Refusal]] = {}
        """What the next calls of a method are answered with instead: status, description, parameters."""
        self.files: dict[str, bytes] = {}
        """What can be downloaded, by file_id."""
        self._updates: list[dict[str, Any]] = []
        self._next = 1
        self._news = asyncio.Condition()

    async def write(
        self,
        text: str,
        chat: int = 7,
        kind: str = "private",
        update: str = "message",
        **extra: Any,
    ) -> int:
        """Somebody writes to the bot; the identifier of the message."""
        number = self._next
        self._next += 1
        person = {"id": 7, "is_bot": False, "first_name": "Ada", "last_name": "L."}
        message = {
            "message_id": number,
            "date": 1790000000,
            "chat": {"id": chat, "type": kind},
            "from": person,
        }
        async with self._news:
            content = {"text": text} if text else {}
            self._updates.append({"update_id": number, update: {**message, **content, **extra}})
            self._news.notify_all()
        return number

    async def bring(self, update: Any) -> None:
        """An update that is whatever it is."""
        async with self._news:
            self._updates.append({**update, "update_id": self._next})
            self._next += 1
            self._news.notify_all()

    async def called(self, method: str, times: int = 1) -> list[dict[str, str]]:
        """The parameters of a method's calls, once there are so many."""
        async with asyncio.timeout(600), self._news:
            await self._news.wait_for(lambda: len(self.of(method)) >= times)
        return self.of(method)

    def of(self, method: str) -> list[dict[str, str]]:
        """The parameters of a method's calls so far."""
        return [parameters for name, parameters in self.calls if name == method]

    async def handle(self, request: web.Request) -> web.Response:
        """One call of the Bot API."""
        method = request.match_info["method"]
        posted = (await request.post()).items()
        parameters = {
            key: value.file.read().decode() if isinstance(value, web.FileField) else str(value)
            for key, value in posted
        }
        async with self._news:
            self.calls.append((method, parameters))
            self._news.notify_all()
        if method == "getUpdates":
            await self._hold(int(parameters.get("offset", 0)), float(parameters["timeout"]))
        if request.match_info["token"] != TOKEN:
            return _answer(401, description="Unauthorized")
        if self.refusals.get(method):
            status, description, more = self.refusals[method].pop(0)
            return _answer(status, description=description, parameters=more)
        return _answer(200, result=self._result(method, parameters))

    async def give(self, request: web.Request) -> web.Response:
        """A file, by the path that getFile has told."""
        found = self.files.get(request.match_info["path"].rpartition("/")[2])
        if found is None or request.match_info["token"] != TOKEN:
            return web.Response(status=404)
        return web.Response(body=found)

    async def _hold(self, offset: int, seconds: float) -> None:
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: self._updates)
        except TimeoutError:
            return

    def _result(self, method: str, parameters: dict[str, str]) -> object:
        match method:
            case "getMe":
                return {
                    "id": 123456,
                    "is_bot": True,
                    "first_name": "Andy",
                    "username": "andy_test_bot",
                }
            case "getUpdates":
                return self._updates
            case "sendMessage":
                chat = {"id": int(parameters["chat_id"]), "type": "private"}
                return {"message_id": 1000 + len(self.calls), "date": 1790000000, "chat": chat}
            case "sendDocument" | "sendPhoto" | "sendVoice":
                chat = {"id": int(parameters["chat_id"]), "type": "private"}
                return {"message_id": 1000 + len(self.calls), "date": 1790000000, "chat": chat}
            case "getFile" if parameters["file_id"] in self.files:
                name = parameters["file_id"]
                return {"file_id": name, "file_unique_id": name, "file_path": f"documents/{name}"}
            case _:
                return True


@asynccontextmanager
async def fake_telegram() -> AsyncIterator[FakeTelegram]:
    """A server on a free port of loopback, for as long as the context lasts."""
    fake = FakeTelegram()
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", fake.handle)
    app.router.add_get("/file/bot{token}/{path:.*}", fake.give)
    from aiogram.client.session.aiohttp import AiohttpSession  # noqa: PLC0415

    async with serving(app) as fake.url:
        with patch.object(AiohttpSession, "close", _close):
            yield fake


async def _close(session: Any) -> None:
    """aiogram waits a quarter of a second for TLS, which this server does not speak."""
    if session._session is not None:
        await session._session.close()


def _answer(status: int, **content: object) -> web.Response:
    body = {"ok": status == 200, **content} | ({} if status == 200 else {"error_code": status})
    return web.Response(text=json.dumps(body), content_type="application/json", status=status)
