"""Operations on data files: `skills_engine.data` edits the bytes, these find the file and
report.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from skills_engine.codemods.operation import Malformed, Operation
from skills_engine.codemods.paths import UnsafePath, checked
from skills_engine.data.errors import DataError
from skills_engine.errors import CannotEnsure, Unparsable
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skills_engine.codemods.files import Files

__all__ = ["DataOperation", "blocking", "place", "safe"]


@dataclass(frozen=True, kw_only=True)
class DataOperation(Operation):
    """An operation on one data file, `in_`. `creates` says whether a file that is missing is
    made.
    """

    creates: ClassVar[bool] = False
    hint: ClassVar[str] = "make the change by hand, or change the skill"

    in_: str

    def __post_init__(self) -> None:
        safe("in", self.in_)

    @abstractmethod
    def edit(self, data: bytes | None) -> bytes:
        """The file's bytes with the condition true; None stands for no file. Raises DataError."""

    def touches(self) -> tuple[str, ...]:
        return (self.in_,)

    def apply(self, files: Files) -> Change:
        path = self.locate(files)
        data = files.read(path)
        try:
            edited = self.edit(data)
        except DataError as error:
            raise self._refusal(path, data or b"", error) from None
        if edited == data:
            return Change(Outcome.ALREADY, self.describe())
        files.write(path, edited)
        return Change(
            Outcome.APPLIED, self.describe(), (_first_difference(path, data or b"", edited),)
        )

    def locate(self, files: Files) -> str:
        """The file's path, upstream's renames followed."""
        named = self.touches()
        for path in named:
            if files.read(path) is not None:
                return path
        for path in named:
            if files.exists(path):
                raise CannotEnsure(
                    Outcome.DRIFTED,
                    f"{self.describe()}: {path} is no regular file",
                    candidates=(Place(path, 1),),
                    hint="put a file there, or change the skill",
                )
            if (moved := files.follow(path)) is not None and files.read(moved) is not None:
                return moved
        if self.creates and blocking(files, named[0]) is None:
            return named[0]
        message = f"{self.describe()}: there is no file {' or '.join(named)}"
        raise CannotEnsure(Outcome.MISSING, message, hint="name the file that holds it now")

    def _refusal(self, path: str, data: bytes, error: DataError) -> CannotEnsure | Unparsable:
        message = f"{self.describe()}: {path}: {error.message}"
        if error.outcome is None:
            return Unparsable(message, hint="mend the file first")
        return CannotEnsure(
            error.outcome, message, candidates=_places(path, data, error.lines), hint=self.hint
        )


def safe(key: str, path: str) -> str:
    """A path that a package may name. Raises Malformed for the key."""
    try:
        return checked(path)
    except UnsafePath as error:
        raise Malformed(key, error.message, error.right) from None


def blocking(files: Files, path: str) -> str | None:
    """The file that stands where a path needs a folder, if one does."""
    parts = path.split("/")
    folders = ("/".join(parts[:length]) for length in range(1, len(parts)))
    return next((folder for folder in folders if files.read(folder) is not None), None)


def place(path: str, data: bytes, line: int) -> Place:
    """A line of a file, by its number."""
    lines = data.split(b"\n")
    text = lines[line - 1].decode("utf-8", "replace").strip() if 0 < line <= len(lines) else ""
    return Place(path, line, text)


def _places(path: str, data: bytes, lines: Iterable[int]) -> tuple[Place, ...]:
    return tuple(place(path, data, line) for line in lines)


def _first_difference(path: str, old: bytes, new: bytes) -> Place:
    before, after = old.split(b"\n"), new.split(b"\n")
    same = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    return place(path, new, min(same, len(after) - 1) + 1)
