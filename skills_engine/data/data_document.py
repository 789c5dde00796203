"""A data file as an edit sees it: its text, what it says, and the four verbs of an edit.

The verbs are the same for every format; a format says where its values stand and how they are
written. What an edit makes of the text is read again, and made only if it says what was meant and
nothing more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.path import UNSET, Path
from skills_engine.data.text import decode, splice
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.data.text import TextSplice

__all__ = ["DataDocument"]

AnyPath = str | Path
"""Keys, list elements by index, by value or as `name=web`; in text, dots part them."""


@dataclass(frozen=True)
class DataDocument(ABC):
    """One file. `bom` is its byte order mark ('' or one), `data` what `text` says."""

    null_is_empty: ClassVar[bool] = False
    """Whether null holds as an empty list or mapping does: `volumes:` waits for its first key."""

    bom: str
    text: str
    data: Any

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Raises DataError with the line for what is not of this format."""
        bom, text = decode(data)
        return cls(bom, text, cls.said(text))

    @staticmethod
    @abstractmethod
    def said(text: str) -> Any:
        """What a text says. Raises DataError with the line."""

    @staticmethod
    def plain(value: Any) -> Any:
        """A value as this format can say it."""
        return value

    @abstractmethod
    def line(self, path: Path) -> tuple[int, ...]:
        """The lines where a value is written."""

    @abstractmethod
    def with_value(self, done: Path, missing: tuple[str, ...], value: Any) -> bytes:
        """The file with a value where `done` is there and the rest of its path is not; last."""

    @abstractmethod
    def with_other(self, path: Path, value: Any) -> bytes:
        """The file with a value written over the one at a path."""

    @abstractmethod
    def with_element(self, path: Path, there: list[Any], element: Any) -> bytes:
        """The file with an element after those that are `there`."""

    @abstractmethod
    def without(self, path: Path, *, prune: bool) -> bytes:
        """The file without the value at a path that is there, and is not the top."""

    def follow(self, path: AnyPath) -> tuple[Path, Any, Path]:
        """The longest part of a path that there is, the value there, and the rest of the path."""
        parts = paths.split(path)
        done, there = paths.follow(self.data, parts)
        return done, there, parts[len(done) :]

    def ensure_value(
        self, path: AnyPath, value: Any, *, was: Any = UNSET, replace: bool = False
    ) -> bytes:
        """The file with a value set. A new key goes last in its mapping, a new table after its kin.

        Another value there is replaced if it is `was`, or with `replace`; otherwise DataError
        (DRIFTED).
        """
        value = self.plain(value)
        done, there, rest = self.follow(path)
        if rest:
            if was is not UNSET:
                message = f"there is no {paths.show(paths.split(path))}"
                raise DataError(message, Outcome.MISSING, lines=self.line(done))
            return self.with_value(done, tuple(map(str, rest)), value)
        try:
            if not paths.settle(done, there, value, was, replace=replace):
                return self.unchanged
        except DataError as error:
            raise DataError(error.message, error.outcome, lines=self.line(done)) from None
        return self.with_other(done, value)

    def ensure_element(self, path: AnyPath, element: Any) -> bytes:
        """The file with an element last in a list that does not have it; a list that is not there
        is made.
        """
        element = self.plain(element)
        done, there, rest = self.follow(path)
        if rest:
            return self.with_value(done, tuple(map(str, rest)), [element])
        if there is None and self.null_is_empty:
            there = []
        if not isinstance(there, list):
            message = f"{paths.show(done)} is {paths.kind(there)}, not a list"
            raise DataError(message, Outcome.DRIFTED, lines=self.line(done))
        if any(paths.same(each, element) for each in there):
            return self.unchanged
        return self.with_element(done, there, element)

    def remove(self, path: AnyPath, *, prune: bool = False) -> bytes:
        """The file without a value; with `prune`, also without the mappings and lists that this
        leaves empty.
        """
        done, _, rest = self.follow(path)
        return self.unchanged if rest or not done else self.without(done, prune=prune)

    def remove_element(self, path: AnyPath, element: Any, *, prune: bool = False) -> bytes:
        """The file without an element of a list; with `prune`, also without the list if it is empty
        then.
        """
        done, there, rest = self.follow(path)
        if rest or not isinstance(there, list):
            return self.unchanged
        element = self.plain(element)
        index = next((n for n, each in enumerate(there) if paths.same(each, element)), None)
        return self.unchanged if index is None else self.without((*done, index), prune=prune)

    @property
    def unchanged(self) -> bytes:
        return (self.bom + self.text).encode()

    def edited(self, splices: Sequence[TextSplice], expected: Any) -> bytes:
        """The bytes with the splices made. Raises DataError (DRIFTED) if they say anything but what
        is expected.
        """
        new = splice(self.text, splices)
        try:
            said = self.said(new)
        except DataError as error:
            message = f"the edit would not parse: {error.message}"
            raise DataError(message, Outcome.DRIFTED) from None
        if not paths.same(said, expected):
            raise DataError("the edit would change more than its place", Outcome.DRIFTED)
        return (self.bom + new).encode()

    def emptied(self, path: Path) -> Path:
        """The path of the outermost mapping or list that would be left empty without a value; its
        own where there is none.
        """
        while len(path) > 1 and len(paths.follow(self.data, path[:-1])[1]) == 1:
            path = path[:-1]
        return path
