"""The options that verbs share, and what the current command was given of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skills_engine.cli.output import Output
from skills_engine.cli.terminal import complain
from skills_engine.errors import Refused

__all__ = [
    "Dir",
    "DryRun",
    "Json",
    "NoInstall",
    "NoTest",
    "Quiet",
    "Trust",
    "Verbose",
    "Wait",
    "Yes",
    "ask",
    "start",
    "state",
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Dir = Annotated[
    Path | None,
    typer.Option("-C", metavar="DIR", help="Run as if started in DIR.", show_default=False),
]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Say nothing but errors, and what was asked for.")
]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")]
Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Accept what a package asks for that is not code.")
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Accept code of a package that is not upstream's.")
]
NoTest = Annotated[bool, typer.Option("--no-test", help="Do not run the skills' own tests.")]
NoInstall = Annotated[
    bool, typer.Option("--no-install", help="Leave the fork's environment as it is.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for another operation to end.")]


@dataclass
class State:
    """What this process was asked for; one command runs in it."""

    directory: Path | None = None
    output: Output | None = None


state = State()

_QUESTIONS = {
    *("list", "search", "show", "plan", "status", "log", "diff", "blame"),
    *("doctor", "replay", "lint", "record", "test"),
}


def start(
    verb: str, directory: Path | None, *, json: bool, quiet: bool, verbose: bool
) -> tuple[Output, Path]:
    """The output of a command, and the directory that it works in: from here on the current one, as
    with git's -C.
    """
    answers = verb in _QUESTIONS
    output = Output(verb, json, quiet or (json and not sys.stderr.isatty()), verbose, answers)
    state.output = output
    chosen = directory or state.directory
    if chosen is not None:
        if not chosen.is_dir():
            raise Refused(f"{chosen} is not a directory")
        os.chdir(chosen)
    return output, Path.cwd()


def ask(name: str, capabilities: tuple[str, ...]) -> bool:
    """Whether the person at the terminal accepts what a package asks for."""
    complain(f"{name} is not from upstream. It:")
    for capability in capabilities:
        complain(f"  - {capability}")
    return typer.confirm("Accept?", default=False, err=True)
