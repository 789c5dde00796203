"""A group: a chat that the assistant answers, with a folder of its own. `main` is the owner's."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from bot.errors import BotError

MAIN = "main"
OWNERS, CONSOLE = "console:me", "console"
"""The terminal, and its folder where another chat is main: who sits there is the owner."""
LONGEST_NAME = 200
REST = ("trigger", "senders", "drop", "options", "topic")
"""What the store keeps of a group as JSON."""
FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def one_line(text: str) -> str:
    """A name as others gave it, in one line of what can be seen: it stands in headings and logs."""
    seen = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(seen.split())[:LONGEST_NAME]


def checked(chat: str) -> str:
    """The name of a chat. Raises BotError for what is none."""
    channel, _, name = chat.partition(":")
    if not channel or not name:
        hint = "write its channel before it: telegram:123"
        raise BotError(f"{chat[:80]!r} is no chat", hint=hint)
    return chat


def refuse_taken(groups: "Iterable[Group]", new: "Group") -> None:
    """Raises BotError where a registration would take another one's place, or is of a chat whose
    name no messenger gives: it cannot be seen, or not even be stored. Main passes from chat to
    chat, and the console, whose folder is made by itself, may have it again.
    """
    if not new.chat.isprintable():
        raise BotError(f"{new.chat[:80]!r} is no chat", hint="write it as its messenger does")
    if new.chat == OWNERS and new.folder not in {MAIN, CONSOLE}:
        hint = f"give it the folder {MAIN}, or {CONSOLE} where another chat is main"
        raise BotError(f"the console is its owner's, and cannot have {new.folder!r}", hint=hint)
    for one in groups:
        moves = one.chat == new.chat and one.folder != new.folder
        if moves and new.main and one.folder == CONSOLE:
            continue
        if moves or (one.chat != new.chat and one.folder == new.folder != MAIN):
            known = f"{one.chat} in {one.folder}"
            why = f"{new.folder!r} or {new.chat!r} is registered otherwise: {known}"
            raise BotError(why, hint="remove that registration first")


def usual(chat: str, folder: str, name: str, *, main: bool) -> "Group":
    """How a chat is registered where nobody says more, by an assistant of that name. `main`:
    whether some chat is main.
    """
    if not folder and chat == OWNERS:
        folder = CONSOLE if main else MAIN
    folder = folder or re.sub(r"[^a-z0-9-]", "_", chat.lower())[:64]
    titles = {MAIN: "Main", CONSOLE: "Console"}
    trigger = None if folder in titles else f"@{name}"
    return Group(folder, chat, titles.get(folder, folder), trigger)


@dataclass(frozen=True, slots=True)
class Group:
    """`folder` names its directories; `trigger` is `@Name`, or None where every message asks.

    Only `senders` (identifiers as their channel gives them) may trigger, or everyone if there are
    none; with `drop`, what others write is not even stored. `options` are what main granted this
    group's agent. A `topic` was met in a chat that is registered, and has the rules of that one.
    """

    folder: str
    chat: str
    name: str
    trigger: str | None = None
    senders: tuple[str, ...] = ()
    drop: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    topic: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", one_line(self.name))
        if not FOLDER.fullmatch(self.folder) or self.folder == "global":
            hint = (
                "use small letters, digits, - and _; it begins with a letter or digit, and "
                "is not 'global'"
            )
            raise BotError(f"{self.folder!r} cannot be a group's folder", hint=hint)
        checked(self.chat)

    @property
    def main(self) -> bool:
        return self.folder == MAIN

    @property
    def whole(self) -> str:
        """The chat that a topic is in."""
        return self.chat.rpartition(":")[0]

    def under(self, whole: "Group") -> "Group":
        """A topic with the rules of its whole chat."""
        return replace(whole, folder=self.folder, chat=self.chat, name=self.name, topic=True)

    def trusts(self, sender_id: str) -> bool:
        """Whether somebody may ask, by what the messenger vouches for: a name is no proof."""
        return not self.senders or sender_id in self.senders

    def row(self) -> tuple[str, str, str, str]:
        rest = {name: getattr(self, name) for name in REST}
        return self.folder, self.chat, self.name, json.dumps(rest)

    @classmethod
    def of(cls, folder: str, chat: str, name: str, rest: str) -> Self:
        try:
            values = {"topic": False, **json.loads(rest)}
            values["senders"] = tuple(values["senders"])
            return cls(folder, chat, name, **values)
        except (ValueError, TypeError, KeyError) as error:
            hint = "restore a backup of the store, or mend the row"
            raise BotError(f"the group {folder!r} is stored wrong: {error}", hint=hint) from None
