"""What an agent is offered is ours to say: each tool in a request to the API has been decided on."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "container"))

import pytest
from engine import FAMILY, MAIN, World, turn
from runner.offered import OFFERED, ONLINE, SHADOWS

from bot.agents import container
from bot.groups import Group
from bot.runtimes import Spec
from bot.runtimes.docker import DockerContainer, DockerRuntime

pytestmark = pytest.mark.usefixtures("engine")
RUNNER = container.PROJECT / "container/runner"


OTHERS = {
    *("Glob", "Grep", "KillShell", "BashOutput", "Task", "TodoWrite", "TaskOutput", "SlashCommand"),
    *("ToolSearch", "DeferredToolPlaceholder"),
}
"""Of the program's, what is neither offered nor harmful: Bash does as much."""


def ours(group: Group) -> set[str]:
    text = (RUNNER / "tools.py").read_text() + (RUNNER / "tasks.py").read_text()
    names = set(re.findall(r'^    "(\w+)": \(', text, re.MULTILINE))
    mains = {"register_group", "refresh_groups"}
    return {f"mcp__graftbot__{name}" for name in (names if group.main else names - mains)}


def offered(request: dict[str, Any]) -> set[str]:
    return {tool["name"] for tool in request["body"].get("tools", ())}


@pytest.mark.parametrize("group", [MAIN, FAMILY], ids=["main", "family"])
async def test_an_agent_has_what_was_decided_and_nothing_else(world: World, group: Group) -> None:
    async with world.agent() as (agent, _):
        await agent.answer(turn("hello", group))
        helper = {"description": "help", "prompt": "hello too", "subagent_type": "general-purpose"}
        await agent.answer(turn(f"CALL Agent {json.dumps(helper)}", group))
    asked = [request for request in world.api.requests if request["body"].get("tools")]
    assert len(asked) >= 3
    assert not {*OFFERED} & {*SHADOWS, *ONLINE}
    assert offered(asked[0]) == {*OFFERED} | ours(group)
    assert {"mcp__graftbot__send_message", "mcp__graftbot__schedule_task"} <= offered(asked[0])
    for request in asked:
        assert offered(request) <= {*OFFERED} | ours(group)
        assert "deferred tools" not in json.dumps(request["body"])
        assert "ToolSearch" not in offered(request)


async def test_a_tool_of_ours_is_called_at_once(world: World) -> None:
    async with world.agent() as (agent, _):
        (said,) = await agent.answer(turn('CALL CronCreate {"cron": "* * * * *", "prompt": "x"}'))
        assert "No such tool" in said
        before = len(world.api.requests)
        await agent.answer(turn("hello"))
        assert len(world.api.requests) == before + 1


class Unplugged(DockerRuntime):
    """Containers that were granted a network, on an engine that may have none."""

    async def start(self, spec: Spec) -> DockerContainer:
        assert spec.network
        return await super().start(replace(spec, network=False))


async def test_the_network_s_tools_come_with_the_network(world: World) -> None:
    online = Group("online", "memory:online", "Online", options={"network": True})
    async with world.agent(Unplugged()) as (agent, _):
        await agent.answer(turn("hello", online))
    assert offered(world.api.requests[-1]) == {*OFFERED, *ONLINE} | ours(online)


async def test_all_that_the_program_would_offer_by_itself_has_been_decided_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new version that brings a name fails here, until somebody has said what it is to us."""
    project = tmp_path / "project"
    shutil.copytree(RUNNER, project / "container/runner")
    session = project / "container/runner/session.py"
    text, changed = re.subn(
        r"tools=\[.*?\],\n +disallowed_tools=\[.*?\],\n",
        'tools={"type": "preset", "preset": "claude_code"},\n',
        session.read_text(),
    )
    assert changed == 1
    session.write_text(text)
    monkeypatch.setattr(container, "PROJECT", project)
    async with world.agent() as (agent, _):
        await agent.answer(turn("hello", FAMILY))
    found = offered(world.api.requests[-1])
    assert "Bash" in found
    assert found - ours(FAMILY) - {*OFFERED, *ONLINE, *SHADOWS} - OTHERS == set()
