"""The refusal of an entry whose keys cannot mean anything."""

from __future__ import annotations

__all__ = ["Malformed"]


class Malformed(ValueError):
    """An operation's keys contradict one another: `key` is the one to mend, `right` what would
    do.
    """

    def __init__(self, key: str, message: str, right: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.message = message
        self.right = right
