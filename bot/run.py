"""`bot run`: the parts that the settings ask for, put together, until the end or a signal."""

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TextIO

from bot.agents import AGENTS, Agent
from bot.assistant import Assistant
from bot.attachments import Files
from bot.channels import CHANNELS, Channel
from bot.channels.refused import RefusedChannel
from bot.errors import Misconfigured
from bot.groups import CONSOLE, OWNERS, usual
from bot.housekeeping import Housekeeping
from bot.in_use import word_left
from bot.ipc import Ipc
from bot.log import log, say, set_up
from bot.owner import Control
from bot.paths import Paths
from bot.prompt import zone_of
from bot.scheduler import Scheduler
from bot.settings import Settings, misspelt
from bot.store import Store, open_store
from bot.tools import Host

FORK = Path(__file__).parents[1]


class Service(Protocol):
    """Goes on beside the message path until it is cancelled. One that raises, or ends, is run again
    after a pause.
    """

    def __init__(self, host: Host) -> None: ...

    async def run(self) -> None: ...


SERVICES: tuple[type[Service], ...] = (
    Ipc,
    Scheduler,
    Control,
    Housekeeping,
)


def main(settings: Settings) -> None:
    """Run until every channel is at its end, or SIGTERM, SIGINT or SIGHUP; a second signal does not
    wait for what runs.
    """
    talks = settings.console and on_terminal(sys.stdin) and on_terminal(sys.stdout)
    folder = Paths(settings.graftbot_data).logs()
    set_up(settings.log_level, settings.secrets(), folder, quiet=talks)
    elsewhere = not Path.cwd().samefile(FORK) and (FORK / "manifests").is_dir()
    if talks or elsewhere:
        say(introduction(settings, elsewhere=elsewhere))
    for mistake in misspelt():
        say(f"{mistake}\n")
    data = settings.graftbot_data.absolute()  # wherever the process will stand
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(replace(settings, graftbot_data=data)))


def on_terminal(stream: TextIO | None) -> bool:
    """Whether somebody is there; a stream that was closed at the start is None."""
    return stream is not None and stream.isatty()


def introduction(settings: Settings, *, elsewhere: bool) -> str:
    """Which assistant it is and where its data are; and whose code it runs, if it is not started
    where that is.
    """
    new = "" if (settings.graftbot_data / "bot.db").exists() else ", which is new"
    text = f"{settings.assistant_name}; data and log are in {settings.graftbot_data}{new}.\n"
    if elsewhere:
        text += f"Its code is {FORK}; settings and data are those of this directory.\n"
    return text


def parts(settings: Settings) -> tuple[list[Channel], Agent]:
    """The channels and the agent that the settings ask for; a channel that they are wrong for is
    there to say so.
    """
    channels: list[Channel] = []
    for cls in CHANNELS:
        try:
            channel = cls.from_settings(settings)
        except Misconfigured as error:
            channel = RefusedChannel(cls.name, error)
        channels += [channel] if channel else []
    if not channels:
        names = ", ".join(cls.name for cls in CHANNELS)
        why = f"no channel is configured; there are: {names}"
        hint = (
            "configure one in .env" + "; the console has no standard input here" * settings.console
        )
        raise Misconfigured(why, hint=hint)
    return channels, next(agent for cls in AGENTS if (agent := cls.from_settings(settings)))


async def _run(settings: Settings) -> None:
    channels, agent = parts(settings)
    paths = Paths(settings.graftbot_data)
    async with open_store(settings.graftbot_data) as store:
        await _register_the_console(store, settings)
        if store.main:  # the others' folders are made when they are used: there may be a thousand
            paths.prepare(store.main)
        most, kept = settings.attachment_mb << 20, settings.attachments_kept
        assistant = Assistant(
            store,
            channels,
            agent,
            zone=zone_of(settings.timezone),
            daily_tokens=settings.daily_tokens,
            name=settings.assistant_name,
            files=Files(store, paths, most, kept),
        )
        host = Host(store, assistant, paths, settings)
        services = [(cls.__name__, cls(host).run) for cls in SERVICES]
        with word_left(FORK, settings.graftbot_data):
            about = {"channels": [*assistant.channels], "agent": type(agent).__name__}
            log.info("ready", name=settings.assistant_name, **about)
            await assistant.run(_signalled(), beside=services)
    log.info("stopped", name=settings.assistant_name)


async def _register_the_console(store: Store, settings: Settings) -> None:
    """Who sits at the console is the owner: it is main, unless that is another chat."""
    now, main = store.group(OWNERS), store.main is not None
    if settings.console and (now is None or (now.folder == CONSOLE and not main)):
        await store.register(usual(OWNERS, "", settings.assistant_name, main=main))


def _signalled() -> asyncio.Event:
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def caught() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            loop.add_signal_handler(number, caught)
    return stop
