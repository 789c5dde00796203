"""Where the assistant's files are, below its data directory."""

from dataclasses import dataclass
from pathlib import Path

from bot.groups import Group

MEMORY = (
    "# {name}\n\nWhat the assistant shall remember about this chat, and how it shall behave here.\n"
)


@dataclass(frozen=True, slots=True)
class Paths:
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
