"""Everything that the engine refuses, and the exit code of each.

SkillsError                 one base: what happened, where, what to do next
├── Refused            1    the request cannot be carried out; nothing changed
│   ├── PackageError   1    a skill package is not valid (one line a mistake)
│   ├── CannotEnsure   1    an operation found no place, several, or another shape
│   ├── Unparsable     1    a file that an operation must understand does not parse
│   ├── Untrusted      1    a capability was not accepted
│   └── Stale          1    the fork changed while the operation was computed
├── UsageError         2    the command line (or the call) is wrong
├── Conflict           3    stopped at a conflict: continue, skip or abort
├── TestsFailed        4    the skills' own tests failed; nothing changed
└── Locked             5    another operation holds the lock
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from skills_engine.types import Outcome, Place, Problem, Stopped

__all__ = [
    "CannotEnsure",
    "Conflict",
    "Locked",
    "PackageError",
    "Refused",
    "SkillsError",
    "Stale",
    "TestsFailed",
    "Unparsable",
    "Untrusted",
    "UsageError",
]


class SkillsError(Exception):
    """What a user may read.

    `message` says what happened and where, in one or two sentences without a
    full stop at the end; `hint` says what to do next, as an imperative.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Refused(SkillsError):
    """The request cannot be carried out; nothing changed."""


class PackageError(Refused, ValueError):
    """A skill package is not valid. `problems` has every mistake, in file and line order."""

    def __init__(self, message: str, problems: tuple[Problem, ...], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems


class CannotEnsure(Refused, LookupError):
    """An operation's place is missing, ambiguous or drifted; `candidates` are the places it might
    mean.
    """

    def __init__(
        self, outcome: Outcome, message: str, *, candidates: tuple[Place, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.candidates = candidates


class Unparsable(Refused, ValueError):
    """A file that an operation must understand does not parse or decode."""


class Untrusted(Refused, PermissionError):
    """A package asks for a capability that was not accepted."""


class Stale(Refused):
    """The fork changed while the operation was computed, or a saved plan's inputs changed."""


class UsageError(SkillsError, ValueError):
    """The command line (or the call) is wrong."""

    exit_code = 2


class Conflict(SkillsError):
    """Stopped at conflicts; the pending operation is kept until `continue`, `skip` or `abort`.

    `conflicts` are all the places that are to be decided, `notes` what a person should know beside.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        conflicts: tuple[Stopped, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.conflicts = conflicts
        self.notes = notes


class TestsFailed(SkillsError):
    """The skills' own tests failed in the scratch worktree; nothing changed. `output` is what they
    printed.
    """

    __test__ = False
    exit_code = 4

    def __init__(self, message: str, *, output: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output


class Locked(SkillsError):
    """Another operation holds the lock."""

    exit_code = 5
