"""Whatever a container writes, the host goes on: it answers for its own turn, or it is ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from doubles import MemoryRuntime
from engine import FAMILY, World, turn

from bot.errors import BotError

Write = Callable[[int, bytes], None]


def result(**fields: Any) -> bytes:
    return b"\n---GRAFTBOT-RESULT---\n" + json.dumps(fields).encode() + b"\n---END---\n"


def runtime(*lines: bytes, after: bytes | None = None) -> MemoryRuntime:
    """Containers that write these lines before they answer, `TURN` in them being the turn."""

    async def program(stdin: asyncio.StreamReader, write: Write) -> int:
        while line := await stdin.readline():
            said = json.loads(line)
            if said["type"] == "close":
                break
            for one in lines:
                write(1, one.replace(b"TURN", said["turn"].encode()))
            if after is None:
                answer = {"type": "result", "turn": said["turn"], "text": said["prompt"]}
                write(1, result(**answer, session=None))
        return 0

    return MemoryRuntime(program)


BAD = {
    "a list as turn": b'{"type": "result", "turn": [], "text": "x"}',
    "a dict as turn": b'{"type": "result", "turn": {}, "text": "x"}',
    "a number as turn": b'{"type": "result", "turn": 1e999, "text": "x"}',
    "no turn": b'{"type": "result", "text": "x"}',
    "no type": b'{"turn": "TURN", "text": "x"}',
    "a list as type": b'{"type": ["result"], "turn": "TURN"}',
    "another type": b'{"type": "request", "turn": "TURN"}',
    "depth": b"[" * 200_000,
    "depth in a field": b'{"type": "result", "turn": "TURN", "text": ' + b'{"a":' * 100_000 + b"}",
    "no JSON": b"Traceback (most recent call last):",
    "not text": b"\xff\xfe\x00",
    "a number too long": b'{"type": "result", "turn": ' + b"9" * 10_000 + b"}",
    "a list": b"[]",
    "null": b"null",
    "nothing": b"",
}


@pytest.mark.parametrize("line", BAD)
async def test_a_result_that_is_none_ends_the_container_at_once_and_the_next_turn_is_answered(
    world: World, line: str
) -> None:
    bad = runtime(b"\n---GRAFTBOT-RESULT---\n" + BAD[line] + b"\n---END---\n", after=b"")
    async with world.agent(bad, max_containers=1) as (agent, _):
        for _ in range(3):  # its place is given back each time, and no container stays
            with pytest.raises(BotError, match="wrote what cannot be read"):
                await agent.answer(turn("hello", FAMILY))
            assert await bad.runs(agent.installation) == set()
    assert len(bad.started) == 3


@pytest.mark.parametrize("size", [1, 32_768])
async def test_a_long_answer_comes_in_whatever_pieces(world: World, size: int) -> None:
    """An engine hands on what it has read of a pipe, which may be no whole line."""

    async def program(stdin: asyncio.StreamReader, write: Write) -> int:
        said = json.loads(await stdin.readline())
        text = "x" * min(size * 3, 100_000) + "yz"
        answer = result(type="result", turn=said["turn"], text=text, session=None)
        for begin in range(0, len(answer), size):
            write(1, answer[begin : begin + size])
        await stdin.read()
        return 0

    async with world.agent(MemoryRuntime(program)) as (agent, _):
        (text,) = await agent.answer(turn("hello", FAMILY))
    assert text.endswith("xyz")


async def test_a_reader_that_fails_in_whatever_way_ends_its_container(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = runtime()

    def fail(*_: object) -> None:
        raise LookupError("of a library")

    async with world.agent(fine) as (agent, _):
        with monkeypatch.context() as patched:
            patched.setattr("bot.container_session.ContainerSession._take", fail)
            with pytest.raises(BotError, match="LookupError"):
                await agent.answer(turn("hello", FAMILY))
        assert await fine.runs(agent.installation) == set()
        assert await agent.answer(turn("hello", FAMILY)) == ["hello"]


@pytest.mark.parametrize("of", ["nobody-s", None])
async def test_the_word_for_a_turn_of_nobody_s_is_no_answer(world: World, of: str | None) -> None:
    forged = result(type="result", turn=of, text="forged", session="../../x")
    async with world.agent(runtime(forged)) as (agent, store):
        assert await agent.answer(turn("hello", FAMILY)) == ["hello"]
        assert await store.session("family") is None


@pytest.mark.parametrize("kind", ["result", "error"])
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("smile \ud83d end", "smile \ufffd end"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00 whole", "\U0001f600 whole"),
    ],
)
async def test_half_a_surrogate_pair_is_mended_at_the_door(
    world: World, kind: str, said: str, kept: str
) -> None:
    line = json.dumps({"type": kind, "turn": "TURN", "text": said})
    answering = b"\n---GRAFTBOT-RESULT---\n" + line.encode() + b"\n---END---\n"
    async with world.agent(runtime(answering, after=b"")) as (agent, _):
        if kind == "result":
            assert await agent.answer(turn("hello", FAMILY)) == [kept]
        else:
            with pytest.raises(BotError) as told:
                await agent.answer(turn("hello", FAMILY))
            assert kept in told.value.message
