"""Other models behind the Messages API: each dialect whole and as a stream, with tools; who is asked
in whose place; what is said where nobody can answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from doubles import serving
from fake_models import FakeModels

from bot import model_list
from bot.errors import BotError
from bot.log import set_up
from bot.model_list import models
from bot.other_models import OtherModels
from bot.run import SERVICES
from bot.settings import Secret, Settings
from bot.tools import Host

NOTHING: Any = None
PASSWORD = "between us two"
DIALECTS = {"openai": "/v1", "responses": "/v1", "google": ""}
TOOL = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object"}}
WEB = {"type": "web_search_20250305", "name": "web_search"}


class Asked:
    """The Messages API that the service gives."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self.url, self.password, self._session = url, PASSWORD, session

    async def __call__(self, model: str, messages: list[Any], **more: Any) -> tuple[int, Any]:
        """The status, and the answer, or its events."""
        body = {"model": model, "max_tokens": 99, "messages": messages, **more}
        headers = {"x-api-key": self.password, "anthropic-version": "2023-06-01"}
        path = f"{self.url}/v1/messages"
        async with self._session.post(path, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.content_type == "application/json":
                return answer.status, json.loads(text)
            lines = (line.removeprefix("data: ") for line in text.splitlines() if "data: " in line)
            return answer.status, [json.loads(line) for line in lines]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(model_list, "MODELS", tmp_path / "models.toml")
    return tmp_path / "models.toml"


@asynccontextmanager
async def asking(place: Path) -> AsyncIterator[tuple[Asked, FakeModels]]:
    """The service with a model of each dialect, named as it, and `broken`, which nobody is."""
    fake = FakeModels()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = f"http://127.0.0.1:{port}"
    settings = Settings(
        other_models_port=port, anthropic_base_url=own, anthropic_api_key=Secret(PASSWORD)
    )
    async with serving(fake.app) as url, ClientSession() as session:
        about = {name: f'url = "{url}{path}"' for name, path in DIALECTS.items()}
        about["anthropic"] = f'url = "{url}/"'
        text = "".join(
            f'[{name}]\ndialect = "{name}"\nmodel = "{name}-1"\nkey = "key of {name}"\n{where}\n'
            for name, where in about.items()
        )
        broken = 'dialect = "openai"\nurl = "http://127.0.0.1:1"\nmodel = "x"'
        _write(place, f'{text}[broken]\n{broken}\notherwise = ["openai", "anthropic"]\n')
        service = asyncio.create_task(OtherModels(Host(NOTHING, NOTHING, NOTHING, settings)).run())
        asked = Asked(own, session)
        while True:  # until it listens
            try:
                await session.get(own)
                break
            except OSError:
                await asyncio.sleep(0.01)
        try:
            yield asked, fake
        finally:
            service.cancel()
            await asyncio.gather(service, return_exceptions=True)


def _write(place: Path, text: str) -> None:
    place.write_text(text)


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def whole(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str, int]:
    """The blocks of an answer that came as events, why it ended, and the tokens written."""
    blocks: dict[int, dict[str, Any]] = {}
    reason, tokens = "", 0
    for event in events:
        match event:
            case {"type": "content_block_start", "index": at, "content_block": block}:
                blocks[at] = dict(block)
                if block["type"] == "tool_use":
                    blocks[at]["input"] = ""
            case {"type": "content_block_delta", "index": at, "delta": {"text": text}}:
                blocks[at]["text"] += text
            case {"type": "content_block_delta", "index": at, "delta": {"partial_json": part}}:
                blocks[at]["input"] += part
            case {"type": "message_delta", "delta": delta, "usage": usage}:
                reason, tokens = delta["stop_reason"] or reason, usage["output_tokens"] or tokens
    for block in blocks.values():
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["input"] or "{}")
    assert [event["type"] for event in events][-1] == "message_stop"
    return [blocks[at] for at in sorted(blocks)], reason, tokens


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_text_and_tools_go_there_and_back(place: Path, dialect: str, streams: bool) -> None:
    async with asking(place) as (asked, fake):

        async def answer(messages: list[Any]) -> tuple[list[dict[str, Any]], str, int]:
            system = [{"type": "text", "text": "Be brief."}]
            more = {"stream": streams, "tools": [TOOL, WEB], "system": system}
            status, said = await asked(dialect, messages, thinking={"type": "adaptive"}, **more)
            assert status == 200, said
            if streams:
                return whole(said)
            return said["content"], said["stop_reason"], said["usage"]["output_tokens"]

        late = {"role": "system", "content": "It is Monday."}
        blocks, reason, tokens = await answer([user("good morning"), late])
        assert "".join(one["text"] for one in blocks) == f"{dialect} echoes: good morning"
        assert (reason, tokens) == ("end_turn", 7)
        path, headers, body = fake.requests[-1]
        assert f"key of {dialect}" in str(headers)
        assert f"{dialect}-1" in path + str(body.get("model"))
        assert str(body).index("Be brief.") < str(body).index("It is Monday.")
        assert "web_search" not in str(body)

        call = user('CALL Bash {"command": "ls -l"}')
        (use,), reason, _ = await answer([call])
        assert (use["name"], use["input"]) == ("Bash", {"command": "ls -l"})
        assert reason == "tool_use"
        result = {"type": "tool_result", "tool_use_id": use["id"], "content": "total 0"}
        thought = {"type": "thinking", "thinking": "hm", "signature": "of another model"}
        history = [call, {"role": "assistant", "content": [thought, use]}]
        blocks, reason, _ = await answer([*history, {"role": "user", "content": [result]}])
        assert "total 0" in "".join(one["text"] for one in blocks)
        assert "of another model" not in str(fake.requests[-1])


