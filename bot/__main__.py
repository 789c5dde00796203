"""The command line. It imports what a command needs when that command runs, so that `bot --help` is quick."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import BotError
from bot.settings import Settings, load

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


Data = Annotated[Path | None, typer.Option("--data", help="The store.", show_default="$GRAFTBOT_DATA, or ./data")]


def _settings(data: Path | None) -> Settings:
    settings = load()
    return settings if data is None else replace(settings, graftbot_data=data)


@app.command()
def run(data: Data = None) -> None:
    """Answer messages on every configured channel until stopped, or until the end of the console's input."""
    from bot.run import main as run_bot  # noqa: PLC0415

    run_bot(_settings(data))


@app.command()
def register(
    chat: Annotated[str, typer.Argument(help="The chat, with its channel: telegram:123.")],
    folder: Annotated[str, typer.Option(help="The group's folder; `main` makes the chat the owner's own.")] = "",
    name: Annotated[str, typer.Option(help="What to call the group.", show_default="the folder")] = "",
    trigger: Annotated[str, typer.Option(help="What begins a message that asks.", show_default="@ and its name")] = "",
    always: Annotated[bool, typer.Option("--always", help="Answer every message, without a trigger.")] = False,
    sender: Annotated[list[str] | None, typer.Option(help="Who may ask (again for more).", show_default="all")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Do not even store what others write.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Answer this chat no more.")] = False,
    data: Data = None,
) -> None:
    """Let the assistant answer a chat, by which rules, or no more."""
    import asyncio  # noqa: PLC0415

    from bot.owner import ask  # noqa: PLC0415

    settings = _settings(data)
    folder = folder or re.sub(r"[^a-z0-9-]", "_", chat.lower())[:64]
    word = "" if always or folder == "main" else trigger or f"@{settings.assistant_name}"
    arguments = {"chat": chat, "folder": folder, "trigger": word, "senders": sender or [], "drop": drop}
    asyncio.run(ask(settings, "register_group", arguments | {"name": name or folder, "remove": remove}))
    typer.echo(f"{chat} is answered no more" if remove else f"{chat} is answered; its folder is groups/{folder}")


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
