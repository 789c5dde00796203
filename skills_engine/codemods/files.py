"""The port through which operations see a tree of files, and an in-memory one to test with."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Files", "FilesToRead", "MemoryFiles"]


class FilesToRead(Protocol):
    """A tree of files. Paths are relative, with forward slashes, and stay inside the tree."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file, or None where there is none (a directory, a link,
        nothing).
        """

    def exists(self, path: str) -> bool:
        """Whether anything, a directory or a link included, is at that path."""

    def listdir(self, path: str) -> list[str]:
        """Sorted names in a directory ('' is the root); a directory's name ends with '/'. Empty if
        there is none.
        """

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        """Sorted paths of the files whose names end in `suffix` and whose bytes contain
        `needle`.
        """

    def follow(self, path: str) -> str | None:
        """Where upstream renamed a path to that is gone, or None."""

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        """The path and the name that upstream gave to a name of a module that it has no more, or
        None.
        """


class Files(FilesToRead, Protocol):
    """A tree of files that can be written to."""

    def write(self, path: str, data: bytes) -> None:
        """Create or replace a file. An existing file keeps its mode. Refused outside the tree or
        through a link.
        """

    def remove(self, path: str) -> None:
        """Remove a file that exists."""

    def rename(self, old: str, new: str) -> None:
        """Move a file with its mode; `new` must not exist."""


class MemoryFiles:
    """Files in a dict; what operations and skill authors test with."""

    def __init__(
        self,
        contents: dict[str, bytes],
        *,
        renamed: dict[str, str] | None = None,
        names: dict[tuple[str, str], tuple[str, str]] | None = None,
    ) -> None:
        self.contents = dict(contents)
        self._renamed = dict(renamed or {})
        self._names = dict(names or {})

    def read(self, path: str) -> bytes | None:
        return self.contents.get(path)

    def write(self, path: str, data: bytes) -> None:
        self.contents[path] = data

    def remove(self, path: str) -> None:
        del self.contents[path]

    def rename(self, old: str, new: str) -> None:
        self.contents[new] = self.contents.pop(old)

    def exists(self, path: str) -> bool:
        return path in self.contents or any(name.startswith(path + "/") for name in self.contents)

    def listdir(self, path: str) -> list[str]:
        prefix = path.rstrip("/") + "/" if path else ""
        inside = [name[len(prefix) :] for name in self.contents if name.startswith(prefix)]
        return sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in inside})

    def containing(self, needle: bytes, suffix: str) -> list[str]:
        return sorted(
            p for p, data in self.contents.items() if p.endswith(suffix) and needle in data
        )

    def follow(self, path: str) -> str | None:
        return self._renamed.get(path)

    def follow_name(self, path: str, name: str) -> tuple[str, str] | None:
        return self._names.get((path, name))
