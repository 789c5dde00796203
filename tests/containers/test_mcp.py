"""MCP servers that main grants a group: by way of the host without a network, or in the container."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from engine import World, turn

from bot.errors import BotError
from bot.groups import Group
from bot.mcp import granted

KEY = "the owner's own word"
INSIDE = r"""
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    match asked["method"]:
        case "initialize":
            found = {"protocolVersion": asked["params"]["protocolVersion"], "capabilities": {"tools": {}},
                     "serverInfo": {"name": "sums", "version": "1"}}
        case "tools/list":
            found = {"tools": [{"name": "add", "inputSchema": {"type": "object"}}]}
        case "tools/call":
            total = sum(asked["params"]["arguments"]["of"])
            found = {"content": [{"type": "text", "text": f"the sum is {total}"}]}
        case _:
            found = {}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": found}), flush=True)
"""


class Notes:
    """An MCP server by HTTP with one tool, for those who know the owner's word."""

    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []
        self.url = ""

    async def asked(self, request: web.Request) -> web.Response:
        self.heads.append(dict(request.headers))
        if request.headers.get("Authorization") != KEY:
            return web.Response(status=401)
        asked = await request.json()
        if "id" not in asked:
            return web.Response(status=202)
        found: dict[str, Any] = {}
        match asked["method"]:
            case "initialize":
                version = asked["params"]["protocolVersion"]
                about = {"name": "notes", "version": "1"}
                found = {"protocolVersion": version, "capabilities": {"tools": {}}}
                found["serverInfo"] = about
            case "tools/list":
                found = {"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}
            case "tools/call":
                found = {"content": [{"type": "text", "text": "the milk is out"}]}
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], "result": found})


@pytest.fixture
async def notes() -> AsyncIterator[Notes]:
    server, application = Notes(), web.Application()
    application.router.add_post("/mcp", server.asked)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    yield server
    await runner.cleanup()


@pytest.mark.usefixtures("engine")
async def test_a_group_has_the_servers_that_it_was_granted_and_no_network_for_them(
    world: World, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers: dict[str, dict[str, Any]] = {
        "notes": {
            "url": notes.url,
            "headers": {"Authorization": KEY},
        },
        "sums": {"command": ["python3", "/workspace/group/sums.py"]},
    }
    _described(tmp_path, monkeypatch).write_text(_toml(servers))
    has = Group("has", "memory:has", "Has", options={"mcp": ["notes", "sums"], "model": "model-9"})
    plain = Group("has", "memory:has", "Has")
    (world.data / "groups/has").mkdir(parents=True)
    (world.data / "groups/has/sums.py").write_text(INSIDE)
    async with world.agent() as (agent, _):
        (said,) = await agent.answer(turn("CALL mcp__notes__look {}", has))
        assert said == "tool said: the milk is out"
        assert world.api.requests[-1]["body"]["model"] == "model-9", "a group may have its own"
        (said,) = await agent.answer(turn('CALL mcp__sums__add {"of": [2, 3]}', has))
        assert said == "tool said: the sum is 5"
        look = {"command": "ls /sys/class/net; env; cat ~/.config/graftbot/* ~/.claude.json"}
        (said,) = await agent.answer(turn(f"CALL Bash {json.dumps(look)}", has))
        assert "lo" in said
        assert "eth0" not in said
        assert KEY not in json.dumps([one["body"] for one in world.api.requests])
        asked = len(notes.heads)
        (said,) = await agent.answer(turn("CALL mcp__notes__look {}", plain))
        assert "No such tool" in said, "what was taken back is gone, in the container that ran too"
        try_it = "import json, os, urllib.request as u; print(u.urlopen(u.Request(os.environ["
        try_it += "'ANTHROPIC_BASE_URL'] + '/mcp/notes', b'{}', {'x-api-key': os.environ["
        look = {"command": f"python3 -c \"{try_it}'ANTHROPIC_API_KEY']}})).read())\""}
        (said,) = await agent.answer(turn(f"CALL Bash {json.dumps(look)}", plain))
        assert "403" in said
        assert len(notes.heads) == asked
    for head in notes.heads:
        assert "graftbot-" not in json.dumps(head), "the container's token stays with the host"


def _toml(servers: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, about in servers.items():
        lines.append(f"[{name}]")
        for key, value in about.items():
            text = json.dumps(value)
            if isinstance(value, dict):
                text = "{" + ", ".join(f"{k} = {json.dumps(v)}" for k, v in value.items()) + "}"
            lines.append(f"{key} = {text}")
    return "\n".join(lines)


def _described(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(home))
    place = home / ".config/graftbot/mcp.toml"
    place.parent.mkdir(parents=True)
    return place


def test_only_what_the_owner_has_described_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert granted(()) == {}
    place = _described(tmp_path, monkeypatch)
    for names, text, words in (
        (["notes"], "", "there are: none"),
        (["notes"], "[other]\nurl = 'https://x'", "there are: other"),
        ("notes", "", "no list"),
        ([["notes"]], "", "no MCP server"),
        (["graftbot"], "[graftbot]\nurl = 'https://x'", "cannot be a server's name"),
        (["a"], "[a]\nurl = 'file:///etc/passwd'", "none of http"),
        (["a"], "[a]\nurl = 'https://x'\ncommand = ['y']", "or a command"),
        (["a"], "[a]\ncommand = 'y z'", "a list of texts"),
        (["a"], "[a]\nurl = 3", "all else text"),
        (["a"], "[a]\nheaders = ['x']\nurl = 'https://x'", "cannot be read"),
        (["a"], "[a]\nnetwork = true", "cannot be read"),
        (["a"], "a = 3", "cannot be read"),
        (["a"], "[a", "cannot be read"),
    ):
        place.write_text(text)
        with pytest.raises(BotError) as refused:
            granted(names)
        assert words in refused.value.message, (names, text)
        assert refused.value.hint
