"""The agent in real containers, with the real Claude Code program, against an API on loopback."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import docker
import pytest
from engine import FAMILY, IMAGE, World, turn

from bot.agents import ContainerAgent
from bot.agents.container import UNPRIVILEGED
from bot.groups import Group
from bot.messages import Turn
from bot.runtimes import Spec
from bot.runtimes.docker import DockerRuntime

pytestmark = pytest.mark.usefixtures("engine")


def containers(engine: docker.DockerClient, agent: ContainerAgent) -> int:
    label = f"graftbot.installation={agent.installation}"
    return len(
        engine.api.containers(all=True, filters={"label": label})
    )  # without a look at each, which may be gone


async def asked(world: World) -> None:
    """Wait until the API has been asked once more than now."""
    before = len(world.api.requests)
    await until(lambda: len(world.api.requests) > before)


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110  # another process makes it true
        await asyncio.sleep(0.02)


async def test_a_conversation_goes_on_in_its_container_and_in_the_next_one(
    world: World, engine: docker.DockerClient
) -> None:
    async with world.agent() as (agent, store):
        assert await agent.answer(turn("hello")) == ["echo: hello"]
        session = await store.session("main")
        assert await agent.answer(turn("and again")) == ["echo: and again"]
        assert containers(engine, agent) == 1
        assert await store.session("main") == session
    assert containers(engine, agent) == 0
    async with world.agent() as (agent, store):
        assert await agent.answer(turn("after a restart")) == ["echo: after a restart"]
        assert await store.session("main") == session
    told = str(world.api.requests[-1]["body"]["messages"])
    assert all(text in told for text in ("hello", "and again", "after a restart"))


async def test_what_arrives_in_mid_turn_joins_it(world: World) -> None:
    async with world.agent() as (agent, _):
        running = asyncio.create_task(_list(agent, 'CALL Bash {"command": "sleep 3; echo slept"}'))
        await asked(world)
        await asyncio.sleep(0.5)
        assert await agent.follow_up(turn("one more thing"))
        replies = await running
        assert replies[-1].startswith("tool said: slept")
        assert "one more thing" in str(world.api.requests[-1]["body"]["messages"])
        assert not await agent.follow_up(turn("too late"))


async def test_a_session_that_is_no_more_begins_anew(world: World) -> None:
    async with world.agent() as (agent, store):
        await store.remember("main", "11111111-2222-3333-4444-555555555555")
        assert await agent.answer(turn("hello")) == ["echo: hello"]
        assert await store.session("main") not in {None, "11111111-2222-3333-4444-555555555555"}


async def test_idle_containers_go_by_themselves_and_make_room_for_others(
    world: World, engine: docker.DockerClient
) -> None:
    async with world.agent(max_containers=1, idle_seconds=2.0) as (agent, _):
        assert await agent.answer(turn("hello")) == ["echo: hello"]
        assert await agent.answer(turn("hello", FAMILY)) == [
            "echo: hello"
        ]  # main's was idle, and made room
        assert containers(engine, agent) == 1
        await until(lambda: not containers(engine, agent))


async def test_an_isolated_task_runs_beside_its_group_and_knows_nothing_of_it(world: World) -> None:
    async with world.agent() as (agent, store):
        await agent.answer(turn("our secret word is swordfish"))
        session = await store.session("main")
        assert await agent.answer(turn("what is it", task="t", isolated=True)) == [
            "echo: what is it"
        ]
        assert "swordfish" not in str(world.api.requests[-1]["body"])
        assert await store.session("main") == session


async def test_a_script_decides_whether_a_task_wakes_the_agent(world: World) -> None:
    async with world.agent() as (agent, _):
        asleep = turn(
            "look", task="t", isolated=True, script="""echo checking; echo '{"wake": false}'"""
        )
        assert await agent.answer(asleep) == []
        assert world.api.requests == []
        awake = turn(
            "look", task="t", isolated=True, script="""echo '{"wake": true, "data": [42]}'"""
        )
        assert await agent.answer(awake) == ["echo: look\n\nThe check before this task says: [42]"]
        broken = turn("look", task="t", script="echo no; exit 3")  # in the group's own conversation
        assert await agent.answer(broken) == [
            "echo: look\n\nThe check before this task failed with 3; it said: no"
        ]
        warm = turn("look", task="t", script="""echo '{"wake": false}'""")
        assert await agent.answer(warm) == []


async def test_what_an_earlier_process_left_is_removed_and_what_is_not_ours_stays(
    world: World, engine: docker.DockerClient
) -> None:
    runtime = DockerRuntime()
    async with world.agent() as (agent, _):
        mine = agent.installation
    left = await runtime.start(
        Spec(image=IMAGE, installation=mine, run="left", user="10001", command=["sleep", "600"])
    )
    theirs = await runtime.start(
        Spec(
            image=IMAGE,
            installation=f"{mine}0",
            run="other",
            user="10001",
            command=["sleep", "600"],
        )
    )
    async with world.agent() as (agent, _):
        await until(lambda: not containers(engine, agent))
    assert await runtime.runs(f"{mine}0") == {"other"}
    await theirs.end()
    await left.end()
    await runtime.close()


async def test_no_container_is_left_behind_whenever_its_start_is_given_up(
    world: World, engine: docker.DockerClient
) -> None:
    """In the middle of a stop, say: the engine goes on with what it was asked, and nobody waits for
    it.
    """
    async with world.agent(max_containers=8) as (agent, _):
        turns = [turn("hello", Group(f"group-{n}", f"memory:{n}", "Group")) for n in range(8)]
        starts = [asyncio.create_task(_answered(agent, one)) for one in turns]
        for start in starts:
            await asyncio.sleep(0.15)
            start.cancel()
        assert any(start.cancelled() for start in await _ended(starts))
    assert containers(engine, agent) == 0


@pytest.mark.parametrize("user", [UNPRIVILEGED, 1000] if os.getuid() == 0 else [os.getuid()])
async def test_what_an_agent_writes_can_be_read_and_written_by_the_host_whoever_that_is(
    world: World, user: int
) -> None:
    write = 'CALL Bash {"command": "umask 077; mkdir sub; echo from the agent > sub/file; cat CLAUDE.md notes"}'
    folder = world.data / "groups/main"
    folder.mkdir(parents=True)
    (folder / "notes").write_text("from the host")
    (folder / "notes").chmod(0o600)
    async with world.agent() as (agent, _):
        agent._user = (user, user)
        (said,) = await agent.answer(turn(write))
    assert "from the host" in said
    assert (folder / "sub/file").read_text() == "from the agent\n"
    assert (folder / "sub/file").stat().st_uid == user, (
        "a bot that is not root is this user, and reads what is its own"
    )
    (folder / "sub/file").write_text("the host again")


async def test_memory_of_all_groups_and_of_the_group_reaches_the_model(world: World) -> None:
    for name, text in (("global", "all of us like tea"), ("family", "we like coffee")):
        (world.data / "groups" / name).mkdir(parents=True)
        (world.data / "groups" / name / "CLAUDE.md").write_text(text)
    async with world.agent() as (agent, _):
        await agent.answer(turn("hello", FAMILY))
        await agent.answer(
            turn('CALL Bash {"command": "echo x >> /workspace/global/CLAUDE.md"}', FAMILY)
        )
    assert (world.data / "groups/global/CLAUDE.md").read_text() == "all of us like tea"
    body = str(world.api.requests[0]["body"])
    assert "all of us like tea" in body
    assert "we like coffee" in body
    assert "mcp__graftbot__send_message" in body
    assert "register_group" not in body, "what only main may do is not even shown to others"


async def test_a_transcript_is_archived_before_it_is_shortened(world: World) -> None:
    def reply(body: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"type": "text", "text": "a very long answer", "_usage": {"input_tokens": 990_000}}]

    world.api.reply = reply
    settings = world.data / "groups/main/.claude/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"env": {"CLAUDE_AUTOCOMPACT_PCT_OVERRIDE": "1"}}')
    async with world.agent() as (agent, _):
        for text in ("remember the blue bicycle", "and the green door", "and the red roof"):
            await agent.answer(turn(text))
    archives = list((world.data / "groups/main/conversations").glob("*.md"))
    assert archives
    assert any("blue bicycle" in path.read_text() for path in archives)


async def test_logs_are_kept_for_each_run_without_the_token(world: World) -> None:
    show = 'CALL Bash {"command": "env | grep -a graftbot- > /proc/1/fd/2; env | grep -a -e graftbot- -e TEAMS"}'
    async with world.agent() as (agent, _):
        (said,) = await agent.answer(turn(show))
    assert "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS=1" in said
    token = said.split("graftbot-", 1)[1].split()[0]
    logged = "".join(path.read_text() for path in (world.data / "logs/main").glob("run-*.log"))
    assert token not in logged
    assert "***" in logged


async def _list(agent: ContainerAgent, prompt: str) -> list[str]:
    return await _answered(agent, turn(prompt))


async def _answered(agent: ContainerAgent, one: Turn) -> list[str]:
    return list(await agent.answer(one))


async def _ended(tasks: list[asyncio.Task[list[str]]]) -> list[asyncio.Task[list[str]]]:
    await asyncio.gather(*tasks, return_exceptions=True)
    return tasks
