"""Files with some of them written, for looking only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skills_engine.codemods.files import FilesToRead

__all__ = ["OverlaidFiles"]


class OverlaidFiles:
    """Files with some of them written, for looking only."""

    def __init__(self, files: FilesToRead, written: dict[str, bytes]) -> None:
        self._files = files
        self._written = written

    def read(self, path: str) -> bytes | None:
        return self._written[path] if path in self._written else self._files.read(path)

    def listdir(self, path: str) -> list[str]:
        return self._files.listdir(path)

    def write(self, path: str, data: bytes) -> None:
        self._written[path] = data

    def remove(self, path: str) -> None:
        raise NotImplementedError

    def rename(self, old: str, new: str) -> None:
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        return path in self._written or self._files.exists(path)

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        found = {p for p in self._files.containing(needle, suffix) if p not in self._written}
        return sorted(
            found
            | {p for p, data in self._written.items() if p.endswith(suffix) and needle in data}
        )

    def follow(self, path: str) -> str | None:
        return self._files.follow(path)

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        return self._files.follow_name(path, name)
