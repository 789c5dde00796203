"""bubblewrap keeps the contract of runtimes where it works, and says what it cannot keep here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name

import pytest
from runtime_contract import *  # noqa: F403  # the contract
from runtime_contract import said, spec

from bot.errors import BotError, Misconfigured
from bot.runtimes import RUNTIMES, Mount, bubblewrap, cgroups
from bot.runtimes.bubblewrap import BubblewrapRuntime, Sandbox
from bot.runtimes.bubblewrap_image import RECIPE, Image
from bot.runtimes.cgroups import Cgroups
from bot.runtimes.filtered import program

MEMORY = "test_memory_that_is_not_there_is_not_taken_from_the_host"


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One with Python alone."""
    data = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    venv.create(data / "graftbot/test", symlinks=True)
    (data / "graftbot/test" / RECIPE).write_text("")
    return "test"


@pytest.fixture
def walled(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> BubblewrapRuntime:
    """The runtime as it is here. Where bubblewrap does not work that is said, and in CI no excuse."""
    monkeypatch.setenv("BUBBLEWRAP_WITHOUT", "memory,cpu,processes")
    try:
        runtime = BubblewrapRuntime()
    except Misconfigured as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{error.message}: {error.hint}")
    if request.node.name == MEMORY and "memory" not in runtime._groups.made:
        pytest.skip("nobody may limit memory here but the machine's owner")
    return runtime


@pytest.fixture
def runtime(walled: BubblewrapRuntime) -> BubblewrapRuntime:
    return walled


LOOK = """
import ctypes, os, resource, socket, sys
print(sorted(os.listdir("/etc")), sorted(os.listdir("/home/agent")), os.path.exists("/sys"))
print([resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in ("CORE", "SIGPENDING")])
try: socket.socket(40, socket.SOCK_STREAM)
except OSError as error: print(error.strerror)
print(ctypes.CDLL(None).unshare(0), max(int(one) for one in os.listdir("/proc") if one.isdigit()))
print(sys.executable)
"""


async def test_the_filter_and_what_is_seen_are_the_containers(
    walled: BubblewrapRuntime, image: str
) -> None:
    container = await walled.start(spec(image, "look", command=["python3", "-c", LOOK]))
    seen, limits, vsock, rest, python = (await said(container)).splitlines()
    await container.end()
    etc, _, home = seen.partition("] ")
    assert not {"passwd", "shadow", "hostname"}.intersection(etc.split("'"))
    assert home == "[] False"
    assert limits == "[(0, 0), (512, 512)]"
    assert vsock == "Operation not permitted"
    assert rest.split()[0] == "-1", "no namespace is made in it"
    assert int(rest.split()[1]) < 20, "no process of the machine's is seen"
    assert python == "/opt/agent/bin/python3"


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """A machine where bubblewrap works, and nobody can make control groups."""
    monkeypatch.setattr(bubblewrap, "_tried", lambda: b"filter")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    monkeypatch.delenv("BUBBLEWRAP_WITHOUT", raising=False)
    return monkeypatch


def test_what_cannot_be_kept_is_refused_by_name_until_the_owner_does_without(
    works: pytest.MonkeyPatch,
) -> None:
    for user, lacking in ((0, "memory,processes,cpu"), (1000, "memory,cpu")):
        works.setattr(os, "getuid", lambda user=user: user)
        works.setenv("BUBBLEWRAP_WITHOUT", "network")
        with pytest.raises(Misconfigured, match=f"cannot limit {lacking} here") as caught:
            BubblewrapRuntime()
        assert f"BUBBLEWRAP_WITHOUT=network,{lacking}" in caught.value.hint
        works.setenv("BUBBLEWRAP_WITHOUT", lacking)
        BubblewrapRuntime()
    works.setenv("BUBBLEWRAP_WITHOUT", "walls")
    with pytest.raises(Misconfigured, match="cannot be walls"):
        BubblewrapRuntime()


def test_the_walls_in_bubblewraps_words(works: pytest.MonkeyPatch, tmp_path: Path) -> None:
    works.setenv("BUBBLEWRAP_WITHOUT", "memory,cpu,processes,network")
    runtime = BubblewrapRuntime()
    mounts = [Mount(tmp_path, "/b", write=True), Mount(tmp_path, "/a")]
    asked = spec("/an/image", "i", user="7:8", mounts=mounts, command=None, processes=9)
    told = {}
    for user in (0, 1000):
        works.setattr(os, "getuid", lambda user=user: user)
        told[user] = " ".join(BubblewrapRuntime().command(asked, 5, 6))
    for line in told.values():
        assert "--unshare-net" in line
        assert f"--ro-bind {tmp_path} /a --dir / --bind {tmp_path} /b --remount-ro /" in line
        assert "--seccomp 5" in line
        assert "--ro-bind /an/image /opt/agent" in line
        assert "--core=0:0" in line
        assert line.endswith("python -m runner")
    assert "setpriv --reuid 7 --regid 8 --clear-groups" in told[0]
    assert "--unshare-user --uid 7 --gid 8" in told[1000]
    assert "--nproc=9:9" in told[1000]
    asked = spec("/an/image", "i", network=True)
    assert "--unshare-net" not in runtime.command(asked, 5, 6)


async def test_what_is_not_there_is_said_with_what_to_do(
    works: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    works.setenv("BUBBLEWRAP_WITHOUT", "memory,cpu,processes")
    works.setenv("XDG_DATA_HOME", str(tmp_path))
    runtime = BubblewrapRuntime()
    assert not await runtime.has("none")
    with pytest.raises(BotError, match="no such image: none") as caught:
        await runtime.start(spec("none", "i"))
    assert caught.value.hint == "build it: bot setup"
    works.undo()
    works.setenv("PATH", str(tmp_path))
    with pytest.raises(Misconfigured, match="no bwrap, prlimit, setpriv"):
        bubblewrap._tried()


async def test_a_network_is_refused_until_its_owner_accepts_what_it_is(
    works: pytest.MonkeyPatch, image: str
) -> None:
    works.setenv("BUBBLEWRAP_WITHOUT", "memory,cpu,processes")
    with pytest.raises(BotError, match="this machine's own") as caught:
        await BubblewrapRuntime().start(spec(image, "net", network=True))
    assert "BUBBLEWRAP_WITHOUT=network" in caught.value.hint


async def test_what_the_machine_refuses_is_an_error_of_the_bots(
    works: pytest.MonkeyPatch, image: str
) -> None:
    def full(*_: object) -> bool:
        raise OSError("no space left")

    works.setenv("BUBBLEWRAP_WITHOUT", "memory,cpu,processes")
    runtime = BubblewrapRuntime()
    works.setattr(runtime._groups, "make", full)
    works.setattr(runtime._groups, "remove", full)
    with pytest.raises(BotError, match="cannot start a sandbox"):
        await runtime.start(spec(image, "i"))
    with pytest.raises(BotError, match="could not be removed"):
        await runtime.remove("i", "r")
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    with pytest.raises(BotError, match="could not be removed"):
        await Sandbox(ended, None, full).end()


def test_the_filter_is_the_cores_and_its_absence_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> bytes:
        raise OSError("no libseccomp.so.2")

    try:
        assert len(program()) > 1_000, "a comparison or more for each call"
    except OSError:
        assert os.environ.get("CI") != "true"
    monkeypatch.setattr(bubblewrap, "program", lacking)
    monkeypatch.setattr(bubblewrap.shutil, "which", str)
    fine = subprocess.CompletedProcess((), 0)
    monkeypatch.setattr(bubblewrap.subprocess, "run", lambda *_, **__: fine)
    with pytest.raises(Misconfigured, match="cannot be filtered") as caught:
        bubblewrap._tried()
    assert "libseccomp2" in caught.value.hint


def test_a_group_of_the_second_version_is_made_where_the_bot_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With files for the kernel's: what a kernel does with them is its own affair."""
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "own")
    (tmp_path / "own").write_text("0::/bot.service\n")
    home = tmp_path / "bot.service"
    (home / "graftbot.i.r").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu io memory pids\n")
    (home / "cgroup.controllers").write_text("memory pids\n")
    (home / "cgroup.procs").write_text("1\n2\n")
    groups = Cgroups(("memory", "pids", "cpu"))
    assert set(groups.made) == {"memory", "pids"}, "nobody gave it the processor"
    values = {"memory.max": "9", "memory.swap.max": "0", "pids.max": "5", "cpu.max": "7"}
    assert groups.make("graftbot.i.r", values) == [home / "graftbot.i.r"]
    assert (home / "bot/cgroup.procs").read_text() == "2"
    assert (home / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert (home / "graftbot.i.r/memory.max").read_text() == "9"
    assert not (home / "graftbot.i.r/memory.swap.max").exists(), "a kernel that counts no swap"
    assert groups.names() == {"graftbot.i.r"}
    (home / "graftbot.i.r/memory.events").write_text("oom 2\noom_kill 1\n")
    assert groups.killed("graftbot.i.r")


def test_the_image_is_made_once_and_anew_for_another_recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("")  # nothing need be fetched
    monkeypatch.setattr("bot.runtimes.bubblewrap_image.REQUIREMENTS", wanted)
    image, lines = Image("mine"), []
    image.build(lines.append)
    python = image.place / "bin/python"
    assert subprocess.run([python, "-c", ""], check=True).returncode == 0
    image.build(lines.append)
    assert "is up to date" in lines[-1]
    wanted.write_text("graftbot-there-is-no-such-package @ file:///nowhere\n")
    with pytest.raises(BotError, match="cannot be had"):
        image.build(lines.append)
    assert image.there, "what there was stays"
    assert sys.version_info[:2] >= (3, 11)


def test_the_setting_names_it() -> None:
    assert resolve_name(RUNTIMES["bubblewrap"]) is BubblewrapRuntime
