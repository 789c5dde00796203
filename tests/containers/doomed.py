"""A bot to be killed beside its containers: its messenger brings everything again at each start, in
two waves.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.messages import Receive
from bot.runtimes.docker import DockerRuntime
from bot.settings import Settings, load
from bot.store import open_store
from bot.workers import Backoff

sys.path.append(str(Path(__file__).parents[1]))

from doubles import MemoryChannel, message, register

__all__ = ["expected"]

WAVES = 2


def expected(groups: int) -> list[str]:
    """The texts of all messages, each with its chat."""
    return [f"memory:{group}/{wave}" for wave in range(WAVES) for group in range(groups)]


class Messenger(MemoryChannel):
    """Appends a line for each piece that it is sent, in one write: it is there or it is not."""

    def __init__(self, sent: int, groups: int) -> None:
        super().__init__([message(text, text.partition("/")[0]) for text in expected(groups)])
        self._sink = sent

    async def connect(self, receive: Receive) -> None:
        for one in self.incoming:
            await receive(one)
            await asyncio.sleep(random.uniform(0, 0.1))  # noqa: S311  # some of the second wave join a turn that runs

    async def send(self, chat: str, text: str) -> None:
        os.write(self._sink, f"{chat} {' '.join(text.split())}\n".encode())


async def main(settings: Settings, groups: int) -> None:
    folder = settings.graftbot_data
    sent = os.open(folder / "sent", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    async with open_store(folder) as store:
        chats = [f"memory:{group}" for group in range(groups)]
        await register(store, *(chat for chat in chats if store.group(chat) is None))
        agent = ContainerAgent(settings, DockerRuntime())
        await Assistant(store, [Messenger(sent, groups)], agent, Backoff(0.1, 1)).run(
            asyncio.Event()
        )


if __name__ == "__main__":
    asyncio.run(main(load(), int(sys.argv[1])))
