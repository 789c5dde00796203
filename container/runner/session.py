"""A conversation with Claude Code that turns join while it runs."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    ClaudeSDKError,
    HookMatcher,
    ResultMessage,
    SystemMessage,
)

from runner.archive import before_compaction
from runner.offered import OFFERED, ONLINE, SHADOWS
from runner.precheck import precheck
from runner.protocol import log, put
from runner.tools import server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.protocol import Start

__all__ = ["Conversation"]

GLOBAL_MEMORY = Path("/workspace/global/CLAUDE.md")
MOST_MEMORY = 1 << 16
RETRIES = "4"
"""Of a request to the API. The host asks again later, with a container that is not kept waiting
meanwhile.
"""


class Conversation:
    """Turns that were asked and not answered, by the uuid under which Claude Code names them in its
    results.
    """

    def __init__(self, start: Start, url: str) -> None:
        self._start = start
        self._url = url
        self._session = start.session
        self._asked: dict[str, tuple[str, str]] = {}
        self._client: Any = None
        self._closing = False

    async def run(self, prompt: str, lines: asyncio.StreamReader) -> None:
        """Answer the first turn and those that come, until `close`, or until standard input
        ends.
        """
        self._add(self._start.turn, prompt)
        reading = asyncio.create_task(self._read(lines))
        talking = asyncio.create_task(self._talk())
        await asyncio.wait({reading, talking}, return_when=asyncio.FIRST_COMPLETED)
        if reading.done() and self._closing and self._asked:
            await talking
        for task in (reading, talking):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _read(self, lines: asyncio.StreamReader) -> None:
        while line := await lines.readline():
            message = json.loads(line)
            if message["type"] == "close":
                self._closing = True
                return
            prompt = message["prompt"]
            if message.get("script"):
                prompt = await precheck(message["script"], prompt)
            if prompt is None:
                put("result", turn=message["turn"], text=None, session=self._session)
            else:
                await self._send(self._add(message["turn"], prompt))

    def _add(self, turn: str, prompt: str) -> str:
        uuid = str(uuid4())
        self._asked[uuid] = (turn, prompt)
        return uuid

    async def _send(self, uuid: str) -> None:
        if self._client is None:
            return  # it is sent with the others when there is a client
        text = self._asked[uuid][1]

        async def one() -> AsyncIterator[dict[str, Any]]:
            said = {"role": "user", "content": text}
            yield {"type": "user", "uuid": uuid, "message": said, "parent_tool_use_id": None}

        await self._client.query(one())

    async def _talk(self) -> None:
        """Resume the session; where it no longer exists, begin a new one with the same turns."""
        try:
            await self._listen()
        except ClaudeSDKError as error:
            if self._session is None or not self._asked or self._heard:
                self._fail(str(error))
                return
            log(f"session {self._session} cannot be resumed, a new one begins: {error}")
            self._session = None
            self._asked = {str(uuid4()): asked for asked in self._asked.values()}
            await self._talk()

    async def _listen(self) -> None:
        self._heard = False
        async with ClaudeSDKClient(self._options()) as client:
            waiting = list(self._asked)
            self._client = client
            try:
                for uuid in waiting:
                    await self._send(uuid)
                async for message in client.receive_messages():
                    if isinstance(message, SystemMessage):
                        if "retry" in message.subtype:
                            log(f"{message.subtype} {json.dumps(message.data)[:500]}")
                    elif isinstance(message, ResultMessage):
                        self._result(message)
                        if self._closing and not self._asked:
                            return
                    else:
                        self._heard = True
            finally:
                self._client = None

    def _result(self, message: Any) -> None:
        """A result answers the turns that it names; an error that names none answers all that were
        asked.
        """
        if message.is_error and not self._heard and self._session:
            return  # the session is unknown: the exception that follows begins a new one
        uuids = message.user_message_uuids or [message.user_message_uuid]
        if not any(uuids) and message.is_error:
            uuids = list(self._asked)
        turns = [self._asked.pop(uuid)[0] for uuid in uuids if uuid in self._asked]
        if message.is_error:
            reason = message.result or "; ".join(message.errors or ()) or message.subtype
            for turn in turns:
                put("error", turn=turn, text=reason, session=message.session_id)
            return
        for turn in turns[:-1]:  # several were answered together
            put("result", turn=turn, text=None, session=message.session_id)
        last = turns[-1] if turns else None
        put("result", turn=last, text=message.result, session=message.session_id)

    def _fail(self, reason: str) -> None:
        for turn, _ in self._asked.values():
            put("error", turn=turn, text=reason, session=None)
        self._asked.clear()

    def _servers(self) -> dict[str, Any]:
        """The MCP servers that the group was granted: a command here, or by way of the proxy."""
        known = {"type": "http", "headers": {"x-api-key": self._start.token}}
        return {
            name: {"type": "stdio", "command": command[0], "args": command[1:]}
            if command
            else {**known, "url": f"{self._url}/mcp/{name}"}
            for name, command in self._start.mcp.items()
        }

    def _options(self) -> Any:
        start = self._start
        key = "CLAUDE_CODE_OAUTH_TOKEN" if start.credential == "oauth" else "ANTHROPIC_API_KEY"
        about = _about(start) + _shared_memory()
        return ClaudeAgentOptions(
            cwd="/workspace/group",
            resume=self._session,
            model=start.model or None,
            permission_mode="bypassPermissions",
            setting_sources=["user", "project"],
            system_prompt={"type": "preset", "preset": "claude_code", "append": about},
            tools=[*OFFERED, *(ONLINE if start.network else ())],
            disallowed_tools=[*SHADOWS, *(() if start.network else ONLINE)],
            mcp_servers={**self._servers(), "graftbot": server(main=start.main)},
            hooks={"PreCompact": [HookMatcher(hooks=[before_compaction])]},
            # what people write in a chat is text: no command, no mention of a file
            verbatim_prompts=True,
            stderr=log,
            env={
                key: start.token,
                "ANTHROPIC_BASE_URL": self._url,
                "ENABLE_TOOL_SEARCH": "false",  # ours are there, not behind a search for them
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1",
                "CLAUDE_CODE_MAX_RETRIES": RETRIES,
                "TZ": start.time_zone,
            },
        )


def _shared_memory(place: Path = GLOBAL_MEMORY) -> str:
    """What main lets all groups remember. Whatever main has left there, they are answered."""
    try:
        if not place.is_file():
            return ""
        with place.open("rb") as file:
            return file.read(MOST_MEMORY).decode("utf-8", "replace")
    except OSError as error:
        log(f"the shared memory cannot be read: {error}")
        return ""


def _about(start: Start) -> str:
    return (
        f"You are {start.assistant}, a personal assistant who answers in a chat. Messages come as "
        "<messages>; what you write as your answer is sent to the chat, where Markdown is shown as "
        "it should be; be brief. If nothing needs to be said, answer with nothing. An <attachment> "
        "is a file in your folder, at its path. /workspace/group is this group's folder and is "
        "kept; its CLAUDE.md is your memory of the group. /workspace/global/CLAUDE.md is memory "
        "that all groups share.\n\n"
    )
