"""The command line. It imports what a command needs when that command runs, so that `bot --help` is quick."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.errors import BotError

if TYPE_CHECKING:
    from bot.errors import Finding
    from bot.settings import Settings

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


Data = Annotated[
    Path | None, typer.Option("--data", help="Where the store is.", show_default="$GRAFTBOT_DATA, or ./data")
]


def _settings(data: Path | None) -> Settings:
    from bot.settings import load  # noqa: PLC0415

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


@app.command()
def status(
    data: Data = None, as_json: Annotated[bool, typer.Option("--json", help="As one JSON document.")] = False
) -> None:
    """What the assistant is about: groups, what waits, tasks, errors, usage."""
    import json  # noqa: PLC0415

    from bot.status import report  # noqa: PLC0415

    found = report(_settings(data))
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo("running" if found.pop("running") else "not running")
    for heading, rows in found.items():
        typer.echo(f"{heading}:" if rows else f"{heading}: none")
        for row in rows:
            typer.echo("  " + "  ".join(str(value) for value in row.values() if value not in {None, ""}))


@app.command()
def logs(
    lines: Annotated[int, typer.Option("-n", help="How many.")] = 50,
    follow: Annotated[bool, typer.Option("-f", help="And what comes.")] = False,
    data: Data = None,
) -> None:
    """The last lines of the log."""
    from bot.status import log_lines  # noqa: PLC0415

    for line in log_lines(_settings(data), lines, follow):
        typer.echo(line)


@app.command()
def doctor(data: Data = None) -> None:
    """Check what a working bot relies on, and say what to do."""
    import asyncio  # noqa: PLC0415

    from bot.doctor import examine  # noqa: PLC0415

    if [finding for finding in asyncio.run(examine(_settings(data))) if not _shown(finding)]:
        raise typer.Exit(1)


@app.command()
def setup(data: Data = None) -> None:
    """Prepare all that `bot run` needs, and check it."""
    import asyncio  # noqa: PLC0415

    from bot.setup import set_up  # noqa: PLC0415

    async def wrong() -> list[Finding]:
        return [finding async for finding in set_up(_settings(data)) if not _shown(finding)]

    if asyncio.run(wrong()):
        raise typer.Exit(1)
    typer.echo("ready: bot run")


def _shown(finding: Finding) -> bool:
    typer.echo(f"{'not ' if finding.wrong else ''}ok  {finding.what}{finding.wrong and ': '}{finding.wrong}")
    if finding.wrong:
        typer.echo(f"        {finding.hint}")
    return not finding.wrong


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="The file to write.")], data: Data = None) -> None:
    """Copy store, groups and sessions into one file, and verify it. The bot may run."""
    from bot.backup import backup as make  # noqa: PLC0415

    typer.echo(f"{target}: {make(_settings(data).graftbot_data, target)} files, verified")


@app.command()
def restore(source: Annotated[Path, typer.Argument(help="A file of bot backup.")], data: Data = None) -> None:
    """Verify a backup and put it in the place of the data, which are kept aside. The bot must not run."""
    from bot.backup import restore as put_back  # noqa: PLC0415

    old = put_back(source, _settings(data).graftbot_data)
    typer.echo("restored" + (f"; what was there is in {old}" if old else ""))


@app.command()
def service(
    what: Annotated[str, typer.Argument(help="install or uninstall", metavar="install|uninstall")], data: Data = None
) -> None:
    """Run the bot as a service of yours, from now on and at every login; or no more."""
    from bot import service as module  # noqa: PLC0415

    if what not in {"install", "uninstall"}:
        raise typer.BadParameter("it is install or uninstall")
    settings = _settings(data)
    path = module.install(settings.graftbot_data) if what == "install" else module.uninstall()
    typer.echo(f"{what}ed: {path}")


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
