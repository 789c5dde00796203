"""A tree that can be written to, over one that stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Overlay"]


class Overlay:
    """The port `codemods.files.Files`; `written` are the files that were, by path, None for those
    that went.
    """

    def __init__(self, below: Files) -> None:
        self._below = below
        self.written: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        return self.written[path] if path in self.written else self._below.read(path)

    def write(self, path: str, data: bytes) -> None:
        self.written[path] = data

    def remove(self, path: str) -> None:
        self.written[path] = None

    def rename(self, old: str, new: str) -> None:
        self.written[new] = self.read(old)
        self.written[old] = None

    def exists(self, path: str) -> bool:
        if path in self.written:
            return self.written[path] is not None
        inside = any(
            name.startswith(path + "/") for name, data in self.written.items() if data is not None
        )
        return inside or self._below.exists(path)

    def listdir(self, path: str) -> list[str]:
        prefix = path.rstrip("/") + "/" if path else ""
        names = set(self._below.listdir(path))
        for name, data in self.written.items():
            if name.startswith(prefix):
                first, slash, _ = name.removeprefix(prefix).partition("/")
                if data is not None:
                    names.add(first + slash)
                elif not slash:
                    names.discard(first)
        return sorted(names)

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        found = {
            path for path in self._below.containing(needle, suffix) if path not in self.written
        }
        found |= {
            p
            for p, data in self.written.items()
            if data is not None and p.endswith(suffix) and needle in data
        }
        return sorted(found)

    def follow(self, path: str) -> str | None:
        return self._below.follow(path)

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        return self._below.follow_name(path, name)
