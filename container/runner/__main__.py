"""`python -m runner`: one container's life."""

from __future__ import annotations

import asyncio

from runner.precheck import precheck
from runner.protocol import Start, put, reader
from runner.relay import relay


async def main() -> None:
    """Read the start, run the task's check if there is one, and talk until the host has had
    enough.
    """
    lines = await reader()
    start = Start.read(await lines.readline())
    prompt: str | None = start.prompt
    if start.script:
        prompt = await precheck(start.script, start.prompt)
    if prompt is None:
        put("result", turn=start.turn, text=None, session=start.session)
        return
    from runner.session import Conversation  # noqa: PLC0415  # the SDK takes half a second that a check need not wait for

    await Conversation(start, await relay(start.proxy)).run(prompt, lines)


asyncio.run(main())
