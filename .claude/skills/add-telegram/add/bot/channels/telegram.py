"""Telegram: the Bot API, by long polling, through aiogram.

aiogram takes seconds and 150 MB to import, so only what runs once there is a token imports it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, ClassVar, Self

from bot.channels.base import Channel
from bot.errors import Misconfigured, Undeliverable
from bot.messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiogram import Bot, types

    from bot.messages import Receive
    from bot.settings import Settings

__all__ = ["TelegramChannel", "split"]

log = logging.getLogger(__name__)

LONGEST = 4096
"""What one message can hold, in UTF-16 code units."""
POLL_SECONDS = 25
QUIET_SECONDS = 1.0
"""A server that does not hold an empty poll is asked no more often than this."""
TOKEN_HINT = "set TELEGRAM_BOT_TOKEN to the token that @BotFather gives"  # noqa: S105


class TelegramChannel(Channel):
    """Private chats and groups of one bot account, `telegram:<chat id>`."""

    name: ClassVar[str] = "telegram"

    def __init__(self, bot: Bot, assistant_name: str) -> None:
        self._bot = bot
        self._assistant_name = assistant_name
        self._offset: int | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.telegram_bot_token:
            return None
        from aiogram import Bot  # noqa: PLC0415
        from aiogram.client.session.aiohttp import AiohttpSession  # noqa: PLC0415
        from aiogram.client.telegram import PRODUCTION, TelegramAPIServer  # noqa: PLC0415
        from aiogram.utils.token import TokenValidationError  # noqa: PLC0415

        own = settings.telegram_api_server
        try:
            api = TelegramAPIServer.from_base(own) if own else PRODUCTION
            bot = Bot(settings.telegram_bot_token.value, AiohttpSession(api=api))
        except TokenValidationError:
            raise Misconfigured("TELEGRAM_BOT_TOKEN is no token", hint=TOKEN_HINT) from None
        return cls(bot, settings.assistant_name)

    async def connect(self, receive: Receive) -> None:
        from aiogram import exceptions  # noqa: PLC0415

        try:
            await self._bot.delete_webhook()  # while one is set, polling is refused
            while True:
                await self._poll(receive)
        except (exceptions.TelegramUnauthorizedError, exceptions.TelegramNotFound) as error:
            raise Misconfigured("Telegram does not accept TELEGRAM_BOT_TOKEN", hint=TOKEN_HINT) from error

    async def send(self, chat: str, text: str) -> None:
        from aiogram import exceptions  # noqa: PLC0415

        try:
            await self._bot.send_message(_id(chat), text)
        except exceptions.TelegramMigrateToChat as moved:
            await self._bot.send_message(moved.migrate_to_chat_id, text)
        except (exceptions.TelegramBadRequest, exceptions.TelegramForbiddenError, exceptions.TelegramNotFound) as error:
            raise Undeliverable(error.message) from error
        except exceptions.TelegramRetryAfter as busy:
            await asyncio.sleep(busy.retry_after)
            raise

    def split(self, text: str) -> Sequence[str]:
        return split(text)

    async def typing(self, chat: str) -> None:
        await self._bot.send_chat_action(_id(chat), "typing")

    async def disconnect(self) -> None:
        await self._bot.session.close()

    async def _poll(self, receive: Receive) -> None:
        """Take in what is new. The offset, which acknowledges an update, moves only after its message is stored."""
        begun = asyncio.get_running_loop().time()
        updates = await self._bot.get_updates(
            offset=self._offset, timeout=POLL_SECONDS, allowed_updates=["message"], request_timeout=POLL_SECONDS + 10
        )
        for update in updates:
            if update.message is not None:
                await self._take_in(update.message, receive)
            self._offset = update.update_id + 1
        if not updates:
            await asyncio.sleep(QUIET_SECONDS - (asyncio.get_running_loop().time() - begun))

    async def _take_in(self, message: types.Message, receive: Receive) -> None:
        text = message.text or message.caption
        if not text:
            return
        me = await self._bot.me()
        text = re.sub(rf"^\s*@{me.username}\b", f"@{self._assistant_name}", text, flags=re.IGNORECASE)
        sender = message.from_user.full_name if message.from_user else message.chat.full_name
        direct = message.chat.type == "private"
        chat = f"{self.name}:{message.chat.id}"
        who = str(message.from_user.id) if message.from_user else str(message.chat.id)
        quoted, by = "", ""
        if (reply := message.reply_to_message) is not None:
            quoted = (message.quote.text if message.quote else reply.text or reply.caption) or ""
            by = reply.from_user.full_name if reply.from_user else ""
        number = str(message.message_id)
        await receive(Message(chat, number, sender, text, message.date, direct, who, quoted, by))


def split(text: str, longest: int = LONGEST) -> list[str]:
    """A text in pieces of at most `longest` UTF-16 code units, the unit in which Telegram counts.

    A piece ends at a paragraph if that leaves it at least half full, else at a line, else at a word, and within a
    word only if nothing else does. White space at the ends of a piece goes; a blank text has no piece.
    """
    pieces = []
    rest = text.strip()
    while rest:
        fits = len(rest[:longest].encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore"))
        end = fits
        if fits < len(rest):
            borders = (rest.rfind(border, 0, fits + len(border)) for border in ("\n\n", "\n", " "))
            end = next((border for border in borders if border >= fits / 2), fits)
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return pieces


def _id(chat: str) -> int:
    return int(chat.partition(":")[2])
