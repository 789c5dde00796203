"""The command line. What a command needs is imported when that command runs: the help is quick."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import OF_THE_SYSTEM, BotError, described
from bot.settings import Settings, load

__all__ = ["app", "main"]

app = typer.Typer(
    pretty_exceptions_enable=False,  # they show variables, and so messages
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"bot {version('graftbot')}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A personal assistant that its owner changes by grafting skills onto its code."""


Data = Annotated[
    str | None, typer.Option(metavar="DIR", help="The store: $GRAFTBOT_DATA, or ./data.")
]


def _settings(data: str | None) -> Settings:
    if data == "":  # a variable of the shell that is not set: the place would be this one
        raise typer.BadParameter("--data is empty; name a folder")
    settings = load()
    folder = Path(data) if data else settings.graftbot_data
    try:
        return replace(settings, graftbot_data=folder.expanduser().resolve())
    except (OSError, RuntimeError) as error:  # no such user, links in a circle
        hint = "set GRAFTBOT_DATA, or give --data, as a path that there can be"
        raise BotError(f"{folder} is no place for the data: {error}", hint=hint) from None


@app.command()
def run(data: Data = None) -> None:
    """Answer on every configured channel. It ends when stopped, or with the console's input."""
    from bot.run import main as run_bot  # noqa: PLC0415

    run_bot(_settings(data))


@app.command()
def setup(
    chat: Annotated[str, typer.Option("--main", help="Your own chat: telegram:123, say.")] = "",
    restore: Annotated[
        bool, typer.Option("--restore", help="Go back to the store's copy that this bot can read.")
    ] = False,
    data: Data = None,
) -> None:
    """Make ready what the assistant needs. The agent's image, the channels' links, your chat."""
    import asyncio  # noqa: PLC0415

    if restore:
        from bot.database import restore as put_back  # noqa: PLC0415

        copy, kept = put_back(_settings(data).graftbot_data)
        more = f"; the one of now is kept as {kept}" if kept.exists() else ""
        typer.echo(f"the store is {copy.name} again{more}")

    from bot.setup import make_ready  # noqa: PLC0415

    asyncio.run(make_ready(_settings(data), chat, typer.echo))


def _hold_standard_streams() -> None:
    """A number that was closed is given to the file that is opened next, and what is said on
    standard output would be written there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115


def main() -> None:
    """The console script `bot`: 0 done, 1 refused with a reason, 2 wrong usage."""
    _hold_standard_streams()
    try:
        app()
    except BotError as error:
        sys.exit(f"bot: {error.message}" + (f"\n  {error.hint}" if error.hint else ""))
    except Exception as error:
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            raise
        hint = "please report it, with what LOG_LEVEL=DEBUG in the environment shows"
        if isinstance(error, ImportError):
            hint = "install what is missing: make setup"
        elif isinstance(error, OSError):
            usual = "look after the disk, and whether you may read and write there"
            hint = OF_THE_SYSTEM.get(error.errno or 0, usual)
        where = getattr(error, "filename", None)  # the owner may see it, who has asked for it
        what = described(error) + (f": {where}" if isinstance(where, str) else "")
        sys.exit(f"bot: {what}\n  {hint}")


if __name__ == "__main__":
    main()
