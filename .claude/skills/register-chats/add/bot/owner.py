"""What the owner asks for on the command line: as main would, whether the bot runs or not."""

import asyncio
import json
import re
from typing import Any
from uuid import uuid4

from bot.agents import OfflineAgent
from bot.assistant import Assistant
from bot.confined import Folder
from bot.errors import BotError, Running
from bot.groups import MAIN, Group
from bot.paths import Paths
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host, call

SECONDS = 60.0
LONGEST_REPLY = 1 << 20


def folder_of(chat: str) -> str:
    """A folder's name for a chat that was given none."""
    return re.sub(r"[^a-z0-9-]", "_", chat.lower())[:64]


async def ask(settings: Settings, tool: str, arguments: dict[str, Any]) -> Any:
    """The result of a tool of `bot.tools`, called as main. Raises BotError with the reason if it is
    refused.
    """
    paths = Paths(settings.graftbot_data)
    try:
        async with open_store(settings.graftbot_data) as store:
            assistant = Assistant(store, [], OfflineAgent(settings))
            owner = Group(MAIN, "owner:me", "Owner")
            effect = await call(Host(store, assistant, paths, settings), owner, tool, arguments)
            await store.write(*effect.statements)
            if effect.afterwards:
                await effect.afterwards()
            return effect.result
    except Running:
        return await _through_ipc(paths, tool, arguments)


async def _through_ipc(paths: Paths, tool: str, arguments: dict[str, Any]) -> Any:
    """The running bot does it, asked in main's directory."""
    id_ = f"owner-{uuid4().hex}"
    name, asked = f"{id_}.json", json.dumps({"id": id_, "tool": tool, "arguments": arguments})
    try:
        with (
            paths.ipc(MAIN).open() as base,
            base.folder("requests") as requests,
            base.folder("replies") as replies,
        ):
            requests.put(name, asked.encode())
            async with asyncio.timeout(SECONDS):
                answer = json.loads(await _read(replies, name))
            replies.remove(name)
    except TimeoutError:
        hint = "see its log; what you asked may still be done"
        raise BotError("the running bot does not answer", hint=hint) from None
    except FileNotFoundError:
        hint = "stop it and try again"
        raise BotError("the running bot has no main chat yet", hint=hint) from None
    if not answer["ok"]:
        raise BotError(answer["error"])
    return answer["result"]


async def _read(replies: Folder, name: str) -> bytes:
    """As soon as another process has written it."""
    while True:
        try:
            return replies.read(name, LONGEST_REPLY)
        except FileNotFoundError:
            await asyncio.sleep(0.05)
