"""The way to the credential proxy where the container has no network: a loopback port onto the
host's socket.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

__all__ = ["relay"]


async def relay(proxy: str) -> str:
    """The URL under which Claude Code reaches the proxy; `unix:PATH` is listened for on a loopback
    port.
    """
    if not proxy.startswith("unix:"):
        return proxy

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, requests = await asyncio.open_unix_connection(proxy.removeprefix("unix:"))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, requests), _copy(answers, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()
