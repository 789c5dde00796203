"""The error with which a data edit refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skills_engine.types import Outcome

__all__ = ["DataError"]


class DataError(ValueError):
    """An edit is not clear, or the bytes are not of their format.

    `outcome` is MISSING, AMBIGUOUS or DRIFTED; None means that the bytes do not
    parse. `lines` are the lines (from 1) to look at, if any are known.
    """

    def __init__(
        self, message: str, outcome: Outcome | None = None, *, lines: tuple[int, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.outcome = outcome
        self.lines = lines
