"""The places of the assistant's files, below its data directory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.confined import Tree, reason
from bot.groups import Group
from bot.log import log

MEMORY = (
    "# {name}\n\nWhat the assistant shall remember about this chat, and how it shall behave here.\n"
)
ROOMS = ("requests", "replies", "refused")
GROUPS = "groups"
AGENTS_ROOMS = (GROUPS, "sessions", "ipc")


@dataclass(frozen=True, slots=True)
class Paths:
    """What is a `Tree` agents write, and it is touched through that alone; a path is the host's."""

    data: Path

    def group(self, folder: str) -> Tree:
        """The group's memory (`CLAUDE.md`) and files; `global` is shared, and main's to write."""
        return Tree(self.data / "groups" / folder)

    def session(self, folder: str) -> Tree:
        """The agent's own state: its transcripts, by which a conversation is resumed."""
        return Tree(self.data / "sessions" / folder)

    def ipc(self, folder: str = "") -> Tree:
        """What the agent asks of the host, and the answers; without a folder, what holds all these:
        the host's own, in which a new one may appear.
        """
        return Tree(self.data / "ipc" / folder)

    def logs(self, folder: str = "") -> Path:
        """The log of the bot, or those of a group's containers."""
        return self.data / "logs" / folder

    def kept(self) -> Iterator[tuple[str, Tree]]:
        """What agents wrote and keep, each tree by its path; of former groups too."""
        for room in ("groups", "sessions"):
            for place in sorted((self.data / room).glob("*")):
                if place.is_dir():
                    yield f"{room}/{place.name}", Tree(place)

    def used(self, folder: str) -> bool:
        """Whether a group has, or ever had, this folder: what is in it is not another's to see."""
        return any(os.path.lexists(self.data / room / folder) for room in AGENTS_ROOMS)

    def prepare(self, group: Group) -> None:
        """Make a group's directories, and its memory if it has none. What is broken is named in the
        log: it is this group's trouble, and nobody else's.
        """
        own = (self.session(group.folder), self.ipc(group.folder))
        for tree in (self.group("global"), self.group(group.folder), *own):
            where = tree.source.relative_to(self.data)
            try:
                with tree.make() as opened:
                    if where.parts[0] == "groups":
                        name = "All groups" if where.name == "global" else group.name
                        opened.add("CLAUDE.md", MEMORY.format(name=name).encode())
                    for room in ROOMS if where.parts[0] == "ipc" else ():
                        opened.make(room).__exit__()
            except OSError as error:
                about = {"where": str(where), "error": reason(error)}
                log.warning("a folder is broken", group=group.folder, **about)
