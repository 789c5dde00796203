"""A signal-cli daemon in this process, as signal-cli-jsonrpc(5) describes it, for one account.

What is received before somebody subscribes waits; errors have signal-cli's codes.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["ACCOUNT", "ADA", "ME", "FakeSignal", "fake_signal"]

ACCOUNT, ME = "+4915100000001", "11111111-1111-4111-8111-111111111111"
ADA = {
    "source": "77777777-7777-4777-8777-777777777777",
    "sourceNumber": None,
    "sourceUuid": "77777777-7777-4777-8777-777777777777",
    "sourceName": "Ada L.",
    "sourceDevice": 1,
}


class FakeSignal:
    def __init__(self) -> None:
        self.port = 0
        self.accounts = [ACCOUNT]
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.errors: list[tuple[int, str]] = []
        """What the next messages are answered with instead: code and words."""
        self.results: list[dict[str, Any]] = [{"type": "SUCCESS"}]
        self.files: dict[str, bytes] = {}
        self._waiting: list[dict[str, Any]] = []
        self._subscribed: asyncio.StreamWriter | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._next = 1_790_000_000_000
        self._news = asyncio.Condition()

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [given for method, given in self.calls if method == "send"]

    async def write(self, text: str, group: str = "", **data: Any) -> int:
        """Ada writes; the message's time."""
        self._next += 1
        where = {"groupInfo": {"groupId": group, "type": "DELIVER"}} if group else {}
        message = {"timestamp": self._next, "message": text, "expiresInSeconds": 0, **where, **data}
        await self.bring({**ADA, "timestamp": self._next, "dataMessage": message})
        return self._next

    async def bring(self, envelope: Any) -> None:
        self._waiting.append(envelope)
        self._hand_out()

    async def called(self, method: str, times: int = 1) -> list[dict[str, Any]]:
        """What came with a method's calls, once there are so many."""
        async with asyncio.timeout(600), self._news:
            await self._news.wait_for(
                lambda: sum(name == method for name, _ in self.calls) >= times
            )
        return [given for name, given in self.calls if name == method]

    def end(self) -> None:
        """The daemon is restarted: every connection is lost."""
        self._subscribed = None
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                asked = json.loads(line)
                assert asked["jsonrpc"] == "2.0"
                answer = self._answer(asked["method"], asked["params"], writer)
                writer.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}).encode())
                writer.write(b"\n")
                async with self._news:
                    self.calls.append((asked["method"], asked["params"]))
                    self._news.notify_all()
                self._hand_out()
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(
        self, method: str, given: dict[str, Any], writer: asyncio.StreamWriter
    ) -> dict[str, Any]:
        if method != "listAccounts" and given.get("account") not in self.accounts:
            return _error(-32602, "Specified account does not exist")
        match method:
            case "listAccounts":
                return {"result": [{"number": number} for number in self.accounts]}
            case "getUserStatus":
                about = {"recipient": ACCOUNT, "number": ACCOUNT, "uuid": ME, "isRegistered": True}
                return {"result": [about]}
            case "subscribeReceive":
                self._subscribed = writer
                return {"result": 0}
            case "listGroups":
                known = {"id": "Zm9v/+=", "name": "Family", "isMember": True}
                return {"result": [known, {"id": "b2xk", "name": "Old", "isMember": False}]}
            case "getAttachment" if given["id"] in self.files:
                return {"result": {"data": base64.b64encode(self.files[given["id"]]).decode()}}
            case "sendTyping":
                return {"result": {}}
            case "send" if self.errors:
                return _error(*self.errors.pop(0))
            case "send":
                return {"result": {"timestamp": self._next, "results": self.results}}
            case "getAttachment":
                return _error(-1, "Could not find attachment")
        return _error(-32601, "Method not implemented")

    def _hand_out(self) -> None:
        """Whoever subscribes gets what waits; it is not kept after that."""
        while self._subscribed is not None and self._waiting:
            about = {"envelope": self._waiting.pop(0), "account": ACCOUNT}
            params = {"subscription": 0, "result": about}
            news = {"jsonrpc": "2.0", "method": "receive", "params": params}
            self._subscribed.write(json.dumps(news).encode() + b"\n")


@asynccontextmanager
async def fake_signal() -> AsyncIterator[FakeSignal]:
    """On a free port of loopback, for as long as the context lasts."""
    fake = FakeSignal()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, limit=1 << 24)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        fake.end()
        await asyncio.sleep(0)


def _error(code: int, words: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": words, "data": None}}
