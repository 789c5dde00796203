"""A scrape of the figures, as Prometheus does it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from aiohttp import ClientSession
from doubles import FunctionAgent, MemoryChannel, echo, message, register
from prometheus_client.parser import text_string_to_metric_families

from bot.assistant import Assistant
from bot.metrics import Metrics
from bot.paths import Paths
from bot.run import SERVICES
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host


def test_it_is_one_of_the_services() -> None:
    assert Metrics in SERVICES
    assert Settings().metrics_port == 0


async def test_a_scrape_tells_what_waits_what_was_given_up_and_what_was_used(
    tmp_path: Path,
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(graftbot_data=tmp_path, metrics_port=port)
    async with open_store(tmp_path) as store:
        await register(store, "memory:me", "other:you")
        await store.take_in(message("my PIN is 4711"), asks=True)
        for text in ("one", "two"):
            await store.send("other:you", text)
        await store.send("memory:me", "never")
        seq, *_ = await store.next_piece("memory:me") or (0,)
        await store.write(
            ("UPDATE outbox SET settled_at = 'x', error = 'no' WHERE seq = ?", (seq,))
        )
        await store.used("main", 10, 3)
        await store.used("main", 5, 2)
        assistant = Assistant(store, [MemoryChannel()], FunctionAgent(echo))
        service = Metrics(Host(store, assistant, Paths(tmp_path), settings))
        task = asyncio.create_task(service.run())
        text = await scraped(port)
        async with ClientSession() as session:  # a site whose name points to this machine
            elsewhere = {"Host": "evil.example"}
            url = f"http://127.0.0.1:{port}/metrics"
            async with session.get(url, headers=elsewhere) as answer:
                assert answer.status == 403
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found == {
        ("graftbot_groups",): 2,
        ("graftbot_chats_waiting",): 1,
        ("graftbot_outbox_pieces", "other"): 2,
        ("graftbot_undeliverable_pieces", "memory"): 1,
        ("graftbot_requests_total", "main"): 2,
        ("graftbot_tokens_total", "input", "main"): 15,
        ("graftbot_tokens_total", "main", "output"): 5,
    }
    assert "4711" not in text


async def scraped(port: int) -> str:
    """What is answered, once somebody answers."""
    async with asyncio.timeout(600), ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    assert answer.headers["Content-Type"].startswith("text/plain")
                    return await answer.text()
            except OSError:
                await asyncio.sleep(0.01)
