"""The tool `send_voice`: an agent says something aloud."""

import asyncio
import json
from dataclasses import asdict

from bot.errors import BotError
from bot.groups import Group
from bot.migrations import SQL
from bot.tools.base import Arguments, Effect, Host
from bot.voice import speak

NAME = "voice.ogg"
"""What was said last stands under this name in the group's folder."""


async def send_voice(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A `text`, as a recording, to the group's own chat."""
    if (files := host.assistant.files) is None:
        raise BotError("files cannot be sent now")
    data = await speak(host.settings, arguments.text("text"))

    def kept() -> str:
        with host.paths.group(group.folder).make() as top:
            top.put(NAME, data)
        return json.dumps(asdict(files.take(group.folder, NAME)))

    chat, sent = host.store.called(group.chat), await asyncio.to_thread(kept)

    async def deliver() -> None:
        host.assistant.wake_delivery(chat)

    return Effect({"bytes": len(data)}, ((SQL["send_file"], (chat, "", sent)),), deliver)
