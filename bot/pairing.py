"""Codes by which the owner lets a chat in: the chat shows one, the owner types it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from operator import ne

from bot.bounds import HOUR, Allowance
from bot.errors import BotError
from bot.groups import MAIN, Group, one_line
from bot.log import log
from bot.messages import Message
from bot.store import Store
from bot.transactions import Statement

LIFETIME = 3600.0
MOST, TOLD = 10_000, 10
"""Chats that have a code at a time, before the oldest ends; those an hour that main is told of."""
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
class Typed:
    """What to answer the owner who has typed a code, the chat that is let in, and what does it."""

    answer: str
    code: str = ""
    chat: str = ""
    lets_in: tuple[Statement, ...] = ()


class Pairing:
    """Who wrote from where, by the code that was shown there."""

    def __init__(
        self, store: Store, name: str, used: Callable[[str], bool] = lambda folder: False
    ) -> None:
        """`used` says of a folder whether some group has ever had it."""
        self._store, self._name, self._used = store, name, used
        self._codes: dict[str, tuple[Message, float]] = {}
        """Where they were shown, and until when each is good."""
        self.lock = asyncio.Lock()
        """Held while one is let in: of two codes that are typed at once, each takes a folder."""
        self._told = Allowance(TOLD / HOUR, TOLD)
        self._used_up: dict[str, str] = {}
        """What was answered to codes: one may be typed, or brought, twice."""

    async def greet(self, message: Message) -> None:
        """Show a chat that is not registered its code, and tell the owner, unless it has one."""
        now = asyncio.get_running_loop().time()
        self._codes = {code: one for code, one in self._codes.items() if one[1] > now}
        have = {self._store.called(one.chat) for one, _ in self._codes.values()}
        if message.chat in have:
            return
        if len(have) >= MOST:
            del self._codes[next(iter(self._codes))]
        codes = iter(lambda: f"{secrets.randbelow(10**6):06}", "")
        known = {*self._codes, *self._used_up}
        # it differs from each other one in two digits: a slip lets nobody else in
        code = next(one for one in codes if all(sum(map(ne, one, other)) > 1 for other in known))
        self._codes[code] = message, now + LIFETIME
        text = GREETING.format(name=self._name, code=code, chat=message.chat)
        notice = NOTICE.format(sender=_shown(message), chat=message.chat) * self._told.take("")
        try:
            await self._store.send(message.chat, text, notice)
        except BaseException:  # nobody has seen it
            self._codes.pop(code, None)
            raise
        log.info("a code was shown", chat=message.chat)

    def typed(self, text: str) -> Typed:
        """What becomes of what the owner has typed, which is like TYPED."""
        code, as_main = TYPED.sub(r"\1 \2", text).split(" ")
        if code in self._used_up:
            return Typed(self._used_up[code])
        one, until = self._codes.get(code, (None, 0.0))
        if one is None or until < asyncio.get_running_loop().time():
            return Typed(UNKNOWN)
        chat, name = self._store.called(one.chat), _shown(one)
        trigger = None if one.direct else f"@{self._name}"
        other = Group(self._folder(one), chat, name, trigger)
        group = Group(MAIN, chat, "Main") if as_main else other
        try:
            lets_in = self._store.registered(group)
        except BotError as error:  # the owner has registered it otherwise meanwhile
            return Typed(repr(error))
        rule = f", when I am called {group.trigger}" if group.trigger else ""
        answer = PAIRED.format(chat=chat, rule=rule, folder=group.folder)
        return Typed(answer, code, chat, lets_in)

    def done(self, typed: Typed) -> None:
        """The store has it: a code is good once."""
        if self._codes.pop(typed.code, None):
            self._used_up[typed.code] = f"That is done already. {typed.answer}"

    def _folder(self, message: Message) -> str:
        taken = {*self._store.folders, "global", MAIN}
        plain = re.sub(r"[^a-z0-9]+", "-", message.sender.lower()).strip("-")[:40]
        if not plain or TOPIC.search(plain):
            plain = re.sub(r"[^a-z0-9]+", "-", message.chat.lower()).strip("-")[:40]
        names = (f"{plain}-{number}" if number else plain for number in count())
        return next(name for name in names if name not in taken and not self._used(name))


def _shown(message: Message) -> str:
    """Who wrote, in one line: a sender chooses any name."""
    return one_line(message.sender)[:100]
