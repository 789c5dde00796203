"""The credentials proxy between a client in no container and an API on loopback."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, UnixConnector, web
from engine import KEY
from fake_anthropic import FakeAnthropic
from yarl import URL

from bot.proxy import ConnectionLimits, Door, Proxy
from bot.settings import Secret, Settings

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}


class Used(list[tuple[str, int, int]]):
    async def __call__(self, group: str, tokens_in: int, tokens_out: int) -> None:
        self.append((group, tokens_in, tokens_out))


class Proxied:
    """A proxy whose folder has a longer path than sockets may have, and doors in it."""

    def __init__(self, proxy: Proxy, stack: AsyncExitStack) -> None:
        self.proxy, self._stack = proxy, stack

    async def client(self, door: Door) -> ClientSession:
        """What a container has: its own socket, by a shorter path."""
        short = Path(tempfile.mkdtemp())
        self._stack.callback(shutil.rmtree, short)
        (short / "run").symlink_to(door.folder)
        connector = UnixConnector(str(short / "run/proxy.sock"))
        return await self._stack.enter_async_context(
            ClientSession("http://proxy", connector=connector)
        )


@asynccontextmanager
async def proxied(
    place: Path, used: Used, limits: ConnectionLimits | None = None, **settings: Any
) -> AsyncIterator[Proxied]:
    folder = place / ("long-name-" * 12)
    (folder / "left").mkdir(parents=True)  # by a process that was killed
    proxy = Proxy(Settings(**settings), folder, used, limits)
    await proxy.open()
    assert list(folder.iterdir()) == []
    async with AsyncExitStack() as stack:
        stack.push_async_callback(proxy.close)
        yield Proxied(proxy, stack)
    assert list(folder.iterdir()) == []


async def test_the_token_is_swapped_for_the_key_on_the_way_out_and_usage_is_counted(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    used = Used()
    async with proxied(
        tmp_path, used, anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as there:
        door = there.proxy.admit("family")
        client, headers = await there.client(door), {"x-api-key": door.token}
        async with client.post("/v1/messages?beta=true", json=ASK, headers=headers) as answer:
            text = await answer.text()
    assert "hello" in text
    assert api.keys == {KEY}
    assert KEY not in text + str(answer.headers)
    assert [(group, out) for group, _, out in used] == [("family", 10)]


async def test_a_subscription_goes_out_as_bearer(api: FakeAnthropic, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "claude_code_oauth_token": Secret("real-oauth"),
        "anthropic_base_url": api.url,
    }
    async with proxied(tmp_path, Used(), **settings) as there:
        door = there.proxy.admit("main")
        client, headers = await there.client(door), {"authorization": f"Bearer {door.token}"}
        async with client.post(
            "/v1/messages", json={**ASK, "stream": False}, headers=headers
        ) as answer:
            assert answer.status == 200
    assert api.keys == {"Bearer real-oauth"}


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("POST", "/v1/messages", "made up", 401),
        ("POST", "/v1/messages", "", 401),
        ("POST", "/v1/messages", "the key", 401),  # the key itself is no token
        ("GET", "/v1/messages", None, 403),
        ("POST", "/v1/files", None, 403),
        ("POST", "/v1/messages/../organizations", None, 403),
        ("POST", "/v1/messages/%2e%2e/files", None, 403),
        ("POST", "http://elsewhere.example/v1/organizations", None, 403),
    ],
)
async def test_what_is_not_meant_to_pass_does_not(
    api: FakeAnthropic, tmp_path: Path, method: str, path: str, token: str | None, status: int
) -> None:
    async with proxied(
        tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as there:
        door = there.proxy.admit("main")
        given = door.token if token is None else token.replace("the key", KEY)
        client, headers = await there.client(door), {"x-api-key": given}
        async with client.request(
            method, URL(path, encoded=True), json=ASK, headers=headers
        ) as answer:
            assert answer.status == status
    assert api.requests == []


async def test_a_token_ends_with_its_container(api: FakeAnthropic, tmp_path: Path) -> None:
    async with proxied(
        tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as there:
        door, other = there.proxy.admit("main"), there.proxy.admit("other")
        client, elsewhere = await there.client(door), await there.client(other)
        headers = {"x-api-key": door.token}
        async with client.post("/v1/messages", json=ASK, headers=headers) as answer:
            assert answer.status == 200
            await answer.read()
        door.close()
        with pytest.raises(ClientError):  # the connection that was kept is closed too
            await client.post("/v1/messages", json=ASK, headers=headers)
        async with elsewhere.post("/v1/messages", json=ASK, headers=headers) as answer:
            assert answer.status == 401
    assert len(api.requests) == 1


async def test_a_token_is_worth_nothing_at_the_socket_of_another_container(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    async with proxied(
        tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as there:
        door, other = there.proxy.admit("main"), there.proxy.admit("main")
        client = await there.client(other)
        for token in (door.token, "", "\udcff", other.token[:-1]):
            headers = {"x-api-key": token.encode(errors="replace").decode()}
            async with client.post("/v1/messages", json=ASK, headers=headers) as answer:
                assert answer.status == 401
        assert door.folder != other.folder
    assert api.requests == []


async def test_the_key_does_not_follow_a_redirection(api: FakeAnthropic, tmp_path: Path) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{api.url}/v1/messages"})

    app = web.Application()
    app.router.add_post("/v1/messages", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with proxied(
        tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=url
    ) as there:
        door = there.proxy.admit("main")
        client, headers = await there.client(door), {"x-api-key": door.token}
        async with client.post(
            "/v1/messages", json=ASK, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status == 307
    await runner.cleanup()
    assert api.requests == []


async def test_an_api_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "anthropic_api_key": Secret(KEY),
        "anthropic_base_url": "http://127.0.0.1:1",
    }
    async with proxied(tmp_path, Used(), **settings) as there:
        door = there.proxy.admit("main")
        client, headers = await there.client(door), {"x-api-key": door.token}
        answer = await client.post("/v1/messages", json=ASK, headers=headers)
        assert answer.status == 502
        assert "cannot be reached" in await answer.text()
