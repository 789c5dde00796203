"""Telegram: the Bot API, by long polling, through aiogram.

aiogram takes seconds and 150 MB to import, so only what runs once there is a token imports it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bot.channels.base import Channel
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.formatting import Rich, parse, utf16
from bot.splitting import split as split_markdown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiogram import Bot, types

    from bot.messages import Attachment, File, Receive
    from bot.settings import Settings

__all__ = ["TelegramChannel", "split"]

log = logging.getLogger(__name__)

LONGEST, LONGEST_CAPTION = 4096, 1024
"""What one message can hold, and what can go with a file, in UTF-16 code units."""
CHAT = re.compile(r"telegram:(-?\d+)(?::(\d+))?", re.ASCII)
POLL_SECONDS = 25
QUIET_SECONDS = 1.0
"""A server that does not hold an empty poll is asked no more often than this."""
ALBUM_SECONDS = 0.5
"""The rest of an album follows its first part within this."""
FETCH_SECONDS = 60
PICTURES, SPOKEN = {"image/jpeg", "image/png", "image/webp"}, "audio/ogg"
PASSING = re.compile(
    r"kicked|not a member|chat not found|rights|administrator|forbidden to|_FORBIDDEN|_RESTRICTED|"
    r"TOPIC_CLOSED|initiate conversation|need to be",
)
"""Refusals that somebody can lift: who muted the assistant, removed it, or shut a topic."""
UPDATES = ["message", "edited_message"]
REFUSED = "Telegram does not accept TELEGRAM_BOT_TOKEN"
TOKEN_HINT = "set TELEGRAM_BOT_TOKEN to the token that @BotFather gives"  # noqa: S105


class TelegramChannel(Channel):
    """Private chats and groups of one bot account, `telegram:<chat id>`, and the topics in them,
    `telegram:<chat id>:<topic>`.
    """

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

    async def check(self) -> str:
        from aiogram import exceptions  # noqa: PLC0415

        try:
            return f"@{(await self._bot.me()).username}"
        except (exceptions.TelegramUnauthorizedError, exceptions.TelegramNotFound) as error:
            raise Misconfigured(REFUSED, hint=TOKEN_HINT) from error
        except exceptions.AiogramError as error:
            raise ConnectionError("Telegram cannot be reached") from error

    async def connect(self, receive: Receive) -> None:
        from aiogram import exceptions  # noqa: PLC0415

        try:
            await self._bot.delete_webhook()  # while one is set, polling is refused
            await self._bot.me()
            while True:
                await self._poll(receive)
        except (exceptions.TelegramUnauthorizedError, exceptions.TelegramNotFound) as error:
            raise Misconfigured(REFUSED, hint=TOKEN_HINT) from error
        except exceptions.ClientDecodeError:  # its text is all that was written
            raise ConnectionError("an answer of Telegram cannot be read") from None

    async def send(self, chat: str, text: str) -> None:
        from aiogram import exceptions  # noqa: PLC0415

        from bot.channels.telegram_messages import entities  # noqa: PLC0415

        rich = parse(text)
        marks = entities(rich) or None

        async def attempt(chat: str) -> object:
            number, topic = _place(chat)
            try:
                return await self._bot.send_message(
                    number, rich.text, message_thread_id=topic, entities=marks
                )
            except exceptions.TelegramBadRequest:
                if rich.text == text and not marks:
                    raise
                return await self._bot.send_message(number, text, message_thread_id=topic)

        await self._deliver(chat, attempt)

    async def send_file(self, chat: str, file: File, text: str) -> None:
        from aiogram import exceptions  # noqa: PLC0415
        from aiogram.types import FSInputFile  # noqa: PLC0415

        from bot.channels.telegram_messages import entities  # noqa: PLC0415

        rich = parse(text)
        if utf16(rich.text) > LONGEST_CAPTION:  # a table is longer as it is shown
            rich = Rich(text, ())
        said = {"caption": rich.text or None, "caption_entities": entities(rich) or None}

        async def attempt(chat: str) -> object:
            number, topic = _place(chat)
            more: dict[str, Any] = {"message_thread_id": topic, **said}
            given = FSInputFile(file.copy, file.name)
            try:
                if file.type in PICTURES:
                    return await self._bot.send_photo(number, given, **more)
                if file.type == SPOKEN:
                    return await self._bot.send_voice(number, given, **more)
            except (exceptions.TelegramBadRequest, exceptions.TelegramEntityTooLarge):
                pass  # too large for a picture, or nobody may speak here: it is a document
            return await self._bot.send_document(number, given, **more)

        await self._deliver(chat, attempt)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        from aiogram import exceptions  # noqa: PLC0415
        from aiohttp import ClientError  # noqa: PLC0415

        try:
            file = await self._bot.get_file(attachment.source)
        except exceptions.TelegramBadRequest as error:
            raise Unfetchable(f"Telegram does not give it: {error.message}") from None
        except exceptions.ClientDecodeError:
            raise ConnectionError("an answer of Telegram cannot be read") from None
        data = bytearray()
        url = self._bot.session.api.file_url(self._bot.token, file.file_path or "")
        try:
            async for chunk in self._bot.session.stream_content(url, timeout=FETCH_SECONDS):
                data += chunk
                if len(data) > most:
                    raise Unfetchable(f"it is larger than {most >> 20} MB")
        except ClientError as error:  # its text has the address, and the token in that
            raise ConnectionError(f"Telegram did not give it ({type(error).__name__})") from None
        return bytes(data)

    async def _deliver(self, chat: str, attempt: Callable[[str], Awaitable[object]]) -> None:
        """Make an attempt for a chat, and say what its failure means."""
        from aiogram import exceptions  # noqa: PLC0415

        try:
            await attempt(chat)
        except exceptions.TelegramMigrateToChat as migrated:
            now = f"{self.name}:{migrated.migrate_to_chat_id}"
            if await self.moved(chat, now):
                raise ConnectionError(
                    "the chat has another number now, and is sent there"
                ) from None
            await attempt(now)
        except (
            exceptions.TelegramBadRequest,
            exceptions.TelegramForbiddenError,
            exceptions.TelegramEntityTooLarge,
        ) as error:
            kind = RefusedForNow if PASSING.search(error.message) else Undeliverable
            raise kind(error.message) from error
        except exceptions.TelegramRetryAfter as busy:
            await asyncio.sleep(busy.retry_after)
            raise

    def split(self, text: str) -> Sequence[str]:
        return split(text)

    async def typing(self, chat: str) -> None:
        number, topic = _place(chat)
        await self._bot.send_chat_action(number, "typing", message_thread_id=topic)

    async def disconnect(self) -> None:
        await self._bot.session.close()

    async def _poll(self, receive: Receive) -> None:
        """Take in what is new. The offset, which acknowledges an update, moves only after its
        message is stored, or is said to be none.
        """
        from bot.channels.telegram_messages import album  # noqa: PLC0415

        begun = asyncio.get_running_loop().time()
        updates = await self._updates(POLL_SECONDS)
        if updates and album(updates[-1]):
            await asyncio.sleep(ALBUM_SECONDS)
            updates = await self._updates(0)
        for _, parts in groupby(enumerate(updates), lambda one: album(one[1]) or one[0]):
            together = [raw for _, raw in parts]
            await self._take_in(together, receive)
            numbers = (raw.get("update_id") for raw in together if isinstance(raw, dict))
            for number in numbers:
                self._offset = number + 1 if isinstance(number, int) else self._offset
        if not updates:
            await asyncio.sleep(QUIET_SECONDS - (asyncio.get_running_loop().time() - begun))

    async def _updates(self, seconds: int) -> list[Any]:
        from bot.channels.telegram_messages import RawUpdates  # noqa: PLC0415

        ask = RawUpdates(offset=self._offset, timeout=seconds, allowed_updates=UPDATES)
        return await self._bot(ask, request_timeout=seconds + 10)

    async def _take_in(self, together: Sequence[Any], receive: Receive) -> None:
        """One update, or those of an album: a message, or what is known of the chat from now on."""
        from bot.channels.telegram_messages import read, renamed, written  # noqa: PLC0415

        me = await self._bot.me()
        parts: list[types.Message] = []
        for raw in together:
            try:
                update = read(raw, self._bot)
            except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
                await self.skip("an update", error)
            else:
                parts += [part for part in (update.message, update.edited_message) if part]
        for part in parts:
            if names := renamed(self.name, part):
                await self.moved(*names)
        try:
            message = written(self.name, parts, me, self._assistant_name) if parts else None
        except Exception as error:  # noqa: BLE001  # likewise
            await self.skip("a message", error)
            return
        if message is None:
            return
        await self.hand_over(receive, message)


def split(text: str, longest: int = LONGEST) -> list[str]:
    """Markdown in pieces, each of which one message holds, as it is and as Telegram shows it."""
    return split_markdown(text, longest, lambda piece: parse(piece).text)


def _place(chat: str) -> tuple[int, int | None]:
    """The number of a chat, and that of the topic in it. Raises Undeliverable for what is none."""
    if (found := CHAT.fullmatch(chat)) is None:
        raise Undeliverable(f"{chat} is no chat of Telegram's", hint="register it by its number")
    return int(found[1]), int(found[2]) if found[2] else None
