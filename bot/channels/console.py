"""The terminal, or a pipe: a line is a message, the end of the input is the end of the
conversation.
"""

import asyncio
import io
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar, Self
from uuid import uuid4

from bot.channels.base import Channel
from bot.errors import Undeliverable
from bot.messages import Message, Receive
from bot.settings import Settings


class ConsoleChannel(Channel):
    """One chat, `console:me`. Streams are unbuffered, so that what was not read stays with who
    wrote it.
    """

    name: ClassVar[str] = "console"
    CHAT: ClassVar[str] = "console:me"

    def __init__(
        self, source: io.RawIOBase | BinaryIO, sink: io.RawIOBase | BinaryIO, greeting: str = ""
    ) -> None:
        self._source, self._sink, self._greeting = source, sink, greeting
        self._lines: asyncio.Queue[bytes] | None = None
        self._unstored: Message | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.console:
            return None
        try:
            source, sink = io.FileIO(0, "r", closefd=False), io.FileIO(1, "w", closefd=False)
        except OSError:  # a process without standard streams has nobody to talk to here
            return None
        greeting = (
            f"Write to {settings.assistant_name}, a message a line; Ctrl-D ends."
            if source.isatty()
            else ""
        )
        return cls(source, sink, greeting)

    async def connect(self, receive: Receive) -> None:
        if self._lines is None:
            self._lines = asyncio.Queue(maxsize=1)
            reading = (asyncio.get_running_loop(), self._lines)
            threading.Thread(target=self._read, args=reading, name="console", daemon=True).start()
            if self._greeting:
                self._print(self._greeting)
        while message := self._unstored or await self._next(self._lines):
            self._unstored = message
            await receive(message)
            self._unstored = None

    async def pair(self) -> str | None:
        return self.CHAT

    async def send(self, chat: str, text: str) -> None:
        try:
            self._print(text)
        except BrokenPipeError as error:
            raise Undeliverable("nobody reads the standard output any more") from error

    async def _next(self, lines: asyncio.Queue[bytes]) -> Message | None:
        while line := await lines.get():
            if text := line.decode("utf-8", "replace").strip():
                return Message(self.CHAT, uuid4().hex, "me", text, datetime.now(UTC))
        return None

    def _print(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "replace") + b"\n")
        while data:
            data = data[self._sink.write(data) :]
        self._sink.flush()

    def _read(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
        """In a thread of its own, for a read of a terminal can be neither awaited nor interrupted;
        b"" is the end.
        """
        line: bytes | None = b"\n"
        with suppress(RuntimeError, CancelledError):  # the loop ended first: so does this
            while line:
                try:
                    line = self._source.readline()
                except OSError:
                    line = b""
                asyncio.run_coroutine_threadsafe(lines.put(line or b""), loop).result()
