"""`apply`: add skills by name, path or git URL, dependencies first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.graft.goal import Resolved, for_apply
from skills_engine.verbs.request import Request, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.types import Progress
    from skills_engine.verbs.reports import ChangeReport, Options

__all__ = ["apply", "request"]


def apply(
    directory: Path, wanted: Sequence[str], options: Options, *, expected: str | None = None
) -> Progress[ChangeReport]:
    """Add skills. With `expected`, to that very tree or not at all."""
    return (
        yield from run(
            directory,
            "apply",
            lambda fork: request(for_apply(fork, wanted)),
            options,
            expected=expected,
        )
    )


def request(resolved: Resolved) -> Request:
    """The same for `apply` and `plan`."""
    title = "Apply " + ", ".join(f"{pin.name} {pin.version}" for pin in resolved.added)
    return Request("apply", title, resolved)
