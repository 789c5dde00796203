"""`bot setup`: what the assistant needs, step by step. What is there is said, and left."""

import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

import typer

from bot.agents import Agent
from bot.channels import Channel
from bot.channels.console import ConsoleChannel
from bot.errors import BotError, Running, described
from bot.groups import MAIN, OWNERS, Group
from bot.log import set_up
from bot.messages import channel_of
from bot.owner import ask_running
from bot.prompt import zone_of
from bot.run import on_terminal, parts
from bot.settings import DOTENV, Settings, misspelt, read_dotenv
from bot.store import open_store

T = TypeVar("T")
OWN = {"name": "Main", "trigger": ""}
ANOTHER = "; bot setup --main CHAT makes another chat main"
ASK_ZONE = "; if yours is another, put it into .env, like TIMEZONE=Europe/Berlin"


async def make_ready(settings: Settings, main: str, say: Callable[[str], None]) -> None:
    """Do what has to be done; says a line for each step. `main` is the chat that shall be the
    owner's own.

    Raises BotError with what the owner has to do; what was done stays, and the next run goes on
    from there.
    """
    set_up(settings.log_level, settings.secrets())
    for mistake in misspelt():
        say(mistake)
    settings = _with_zone(settings, say)
    channels, agent = parts(settings)
    known = {channel.name for channel in channels}
    no_console = channel_of(main) == ConsoleChannel.name and main != OWNERS
    if main and (channel_of(main) not in known or no_console):
        hint = f"write it like telegram:123, see .env; the console is {OWNERS}"
        raise BotError(f"no channel of {main!r} is configured", hint=hint)
    try:
        async for channel, who in _each(channels, lambda one: one.check(), "asked"):
            say(f"the channel {channel.name} is {f'accepted, as {who}' if who else 'configured'}")
        await _without_a_bot(settings, main, channels, agent, say)
    except Running:
        say("a bot is running on these data")
        await agent.prepare(say)
        if main:
            await ask_running(settings, "register_group", {"chat": main, "folder": MAIN, **OWN})
        path = (settings.graftbot_data / "bot.db").as_uri()
        with closing(sqlite3.connect(f"{path}?mode=ro", uri=True)) as db:
            now = db.execute("SELECT chat FROM groups WHERE folder = ?", (MAIN,)).fetchone()
        say(f"main is {now[0] if now else 'no chat yet'}{ANOTHER}")
    finally:
        for channel in channels:
            await channel.disconnect()


async def _each(
    channels: Sequence[Channel], step: Callable[[Channel], Awaitable[T]], what: str
) -> AsyncIterator[tuple[Channel, T]]:
    """What a step gives of each channel. Whatever messengers' libraries raise is a reason to say,
    of all channels together, once the others have been asked.
    """
    wrong: list[BotError] = []
    for channel in channels:
        try:
            yield channel, await step(channel)
        except BotError as error:
            wrong.append(error)
        except Exception as error:  # noqa: BLE001  # a messenger's library's
            why = str(error) if isinstance(error, ConnectionError) else described(error)
            hint = "see that the machine reaches the network, and set up again"
            wrong.append(BotError(f"{channel.name} cannot be {what}: {why}", hint=hint))
    if wrong:
        raise BotError("\n".join([*map(repr, wrong[:-1]), wrong[-1].message]), hint=wrong[-1].hint)


def _with_zone(settings: Settings, say: Callable[[str], None]) -> Settings:
    """Of many a machine the clock is UTC and its owner's is not: that is asked for."""
    zone = settings.timezone
    if zone == "UTC" and not (os.environ.get("TIMEZONE") or read_dotenv(DOTENV).get("TIMEZONE")):
        if not on_terminal(sys.stdin):
            say(f"the time zone is {zone}{ASK_ZONE}")
            return settings
        zone = typer.prompt("The machine's time zone is UTC. Yours, like Europe/Berlin", zone)
        zone_of(zone)
        with DOTENV.open("a", encoding="utf-8") as file:
            file.write(f"\nTIMEZONE={zone}\n")
    say(f"the time zone is {zone_of(zone).key}; TIMEZONE sets another")
    return replace(settings, timezone=zone)


async def _without_a_bot(
    settings: Settings,
    main: str,
    channels: Sequence[Channel],
    agent: Agent,
    say: Callable[[str], None],
) -> None:
    async with open_store(settings.graftbot_data) as store:
        say(f"the store is in {settings.graftbot_data}")
        await agent.prepare(say)
        own = []
        async for channel, chat in _each(channels, lambda one: one.pair(), "linked"):
            own += [chat] if chat else []
            say(f"the channel {channel.name} is ready")
        # the terminal is main where no messenger tells a better one
        own.sort(key=OWNERS.__eq__)
        if not (chat := main or (store.main.chat if store.main else next(iter(own), ""))):
            hint = "start the bot and write to it: its answer says how; or name the chat: "
            hint += "bot setup --main CHAT"
            raise BotError("no chat is main yet", hint=hint)
        if store.main is None or store.main.chat != chat:
            await store.register(Group(MAIN, chat, "Main"))
        say(f"main is {chat}{ANOTHER}\nready: bot run")
