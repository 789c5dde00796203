"""A case that is tried, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Case", "Trial", "TrialKind", "Verdict"]


class TrialKind(StrEnum):
    """What is tried."""

    TOGETHER = "together"
    DRIFT = "drift"
    OWNER = "owner"
    MUTATE = "mutate"


class Verdict(StrEnum):
    """RIGHT is what was hoped for. STOPPED and REFUSED are said before anything is published: the
    checks or the merge stop it, an operation finds no place. WRONG would have been published.
    """

    RIGHT = "right"
    STOPPED = "stopped"
    REFUSED = "refused"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Case:
    """Something to try: skills by name, `what` is done to them or to the core, on which commit."""

    kind: TrialKind
    skills: tuple[str, ...]
    what: str = ""
    core: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """Skills that were tried together: whether all was well, and if not, why.

    `kind` is `together`, `drift`, `owner` or `mutate`; `what` was done to the core, or to the
    skill; `core` is the commit that they were tried on, where it is not the fork's own base.
    `verdict` is `right`, `stopped`, `refused` or `wrong`.
    """

    skills: tuple[str, ...]
    ok: bool
    found: str
    output: str = ""
    kind: str = TrialKind.TOGETHER
    what: str = ""
    core: str = ""
    verdict: str = Verdict.RIGHT
    seconds: float = 0.0

    @classmethod
    def of(
        cls, case: Case, verdict: Verdict, found: str, output: str = "", *, ok: bool | None = None
    ) -> Trial:
        """`ok` if nothing would be published that is wrong, unless it is said."""
        fine = verdict is not Verdict.WRONG if ok is None else ok
        return cls(case.skills, fine, found, output, case.kind, case.what, case.core, verdict)
