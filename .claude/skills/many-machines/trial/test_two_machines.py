"""Whatever befalls a machine, each message is answered once, and the count in the group's folder has
no gap: it is the number of the replies.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from doubles import MemoryChannel, message
from two_machines import AGENT, Machines

from bot import turns
from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.attachments import Files
from bot.errors import BotError
from bot.groups import Group
from bot.ipc import Ipc
from bot.messages import Turn
from bot.paths import Paths
from bot.runtimes import machine, tunnel
from bot.runtimes.machines import MachinesRuntime
from bot.settings import load
from bot.store import Store, open_store
from bot.tools import Host
from bot.travel import Left
from bot.workers import Backoff

FENCE = 6.0
PINNED = {"a": "h1", "b": "h2", "c": "h1"}


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    two = Machines()
    yield two
    two.remove()


@dataclass
class Bot:
    """A bot with three groups on two machines."""

    data: Path
    store: Store
    channel: MemoryChannel
    assistant: Assistant
    runtime: MachinesRuntime
    counts: dict[str, int] = field(default_factory=dict)

    async def ask(self, group: str, text: str = "") -> str:
        """The reply to a message; it has the next number."""
        number = self.counts[group] = self.counts.get(group, 0) + 1
        chat = f"memory:{group}"
        await self.assistant.receive(message(f"{text} {number}", chat, f"{group}-{number}"))
        reply = await until(lambda: self.replies(group)[number - 1 : number])
        assert reply[0].split()[0] == str(number), self.replies(group)
        assert (Paths(self.data).group(group).source / "count").read_text() == str(number)
        return reply[0]

    def replies(self, group: str) -> list[str]:
        own = [text for chat, text in self.channel.sent if chat == f"memory:{group}"]
        return [text for text in own if not text.startswith("here")]

    def answers(self, group: str) -> list[str]:
        return [text for text in self.replies(group) if "as you asked" not in text]

    async def all(self, most: int, text: str = "", *, groups: str = "abc") -> None:
        async def one(group: str) -> None:
            for _ in range(most):
                await self.ask(group, text)

        await asyncio.gather(*map(one, groups))


async def until(holds: Callable[[], object]) -> object:
    while not (found := holds()):
        await asyncio.sleep(0.02)
    return found


@pytest.fixture
def settled(machines: Machines, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tunnel, "ALIVE_SECONDS", 1.0)
    monkeypatch.setattr(tunnel, "AGAIN_SECONDS", 0.5)
    for one in machines.all:
        one.thaw()
        one.link("up")
        one.start()
    for name, value in {
        "PATH": machines.path,
        "RUNTIME": "machines",
        "MACHINES": ", ".join(one.url for one in machines.all),
        "MACHINES_SSH": str(machines.settings),
        "MACHINES_FENCE": str(FENCE),
        "ANTHROPIC_API_KEY": "k",
        "AGENT_IMAGE": AGENT,
        "GRAFTBOT_DATA": str(tmp_path / "elsewhere"),  # as where --data names another place
        "TRIAL_DATA": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "data"


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Bot]:
    async with open_store(data) as store:
        if not store.groups:
            await store.register(Group("main", "memory:main", "Main"))
            for name, machine in PINNED.items():
                await store.register(
                    Group(name, f"memory:{name}", name, options={"machine": machine})
                )
        runtime, channel, stop = MachinesRuntime(), MemoryChannel(stays=True), asyncio.Event()
        settings, paths = replace(load(), graftbot_data=data), Paths(data)
        assistant = Assistant(
            store,
            [channel],
            ContainerAgent(settings, runtime),
            Backoff(0.1, 0.5),
            patience=Backoff(0.5, 1),
            files=Files(store, paths, 1 << 20, 10),
        )
        ipc = Ipc(Host(store, assistant, paths, settings))
        work = asyncio.create_task(assistant.run(stop, beside=[("requests", ipc.run)]))
        try:
            yield Bot(data, store, channel, assistant, runtime)
        finally:
            stop.set()
            await work


def nothing_is_left(machines: Machines) -> None:
    for one in machines.all:
        assert one.containers() == []
        assert one.volumes() == 0


async def test_setup_sends_the_image_and_names_who_is_away(
    machines: Machines, settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines.all[0].forget()
    said: list[str] = []
    await MachinesRuntime().prepare(said.append)
    assert f"the image {AGENT} goes to h1" in said
    await MachinesRuntime().prepare(said.append)
    assert f"the image {AGENT} is up to date on h1" in said
    monkeypatch.setenv("MACHINES_FENCE", "2")
    monkeypatch.setenv("MACHINES_SSH", "/dev/null")  # without the key, and without known hosts
    with pytest.raises(BotError, match=r"h1 \(root@.*Host key verification failed"):
        await MachinesRuntime().prepare(said.append)


async def test_a_group_is_answered_where_it_is_and_its_folder_is_at_home(
    machines: Machines, settled: Path
) -> None:
    async with running(settled) as bot:
        await bot.all(4)
        assert len(machines.all[0].containers(every=False)) == 2
        assert len(machines.all[1].containers(every=False)) == 1
        state = Paths(settled).session("b").source / "transcript"
        assert state.read_text() == "1\n2\n3\n4\n"
        assert await bot.store.session("b") == "session-4"
    nothing_is_left(machines)


async def test_what_the_agent_asks_of_the_host_and_its_files_go_by_the_socket(
    machines: Machines, settled: Path
) -> None:
    async with running(settled) as bot:
        said = await bot.ask("b", "ASK")
        assert said.startswith("1 1 b may not write to 'memory:main'")
        assert any("picture.txt" in text for _, text in bot.channel.sent)
        home = Paths(settled).group("b").source
        assert (home / "picture.txt").read_text() == "drawn"
        # one that ends by itself; and an isolated task beside the conversation, in the same folder
        await bot.ask("b", "LEAVE")
        await bot.ask("b")
        group = bot.store.group("memory:b")
        task = Turn("memory:b", (), (), 0, group, "NOTE", 0, "t", isolated=True)
        assert await bot.assistant.perform(task) == ["noted"]
        assert (home / "noted").exists()
        assert "noted" in await bot.ask("b", "LIST")
        # what changes at home while its container lives is there at the next turn, and stays
        (home / "note").write_text("by the owner")
        (home / "picture.txt").unlink()
        assert "note" in await bot.ask("b", "LIST")
        assert (home / "note").read_text() == "by the owner"
        assert not (home / "picture.txt").exists()


async def test_links_that_lead_out_and_pipes_stay_away_and_the_rest_comes_home(
    machines: Machines, settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "Left", partial(Left, 1 << 20, 100))
    monkeypatch.setattr(turns, "ATTEMPTS", 1)
    async with running(settled) as bot:
        await bot.ask("a", "PIPE")
        home = Paths(settled).group("a").source
        assert sorted(one.name for one in home.iterdir()) == [
            "CLAUDE.md",
            "count",
            "empty",
            "in",
            "run",
        ]
        assert (home / "in").readlink() == Path("count")
        assert (home / "run").stat().st_mode & 0o777 == 0o755
        for group, much in (("b", "BIG"), ("c", "MANY")):
            await bot.assistant.receive(message(much, f"memory:{group}"))
            notices = await until(
                lambda: [text for chat, text in bot.channel.sent if "main" in chat]
            )
            assert "256 MB, or 20,000 entries" in notices[-1]
            assert f"({'memory:' + group})" in notices[-1]
            bot.channel.sent.clear()
            assert sorted(os.listdir(Paths(settled).group(group).source)) == ["CLAUDE.md"]


async def test_an_engine_that_is_killed_in_mid_turn(machines: Machines, settled: Path) -> None:
    """Its groups go on at the other machine once nothing of them can be left."""
    first, second = machines.all
    async with running(settled) as bot:
        await bot.all(1)
        slow = asyncio.create_task(bot.all(1, "SLOW"))
        await until(lambda: "2" in first.counts())
        first.kill_engine()
        await slow
        await bot.all(1)
        assert len(second.containers(every=False)) == 3
        assert await bot.runtime.runs("nobody") == set()
        first.start()
        await until(lambda: bot.runtime._machines["h1"].up)
        installation = bot.assistant.turns._agent.installation
        for run in await bot.runtime.runs(installation) - bot.assistant.turns._agent._runs:
            await bot.runtime.remove(installation, run)
        assert first.containers() == []
        await bot.all(1)
    nothing_is_left(machines)


async def test_an_ssh_that_is_killed_in_mid_turn(machines: Machines, settled: Path) -> None:
    """It is begun again, and the group stays where it was."""
    async with running(settled) as bot:
        await bot.all(1, groups="ab")
        slow = asyncio.create_task(bot.all(1, "SLOW", groups="ab"))
        await until(lambda: "2" in machines.all[1].counts())
        bot.runtime._machines["h2"].tunnel.ssh.kill()
        await slow
        assert bot.runtime._places["b"].machine.name == "h2"
    nothing_is_left(machines)


async def test_a_link_that_is_down_in_mid_turn(
    machines: Machines, settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group goes on at the other machine, and never is on both."""
    monkeypatch.setenv("MACHINES_FENCE", "12")  # the machine has to be quick enough to end it
    first, second = machines.all
    async with running(settled) as bot:
        await bot.ask("b")
        slow = asyncio.create_task(bot.ask("b", "SLOW"))
        await until(lambda: "2" in second.counts())
        second.link("down")
        while not slow.done():
            both = [len(one.containers(every=False)) for one in (second, first)]
            assert both != [1, 1]
            await asyncio.sleep(0.05)
        await slow
        second.link("up")
        await until(lambda: bot.runtime._machines["h2"].up)
        await bot.ask("b")
    nothing_is_left(machines)


