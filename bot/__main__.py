"""The command line. It imports what a command needs when that command runs, so that `bot --help` is quick."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path  # noqa: TC003  # typer reads the annotation
from typing import Annotated

import typer

from bot.errors import BotError

__all__ = ["app", "main"]

app = typer.Typer(name="bot", help="A personal assistant that its owner changes by grafting skills onto its code.")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"bot {version('graftbot')}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """A personal assistant that its owner changes by grafting skills onto its code."""


@app.command()
def run(
    data: Annotated[
        Path | None, typer.Option(help="Where the assistant keeps its store.", show_default="$GRAFTBOT_DATA, or ./data")
    ] = None,
) -> None:
    """Answer messages on every configured channel until stopped, or until the end of the console's input."""
    from bot.run import main as run_bot  # noqa: PLC0415
    from bot.settings import load  # noqa: PLC0415

    settings = load()
    run_bot(settings if data is None else replace(settings, graftbot_data=data))


def main() -> None:
    """The console script `bot`: 0 done, 1 refused with a reason, 2 wrong usage."""
    try:
        app()
    except BotError as error:
        typer.echo(f"bot: {error.message}", err=True)
        if error.hint:
            typer.echo(f"  {error.hint}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
