"""The two ways in which a command may end: refused and nothing changed, or done and all is well."""

from __future__ import annotations

from harness.cli import QUICK, Ran, skills
from harness.repos import Repo
from harness.state import state

__all__ = ["applied", "refused"]


def refused(fork: Repo, *args: str, code: int = 1, says: str) -> Ran:
    """Run a command that must be refused: its message, and the fork as it was."""
    before = state(fork)
    ran = skills(fork, *args)
    assert ran.code == code, ran.said
    assert says in ran.err, ran.err
    assert "Traceback" not in ran.err
    assert "→" in ran.err, f"it does not say what to do: {ran.err}"
    assert state(fork) == before, state(fork).differences(before)
    return ran


def applied(fork: Repo, *names: str) -> None:
    ran = skills(fork, "apply", *QUICK, *names)
    assert ran.code == 0, ran.said
    assert fork.git("status", "--porcelain", "--", "manifests") == ""
    doctor = skills(fork, "doctor", "--json")
    assert doctor.code == 0, doctor.said
