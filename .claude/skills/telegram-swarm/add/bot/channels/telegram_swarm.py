"""A pool of Telegram bots that lend their accounts to the members of a team."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

from bot.channels.base import Channel
from bot.channels.kept import Kept
from bot.channels.telegram import TelegramChannel, split
from bot.errors import Misconfigured, Undeliverable
from bot.log import log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.messages import Receive
    from bot.settings import Settings

__all__ = ["SwarmChannel"]

LONGEST = 3_900
"""Of a piece: the name may stand before it."""
HINT = "set it to the token that @BotFather gives, or leave it empty"


class SwarmChannel(Channel):
    """Chats are `swarm:<member>:<Telegram's chat>`; nothing comes in."""

    name: ClassVar[str] = "swarm"
    pairs = False

    def __init__(self, pool: dict[str, TelegramChannel], kept: Kept) -> None:
        self._pool, self._kept = pool, kept
        self._taking = asyncio.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        pool: dict[str, TelegramChannel] = {}
        for number in range(1, 5):
            token = getattr(settings, f"telegram_swarm_{number}")
            if token:
                try:
                    own = replace(settings, telegram_bot_token=token)
                    lent = TelegramChannel.from_settings(own)
                except Misconfigured:
                    what = f"TELEGRAM_SWARM_{number} is no token"
                    raise Misconfigured(what, hint=HINT) from None
                if lent is not None:
                    pool[str(number)] = lent
        kept = Kept(settings.graftbot_data / "swarm.json")
        return cls(pool, kept) if pool else None

    async def check(self) -> str:
        names = []
        for number, lent in self._pool.items():
            try:
                names.append(await lent.check())
            except Misconfigured:
                what = f"Telegram does not accept TELEGRAM_SWARM_{number}"
                raise Misconfigured(what, hint=HINT) from None
        return ", ".join(names)

    async def connect(self, receive: Receive) -> None:
        await self.check()
        await asyncio.Event().wait()

    async def send(self, chat: str, text: str) -> None:
        _, member, place = chat.split(":", 2)
        number = await self._number(member)
        if (lent := self._pool.get(number)) is None:
            raise Undeliverable(f"the bot of {member} is no more in the pool")
        if self._kept.get(f"name of {number}") != member:
            text = f"**{member}:** {text}"
        await lent.send(f"telegram:{place}", text)

    async def _number(self, member: str) -> str:
        """The bot that a member has, or is given now, with its name if that bot has none yet."""
        async with self._taking:
            if number := self._kept.get(f"bot of {member}"):
                return number
            given = [one for one in self._kept.all() if one.startswith("bot of ")]
            number = list(self._pool)[len(given) % len(self._pool)]
            if not self._kept.get(f"name of {number}") and await self._named(number, member):
                await self._kept.put(f"name of {number}", member)
            await self._kept.put(f"bot of {member}", number)
            return number

    async def _named(self, number: str, member: str) -> bool:
        from aiogram.exceptions import AiogramError  # noqa: PLC0415  # large

        try:
            return await self._pool[number]._bot.set_my_name(member)
        except AiogramError as error:
            log.info("a bot keeps its name", bot=number, why=type(error).__name__)
            return False

    def split(self, text: str) -> Sequence[str]:
        return split(text, LONGEST)

    async def disconnect(self) -> None:
        for lent in self._pool.values():
            await lent.disconnect()
