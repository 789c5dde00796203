"""A team in a Telegram group: each member writes as a bot of its own, through a server on loopback
that knows several bots.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from doubles import FunctionAgent, echo, serving

from bot.assistant import Assistant
from bot.channels import CHANNELS
from bot.channels.telegram_swarm import SwarmChannel
from bot.errors import BotError, Misconfigured, Undeliverable
from bot.groups import Group
from bot.paths import Paths
from bot.settings import Secret, Settings
from bot.store import open_store
from bot.tools import TOOLS, Host, call

TOKENS = {"111:first": "first_bot", "222:second": "second_bot"}
TEAM = Group("team", "telegram:-100:7", "Team")


class Bots:
    """The Bot API for TOKENS; `said` is who wrote what, `refused` the methods that are refused."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []
        self.named: list[tuple[str, str]] = []
        self.refused: set[str] = set()
        self.app = web.Application()
        self.app.router.add_route("*", "/bot{token}/{method}", self._handle)

    async def _handle(self, request: web.Request) -> web.Response:
        method, told = request.match_info["method"], await request.post()
        who = TOKENS.get(request.match_info["token"])
        if who is None:
            body = {"ok": False, "error_code": 401, "description": "Unauthorized"}
            return web.json_response(body, status=401)
        if method in self.refused:
            body = {"ok": False, "error_code": 400, "description": "name is taken"}
            return web.json_response(body, status=400)
        result: Any = True
        if method == "getMe":
            result = {"id": 1, "is_bot": True, "first_name": who, "username": who}
        elif method == "setMyName":
            self.named.append((who, str(told["name"])))
        elif method == "sendMessage":
            place = f"{told['chat_id']}:{told.get('message_thread_id', '')}"
            self.said.append((who, place, str(told["text"])))
            chat = {"id": int(str(told["chat_id"])), "type": "supergroup"}
            result = {"message_id": len(self.said), "date": 1790000000, "chat": chat}
        return web.json_response({"ok": True, "result": result})


def settings(folder: Path, url: str, *tokens: str) -> Settings:
    pool = {f"telegram_swarm_{at}": Secret(one) for at, one in enumerate(tokens, 1)}
    return Settings(graftbot_data=folder, telegram_api_server=url, **pool)  # type: ignore[arg-type]


@asynccontextmanager
async def team(folder: Path, bots: Bots) -> AsyncIterator[Any]:
    """What a member of the team calls; what it said is on its way then."""
    stop = asyncio.Event()
    async with serving(bots.app) as url, open_store(folder) as store:
        if store.group(TEAM.chat) is None:
            await store.register(TEAM)
        configured = settings(folder, url, *TOKENS)
        channel = SwarmChannel.from_settings(configured)
        assert channel is not None
        assistant = Assistant(store, [channel], FunctionAgent(echo))
        host = Host(store, assistant, Paths(folder), configured)
        running = asyncio.create_task(assistant.run(stop, grace=60))

        async def says(name: str, text: str) -> None:
            before = len(bots.said)
            effect = await call(host, TEAM, "send_as", {"name": name, "text": text})
            await store.write(*effect.statements)
            assert effect.afterwards
            await effect.afterwards()
            while len(bots.said) == before:  # noqa: ASYNC110  # the server is in this loop
                await asyncio.sleep(0.01)

        try:
            yield says
        finally:
            stop.set()
            await running


async def test_each_member_has_a_bot_and_keeps_it(tmp_path: Path) -> None:
    bots = Bots()
    async with team(tmp_path, bots) as says:
        await says("Researcher", "I have found **something**.")
        await says("Critic", "I doubt it.")
        await says("Researcher", "See for yourself.")
        await says("Clerk", "Noted.")
    async with team(tmp_path, bots) as says:
        await says("Critic", "I still doubt it.")
    assert bots.said == [
        ("first_bot", "-100:7", "I have found something."),
        ("second_bot", "-100:7", "I doubt it."),
        ("first_bot", "-100:7", "See for yourself."),
        ("first_bot", "-100:7", "Clerk: Noted."),
        ("second_bot", "-100:7", "I still doubt it."),
    ]
    assert bots.named == [("first_bot", "Researcher"), ("second_bot", "Critic")]


async def test_a_name_that_is_not_taken_is_said(tmp_path: Path) -> None:
    bots = Bots()
    bots.refused.add("setMyName")
    async with team(tmp_path, bots) as says:
        await says("Researcher", "Hello.")
    assert bots.said == [("first_bot", "-100:7", "Researcher: Hello.")]


async def test_what_is_no_place_or_no_name_is_refused(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        channel = SwarmChannel.from_settings(settings(tmp_path, "", *TOKENS))
        assert channel is not None
        assistant = Assistant(store, [channel], FunctionAgent(echo))
        host = Host(store, assistant, Paths(tmp_path), Settings())
        private = Group("main", "telegram:7", "Me")
        for group, name, why in (
            (private, "Critic", "no bot|a bot of its own"),
            (TEAM, "a:b", "no name"),
            (TEAM, "x" * 33, "no name"),
        ):
            with pytest.raises(BotError, match=why):
                await call(host, group, "send_as", {"name": name, "text": "x"})
        await channel.disconnect()


async def test_a_member_whose_bot_is_no_more_in_the_pool_says_nothing(tmp_path: Path) -> None:
    bots = Bots()
    async with team(tmp_path, bots) as says:
        await says("Researcher", "Hello.")
        await says("Critic", "I doubt it.")
    async with serving(bots.app) as url:
        channel = SwarmChannel.from_settings(settings(tmp_path, url, "111:first"))
        assert channel is not None
        with pytest.raises(Undeliverable, match="the bot of Critic is no more"):
            await channel.send("telegram-swarm:Critic:-100:7", "Still.")
        await channel.disconnect()


def test_the_agent_has_a_tool_of_the_same_name() -> None:
    """The agent's half needs a library that is in the image alone, so it is read here."""
    source = (Path(__file__).parents[2] / "container/runner/tools.py").read_text()
    tools = {
        ast.literal_eval(key): ast.literal_eval(value.elts[2])
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TOOLS"
        for key, value in zip(node.value.keys, node.value.values, strict=True)
        if key is not None
    }
    assert tools["send_as"] == ["name", "text"]
    assert "send_as" in TOOLS


async def test_what_only_the_owner_can_mend_is_said(tmp_path: Path) -> None:
    assert SwarmChannel in CHANNELS
    assert SwarmChannel.from_settings(settings(tmp_path, "")) is None
    with pytest.raises(Misconfigured, match="TELEGRAM_SWARM_2 is no token"):
        SwarmChannel.from_settings(settings(tmp_path, "", "111:first", "no token"))
    async with serving(Bots().app) as url:
        channel = SwarmChannel.from_settings(settings(tmp_path, url, "111:first", "333:unknown"))
        assert channel is not None
        with pytest.raises(Misconfigured, match="does not accept TELEGRAM_SWARM_2"):
            await channel.check()
        await channel.disconnect()
