"""ensure: environment"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.data_operation import DataOperation
from skills_engine.codemods.operation import Example, Malformed, Refusal
from skills_engine.data import environment
from skills_engine.types import Outcome

__all__ = ["Environment"]


@dataclass(frozen=True, kw_only=True)
class Environment(DataOperation):
    """The example of the environment, `.env.example`, names `key`, under `comment` and with
    `value`.

    A key that is there, also commented out, stays as its owner has it. The file is made if it is
    missing.
    """

    ensure = "environment"
    creates = True
    VALID = (
        Example(
            "a key goes last, set apart as the others are",
            {".env.example": "# the agent\nAPI_KEY=\n\n# how much it says\nLOG=info\n"},
            {"key": "TELEGRAM_BOT_TOKEN", "comment": "the token that @BotFather gives"},
            {
                ".env.example": "# the agent\nAPI_KEY=\n\n# how much it says\nLOG=info\n\n# the token that @BotFather gives\nTELEGRAM_BOT_TOKEN=\n"
            },
        ),
        Example(
            "a file without a last line end keeps it so",
            {".env.example": "A=1\nB=2"},
            {"key": "C", "value": "two words"},
            {".env.example": "A=1\nB=2\nC='two words'"},
        ),
        Example(
            "the file is made",
            {},
            {"key": "TZ", "value": "UTC", "comment": "the time zone", "in": "deploy/.env.example"},
            {"deploy/.env.example": "# the time zone\nTZ=UTC\n"},
            verbatim=True,
        ),
        Example(
            "a key that is commented out is there",
            {".env.example": "# TZ=Europe/Berlin\n"},
            {"key": "TZ", "value": "UTC"},
            {".env.example": "# TZ=Europe/Berlin\n"},
        ),
    )
    INVALID = (
        Refusal(
            "a folder has its place",
            {".env.example/a": ""},
            {"key": "TZ"},
            Outcome.DRIFTED,
            ".env.example is no regular file",
        ),
    )  # fmt: skip

    in_: str = ".env.example"
    key: str
    value: str = ""
    comment: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not environment.is_name(self.key):
            raise Malformed(
                "key",
                f"{self.key!r} is no name of an environment variable",
                "letters, digits and _",
            )

    def describe(self) -> str:
        return f"name {self.key} in {self.in_}"

    def edit(self, data: bytes | None) -> bytes:
        return environment.ensure(data, self.key, self.value, self.comment)
