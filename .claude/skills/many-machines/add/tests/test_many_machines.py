"""Other machines: what is asked of them, what comes home from them, and what is said where they are
not there. What befalls them in mid-turn is tried with two of them, in `trial/` of the skill.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector
from doubles import MemoryChannel, MemoryContainer, MemoryRuntime, message
from yarl import URL

from bot.agents import ContainerAgent
from bot.assistant import Assistant
from bot.errors import BotError, Misconfigured
from bot.groups import Group
from bot.homes import Homes
from bot.messages import Turn
from bot.options import KINDS
from bot.paths import Paths
from bot.proxy import Proxy
from bot.runtimes import RUNTIMES, Mount, Spec
from bot.runtimes.docker import DockerRuntime
from bot.runtimes.machines import MachinesRuntime, _mark
from bot.runtimes.tunnel import Address
from bot.settings import Secret, Settings
from bot.store import Store, open_store
from bot.travel import Left
from bot.workers import Backoff

RUNNER = Path(__file__).parents[1] / "container"
FAMILY = Group("family", "memory:family", "Family", options={"machine": "h1"})
TARGET = "/workspace/group"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: the address of a socket has 107 bytes, and pytest's folders may be deep."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


# ---- the settings


def test_the_setting_names_it_and_a_group_may_name_a_machine() -> None:
    assert resolve_name(RUNTIMES["machines"]) is MachinesRuntime
    assert KINDS["machine"] is str
    assert Settings().machines_fence >= 20, "until nothing of a container can be left"


def test_an_address_is_a_machine_or_a_mistake() -> None:
    assert Address.read("h1=ssh://me@10.0.0.1:2222/run/e.sock") == Address(
        "h1", "10.0.0.1", "me", 2222, "/run/e.sock"
    )
    assert Address.read("box=ssh://box").engine == "/var/run/docker.sock"
    for wrong in ("h1", "h1=10.0.0.1", "h1=tcp://h", "H 1=ssh://h", "h1=ssh://-oProxyCommand=x",
                  "h1=ssh://h:0x1", "h1=ssh://", "=ssh://h", "h1=ssh://-x@h"):  # fmt: skip
        with pytest.raises(Misconfigured, match="MACHINES") as caught:
            Address.read(wrong)
        assert "ssh://user@host" in caught.value.hint


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., MachinesRuntime]:
    def made(machines: str, fence: float = 0.2) -> MachinesRuntime:
        monkeypatch.setenv("MACHINES", machines)
        monkeypatch.setenv("MACHINES_FENCE", str(fence))
        monkeypatch.setenv("MACHINES_SSH", "/dev/null")
        monkeypatch.setenv("GRAFTBOT_DATA", str(tmp_path / "data"))
        return MachinesRuntime()

    return made


def spec(group: str = "family", machine: str = "h1", **more: Any) -> Spec:
    about = {"image": "i", "installation": "i", "run": "r", "user": "1:1"}
    return Spec(**about, group=group, machine=machine, **more)


async def test_one_that_is_written_wrong_is_named_and_the_others_are_there(
    configured: Callable[..., MachinesRuntime],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = configured("h1=ssh://127.0.0.1:9, h2=http://x")
    assert "h2=http://x" in caplog.text
    with pytest.raises(BotError, match=r"h2.*is no machine"):
        await runtime.start(spec(machine="h2"))
    with pytest.raises(BotError, match="MACHINES names h1") as caught:
        await runtime.start(spec(machine="h3"))
    assert "option `machine`" in caught.value.hint
    started: list[str] = []

    async def start(_: DockerRuntime, one: Spec) -> Any:
        started.append(one.group)

    monkeypatch.setattr(DockerRuntime, "start", start)
    await runtime.start(spec("friends", ""))
    assert started == ["friends"], "who names none is on this machine"
    await runtime.close()
    configured("")
    assert "MACHINES names none" in caplog.text


async def test_where_none_can_be_reached_each_is_named_and_no_other_group_minds(
    configured: Callable[..., MachinesRuntime],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime = configured("h1=ssh://me@127.0.0.1:9,h2=ssh://me@127.0.0.1:10")

    async def runs(_: DockerRuntime, installation: str) -> set[str]:
        return {"mine"}

    monkeypatch.setattr(DockerRuntime, "runs", runs)
    assert await runtime.runs("i") == {"mine"}
    with pytest.raises(BotError, match=r"h1 \(me@127.0.0.1\): .*; h2 \(me@127.0.0.1\): ") as caught:
        await runtime.start(spec())
    assert "ssh" in caught.value.hint
    for name in ("h1", "h2"):  # said at the start, whoever asks for it
        while f"{name} (me@127.0.0.1)" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await runtime.close()


def test_where_a_group_is_stands_in_the_data_of_the_bot_that_runs(tmp_path: Path) -> None:
    """Which `--data` may name: the settings do not know it."""
    own = Mount(tmp_path / "groups/family", "/workspace/group", write=True)
    assert _mark(spec(mounts=[own])) == tmp_path / "machines/where/family"


async def test_mounts_of_this_machine_do_not_travel(
    configured: Callable[..., MachinesRuntime], tmp_path: Path
) -> None:
    runtime = configured("h1=ssh://127.0.0.1:9")
    with pytest.raises(BotError, match="do not travel"):
        await runtime.start(spec(mounts=[Mount(tmp_path, "/workspace/extra/books")]))
    await runtime.close()


# ---- the turn


class AwayContainer(MemoryContainer):
    """One whose folders are elsewhere: its agent counts there, and the count comes home."""

    homes: Homes
    paths: Paths
    count = 0

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    async def bring(self) -> None:
        self.steps.append("bring")

    async def keep(self, turn: Turn, session: str | None) -> None:
        self.steps.append("keep")
        place = self.homes.arriving("family") / "0"
        place.mkdir()
        self.count += 1
        (place / "count").write_text(f"{self.count} {session}")
        self.homes.replace("family", [(self.paths.group("family"), place)], turn, session)


class AwayRuntime(MemoryRuntime):
    """Containers of groups that are elsewhere."""

    def __init__(self, paths: Paths) -> None:
        async def program(stdin: asyncio.StreamReader, write: Callable[[int, bytes], None]) -> int:
            while line := await stdin.readline():
                said = json.loads(line)
                if said["type"] == "close":
                    break
                answer = {"type": "result", "turn": said["turn"], "text": "done", "session": "s2"}
                write(1, b"\n---GRAFTBOT-RESULT---\n" + json.dumps(answer).encode() + b"\n")
            return 0

        super().__init__(program)
        self.paths, self.made = paths, list[AwayContainer]()

    async def start(self, spec: Spec) -> MemoryContainer:
        inner = await super().start(spec)
        if not spec.machine:
            return inner
        away = AwayContainer()
        away.__dict__.update(inner.__dict__, steps=[], homes=Homes(self.paths), paths=self.paths)
        home = self.paths.group("family").source / "count"
        away.count = int(home.read_text().split()[0]) if home.exists() else 0
        self.made.append(away)
        return away


@asynccontextmanager
async def agent(data: Path) -> AsyncIterator[tuple[ContainerAgent, AwayRuntime, Store]]:
    settings = Settings(graftbot_data=data, anthropic_api_key=Secret("k"))
    async with open_store(data) as store:
        for group in (Group("main", "memory:main", "Main", options={"machine": "h1"}), FAMILY):
            await store.register(group)
        runtime = AwayRuntime(Paths(data))
        one = ContainerAgent(settings, runtime)
        await one.open(store)
        try:
            yield one, runtime, store
        finally:
            await one.close()


def turn(number: int, group: Group = FAMILY, **more: Any) -> Turn:
    return Turn(group.chat, (), (), number, group, "p", **more)


async def test_a_group_is_told_where_it_is_and_main_is_here(tmp_path: Path) -> None:
    async with agent(tmp_path) as (one, runtime, store):
        main = store.main
        assert main
        await one.answer(turn(1, main))
        await one.answer(turn(1))
        told = {spec.group: spec.machine for spec in runtime.started.values()}
        assert told == {"main": "", "family": "h1"}


async def test_its_folder_is_at_home_before_its_reply_and_what_joins_goes_there_first(
    tmp_path: Path,
) -> None:
    async with agent(tmp_path) as (one, runtime, store):
        assert await one.answer(turn(1)) == ["done"]
        (away,) = runtime.made
        assert away.steps == ["bring", "keep"]
        assert (tmp_path / "groups/family/count").read_text() == "1 None"
        await store.answered(turn(1), ["done"])
        asking = asyncio.create_task(one.answer(turn(2)))
        await asyncio.sleep(0)
        while not await one.follow_up(turn(3)):
            assert not asking.done(), away.steps
            await asyncio.sleep(0)
        await asking
        assert away.steps[2:].count("bring") >= 2
        assert away.steps[-1] == "keep"
        assert (tmp_path / "groups/family/count").read_text() == "2 s2"


async def test_what_came_home_for_a_reply_that_was_never_stored_is_undone(tmp_path: Path) -> None:
    """As after a kill between both: the turn is asked again, in a folder that knows nothing of it."""
    count = tmp_path / "groups/family/count"
    async with agent(tmp_path) as (one, _, store):
        await one.answer(turn(1))
        await store.answered(turn(1), ["done"])
        await one.answer(turn(2))
        assert count.read_text() == "2 s2"
    async with agent(tmp_path) as (one, runtime, store):
        await store.remember("family", "s9")
        await one.answer(turn(2))
        assert len(runtime.made) == 1
        assert count.read_text() == "2 s2", "neither a gap nor a double, and its session of before"
        await one.answer(turn(2))
        assert len(runtime.made) == 2, "what is there knows of it, too: it begins anew"
        await store.answered(turn(2), ["done"])
        await one.answer(turn(3))
        assert count.read_text().startswith("3")


async def test_a_message_is_answered_through_all_of_it(tmp_path: Path) -> None:
    settings = Settings(graftbot_data=tmp_path, anthropic_api_key=Secret("k"))
    async with open_store(tmp_path) as store:
        await store.register(FAMILY)
        channel = MemoryChannel([message("hello", FAMILY.chat)])
        one = ContainerAgent(settings, AwayRuntime(Paths(tmp_path)))
        await Assistant(store, [channel], one, Backoff(0.01, 0.02)).run(asyncio.Event())
        assert channel.sent == [(FAMILY.chat, "done")]
        assert (tmp_path / "groups/family/count").read_text() == "1 None"


# ---- requests


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(RUNNER))
    for name in [name for name in sys.modules if name.partition(".")[0] == "runner"]:
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "runner"]:
        del sys.modules[name]


@asynccontextmanager
async def door(data: Path) -> AsyncIterator[Any]:
    settings = Settings(graftbot_data=data, anthropic_api_key=Secret("k"))
    paths = Paths(data)
    paths.prepare(FAMILY)

    async def used(*_: object) -> None:
        """Nothing is counted here."""

    proxy = Proxy(settings, data / "proxy", used)
    await proxy.open()
    try:
        yield proxy.admit("family")
    finally:
        await proxy.close()


def start_line(one: Any) -> bytes:
    about = {"proxy": f"unix:{one.folder}/proxy.sock", "token": one.token, "credential": "api_key"}
    about |= {
        "session": None,
        "group": "family",
        "main": False,
        "assistant": "A",
        "time_zone": "UTC",
    }
    return json.dumps({**about, "turn": "t", "prompt": "p", "script": "s"}).encode()


async def host(data: Path) -> dict[str, Any]:
    """Serve one request, as the host does; it."""
    ipc = data / "ipc/family"
    while not (found := list((ipc / "requests").glob("*.json"))):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    said: dict[str, Any] = json.loads(found[0].read_text())
    reply = {"ok": said["tool"] != "refuse", "result": said["arguments"], "error": "no"}
    (ipc / "replies" / found[0].name).write_text(json.dumps(reply))
    found[0].unlink()
    return said


@pytest.mark.usefixtures("runner")
async def test_requests_are_files_at_home_and_the_file_to_be_sent_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, ipc = import_module("runner.away"), import_module("runner.ipc")
    start = import_module("runner.protocol").Start
    monkeypatch.setattr(away, "WORKSPACE", there := tmp_path / "there")
    monkeypatch.setattr(away, "PATIENCE", 10.0)
    monkeypatch.setattr(away, "ATTEMPTS", 1)
    (there / "out").mkdir(parents=True)
    (there / "out/ä b.txt").write_text("drawn")
    data = tmp_path / "data"
    async with door(data) as one:
        away.reached_by(start.read(start_line(one)))
        serving = asyncio.create_task(host(data))
        path = {"path": str(there / "out/ä b.txt")}
        assert await ipc.request("send_file", path) == path
        assert (await serving)["tool"] == "send_file"
        assert (data / "groups/family/out/ä b.txt").read_text() == "drawn"
        serving = asyncio.create_task(host(data))
        with pytest.raises(ipc.Refused, match="no"):
            await ipc.request("refuse", {})
        await serving
        big = {"text": "x" * 70_000}
        with pytest.raises(ipc.Refused, match="longer than 65536"):
            await ipc.request("send_message", big)
        monkeypatch.setattr("bot.away.PATIENCE", 0.05)
        with pytest.raises(ipc.Refused, match="does not answer"):
            await ipc.request("send_message", {})
        monkeypatch.setitem(away._door, "token", "another")
        with pytest.raises(ipc.Refused, match="token"):
            await ipc.request("send_message", {})
    with pytest.raises(OSError, match="cannot be reached"):
        await ipc.request("send_message", {})
    assert list((data / "ipc/family/requests").glob("*.tmp")) == []


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


async def test_no_path_leads_out_of_the_folder_and_no_more_is_put_there_than_may_travel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    async with (
        door(data) as one,
        ClientSession(
            connector=UnixConnector(f"{one.folder}/proxy.sock"), headers={"x-api-key": one.token}
        ) as client,
    ):

        async def put(method: str, path: str) -> int:
            url = URL(f"http://host/away/{path}", encoded=True)
            async with client.request(method, url, data=b"x" * 100) as answer:
                return answer.status

        assert await put("PUT", "files/a/b") == 204
        for path in ("files/", "files/%2e%2e/up", "files//etc/evil", "files/a/b/c%00"):
            assert await put("PUT", path) in {204, 400, 404, 409}, path
        (data / "groups/family/out").symlink_to(tmp_path)
        assert await put("PUT", "files/out/evil") in {204, 409}
        assert await put("POST", "requests/..%2fx") == 404
        assert await put("GET", "files/a/b") == 404
        assert "evil" not in names(tmp_path)
        assert not (data / "groups/up").exists()
        monkeypatch.setattr("bot.away.Left", lambda: Left(size=150))
        assert await put("PUT", "files/c") == 409


@pytest.mark.usefixtures("runner")
def test_the_runner_knows_the_way_from_its_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    away, protocol = import_module("runner.away"), import_module("runner.protocol")

    class Door:
        folder, token = "/run/x", "a token"

    async def lines() -> asyncio.StreamReader:
        stream = asyncio.StreamReader()
        stream.feed_data(start_line(Door) + b"\n")
        return stream

    async def asleep(*_: str) -> None:
        """The agent is not to be woken."""

    monkeypatch.setattr(protocol, "reader", lines)
    monkeypatch.setattr(import_module("runner.precheck"), "precheck", asleep)
    runpy.run_module("runner", run_name="__main__")
    assert away._door == {"socket": "/run/x/proxy.sock", "token": "a token"}
