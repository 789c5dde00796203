"""What a container is started with, and what is kept of its run; with a runtime in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from doubles import MemoryRuntime
from engine import FAMILY, KEY, MAIN, World, turn

from bot.agents.container import PROJECT
from bot.container_session import LOGS
from bot.runtimes import Spec


async def echo(stdin: asyncio.StreamReader, write: Callable[[int, bytes], None]) -> int:
    """A runner that answers with the prompt, and logs it."""
    while line := await stdin.readline():
        said = json.loads(line)
        if said["type"] == "close":
            break
        write(2, f"asked {said['prompt']}\n".encode())
        result = {"type": "result", "turn": said["turn"], "text": said["prompt"], "session": "s"}
        write(1, f"\n---GRAFTBOT-RESULT---\n{json.dumps(result)}\n---END---\n".encode())
    return 0


async def specs(world: World) -> dict[str, Spec]:
    """How the containers of main, of a group, and of one that was granted the network are started,
    by folder.
    """
    runtime = MemoryRuntime(echo)
    granted = replace(FAMILY, folder="granted", chat="memory:granted", options={"network": True})
    async with world.agent(runtime) as (agent, _):
        for group in (MAIN, FAMILY, granted):
            assert await agent.answer(turn("hello", group)) == ["hello"]
    return dict(zip(("main", "family", "granted"), runtime.started.values(), strict=True))


async def test_a_group_sees_its_own_folders_and_main_the_project_too_and_nobody_a_secret(
    world: World,
) -> None:
    started = await specs(world)
    data = world.data.resolve()
    own = {
        (str(data / "groups/family"), "/workspace/group", True),
        (str(data / "groups/global"), "/workspace/global", False),
        (str(data / "sessions/family"), "/home/agent/.claude", True),
        (str(data / "ipc/family"), "/workspace/ipc", True),
        ("the door", "/run/graftbot", False),
        (str(PROJECT / "container/runner"), "/opt/graftbot/runner", False),
    }
    seen = {
        folder: {(str(m.source), m.target, m.write) for m in spec.mounts}
        for folder, spec in started.items()
    }
    doors = {
        folder: next(one for one in mounts if one[1] == "/run/graftbot")
        for folder, mounts in seen.items()
    }
    assert len({door[0] for door in doors.values()}) == len(doors), "each has its own"
    assert all(Path(door[0]).parent == data / "proxy" for door in doors.values())
    for folder, mounts in seen.items():
        mounts.remove(doors[folder])
        mounts.add(("the door", "/run/graftbot", doors[folder][2]))
    assert seen["family"] == own
    project = {mount for mount in seen["main"] if mount[1].startswith("/workspace/project/")}
    mains = {(source.replace("/family", "/main"), target, write) for source, target, write in own}
    mains = {
        (source, target, write or target == "/workspace/global") for source, target, write in mains
    }
    assert seen["main"] - project == mains
    assert not any(write for _, _, write in project)
    shown = {Path(source).relative_to(PROJECT).as_posix() for source, _, _ in project}
    assert {"bot", "container", "pyproject.toml"} <= shown
    assert not shown & {".", ".env", ".git", "data"}
    assert KEY not in repr(started)


async def test_the_network_is_main_s_to_grant_and_the_user_has_no_privileges(world: World) -> None:
    started = await specs(world)
    assert {folder: spec.network for folder, spec in started.items()} == {
        "main": False,
        "family": False,
        "granted": True,
    }
    assert all(not spec.user.startswith("0:") for spec in started.values())


async def test_the_newest_logs_of_runs_are_kept(world: World) -> None:
    logs = world.data / "logs/main"
    logs.mkdir(parents=True)
    for n in range(LOGS + 10):
        (logs / f"run-20260101T000000.{n:06}.log").write_text("old")
    async with world.agent(MemoryRuntime(echo)) as (agent, _):
        await agent.answer(turn("hello"))
    kept = sorted(logs.iterdir())
    assert len(kept) == LOGS
    assert "asked hello" in kept[-1].read_text()
