"""A connection with a signal-cli daemon: JSON-RPC 2.0, an object a line, as signal-cli-jsonrpc(5)
says.
"""

import asyncio
import json
from collections.abc import Iterator
from itertools import count
from typing import Any, Self

__all__ = ["Daemon", "Refusal"]

MOST_BYTES = 64 << 20
"""A line holds a whole attachment, in base64."""


class Refusal(Exception):
    """An answer that is an error: its code, and signal-cli's words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Daemon:
    """Made by `at`. `call` and `news` raise ConnectionError once the connection is lost."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def at(cls, address: str) -> Self:
        """A daemon at `host:port`, or at the path of a UNIX socket. Raises ValueError for what is
        neither, OSError if nobody is there.
        """
        if "/" in address:
            return cls(*await asyncio.open_unix_connection(address, limit=MOST_BYTES))
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=MOST_BYTES))

    async def call(self, method: str, **parameters: Any) -> Any:
        """The result. Raises Refusal for an error."""
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
        if self._reading.done():
            raise ConnectionError("signal-cli has closed the connection")
        self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(json.dumps(request).encode() + b"\n")
            await self._writer.drain()
            return await self._asked[number]
        finally:
            del self._asked[number]

    async def news(self) -> dict[str, Any]:
        """The next that has come in."""
        if (one := await self._news.get()) is None:
            raise ConnectionError("signal-cli has closed the connection")
        return one

    def left(self) -> Iterator[dict[str, Any]]:
        """What has come in, and nobody has asked for."""
        while not self._news.empty():
            if one := self._news.get_nowait():
                yield one

    async def close(self) -> None:
        self._reading.cancel()
        self._writer.close()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._sort(json.loads(line))
        except (OSError, ValueError):  # what is no JSON is no signal-cli
            pass
        finally:
            self._news.put_nowait(None)
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("signal-cli has closed the connection"))

    def _sort(self, said: Any) -> None:
        """An answer goes to who asked; all else is news."""
        if said.get("method") == "receive":
            about = said.get("params") or {}
            self._news.put_nowait(about.get("result") or about)
        elif waiting := self._asked.get(said.get("id")):
            if error := said.get("error"):
                waiting.set_exception(Refusal(error.get("code", 0), str(error.get("message", ""))))
            else:
                waiting.set_result(said.get("result"))
