"""ensure: no-file"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.data_operation import safe
from skills_engine.codemods.operation import Example, Malformed, Operation, Refusal
from skills_engine.errors import CannotEnsure
from skills_engine.types import Change, Outcome, Place

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["NoFile"]


@dataclass(frozen=True, kw_only=True)
class NoFile(Operation):
    """There is no file `path`; where upstream renamed it to is followed.

    `was_sha256`, the SHA-256 of the bytes that the author saw, refuses to delete anything else.
    Folders are refused.
    """

    ensure = "no-file"
    VALID = (
        Example(
            "the file goes",
            {"bot/whatsapp.py": "x = 1\n", "bot/app.py": ""},
            {"path": "bot/whatsapp.py"},
            {"bot/app.py": ""},
        ),
        Example(
            "only the one that the author saw",
            {"a.txt": "abc"},
            {
                "path": "a.txt",
                "was_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            },
            {},
        ),
        Example("it is gone", {"b.txt": ""}, {"path": "a.txt"}, {"b.txt": ""}),
    )
    INVALID = (
        Refusal(
            "the file is not the one that the author saw",
            {"a.txt": "abd"},
            {
                "path": "a.txt",
                "was_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            },
            Outcome.DRIFTED,
            "a.txt is not what the skill's author saw",
        ),
        Refusal(
            "there is a folder", {"a/b": ""}, {"path": "a"}, Outcome.DRIFTED, "a is no regular file"
        ),
    )

    path: str
    was_sha256: str = ""

    def __post_init__(self) -> None:
        safe("path", self.path)
        if self.was_sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", self.was_sha256):
            raise Malformed(
                "was_sha256",
                "that is no SHA-256",
                "64 hexadecimal digits, as sha256sum prints them",
            )

    def describe(self) -> str:
        return f"delete the file {self.path}"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, files: Files) -> Change:
        path = self.path if files.exists(self.path) else files.follow(self.path) or self.path
        there = files.read(path)
        if there is None:
            if files.exists(path):
                raise self._refusal(path, "is no regular file")
            return Change(Outcome.ALREADY, self.describe())
        if self.was_sha256 and hashlib.sha256(there).hexdigest() != self.was_sha256.lower():
            raise self._refusal(path, "is not what the skill's author saw")
        files.remove(path)
        return Change(Outcome.APPLIED, self.describe(), (Place(path, 1),))

    def _refusal(self, path: str, what: str) -> CannotEnsure:
        return CannotEnsure(
            Outcome.DRIFTED,
            f"{self.describe()}: {path} {what}",
            candidates=(Place(path, 1),),
            hint="see whether it is still needed, and delete it by hand or change the skill",
        )