async def test_who_cannot_answer_is_stood_for_by_others(place: Path) -> None:
    async with asking(place) as (asked, fake):
        _, said = await asked("broken", [user("hi")])
        assert said["content"][0]["text"] == "openai echoes: hi"
        thoughts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}]
        history = [user("a"), {"role": "assistant", "content": thoughts}, user("hi")]
        _, said = await asked("anthropic", history, betas=["x"])
        assert said["content"][0]["text"] == "anthropic echoes: hi"
        _, headers, body = fake.requests[-1]
        assert (headers["x-api-key"], headers["anthropic-version"]) == (
            "key of anthropic",
            "2023-06-01",
        )
        assert (body["betas"], body["model"]) == (["x"], "anthropic-1")
        assert "hm" not in str(body), "Anthropic takes no thought that it has not signed"
        _, said = await asked("claude-haiku-9", [user("hi")])
        assert said["content"][0]["text"] == "openai echoes: hi", "the first of the file"


async def test_what_is_said_where_nobody_answers(place: Path) -> None:
    async with asking(place) as (asked, fake):
        for theirs, ours in ((503, 503), (429, 429), (404, 502), (400, 400)):
            fake.status = theirs
            fake.requests.clear()
            status, said = await asked("broken", [user("hi")], stream=True)
            assert status == ours
            assert said["error"]["message"].startswith("openai" if theirs == 400 else "anthropic")
            assert len(fake.requests) == (1 if theirs == 400 else 2)
            assert "key of" not in said["error"]["message"], "though providers repeat it"
        status, said = await asked("gtp-5", [user("hi")])
        assert status == 403
        assert "there is no model 'gtp-5'; there are: openai, responses" in said["error"]["message"]
        _write(place, "[x]\ndialect = 'esperanto'\nurl = 'http://x'\nmodel = 'x'\n")
        status, said = await asked("x", [user("hi")])
        assert status == 403
        assert "dialect is one of anthropic, openai" in said["error"]["message"]
        asked.password = "another"
        assert (await asked("openai", [user("hi")]))[0] == 401


async def test_what_will_not_do_is_said_at_the_start(place: Path, tmp_path: Path) -> None:
    set_up("INFO", [], tmp_path / "logs")
    settings = Settings(other_models_port=9, anthropic_base_url="https://api.anthropic.com")
    for text, said in (
        ("", "other models cannot answer"),
        ('[mine]\ndialect = "openai"\nurl = "http://x"\nmodel = "m"\n', "mine"),
    ):
        _write(place, text)
        service = asyncio.create_task(OtherModels(Host(NOTHING, NOTHING, NOTHING, settings)).run())
        await asyncio.sleep(0)
        service.cancel()
        await asyncio.gather(service, return_exceptions=True)
        log = (tmp_path / "logs/bot.log").read_text("utf-8")
        assert said in log.splitlines()[-1]
        assert "nothing leads to them" in log.splitlines()[-2]


def test_a_file_is_read_with_care(place: Path) -> None:
    own = 'dialect = "openai"\nurl = "http://x"\nmodel = "m"\n'
    for text, why in (
        ("", "describes no model"),
        ("[a]\n" + own + 'otherwise = ["b"]', "which is not there"),
        ("[a]\n" + own + 'otherwise = "a"', "is a list"),
        ("[a]\n" + own.replace("http:", "ftp:"), "none of http"),
        ("[a]\n" + own + "kee = 'x'", "kee"),
        ("a = 1", "outside"),
        ("[a", "cannot be read"),
    ):
        place.write_text(text)
        with pytest.raises(BotError, match=why):
            models(place)
    place.unlink()
    with pytest.raises(BotError, match="cannot be read"):
        models(place)


def test_it_is_one_of_the_services() -> None:
    assert OtherModels in SERVICES
    assert Settings().other_models_port == 0
