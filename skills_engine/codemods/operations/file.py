"""ensure: file"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.data_operation import blocking, safe
from skills_engine.codemods.operation import Example, Operation, Refusal
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["File"]


@dataclass(frozen=True, kw_only=True)
class File(Operation):
    """There is a file `path` whose text is `content`. One with other text is refused; its line ends
    do not count.

    For more than a few lines, put the file into the package below `add/` and name it in the
    manifest's `adds`.
    """

    ensure = "file"
    VALID = (
        Example(
            "the file is made",
            {"bot/app.py": "x = 1\n"},
            {"path": "bot/data/.gitignore", "content": "*\n!.gitignore\n"},
            {"bot/app.py": "x = 1\n", "bot/data/.gitignore": "*\n!.gitignore\n"},
            verbatim=True,
        ),
        Example(
            "it is there, with whatever line ends",
            {"VERSION": "1\n"},
            {"path": "VERSION", "content": "1\n"},
            {"VERSION": "1\n"},
        ),
    )
    INVALID = (
        Refusal(
            "there is another file",
            {"VERSION": "2\n"},
            {"path": "VERSION", "content": "1\n"},
            Outcome.DRIFTED,
            "VERSION is there with other content",
        ),
        Refusal(
            "there is a folder",
            {"docs/index.md": ""},
            {"path": "docs", "content": ""},
            Outcome.DRIFTED,
            "docs is no regular file",
        ),
        Refusal(
            "a file has the place of the folder",
            {"docs": ""},
            {"path": "docs/index.md", "content": ""},
            Outcome.DRIFTED,
            "docs is a file, not a folder",
        ),
    )

    path: str
    content: str

    def __post_init__(self) -> None:
        safe("path", self.path)

    def describe(self) -> str:
        return f"add the file {self.path}"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, files: Files) -> Change:
        wanted = self.content.encode()
        there = files.read(self.path)
        if there is not None:
            if there.replace(b"\r\n", b"\n") != wanted.replace(b"\r\n", b"\n"):
                raise self._refusal(self.path, "is there with other content")
            return Change(Outcome.ALREADY, self.describe())
        if files.exists(self.path):
            raise self._refusal(self.path, "is no regular file")
        if (folder := blocking(files, self.path)) is not None:
            raise self._refusal(folder, "is a file, not a folder")
        files.write(self.path, wanted)
        return Change(Outcome.APPLIED, self.describe(), (Place(self.path, 1),))

    def _refusal(self, path: str, what: str) -> CannotEnsure:
        return CannotEnsure(
            Outcome.DRIFTED,
            f"{self.describe()}: {path} {what}",
            candidates=(Place(path, 1),),
            hint="compare the two, and move yours away or change the skill",
        )
