"""The protocol of host and runner: a JSON object a line in, results between sentinel lines out."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Start", "encodable", "log", "put", "reader"]

LONGEST_LINE = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Start:
    """The first line. `proxy` is `unix:PATH` or a URL; `credential` says as what the token is sent
    there. `mcp` has servers by name, each with its command, or with none where the proxy knows it.
    """

    token: str
    proxy: str
    credential: str
    session: str | None
    group: str
    main: bool
    assistant: str
    time_zone: str
    turn: str
    prompt: str
    script: str = ""
    network: bool = False
    model: str = ""
    mcp: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, line: bytes) -> Start:
        """From the line; what this version does not know is ignored, so that a newer host can start
        it.
        """
        values = json.loads(line)
        return cls(**{key: values[key] for key in cls.__dataclass_fields__ if key in values})


async def reader() -> asyncio.StreamReader:
    """Standard input. At its end the host is gone, and so is the reason to be here."""
    stream = asyncio.StreamReader(limit=LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(stream)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return stream


def put(kind: str, **fields: Any) -> None:
    """One result: `result` with a text, or `error` with a reason."""
    body = encodable(json.dumps({"type": kind, **fields}, ensure_ascii=False))
    sys.stdout.write(f"\n---GRAFTBOT-RESULT---\n{body}\n---END---\n")
    sys.stdout.flush()


def encodable(text: str) -> str:
    """Half of a surrogate pair, which a model may write, is no character: it becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def log(text: str) -> None:
    """A line of the run's log."""
    sys.stderr.write(text.rstrip() + "\n")
    sys.stderr.flush()
