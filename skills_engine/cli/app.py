"""The program `skills`: its options, its exit codes, and its verbs by family."""

from __future__ import annotations

import errno
import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from skills_engine import __version__
from skills_engine.cli.options import state
from skills_engine.cli.output import Output
from skills_engine.cli.terminal import say
from skills_engine.errors import Refused, SkillsError, UsageError

__all__ = ["app", "register", "run"]

app = typer.Typer(
    name="skills",
    help="Graft skills onto a fork, follow upstream, and take skills off again.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        say(f"skills {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    directory: Annotated[
        Path | None,
        typer.Option("-C", metavar="DIR", help="Run as if started in DIR.", show_default=False),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    state.directory = directory


FAMILIES = {
    "look": ("list", "search", "show", "plan", "status", "log", "diff", "blame"),
    "change": (
        *("init", "apply", "uninstall", "upgrade", "rebase", "continue"),
        *("skip", "abort", "undo", "redo", "doctor", "replay"),
    ),
    "op": ("op",),
    "supply": ("pin", "unpin", "outdated", "verify", "publish"),
    "resolve": ("resolve",),
    "author": ("new", "dev", "lint", "record", "operations"),
    "trying": ("test",),
    "merging": ("merge-file", "merge-driver"),
}
"""The verbs, by the module that has them."""


def register(asked: str) -> None:
    """Make the verb that was asked for known, or all of them for the help: building each costs a
    millisecond.
    """
    known = _is_verb(asked)
    for family, names in FAMILIES.items():
        if known and asked not in names:
            continue
        verbs = importlib.import_module(f"skills_engine.cli.{family}").verbs()
        for name in (asked,) if known else names:
            if isinstance(verbs[name], typer.Typer):
                app.add_typer(verbs[name], name=name, short_help=_short(verbs[name].info.help))
            else:
                app.command(name, short_help=_short(verbs[name].__doc__))(verbs[name])


def _is_verb(word: str) -> bool:
    return any(word in names for names in FAMILIES.values())


def _short(help_: object) -> str:
    """The first sentence, whole: by itself, click cuts it off after 45 letters."""
    return " ".join(str(help_ or "").split()).partition(". ")[0].rstrip(".") + "."


def _asked(words: list[str]) -> str:
    """The first word that is no option and no option's value; of a group, the verb below it too."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "-C" else 1
    number = 2 if words[at : at + 1] in (["op"], ["merge-driver"]) else 1
    return " ".join(word for word in words[at : at + number] if not word.startswith("-"))


def _help(verb: str) -> str:
    """The command that prints the help of a verb, or of all where it is none."""
    first = verb.partition(" ")[0]
    return f"skills {first} --help" if _is_verb(first) else "skills --help"


def run() -> None:
    """Run the command line; errors become one message and the exit code that `errors.py` gives
    them.
    """
    register(_asked(sys.argv[1:]).partition(" ")[0])
    try:
        app()
    except SkillsError as error:
        _output().error(error)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if (
            end.code == UsageError.exit_code and _output().json
        ):  # Typer has told the person, and not the program
            hint = f"see: {_help(_output().verb)}"
            _output().error(UsageError("wrong usage: standard error says why", hint=hint))
        raise
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = (
            "make room, then run: skills doctor" if full else "mend that, then run: skills doctor"
        )
        _output().error(
            Refused(
                f"{error.strerror}: {error.filename or state.directory or Path.cwd()}", hint=hint
            )
        )
        sys.exit(1)


def _output() -> Output:
    """The verb's own, or one for a command line that never came to it."""
    return state.output or Output(_asked(sys.argv[1:]), json="--json" in sys.argv[1:])
