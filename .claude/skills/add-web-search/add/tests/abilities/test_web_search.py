"""Web search against a small server that answers as SearXNG's JSON API does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientResponseError, web
from doubles import message

from bot.abilities.web_search import web_search
from bot.agents.offline import OfflineAgent
from bot.messages import Turn
from bot.settings import Settings

pytestmark = pytest.mark.web_search

HITS = [
    {
        "title": f"Result {n}",
        "url": f"https://example.org/{n}",
        "content": f"About {n}",
        "engine": "test",
    }
    for n in range(10)
]


@asynccontextmanager
async def searxng(status: int = 200) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        if status != 200:
            return web.Response(status=status)
        assert request.query["format"] == "json"
        hits = HITS if request.query["q"] == "tallest tree" else []
        return web.json_response(
            {"query": request.query["q"], "number_of_results": 0, "results": hits}
        )

    app = web.Application()
    app.router.add_get("/search", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}/".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def test_a_search_is_answered_with_the_first_results() -> None:
    async with searxng() as url:
        asked = message("Search: tallest tree")
        agent = OfflineAgent(Settings(searxng_url=url))
        (reply,) = await agent.answer(Turn("memory:me", (asked,), (asked,), 1))
        assert reply.splitlines()[:4] == ["Result 0", "About 0", "https://example.org/0", ""]
        assert reply.count("https://") == 3
        assert await web_search("search for nothing at all", Settings(searxng_url=url)) == (
            "I found nothing about nothing at all."
        )


async def test_it_says_what_is_missing_and_what_to_do() -> None:
    assert "SEARXNG_URL" in (await web_search("search: x", Settings()) or "")
    async with searxng(403) as url:
        assert "searxng/settings.yml" in (
            await web_search("search: x", Settings(searxng_url=url)) or ""
        )


async def test_a_failure_is_raised_so_that_the_turn_is_tried_again() -> None:
    async with searxng(502) as url:
        with pytest.raises(ClientResponseError):
            await web_search("search: x", Settings(searxng_url=url))


@pytest.mark.parametrize("request_", ["search", "search:", "research: x", "2+2", "searching for x"])
async def test_other_requests_are_left_to_others(request_: str) -> None:
    assert await web_search(request_, Settings()) is None
