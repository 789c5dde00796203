"""How fast the bot's own path is, how long it takes to start on a full store, and what it costs
when idle.

The store has 100,000 messages and 1,000 groups, and 10,000 tasks.
Latencies are those of 50 groups that write at random moments, each with a container that is warm:
from the moment at which a message is committed to its bytes on the container's standard input, and
from the result on its standard output to the call of the channel, the commit of the reply between
them. The containers are in memory, so that the bot's own share is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.groups import Group
from bot.messages import Message
from bot.paths import Paths
from bot.run import SERVICES
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.tools import Host

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from doubles import MemoryChannel, MemoryRuntime

MESSAGES, GROUPS, TASKS, ACTIVE, ROUNDS = 100_000, 1_000, 10_000, 50, 20
NOW = datetime(2026, 11, 24, tzinfo=UTC).isoformat()


async def fill(folder: Path) -> None:
    async with open_store(folder) as store:
        inbox = (
            "INSERT INTO inbox (chat, id, sender, text, sent_at, direct, asks) VALUES (?, "
            "?, 'Ada', ?, ?, 1, 1)"
        )
        groups = [
            Group("main" if n == 0 else f"g{n}", f"memory:{n}", f"Group {n}") for n in range(GROUPS)
        ]
        await store.write(
            *(("INSERT INTO groups VALUES (?, ?, ?, ?)", group.row()) for group in groups)
        )
        rows = (
            (f"memory:{n % GROUPS}", str(n), "a message of some length " * 4, NOW)
            for n in range(MESSAGES)
        )
        await store.write(*((inbox, row) for row in rows))
        await store.write(
            ("INSERT INTO chats (chat, handled) SELECT chat, max(seq) FROM inbox GROUP BY chat", ())
        )
        columns = (
            "?, ?, 'p', '', 'cron', '0 9 * * *', 'UTC', 0, 'active', "
            "'2099-01-01T00:00:00.000+00:00', NULL, NULL, NULL"
        )
        task = f"INSERT INTO tasks VALUES ({columns})"  # noqa: S608
        await store.write(*((task, (f"t{n}", f"g{n % GROUPS}")) for n in range(TASKS)))
        await store.load_groups()


async def latencies(folder: Path) -> dict[str, list[float]]:
    stored: dict[str, float] = {}
    replied: dict[str, float] = {}
    to_container: list[float] = []
    to_channel: list[float] = []

    class Clocked(MemoryChannel):
        async def send(self, chat: str, text: str) -> None:
            to_channel.extend([time.perf_counter() - replied[text]] * len(text.split()))

    async def runner(stdin: asyncio.StreamReader, write: Callable[[int, bytes], None]) -> int:
        while (said := json.loads(await stdin.readline()))["type"] != "close":
            now = time.perf_counter()
            asked = re.findall(r"new-\d+-\d+", said["prompt"])
            to_container.extend(
                now - stored.pop(id_) for id_ in asked if not id_.endswith("-0")
            )  # that one is cold
            result = {
                "type": "result",
                "turn": said["turn"],
                "text": " ".join(asked),
                "session": "s",
            }
            replied[str(result["text"])] = time.perf_counter()
            write(1, f"\n---GRAFTBOT-RESULT---\n{json.dumps(result)}\n---END---\n".encode())
        return 0

    chance = random.Random(3)  # noqa: S311
    async with open_store(folder) as store:
        take_in = store.take_in

        async def clocked(message: Message, *, asks: bool) -> bool:
            new = await take_in(message, asks=asks)
            stored[message.id] = time.perf_counter()
            return new

        store.take_in = clocked  # type: ignore[method-assign]
        stop = asyncio.Event()
        settings = Settings(
            graftbot_data=folder, anthropic_api_key=Secret("none"), max_containers=ACTIVE
        )
        assistant = Assistant(
            store, [Clocked(stays=True)], ContainerAgent(settings, MemoryRuntime(runner))
        )
        host = Host(store, assistant, Paths(folder), settings)
        running = asyncio.create_task(
            assistant.run(stop, beside=[(cls.__name__, cls(host).run) for cls in SERVICES])
        )

        async def group(n: int) -> None:
            for round_ in range(ROUNDS):
                await asyncio.sleep(chance.uniform(0, 2))
                id_ = f"new-{n}-{round_}"
                message = Message(f"memory:{n}", id_, "Ada", id_, datetime.now(UTC))
                await assistant.receive(message)

        await asyncio.gather(*(group(n) for n in range(ACTIVE)))
        while len(to_channel) < ACTIVE * ROUNDS:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        stop.set()
        await running
    return {"stored to container": to_container, "result to channel": to_channel}


def start_and_idle(folder: Path) -> tuple[float, float, float]:
    """Seconds until a message is answered by a new process, then its share of a core in 30 idle
    seconds, and MB.
    """
    environment = {
        **os.environ,
        "GRAFTBOT_DATA": str(folder),
        "LOG_LEVEL": "ERROR",
        "CONSOLE": "yes",
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        bufsize=0,
    )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(b"date\n")
    process.stdout.readline()
    seconds = time.perf_counter() - begun
    ticks = _ticks(process.pid)
    time.sleep(30)
    share = (_ticks(process.pid) - ticks) / os.sysconf("SC_CLK_TCK") / 30
    status = Path(f"/proc/{process.pid}/status").read_text()
    megabytes = int(status.split("VmRSS:")[1].split()[0]) / 1000
    process.stdin.close()
    process.wait()
    return seconds, share, megabytes


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        asyncio.run(fill(folder))
        seconds, share, megabytes = start_and_idle(folder)
        again, _, _ = start_and_idle(folder)
        print(
            json.dumps(
                {
                    "first start s": seconds,
                    "start s": again,
                    "idle core %": 100 * share,
                    "idle MB": megabytes,
                }
            )
        )
        for name, values in asyncio.run(latencies(folder)).items():
            cuts = statistics.quantiles(values, n=100)
            print(
                f"{name}: p50 {1000 * cuts[49]:.1f} ms, p99 {1000 * cuts[98]:.1f} ms of "
                f"{len(values)}"
            )


if __name__ == "__main__":
    main()
