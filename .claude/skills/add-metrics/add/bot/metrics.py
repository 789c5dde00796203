"""Figures for Prometheus, on this machine: read from the store when they are asked for."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.messages import channel_of
from bot.store import Store
from bot.tools import Host

__all__ = ["Metrics"]

ADDRESS = "127.0.0.1"
OWN_NAMES = {ADDRESS, "localhost"}
"""A page of another site has none of these, whatever its own name points to."""
OUTBOX = """
SELECT chat, error IS NOT NULL, count(*) FROM outbox
WHERE settled_at IS NULL OR error IS NOT NULL GROUP BY 1, 2
"""
USED = "SELECT folder, sum(requests), sum(input), sum(output) FROM usage GROUP BY folder"


class Metrics:
    """A service that answers Prometheus; without a port it has nothing to do."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(self) -> None:
        if port := self._host.settings.metrics_port:
            app = web.Application()
            app.router.add_get("/metrics", self._answer)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            try:
                await web.TCPSite(runner, ADDRESS, port).start()
                await asyncio.Event().wait()
            finally:
                await runner.cleanup()
        await asyncio.Event().wait()

    async def _answer(self, request: web.Request) -> web.Response:
        if urlsplit(f"//{request.host}").hostname not in OWN_NAMES:
            raise web.HTTPForbidden
        registry = CollectorRegistry()
        registry.register(_Figures(await figures(self._host.store)))
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Figures(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterator[Metric]:
        yield from self._found


async def figures(store: Store) -> list[Metric]:
    """What the store tells: no texts, no names of people."""
    groups = GaugeMetricFamily("graftbot_groups", "Groups that are registered", len(store.groups))
    waiting = GaugeMetricFamily(
        "graftbot_chats_waiting", "Chats that wait for an answer", len(await store.waiting())
    )
    outbox = GaugeMetricFamily(
        "graftbot_outbox_pieces", "Pieces that wait to be delivered", labels=["channel"]
    )
    lost = GaugeMetricFamily(
        "graftbot_undeliverable_pieces",
        "Pieces that were given up, and are kept",
        labels=["channel"],
    )
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for chat, given_up, pieces in await store.read(OUTBOX):
        counts[channel_of(chat), bool(given_up)] += pieces
    for (channel, given_up), pieces in sorted(counts.items()):
        (lost if given_up else outbox).add_metric([channel], pieces)
    requests = CounterMetricFamily("graftbot_requests", "Requests to the model", labels=["group"])
    tokens = CounterMetricFamily(
        "graftbot_tokens", "Tokens of the model", labels=["group", "direction"]
    )
    for folder, number, read, written in await store.read(USED):
        requests.add_metric([folder], number)
        tokens.add_metric([folder, "input"], read)
        tokens.add_metric([folder, "output"], written)
    return [groups, waiting, outbox, lost, requests, tokens]
