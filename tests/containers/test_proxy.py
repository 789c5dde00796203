"""The credentials proxy between a client in no container and an API on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector, web
from engine import KEY
from fake_anthropic import FakeAnthropic
from yarl import URL

from bot.proxy import Proxy
from bot.settings import Secret, Settings

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}


class Used(list[tuple[str, int, int]]):
    async def __call__(self, group: str, tokens_in: int, tokens_out: int) -> None:
        self.append((group, tokens_in, tokens_out))


@asynccontextmanager
async def proxied(
    place: Path, used: Used, **settings: Any
) -> AsyncIterator[tuple[Proxy, ClientSession]]:
    """A proxy whose socket has a longer path than sockets may have, and a client of it by a shorter
    one.
    """
    folder = place / ("long-name-" * 12)
    folder.mkdir()  # nothing else runs
    (place / "short").symlink_to(folder)
    proxy = Proxy(Settings(**settings), folder, used)
    await proxy.open()
    try:
        async with ClientSession(
            "http://proxy", connector=UnixConnector(str(place / "short/proxy.sock"))
        ) as client:
            yield proxy, client
    finally:
        await proxy.close()


async def test_the_token_is_swapped_for_the_key_on_the_way_out_and_usage_is_counted(
    api: FakeAnthropic, tmp_path: Path
) -> None:
    used = Used()
    async with proxied(
        tmp_path, used, anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as (proxy, client):
        headers = {"x-api-key": proxy.admit("family")}
        async with client.post("/v1/messages?beta=true", json=ASK, headers=headers) as answer:
            text = await answer.text()
    assert "hello" in text
    assert api.keys == {KEY}
    assert KEY not in text + str(answer.headers)
    assert [(group, out) for group, _, out in used] == [("family", 10)]


async def test_a_subscription_goes_out_as_bearer(api: FakeAnthropic, tmp_path: Path) -> None:
    settings = {"claude_code_oauth_token": Secret("real-oauth"), "anthropic_base_url": api.url}
    async with proxied(tmp_path, Used(), **settings) as (proxy, client):
        headers = {"authorization": f"Bearer {proxy.admit('main')}"}
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
    ) as (
        proxy,
        client,
    ):
        headers = {
            "x-api-key": proxy.admit("main") if token is None else token.replace("the key", KEY)
        }
        async with client.request(
            method, URL(path, encoded=True), json=ASK, headers=headers
        ) as answer:
            assert answer.status == status
    assert api.requests == []


async def test_a_token_ends_with_its_container(api: FakeAnthropic, tmp_path: Path) -> None:
    async with proxied(
        tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=api.url
    ) as (
        proxy,
        client,
    ):
        token = proxy.admit("main")
        proxy.forget(token)
        async with client.post("/v1/messages", json=ASK, headers={"x-api-key": token}) as answer:
            assert answer.status == 401


async def test_the_key_does_not_follow_a_redirection(api: FakeAnthropic, tmp_path: Path) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{api.url}/v1/messages"})

    app = web.Application()
    app.router.add_post("/v1/messages", elsewhere)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with proxied(tmp_path, Used(), anthropic_api_key=Secret(KEY), anthropic_base_url=url) as (
        proxy,
        client,
    ):
        headers = {"x-api-key": proxy.admit("main")}
        async with client.post(
            "/v1/messages", json=ASK, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status == 307
    await runner.cleanup()
    assert api.requests == []


async def test_an_api_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    settings = {"anthropic_api_key": Secret(KEY), "anthropic_base_url": "http://127.0.0.1:1"}
    async with proxied(tmp_path, Used(), **settings) as (proxy, client):
        answer = await client.post(
            "/v1/messages", json=ASK, headers={"x-api-key": proxy.admit("main")}
        )
        assert answer.status == 502
        assert "cannot be reached" in await answer.text()
