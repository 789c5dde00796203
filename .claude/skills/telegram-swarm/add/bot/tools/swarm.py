"""The tool `send_as`: a member of a team says something under its own name."""

import re

from bot.errors import BotError
from bot.groups import Group
from bot.migrations import SQL
from bot.tools.base import Arguments, Effect, Host

PLACE = re.compile(r"telegram:(-\d+(?::\d+)?)", re.ASCII)
NAME = re.compile(r"[^\s:](?:[^:\n]{0,30}[^\s:])?")


async def send_as(host: Host, group: Group, arguments: Arguments) -> Effect:
    """A `text`, from who has the `name`, to the group's own chat, a group of Telegram's."""
    name, text = arguments.text("name").strip(), arguments.text("text")
    if not NAME.fullmatch(name):
        raise BotError("that is no name", hint="take up to 32 characters in a line, without :")
    place = PLACE.fullmatch(host.store.called(group.chat))
    if place is None or "swarm" not in host.assistant.channels:
        hint = "use send_message, and begin with the name"
        raise BotError("nobody has a bot of its own in this chat", hint=hint)
    chat = f"swarm:{name}:{place[1]}"
    chunks = await host.assistant.chunks(chat, [text])

    async def deliver() -> None:
        host.assistant.wake_delivery(chat)

    statements = tuple((SQL["send"], (chat, chunk)) for chunk in chunks)
    return Effect({"pieces": len(statements)}, statements, deliver)
