"""`bot setup`: what the assistant needs, step by step. What is there already is said, and left as it is."""

from collections.abc import Callable

from bot.channels.console import ConsoleChannel
from bot.errors import BotError
from bot.groups import MAIN, Group, Places
from bot.log import set_up
from bot.messages import channel_of
from bot.run import parts
from bot.settings import Settings
from bot.store import Store, open_store


async def make_ready(settings: Settings, main: str, say: Callable[[str], None]) -> None:
    """Do what has to be done; says a line for each step. `main` is the chat that shall be the owner's own.

    Raises BotError with what the owner has to do; what was done stays, and the next run goes on from there.
    """
    set_up(settings.log_level, settings.secrets())
    channels, agent = parts(settings)
    async with open_store(settings.graftbot_data) as store:
        say(f"the store is in {settings.graftbot_data}")
        await agent.prepare(say)
        own = []
        for channel in channels:
            try:
                own += [chat for chat in [await channel.pair()] if chat]
            except OSError as error:
                raise BotError(f"{channel.name} cannot be linked: {error!r}", hint="set up again") from error
            await channel.disconnect()
            say(f"{channel.name} is linked")
        own.sort(key=ConsoleChannel.CHAT.__eq__)  # the terminal is main where no messenger tells a better one
        if main and channel_of(main) not in {channel.name for channel in channels}:
            raise BotError(f"no channel of {main!r} is configured", hint="write it like telegram:123; see .env")
        say(await _main(store, Places(settings.graftbot_data), main, own))
    say("ready: bot run")


async def _main(store: Store, places: Places, wanted: str, own: list[str]) -> str:
    now = next((group.chat for group in store.groups if group.main), None)
    if now is not None and wanted in {"", now}:
        return f"main is {now}; bot setup --main CHAT makes another chat main"
    if not (chat := wanted or next(iter(own), "")):
        wrote = await store.read("SELECT chat || ' (' || name || ')' FROM known ORDER BY seen_at DESC LIMIT 5")
        hint = "start the bot, write to it, and name the chat that its log names: bot setup --main CHAT"
        raise BotError(f"no chat is main; those that wrote: {', '.join(c for (c,) in wrote) or 'none'}", hint=hint)
    await store.register(group := Group(MAIN, chat, "Main"))
    places.prepare(group)
    return f"{chat} is main now"
