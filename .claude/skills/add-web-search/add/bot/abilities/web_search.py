"""Web search, through the JSON API of a SearXNG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import ClientSession, ClientTimeout

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["web_search"]

_SEARCH = re.compile(r"search(?:\s+for\s+|\s*:\s*)(.+)", re.IGNORECASE | re.DOTALL)
_RESULTS = 3
_SECONDS = 20


async def web_search(request: str, settings: Settings) -> str | None:
    """search: who invented the telegraph"""
    if (match := _SEARCH.fullmatch(request.strip())) is None:
        return None
    if not settings.searxng_url:
        return "Web search is not set up: put SEARXNG_URL into .env."
    url = settings.searxng_url.rstrip("/") + "/search"
    query = {"q": match[1], "format": "json"}
    async with (
        ClientSession(timeout=ClientTimeout(total=_SECONDS)) as session,
        session.get(url, params=query) as answer,
    ):
        if answer.status == 403:
            return (
                "SearXNG refused me: json has to be among search.formats in searxng/settings.yml."
            )
        answer.raise_for_status()
        found = (await answer.json())["results"][:_RESULTS]
    if not found:
        return f"I found nothing about {match[1]}."
    return "\n\n".join(
        "\n".join(filter(None, (hit["title"], hit.get("content"), hit["url"]))) for hit in found
    )
