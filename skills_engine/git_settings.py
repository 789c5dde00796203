"""Git's settings of one repository, the user's and the system's included, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The values of each key, the one that counts last. A key is in lower case but for its middle,
    as git prints it.
    """

    entries: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, listed: str) -> Settings:
        """From what `git config --list -z` prints."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in listed.split("\0"):
            key, line, value = entry.partition("\n")
            if key:
                found[key] = (*found.get(key, ()), value if line else "true")  # a key alone is true
        return cls(found)

    def values(self, key: str) -> tuple[str, ...]:
        section, _, rest = key.partition(".")
        middle, dot, name = rest.rpartition(".")
        return self.entries.get(f"{section.lower()}.{middle}{dot}{name.lower()}", ())

    def value(self, key: str) -> str | None:
        return next(reversed(self.values(key)), None)

    def is_on(self, key: str) -> bool:
        """Whether a key has what git takes for true."""
        value = (self.value(key) or "").strip().lower()
        return value in {"true", "yes", "on"} or (value.isdecimal() and int(value) != 0)
