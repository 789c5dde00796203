"""A container's life as the host sees it: turns go in, results come out, all else is log."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.bounds import parsed
from bot.errors import AgentFailed, BotError, described
from bot.messages import Turn
from bot.runtimes import Container
from bot.text import mended

BEGIN = b"---GRAFTBOT-RESULT---"
LONGEST_LINE = 4 << 20
MOST_OUTPUT = 32 << 20
MOST_LOG, LOGS = 1 << 20, 20
MUCH = f"wrote more than {MOST_OUTPUT >> 20} MB in a turn, or {LONGEST_LINE >> 20} MB in a line"
POLITE_SECONDS = 5.0
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)


class ContainerSession:
    """What the container writes is the agent's word and is believed in nothing but its own answers.

    `session` is what it said last about which session this is, `left` whether nobody goes on with
    that, and `closed` how it ended, when it has. `secrets` do not reach the log.
    """

    def __init__(self, container: Container, logs: Path, secrets: Sequence[str]) -> None:
        self.start: dict[str, Any] = {}
        """What the container is told with the first turn."""
        self.options: Mapping[str, Any] = {}
        """What its group had been granted when it was started."""
        self.session: str | None = None
        self.left = False
        self.container, self._logs = container, logs
        self._secrets = [secret.encode() for secret in secrets]
        self.idle_since: float | None = None
        """When the last answer came, by the event loop's clock; None while one is awaited."""
        self._pending: set[str] = set()
        self._replies: list[str] = []
        self._written = 0
        self._answered: asyncio.Future[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.closed = asyncio.create_task(self._read())

    @property
    def ended(self) -> bool:
        """Whether the container is gone, or going."""
        return self.closed.done() or self._ending is not None

    async def ask(self, turn: Turn) -> list[str]:
        """The replies to a turn and to those that joined it. Raises BotError if the container says,
        or is, an error.
        """
        loop = asyncio.get_running_loop()
        self._answered, self.idle_since = loop.create_future(), None
        self._pending, self._replies, self._written = set(), [], 0
        try:
            await self._hand_over(turn)
            either: set[asyncio.Future[Any]] = {self._answered, self.closed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not self._answered.done():
                raise BotError(f"the container {self.closed.result()} before it answered")
            self._answered.result()
            return self._replies
        finally:
            self._answered.cancel()
            self._answered, self.idle_since = None, loop.time()

    async def join(self, turn: Turn) -> bool:
        """Hand over what has arrived while an answer is awaited; False if none is any more."""
        if self._answered is None or self._answered.done() or self.ended:
            return False
        await self._hand_over(turn)
        return True

    async def _hand_over(self, turn: Turn) -> None:
        start, self.start = self.start, {}
        self._pending.add(id_ := uuid4().hex)
        line = {"turn": id_, "prompt": turn.prompt, "script": turn.script}
        line["type"] = "start" if start else "message"
        await self._write(line | start)

    def end(self, *, politely: bool = True) -> asyncio.Task[str]:
        """Close the container; one that does not go by itself is killed. Nothing is asked of it
        from here on.
        """
        self._ending = self._ending or asyncio.create_task(self._end(politely))
        return self.closed

    async def _end(self, politely: bool) -> None:
        if politely and not self.closed.done():
            with suppress(BotError):
                await self._write({"type": "close"})
                await asyncio.wait({self.closed}, timeout=POLITE_SECONDS)
        self.closed.cancel()

    async def _write(self, line: dict[str, Any]) -> None:
        try:
            await self.container.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise BotError(f"the container takes no more: {error}") from error

    async def _read(self) -> str:
        try:
            reason = await self._read_all()
        except asyncio.CancelledError:  # that is `end`, and this its work
            reason = ""
        except OSError as error:  # a full disk, say
            reason = f"cannot be logged: {error}"
        except Exception as error:  # noqa: BLE001  # whatever it wrote: it ends, and we go on
            reason = f"wrote what cannot be read: {described(error)}"
        try:
            how = await self.container.end()
            return reason or how
        except BotError as error:  # the engine is gone; when it is back, its containers are removed
            return f"was lost: {error.message}"

    async def _read_all(self) -> str:
        rest, result_next = {1: bytearray(), 2: bytearray()}, False
        with self._log().open("wb", buffering=0) as log:
            while True:
                stream, data = await self.container.read()
                await asyncio.sleep(0)  # who floods us with single letters holds up nobody
                if not data:
                    return ""
                self._written += len(data)
                rest[stream] += data
                if self._written > MOST_OUTPUT or len(rest[stream]) > LONGEST_LINE + len(data):
                    return MUCH
                if b"\n" not in data:  # no line has ended
                    continue
                whole, _, rest[stream] = rest[stream].rpartition(b"\n")
                if stream == 1 and (result_next or BEGIN in whole):
                    for line in whole.split(b"\n"):
                        if result_next:
                            self._take(bytes(line))
                        result_next = line == BEGIN
                elif whole.strip() and log.tell() < MOST_LOG:
                    for secret in self._secrets:
                        whole = whole.replace(secret, b"***")
                    log.write(whole + b"\n")

    def _take(self, line: bytes) -> None:
        """A result: the container's word for a turn. Raises BotError or ValueError for none."""
        match said := parsed(line):
            case {"type": "result" | "error" as kind, "turn": str() | None as turn}:
                text, session = said.get("text"), said.get("session")
            case _:
                raise BotError("a result that is none")
        if turn not in self._pending or self._answered is None or self._answered.done():
            return  # of a turn that was given up, or of nobody's
        text = mended(text) if isinstance(text, str) else ""
        if kind == "error":
            self._answered.set_exception(AgentFailed(f"the agent cannot answer: {text[:1000]}"))
            return
        self._pending.discard(turn)
        if isinstance(session, str) and SESSION.fullmatch(session):
            self.session = session
        if text.strip():
            self._replies.append(text)
        if not self._pending:
            self._answered.set_result(None)

    def _log(self) -> Path:
        self._logs.mkdir(parents=True, exist_ok=True)
        for old in sorted(self._logs.glob("run-*.log"))[: -LOGS + 1]:
            old.unlink(missing_ok=True)
        return self._logs / f"run-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.log"
