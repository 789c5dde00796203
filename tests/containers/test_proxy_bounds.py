"""A container that floods its socket at the proxy costs the bot little, and the others nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from engine import KEY
from fake_anthropic import FakeAnthropic
from test_proxy import ASK, Proxied, Used, proxied

from bot.proxy import ConnectionLimits, Door
from bot.settings import Secret

HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: proxy\r\n"


@contextmanager
def connected(door: Door) -> Iterator[socket.socket]:
    """A socket at the container's end."""
    with socket.socket(socket.AF_UNIX) as one:
        one.setblocking(False)
        place = os.open(door.folder, os.O_PATH)
        try:
            one.connect(f"/proc/self/fd/{place}/proxy.sock")
        finally:
            os.close(place)
        yield one


async def ask(there: Proxied, door: Door) -> int:
    client = await there.client(door)
    headers = {"x-api-key": door.token}
    async with client.post("/v1/messages", json=ASK, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_half_requests_by_the_thousand_take_few_descriptors_and_no_one_else_waits(
    api: FakeAnthropic, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    async with proxied(tmp_path, Used(), ConnectionLimits(connections=8), **settings) as there:
        bad, good = there.proxy.admit("bad"), there.proxy.admit("good")
        flood: list[socket.socket] = []
        with ExitStack() as held:
            with suppress(BlockingIOError):  # so many wait, and they wait at the kernel's
                while len(flood) < 5_000:
                    flood.append(held.enter_context(connected(bad)))
                    flood[-1].send(HEAD)
                    await asyncio.sleep(0)
            assert 20 < len(flood) < 5_000
            assert len(bad.connections) == 8
            assert await ask(there, good) == 200
        while bad.connections:  # noqa: ASYNC110  # those that it gave up are accepted, and gone
            await asyncio.sleep(0.01)
        assert await ask(there, bad) == 200, "and it is served itself when it has let go"
    assert len(caplog.records) < 5


async def test_a_head_that_does_not_come_and_one_that_drips_are_cut_off(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    loop = asyncio.get_running_loop()
    async with proxied(tmp_path, Used(), ConnectionLimits(head_seconds=0.3), **settings) as there:
        door = there.proxy.admit("bad")
        body = json.dumps(ASK | {"stream": False}).encode()
        whole = HEAD + f"x-api-key: {door.token}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        for sent in (b"", HEAD, whole + body + HEAD):
            with connected(door) as one:
                await loop.sock_sendall(one, sent)
                got = b""
                while piece := await _read(one):
                    got += piece
                    if sent == HEAD:
                        await loop.sock_sendall(one, b"x")
                assert got.startswith(b"HTTP/1.1 200") == (sent not in {b"", HEAD})
        await asyncio.sleep(0.1)
        assert door.connections == []


async def _read(one: socket.socket) -> bytes:
    try:
        return await asyncio.get_running_loop().sock_recv(one, 1 << 16)
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01 no HTTP at all\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nx-api-key: " + b"k" * 100_000 + b"\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
        b"POST /v1/messages HTTP/1.1\r\nx-api-key: secret\x1b[2J\x00\r\n\r\n",
        b"GET /" + b"p" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=range(8),
)
async def test_what_is_no_request_leaves_a_line_in_the_log_and_no_traceback(
    api: FakeAnthropic, tmp_path: Path, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    async with proxied(tmp_path, Used(), **settings) as there:
        door = there.proxy.admit("bad")
        for _ in range(20):
            with connected(door) as one:
                await asyncio.get_running_loop().sock_sendall(one, noise)
                one.shutdown(socket.SHUT_WR)
                while await _read(one):
                    pass
        assert await ask(there, door) == 200
    assert "Traceback" not in caplog.text
    assert "secret" not in caplog.text
    assert len([one for one in caplog.records if one.levelno >= logging.INFO]) <= 2
    assert len(api.requests) == 1


async def test_requests_that_are_sent_ahead_are_not_all_held(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    """One that is not answered yet, and a million behind it."""
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    body = json.dumps(ASK | {"messages": [{"role": "user", "content": "NEVER"}]}).encode()
    async with proxied(tmp_path, Used(), **settings) as there:
        door = there.proxy.admit("bad")
        first = HEAD + f"x-api-key: {door.token}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        with connected(door) as one:
            await asyncio.get_running_loop().sock_sendall(one, first + body)
            sent, silence = 0, 0
            while silence < 50:
                try:
                    sent += one.send(b"GET / HTTP/1.1\r\n\r\n" * 1_000)
                    silence = 0
                except BlockingIOError:
                    silence += 1
                except ConnectionError:
                    break  # it is cut off
                await asyncio.sleep(0.001)
            assert sent < 4 << 20, "the rest waits at its own end"
            assert await ask(there, there.proxy.admit("good")) == 200


async def _endless(pieces: int) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b" " * 1_000


async def test_a_body_has_an_end(api: FakeAnthropic, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    async with proxied(tmp_path, Used(), ConnectionLimits(body=5_000), **settings) as there:
        door = there.proxy.admit("bad")
        client, headers = await there.client(door), {"x-api-key": door.token}
        for data in (b" " * 6_000, _endless(6)):
            async with client.post("/v1/messages", data=data, headers=headers) as answer:
                assert answer.status == 413
                assert "more than 5000 bytes" in await answer.text()
        assert await ask(there, door) == 200


async def test_a_body_that_is_packed_stays_packed(api: FakeAnthropic, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": api.url,
    }
    packed = gzip.compress(json.dumps(ASK | {"metadata": {"user_id": "x" * 9_000}}).encode())
    limits = ConnectionLimits(body=len(packed))
    async with proxied(tmp_path, Used(), limits, **settings) as there:
        door = there.proxy.admit("family")
        client, headers = await there.client(door), {"x-api-key": door.token}
        headers |= {"content-encoding": "gzip", "content-type": "application/json"}
        async with client.post("/v1/messages", data=packed, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
