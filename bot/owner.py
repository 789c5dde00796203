"""The owner's requests on the command line: as main would ask, whether the bot runs or not.

A bot that runs is asked through a socket beside its store, which no container ever sees.
"""

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Any

from bot.agents import OfflineAgent
from bot.assistant import Assistant
from bot.bounds import parsed
from bot.errors import BotError, Running, described
from bot.groups import MAIN, Group
from bot.paths import Paths
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host, call

OWNER = Group(MAIN, "owner:me", "Owner")
SOCKET = "control.sock"
SECONDS, MOST_BYTES = 60.0, 1 << 20


@contextmanager
def _there(folder: Path) -> Iterator[str]:
    """The socket's name, short enough for the system wherever the folder is."""
    with chdir(folder):
        yield SOCKET


async def _carry_out(host: Host, tool: str, arguments: dict[str, Any]) -> Any:
    effect = await call(host, OWNER, tool, arguments)
    await host.store.write(*effect.statements)
    if effect.afterwards:
        await effect.afterwards()
    return effect.result


class Control:
    """A service: what is asked at the socket is a JSON object a line, and so is the answer."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        with _there(self._host.settings.graftbot_data) as name:
            with suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108
            before = os.umask(0o177)  # the owner's alone, from the first moment
            try:
                listener.bind(name)
            finally:
                os.umask(before)
        server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MOST_BYTES)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = parsed(await reader.readline())
            found = await _carry_out(self._host, asked["tool"], dict(asked["arguments"]))
            answer = {"ok": True, "result": found}
        except Exception as error:  # noqa: BLE001  # the owner is told, and the service goes on
            answer = {"ok": False, "error": described(error, to_owner=True)}
        with suppress(OSError):  # who has asked may be gone
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()


async def ask(settings: Settings, tool: str, arguments: dict[str, Any]) -> Any:
    """The result of a tool of `bot.tools`, called as main. Raises BotError with the reason if it is
    refused.
    """
    try:
        async with open_store(settings.graftbot_data) as store:
            assistant = Assistant(store, [], OfflineAgent(settings))
            host = Host(store, assistant, Paths(settings.graftbot_data), settings)
            return await _carry_out(host, tool, arguments)
    except Running:
        return await ask_running(settings, tool, arguments)


async def ask_running(settings: Settings, tool: str, arguments: dict[str, Any]) -> Any:
    """The same, of the bot that runs on this store."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        async with asyncio.timeout(SECONDS):
            with _there(settings.graftbot_data) as name:
                connection.connect(name)
            reader, writer = await asyncio.open_unix_connection(sock=connection, limit=MOST_BYTES)
            writer.write(json.dumps({"tool": tool, "arguments": arguments}).encode() + b"\n")
            answer = parsed(await reader.readline())
            writer.close()
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        connection.close()
        hint = "look at its log, or stop it and try again"
        raise BotError("the running bot does not answer", hint=hint) from error
    if not answer["ok"]:
        raise BotError(answer["error"])
    return answer["result"]
