"""A group: a chat that the assistant answers, with a folder of its own. `main` is the owner's."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from bot.errors import BotError

if TYPE_CHECKING:
    from bot.messages import Message

MAIN = "main"
FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MEMORY = (
    "# {name}\n\nWhat the assistant shall remember about this chat, and how it shall behave here.\n"
)


def trigger(word: str) -> re.Pattern[str]:
    """`@Name` at the start of a text, in any case, as a word of its own; matches what to strip."""
    return re.compile(
        rf"\s*{re.escape(word)}(?!\w)[\s,:]*", re.IGNORECASE
    )  # re keeps what it has compiled


@dataclass(frozen=True, slots=True)
class Group:
    """`folder` names its directories; `trigger` is `@Name`, or None where every message asks.

    Only `senders` (identifiers as their channel gives them) may trigger, or everyone if there are
    none; with `drop`, what others write is not even stored. `options` are what main granted this
    group's agent.
    """

    folder: str
    chat: str
    name: str
    trigger: str | None = None
    senders: tuple[str, ...] = ()
    drop: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not FOLDER.fullmatch(self.folder) or self.folder == "global":
            hint = (
                "use small letters, digits, - and _; it begins with a letter or digit, and "
                "is not 'global'"
            )
            raise BotError(f"{self.folder!r} cannot be a group's folder", hint=hint)
        if ":" not in self.chat:
            raise BotError(
                f"{self.chat!r} is no chat", hint="write its channel before it: telegram:123"
            )

    @property
    def main(self) -> bool:
        return self.folder == MAIN

    def takes(self, message: "Message") -> bool:
        return not self.drop or self._trusts(message)

    def addressed(self, message: "Message") -> bool:
        """Whether a message asks for an answer."""
        word = self.trigger
        return self._trusts(message) and (
            message.direct or word is None or trigger(word).match(message.text) is not None
        )

    def _trusts(self, message: "Message") -> bool:
        return not self.senders or message.sender_id in self.senders  # a name is no proof

    def row(self) -> tuple[str, str, str, str]:
        rest = {
            "trigger": self.trigger,
            "senders": self.senders,
            "drop": self.drop,
            "options": dict(self.options),
        }
        return self.folder, self.chat, self.name, json.dumps(rest)

    @classmethod
    def of(cls, folder: str, chat: str, name: str, rest: str) -> Self:
        values = json.loads(rest)
        return cls(
            folder,
            chat,
            name,
            values["trigger"],
            tuple(values["senders"]),
            values["drop"],
            values["options"],
        )


@dataclass(frozen=True, slots=True)
class Places:
    """Where a group's files are, below the data directory."""

    data: Path

    def group(self, folder: str) -> Path:
        """The group's memory (`CLAUDE.md`) and its files; `global` is shared, and main's to
        write.
        """
        return self.data / "groups" / folder

    def session(self, folder: str) -> Path:
        """The agent's own state: its transcripts, by which a conversation is resumed."""
        return self.data / "sessions" / folder

    def ipc(self, folder: str) -> Path:
        """What the agent asks of the host, and the answers."""
        return self.data / "ipc" / folder

    def logs(self, folder: str = "") -> Path:
        """The log of the bot, or those of a group's containers."""
        return self.data / "logs" / folder

    def prepare(self, group: Group) -> None:
        """Make a group's directories, and its memory if it has none."""
        shared, own = self.group("global"), self.group(group.folder)
        rooms = [self.ipc(group.folder) / room for room in ("requests", "replies", "refused")]
        for path in (shared, own, self.session(group.folder), *rooms):
            path.mkdir(parents=True, exist_ok=True)
        for path, name in ((shared, "All groups"), (own, group.name)):
            if not (memory := path / "CLAUDE.md").exists():
                memory.write_text(MEMORY.format(name=name), encoding="utf-8")
