"""Messages that an agent sends before its answer, or elsewhere."""

from bot.errors import BotError
from bot.groups import Group
from bot.migrations import SQL
from bot.tools.base import Arguments, Effect, Host


async def send_message(host: Host, group: Group, arguments: Arguments) -> Effect:
    """`text`, to the group's own chat; main may name another `chat`."""
    chat = arguments.text("chat", group.chat)
    if host.store.group(chat) is None or (chat != group.chat and not group.main):
        raise BotError(f"{group.folder} may not write to {chat[:80]!r}", hint="write to your own chat")
    pieces = host.assistant.pieces(chat, [arguments.text("text")])

    async def deliver() -> None:
        host.assistant.post(chat)

    return Effect({"pieces": len(pieces)}, tuple((SQL["send"], (chat, piece)) for piece in pieces), deliver)
