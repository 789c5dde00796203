"""Codes by which the owner lets a chat in: the chat shows one, the owner types it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from bot.errors import BotError
from bot.groups import MAIN, Group, one_line
from bot.log import log
from bot.messages import Message
from bot.store import Store

LIFETIME = 3600.0
MOST = 10
"""Chats that have a code at a time; further ones are only logged."""
TYPED = re.compile(r"\s*/?pair\s+(\d{6})(?:\s+(main))?\s*", re.IGNORECASE)
TOPIC = re.compile(r"-topic-\d+$")
"""How the folder of a topic ends."""
GREETING = (
    "I am {name}, and I do not know this chat. My owner can let me answer here: by writing "
    "pair {code} to me at my console or in the main chat, or on my machine with "
    "bot setup --main {chat}. The code is good for an hour."
)
NOTICE = (
    "{sender} ({chat}) wrote to me, and I have shown a code there. If you want me to answer in "
    "that chat, write here: pair CODE. If it is your own: pair CODE main."
)
UNKNOWN = "I know no such code; a code is good for an hour, and once."
PAIRED = "I answer in {chat} from now on{rule}; its folder is groups/{folder}."


@dataclass(frozen=True, slots=True)
class _Code:
    message: Message
    until: float


class Pairing:
    """Who wrote from where, by the code that was shown there."""

    def __init__(
        self, store: Store, name: str, used: Callable[[str], bool] = lambda folder: False
    ) -> None:
        """`used` says of a folder whether some group has ever had it."""
        self._store, self._name, self._used = store, name, used
        self._codes: dict[str, _Code] = {}
        self._one = asyncio.Lock()
        self._used_up: dict[str, str] = {}
        """What was answered to codes: one may be typed, or brought, twice."""

    async def greet(self, message: Message) -> bool:
        """Show a chat that is not registered its code, and tell the owner; False if it has one
        already, or too many others have.
        """
        now = asyncio.get_running_loop().time()
        self._codes = {code: one for code, one in self._codes.items() if one.until > now}
        have = {one.message.chat for one in self._codes.values()}
        if message.chat in have or len(have) >= MOST:
            return False
        code = f"{secrets.randbelow(10**6):06}"
        self._used_up.pop(code, None)
        self._codes[code] = _Code(message, now + LIFETIME)
        text = GREETING.format(name=self._name, code=code, chat=message.chat)
        await self._store.send(message.chat, text)
        await self._store.tell(NOTICE.format(sender=_shown(message), chat=message.chat))
        log.info("a code was shown", chat=message.chat)
        return True

    async def typed(self, text: str) -> tuple[str, str] | None:
        """What to answer the owner who typed a code, and the chat that is let in; None if the text
        is no such thing.
        """
        if (found := TYPED.fullmatch(text)) is None:
            return None
        async with self._one:  # two may be typed in two chats, and each takes a folder
            return await self._let_in(found[1], main=bool(found[2]))

    async def _let_in(self, code: str, *, main: bool) -> tuple[str, str]:
        if code in self._used_up:
            return self._used_up[code], ""
        one = self._codes.pop(code, None)
        if one is None or one.until < asyncio.get_running_loop().time():
            return UNKNOWN, ""
        chat, name = one.message.chat, _shown(one.message)
        if main:
            group = Group(MAIN, chat, "Main")
        else:
            trigger = None if one.message.direct else f"@{self._name}"
            group = Group(self._folder(one.message), chat, name, trigger)
        try:
            await self._store.register(group)
        except BotError as error:  # the owner has registered it otherwise meanwhile
            return repr(error), ""
        rule = f", when I am called {group.trigger}" if group.trigger else ""
        said = PAIRED.format(chat=chat, rule=rule, folder=group.folder)
        self._used_up[code] = f"That is done already. {said}"
        return said, chat

    def _folder(self, message: Message) -> str:
        taken = {group.folder for group in self._store.groups} | {"global", MAIN}
        plain = re.sub(r"[^a-z0-9]+", "-", message.sender.lower()).strip("-")[:40]
        if not plain or TOPIC.search(plain):
            plain = re.sub(r"[^a-z0-9]+", "-", message.chat.lower()).strip("-")[:40]
        names = (f"{plain}-{number}" if number else plain for number in count())
        return next(name for name in names if name not in taken and not self._used(name))


def _shown(message: Message) -> str:
    """Who wrote, in one line: a sender chooses any name."""
    return one_line(message.sender)[:100]
