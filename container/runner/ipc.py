"""Requests to the host: files in the group's own directory, each moved into place whole."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

__all__ = ["Refused", "request"]

PLACE = Path("/workspace/ipc")
PAUSE = 0.03
PATIENCE = 120.0


class Refused(Exception):
    """The host said no; the text says why."""


async def request(tool: str, arguments: dict[str, Any], place: Path = PLACE) -> Any:
    """The host's result. Raises Refused if it says no, TimeoutError if it says nothing.

    Names sort by time. Replies are looked for by polling: file events do not cross into every kind
    of container.
    """
    name = f"{time.time_ns():020}-{uuid4().hex[:12]}"
    requests, reply = place / "requests", place / "replies" / f"{name}.json"
    requests.mkdir(exist_ok=True)
    draft = requests / f".{name}.tmp"
    draft.write_text(json.dumps({"id": name, "tool": tool, "arguments": arguments}), "utf-8")
    draft.rename(requests / f"{name}.json")
    async with asyncio.timeout(PATIENCE):
        while not reply.exists():  # noqa: ASYNC110  # see above
            await asyncio.sleep(PAUSE)
    answer = json.loads(reply.read_text("utf-8"))
    reply.unlink(missing_ok=True)
    if not answer["ok"]:
        raise Refused(answer["error"])
    return answer["result"]
