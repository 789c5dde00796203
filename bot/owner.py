"""What the owner asks for on the command line: as main would, whether the bot runs or not."""

import json
import time
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from bot.agents import OfflineAgent
from bot.assistant import Assistant
from bot.errors import BotError
from bot.groups import MAIN, Group, Places
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host, call

SECONDS = 60.0


def running(settings: Settings) -> bool:
    """Whether a bot is at work on this store."""
    if not (lock := settings.graftbot_data / "bot.lock").exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


async def ask(settings: Settings, tool: str, arguments: dict[str, Any]) -> Any:
    """The result of a tool of `bot.tools`, called as main. Raises BotError with the reason if it is refused."""
    places = Places(settings.graftbot_data)
    if running(settings):
        return _through_ipc(places, tool, arguments)
    async with open_store(settings.graftbot_data) as store:
        assistant = Assistant(store, [], OfflineAgent(settings))
        owner = Group(MAIN, "owner:me", "Owner")
        effect = await call(Host(store, assistant, places, settings), owner, tool, arguments)
        await store.write(*effect.statements)
        if effect.afterwards:
            await effect.afterwards()
        return effect.result


def _through_ipc(places: Places, tool: str, arguments: dict[str, Any]) -> Any:
    """The running bot does it, asked in main's directory."""
    id_ = f"owner-{uuid4().hex}"
    request, reply = (places.ipc(MAIN) / room / f"{id_}.json" for room in ("requests", "replies"))
    if not request.parent.is_dir():
        raise BotError("the running bot has no main chat yet", hint="stop it and try again")
    request.with_suffix(".tmp").write_text(json.dumps({"id": id_, "tool": tool, "arguments": arguments}), "utf-8")
    request.with_suffix(".tmp").rename(request)
    end = time.monotonic() + SECONDS
    while not reply.exists() and time.monotonic() < end:
        time.sleep(0.05)
    if not reply.exists():
        raise BotError("the running bot does not answer", hint="see its log; what you asked may still be done")
    answer = json.loads(reply.read_text("utf-8"))
    reply.unlink()
    if not answer["ok"]:
        raise BotError(answer["error"])
    return answer["result"]
