"""ensure: move-file"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.data_operation import blocking, safe
from skills_engine.codemods.operation import Example, Malformed, Operation, Refusal
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["MoveFile"]


@dataclass(frozen=True, kw_only=True)
class MoveFile(Operation):
    """The file `path` is at `to`; a path that ends in a slash is a folder with all that is in it.

    This renames and moves files and nothing else: imports of a Python module that moves are for
    `ensure: move` and `ensure: import`. Nothing is written over.
    """

    ensure = "move-file"
    VALID = (
        Example(
            "a file",
            {"bot/a.py": "x = 1\n", "bot/b.py": ""},
            {"path": "bot/a.py", "to": "bot/core/a.py"},
            {"bot/b.py": "", "bot/core/a.py": "x = 1\n"},
        ),
        Example(
            "a folder",
            {"doc/a.md": "a\n", "doc/img/b.svg": "b\n", "doctor": ""},
            {"path": "doc/", "to": "docs/"},
            {"docs/a.md": "a\n", "docs/img/b.svg": "b\n", "doctor": ""},
        ),
        Example("it is there", {"new": "x"}, {"path": "old", "to": "new"}, {"new": "x"}),
    )
    INVALID = (
        Refusal(
            "there is neither",
            {"a": ""},
            {"path": "b", "to": "c"},
            Outcome.MISSING,
            "there is no b",
        ),
        Refusal(
            "there are both",
            {"a": "", "b": ""},
            {"path": "a", "to": "b"},
            Outcome.DRIFTED,
            "b is there already",
        ),
        Refusal(
            "a folder in the place of which one file stands",
            {"a/x": "", "b/x": ""},
            {"path": "a/", "to": "b/"},
            Outcome.DRIFTED,
            "b/x is there already",
        ),
        Refusal(
            "a folder without its slash",
            {"a/x": ""},
            {"path": "a", "to": "b"},
            Outcome.DRIFTED,
            "a is a folder",
        ),
    )

    path: str
    to: str

    def __post_init__(self) -> None:
        if self.path.endswith("/") != self.to.endswith("/"):
            raise Malformed(
                "to", "one path is a folder, the other is not", "end both with a slash, or neither"
            )
        old, new = (
            safe(key, value.removesuffix("/"))
            for key, value in (("path", self.path), ("to", self.to))
        )
        if old == new or new.startswith(old + "/") or old.startswith(new + "/"):
            raise Malformed("to", f"{old} and {new} lie in one another", "name another place")

    def describe(self) -> str:
        return f"move {self.path} to {self.to}"

    def touches(self) -> tuple[str, ...]:
        return (self.path, self.to)

    def apply(self, files: Files) -> Change:
        moves = self._folder(files) if self.path.endswith("/") else self._file(files)
        for _, new in moves:
            if (folder := blocking(files, new)) is not None:
                raise self._refusal(Outcome.DRIFTED, folder, "is a file, not a folder")
            if files.exists(new):
                raise self._refusal(Outcome.DRIFTED, new, "is there already")
        for old, new in moves:
            files.rename(old, new)
        if not moves:
            return Change(Outcome.ALREADY, self.describe())
        return Change(
            Outcome.APPLIED, self.describe(), tuple(Place(new, 1) for _, new in moves[:20])
        )

    def _file(self, files: Files) -> list[tuple[str, str]]:
        old = self.path if files.exists(self.path) else files.follow(self.path) or self.path
        if old == self.to or (not files.exists(old) and files.exists(self.to)):
            return []
        if not files.exists(old):
            raise self._refusal(Outcome.MISSING, "", f"there is no {self.path}")
        if files.listdir(old):
            raise self._refusal(Outcome.DRIFTED, old, "is a folder; end both paths with a slash")
        return [(old, self.to)]

    def _folder(self, files: Files) -> list[tuple[str, str]]:
        found = list(_below(files, self.path.removesuffix("/")))
        if not found and not files.listdir(self.to.removesuffix("/")):
            raise self._refusal(Outcome.MISSING, "", f"there is no {self.path}")
        return [(old, self.to + old.removeprefix(self.path)) for old in found]

    def _refusal(self, outcome: Outcome, path: str, what: str) -> CannotEnsure:
        return CannotEnsure(
            outcome,
            f"{self.describe()}: {path} {what}" if path else f"{self.describe()}: {what}",
            candidates=(Place(path, 1),) if path else (),
            hint="say where it is now, or move it by hand",
        )


def _below(files: Files, folder: str) -> list[str]:
    found = []
    for name in files.listdir(folder):
        path = f"{folder}/{name}"
        found += _below(files, path.removesuffix("/")) if name.endswith("/") else [path]
    return found