async def test_a_machine_that_is_frozen_in_mid_turn(machines: Machines, settled: Path) -> None:
    """It goes on when it is thawed, and nothing of what it says then counts."""
    first, second = machines.all
    async with running(settled) as bot:
        await bot.ask("b")
        slow = asyncio.create_task(bot.ask("b", "SLOW"))
        await until(lambda: "2" in second.counts())
        second.freeze()
        await slow
        assert len(first.containers(every=False)) == 1
        second.thaw()
        await until(lambda: bot.runtime._machines["h2"].up)
        await bot.ask("b")
    nothing_is_left(machines)


KILLED = """
import asyncio, os, sys
sys.path[:0] = ["tests"]
from pathlib import Path
from doubles import message
from test_two_machines import running
from bot.store import Store

async def killed(*_):
    os.kill(os.getpid(), 9)

async def main():
    async with running(Path(os.environ["TRIAL_DATA"])) as bot:
        await bot.ask("b")
        Store.answered = killed
        await bot.assistant.receive(message("again", "memory:b"))
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_bot_that_is_killed_between_the_folder_and_the_reply(
    machines: Machines, settled: Path
) -> None:
    """The turn begins again in the folder of before it; ssh ends with the bot."""
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED)
    assert await bot.wait() == -9
    home = Paths(settled).group("b").source
    assert (home / "count").read_text() == "2", "it had come home"
    await until(lambda: not ssh(machines))
    async with running(settled) as bot:
        assert (await until(lambda: bot.replies("b")))[0].split()[0] == "2"
        assert (home / "count").read_text() == "2"
        bot.counts["b"] = 2
        bot.channel.sent.insert(0, ("memory:b", "1"))
        await bot.ask("b")
        state = Paths(settled).session("b").source / "transcript"
        assert state.read_text() == "1\n2\n3\n"
    nothing_is_left(machines)


def ssh(machines: Machines) -> str:
    """Those that are connected to the machines."""
    command = ["pgrep", "-f", str(machines.settings)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
