"""The npm package telegram-test-api as a server on loopback: a real peer of the bot, and its client
API.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

__all__ = ["TOKEN", "Emulator", "emulator", "installed"]

VERSION = "4.2.1"
TOKEN = "123456:a-token-for-tests"

SERVER = """
const TelegramServer = require('telegram-test-api');
const server = new TelegramServer({ host: '127.0.0.1', port: Number(process.argv[1]) });
const say = (line) => console.log(JSON.stringify(line));
server.webServer.use((request, response, next) => {
  const [, bot, method] = request.path.match(/^\\/bot([^/]+)\\/(\\w+)$/) || [];
  if (!bot) return next();
  response.on('finish', () => say({ method, body: request.body, status: response.statusCode }));
  // The package's getMe lacks `is_bot`, which the Bot API promises.
  if (method === 'getMe') {
    return response.json({ ok: true, result: { id: 666, is_bot: true, first_name: 'Test', username: 'TestNameBot' } });
  }
  return next();
});
const { stack } = server.webServer._router;
stack.splice(2, 0, stack.pop()); // behind Express's own two, before the package's routes
server.start().then(() => say({ method: 'ready' }));
"""


def installed() -> Path:
    """Where the package is installed; installs it once. Without npm: skips, or fails in CI."""
    cache = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / "graftbot/telegram-test-api"
    )
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "lock"):  # tests run side by side
        return _installed(cache)


def _installed(cache: Path) -> Path:
    found = cache / "node_modules/telegram-test-api/package.json"
    if (
        found.exists()
        and json.loads(found.read_text())["version"] == VERSION
        and shutil.which("node")
    ):
        return cache
    if not (shutil.which("npm") and shutil.which("node")):
        reason = "the Telegram emulator needs node and npm"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    wanted = f"telegram-test-api@{VERSION}"
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(cache), wanted]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, f"npm could not install {wanted}:\n{ended.stderr}"
    return cache


class Emulator:
    """A running server. `calls` are the bot's calls so far, in order, as method, body and status."""

    def __init__(self, port: int, output: asyncio.StreamReader) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.calls: list[dict[str, Any]] = []
        self._port = port
        self._output = output

    async def write(self, text: str, chat: int, kind: str = "private") -> None:
        """Somebody writes to the bot."""
        person = {"id": 7, "is_bot": False, "first_name": "Ada"}
        place = {"id": chat, "type": kind, "title": "A chat"}
        message = {
            "botToken": TOKEN,
            "from": person,
            "chat": place,
            "date": 1790000000,
            "text": text,
        }
        await asyncio.to_thread(self._post, "/sendMessage", message)

    async def read(self, chat: int) -> list[str]:
        """What the bot has written to a chat since the last reading, by the client API."""
        answer = await asyncio.to_thread(
            self._post, "/getUpdates", {"token": TOKEN, "chatId": chat}
        )
        return [update["message"]["text"] for update in answer["result"]]

    async def called(self, method: str, times: int = 1) -> list[dict[str, Any]]:
        """The bot's calls of a method, as soon as there are so many."""
        async with asyncio.timeout(600):
            while len(self.of(method)) < times:
                line = await self._output.readline()
                assert line, "the emulator has ended"
                self.calls.append(json.loads(line))
        return self.of(method)

    def of(self, method: str) -> list[dict[str, Any]]:
        """The bot's calls of a method so far."""
        return [call for call in self.calls if call["method"] == method]

    def _post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        try:
            connection.request(
                "POST", path, json.dumps(content), {"Content-Type": "application/json"}
            )
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer


@asynccontextmanager
async def emulator() -> AsyncIterator[Emulator]:
    """A server of its own, for as long as the context lasts."""
    folder = installed()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "node", "-e", SERVER, str(port), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        server = Emulator(port, process.stdout)
        await server.called("ready")
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
