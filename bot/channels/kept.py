"""A channel's own memory: how far it has read, say. It outlives the process."""

import asyncio
import json
import os
import threading
from pathlib import Path

from bot.errors import Misconfigured


class Kept:
    """Texts by name, in one file of JSON that is written whole: after a crash at any moment it
    holds what was put last, or what was there before.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._texts: dict[str, str] | None = None
        self._writing = threading.Lock()

    def all(self) -> dict[str, str]:
        """A copy of what is kept. Raises Misconfigured if the file is not what was written."""
        if self._texts is None:
            try:
                self._texts = dict(json.loads(self._file.read_bytes()))
            except FileNotFoundError:
                self._texts = {}
            except (ValueError, TypeError):
                raise Misconfigured(
                    f"{self._file} is damaged", hint="restore it from a backup, or remove it"
                ) from None
        return dict(self._texts)

    def get(self, name: str) -> str:
        """The text of this name; empty if there is none."""
        return self.all().get(name, "")

    async def put(self, name: str, text: str) -> None:
        """Keep a text in place of what had its name. It is on the disk when this returns."""
        if self.all().get(name) != text:
            await asyncio.to_thread(self._put, name, text)

    def _put(self, name: str, text: str) -> None:
        with self._writing:  # who was cancelled has left a thread that goes on
            texts = {**self.all(), name: text}
            self._write(json.dumps(texts, indent=0))
            self._texts = texts

    def _write(self, text: str) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file.with_name(f".{self._file.name}.tmp")
        with open(draft, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
