"""A bot to be killed: 20 groups whose messenger brings everything again at each start, and writes
down what it is sent.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.assistant import Assistant
from bot.messages import Turn
from bot.store import open_store
from bot.workers import Backoff

sys.path.append(str(Path(__file__).parents[1]))

from doubles import FunctionAgent, MemoryChannel, message, register

__all__ = ["CHATS", "MESSAGES"]

CHATS = [f"memory:{n}" for n in range(20)]
MESSAGES = 25


class Messenger(MemoryChannel):
    """Appends a line for each piece, in one write: it is there or it is not."""

    def __init__(self, sent: int) -> None:
        incoming = [message(f"{chat}/{n}", chat) for n in range(MESSAGES) for chat in CHATS]
        super().__init__(incoming)
        self._sink = sent

    async def send(self, chat: str, text: str) -> None:
        os.write(self._sink, f"{text}\n".encode())


class Joining(FunctionAgent):
    """Takes some follow-ups into the turn that runs, and forgets them if that fails, as a container
    does.
    """

    def __init__(self) -> None:
        super().__init__(self._work)
        self._joined: dict[str, list[str]] = {}

    async def follow_up(self, turn: Turn) -> bool:
        if (joined := self._joined.get(turn.chat)) is None or random.random() < 0.5:  # noqa: S311
            return False
        joined.extend(m.text for m in turn.asked)
        return True

    async def _work(self, turn: Turn) -> Sequence[str]:
        self._joined[turn.chat] = joined = [m.text for m in turn.asked]
        try:
            await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311
            if random.random() < 0.1:  # noqa: S311
                raise ConnectionError("529")
            return list(joined)
        finally:
            del self._joined[turn.chat]


async def main(folder: Path) -> None:
    sent = os.open(folder / "sent", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    async with open_store(folder) as store:
        await register(store, *(chat for chat in CHATS if store.group(chat) is None))
        assistant = Assistant(
            store, [Messenger(sent)], Joining(), Backoff(0.01, 0.05), patience=Backoff(0.05, 0.1)
        )
        await assistant.run(asyncio.Event())
        while await store.waiting():  # a turn that was put off is due in a moment
            await Assistant(store, [Messenger(sent)], Joining(), Backoff(0.01, 0.05)).run(
                asyncio.Event()
            )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
