"""The terminal, or a pipe: a line is a message, its end the end of the conversation."""

import asyncio
import io
import mimetypes
import re
import sys
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, Self
from uuid import uuid4

from bot.channels.base import Channel
from bot.errors import Undeliverable, Unfetchable
from bot.groups import OWNERS
from bot.messages import Attachment, File, Message, Receive
from bot.settings import Settings
from bot.text import visible

LONGEST = 1 << 18
"""Bytes of a line that are taken in."""
CUT = " [the rest of the line is left out]"


class ConsoleChannel(Channel):
    """One chat, OWNERS. Streams are unbuffered: what was not read stays with its writer."""

    name: ClassVar[str] = "console"

    def __init__(
        self, source: io.RawIOBase | BinaryIO, sink: io.RawIOBase | BinaryIO, greeting: str = ""
    ) -> None:
        self._source, self._sink, self._greeting = source, sink, greeting
        self._lines: asyncio.Queue[bytes] | None = None
        self._unstored: Message | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.console or sys.stdin is None or sys.stdout is None:
            return None
        try:
            source, sink = io.FileIO(0, "r", closefd=False), io.FileIO(1, "w", closefd=False)
        except OSError:  # a process without standard streams has nobody to talk to here
            return None
        greeting = f"Write to {settings.assistant_name}, a message a line; Ctrl-D ends."
        return cls(source, sink, greeting if source.isatty() else "")

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
        return OWNERS

    async def send(self, chat: str, text: str) -> None:
        try:
            self._print(text)
        except BrokenPipeError as error:
            raise Undeliverable("nobody reads the standard output any more") from error

    async def send_file(self, chat: str, file: File, text: str) -> None:
        await self.send(chat, f"{text}\n[file {file.origin}]".strip())

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        try:
            data = await asyncio.to_thread(_contents, attachment.source, most + 1)
        except (OSError, RuntimeError, ValueError) as error:  # a NUL in a path is a ValueError
            raise Unfetchable(f"it cannot be read: {type(error).__name__}") from None
        if len(data) > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        return data

    async def _next(self, lines: asyncio.Queue[bytes]) -> Message | None:
        while line := await lines.get():
            cut = CUT if len(line) >= LONGEST and not line.endswith(b"\n") else ""
            if text := line.decode("utf-8", "replace").strip() + cut:
                text, *files = _with_file(text)
                now = datetime.now(UTC)
                return Message(OWNERS, uuid4().hex, "me", text, now, attachments=tuple(files))
        return None

    def _print(self, text: str) -> None:
        data = memoryview(visible(text).encode("utf-8", "replace") + b"\n")
        while data:
            data = data[self._sink.write(data) :]
        self._sink.flush()

    def _read(self, loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[bytes]) -> None:
        """In a thread of its own, for a read of a terminal can be neither awaited nor interrupted;
        b"" is the end.
        """
        line, goes_on = b"\n", False
        with suppress(RuntimeError, CancelledError):  # the loop ended first: so does this
            while line:
                try:
                    line = self._source.readline(LONGEST) or b""
                except OSError:
                    line = b""
                if not (goes_on and line):
                    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
                goes_on = len(line) == LONGEST and not line.endswith(b"\n")


def _contents(path: str, most: int) -> bytes:
    with Path(path).expanduser().open("rb") as file:
        return file.read(most)


def _with_file(text: str) -> tuple[str, *tuple[Attachment, ...]]:
    """`/file PATH words` is a file with words; a path with spaces stands in quotation marks."""
    found = re.fullmatch(r"""/file\s+(?:"([^"]+)"|'([^']+)'|(\S+))\s*(.*)""", text)
    if found is None:
        return (text,)
    path = found[1] or found[2] or found[3]
    name = Path(path).name
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return f"[document {name}] {found[4]}".strip(), Attachment("document", name, 0, kind, path)
