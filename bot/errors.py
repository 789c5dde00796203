"""The errors with which the assistant cannot go on, and the words it may say of an exception."""

import errno
import os
import re
import traceback
from pathlib import Path

API_STATUS = re.compile(r"API Error: ([45]\d\d)\b")
PASSING = frozenset({401, 403, 408, 429})
"""What the API refuses with these, it may take later: a key is mended, a limit passes."""


class BotError(Exception):
    """`message` says what happened and where; `hint` says what to do next, as an imperative."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    def __repr__(self) -> str:
        return f"{self.message}; {self.hint}".removesuffix("; ")


class Misconfigured(BotError, ValueError):
    """The owner has to change a setting; trying again does not help."""


class Running(BotError):
    """Another process is the bot of this store."""


class Undeliverable(BotError):
    """This message can never reach this chat; others may. The outbox keeps it with the reason."""


class RefusedForNow(BotError):
    """This chat takes nothing now (muted, no rights, not a member), and may again: it waits, for
    some days.
    """


class Unfetchable(BotError):
    """No further attempt brings what came with this message."""


class AgentFailed(BotError):
    """In the agent's own words, which may hold what people wrote: no log shows them."""


class NotRegistered(BotError):
    """The chat has no registration any more, or one in another folder."""


class OverBudget(BotError):
    """The group has used its tokens of the day."""


NO_ROOM = "make room on the disk, or for more files: df -h, df -i"
OF_THE_SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), NO_ROOM),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "let it open more files: ulimit -n"),
    errno.EROFS: "make the disk one that can be written",
}
"""What to do about what the system says, whatever was to be done."""


def own_fault(error: BaseException) -> bool:
    """Whether the API refuses the request itself, so that asking again as it is cannot help."""
    found = API_STATUS.search(str(error))
    return found is not None and int(found[1]) < 500 and int(found[1]) not in PASSING


def described(error: BaseException, *, to_owner: bool = False) -> str:
    """An exception in words that hold nobody's message: the bot's own, or the type, the system's,
    SQLite's or the importer's word for it, and the place. The owner is told what the agent said.
    """
    import sqlite3  # noqa: PLC0415  # a command line that only helps needs none

    if isinstance(error, BotError) and (to_owner or not isinstance(error, AgentFailed)):
        return repr(error)
    words = [type(error).__name__]
    if status := API_STATUS.search(str(error)):
        words.append(f"(API error {status[1]})")
    if isinstance(error, sqlite3.Error | ImportError):
        words.append(f"({error})")
    elif isinstance(error, OSError) and error.errno is not None:
        words.append(f"({os.strerror(error.errno)})" if error.errno > 0 else f"({error.errno})")
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"at {Path(one.filename).name}:{one.lineno}" for one in frames[-1:]]
    return " ".join([*words, *where])
