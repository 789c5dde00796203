"""The options that verbs share, and what the current command was given of them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skills_engine.cli.output import Output
from skills_engine.cli.terminal import complain
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from skills_engine.verbs.reports import Options

__all__ = [
    "Dir",
    "DryRun",
    "Json",
    "NoInstall",
    "NoTest",
    "Quiet",
    "Restart",
    "Trust",
    "VerbOptions",
    "Verbose",
    "Wait",
    "Yes",
    "command",
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
Restart = Annotated[
    bool, typer.Option("--restart", help="Restart the service that runs from this checkout.")
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
    *(
        "op log",
        "op show",
        "op diff",
        "doctor",
        "replay",
        "new",
        "dev",
        "lint",
        "record",
        "test",
        "operations",
    ),
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
    try:
        return output, Path.cwd()
    except FileNotFoundError:
        hint = "go to one that is there, or name the fork with -C DIR"
        raise Refused("the current directory is gone", hint=hint) from None


def ask(name: str, capabilities: tuple[str, ...]) -> bool:
    """Whether the person at the terminal accepts what a package asks for."""
    complain(f"{name} is not from upstream. It:")
    for capability in capabilities:
        complain(f"  - {capability}")
    return typer.confirm("Accept?", default=False, err=True)


_CHANGING: dict[str, Any] = {
    "dry_run": DryRun,
    "yes": Yes,
    "trust": Trust,
    "no_test": NoTest,
    "no_install": NoInstall,
    "wait": Wait,
    "restart": Restart,
}
_COMMON: dict[str, Any] = {"directory": Dir, "json": Json, "quiet": Quiet, "verbose": Verbose}


@dataclass(frozen=True)
class VerbOptions:
    """What a verb was asked for beside its own words: where, how to speak, and the options that
    verbs which change a fork share.
    """

    out: Output
    where: Path
    flags: Mapping[str, bool]

    def options(self, *, dry_run: bool = False, interactive: bool = False) -> Options:
        """As the verbs take them. A question is asked on a terminal only."""
        from skills_engine.verbs.reports import Options  # noqa: PLC0415

        on = dict.fromkeys(_CHANGING, False) | dict(self.flags)
        terminal = sys.stdin.isatty() and sys.stderr.isatty()
        return Options(
            on["dry_run"] or dry_run,
            on["yes"],
            on["trust"],
            not on["no_test"],
            not on["no_install"],
            on["wait"],
            ask if interactive and not self.out.json and terminal else None,
            on["restart"],
        )


def command(*flags: str, name: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a verb of a function that takes `VerbOptions` and the verb's own words: these options,
    and those that every verb has, are declared here for all of them. `name` is the verb's, where
    it is not the function's.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        shared = {**{flag: _CHANGING[flag] for flag in flags}, **_COMMON}

        def run(**given: Any) -> None:
            asked = {option: given.pop(option) for option in shared}
            directory = asked.pop("directory")
            how = {option: asked.pop(option) for option in ("json", "quiet", "verbose")}
            out, where = start(name or function.__name__.rstrip("_"), directory, **how)
            try:
                function(VerbOptions(out, where, asked), **given)
            except KeyboardInterrupt as error:  # Click would end without a word
                raise RuntimeError from error

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        more = [
            inspect.Parameter(
                option,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=None if option == "directory" else False,
                annotation=kind,
            )
            for option, kind in shared.items()
        ]
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__annotations__ = {each.name: each.annotation for each in (*own, *more)}
        vars(run)["__signature__"] = inspect.Signature([*own, *more])
        return run

    return decorate
