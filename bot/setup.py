"""`bot setup`: what the assistant needs, step by step. What is there already is said, and left as
it is.
"""

from collections.abc import Callable

from bot.channels.console import ConsoleChannel
from bot.errors import BotError
from bot.groups import MAIN, Group
from bot.log import set_up
from bot.messages import channel_of
from bot.run import parts
from bot.settings import Settings
from bot.store import open_store


async def make_ready(settings: Settings, main: str, say: Callable[[str], None]) -> None:
    """Do what has to be done; says a line for each step. `main` is the chat that shall be the
    owner's own.

    Raises BotError with what the owner has to do; what was done stays, and the next run goes on
    from there.
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
                raise BotError(
                    f"{channel.name} cannot be linked: {error!r}", hint="set up again"
                ) from error
            await channel.disconnect()
            say(f"the channel {channel.name} is ready")
        own.sort(
            key=ConsoleChannel.CHAT.__eq__
        )  # the terminal is main where no messenger tells a better one
        if main and channel_of(main) not in {channel.name for channel in channels}:
            raise BotError(
                f"no channel of {main!r} is configured", hint="write it like telegram:123; see .env"
            )
        if not (chat := main or (store.main.chat if store.main else next(iter(own), ""))):
            hint = (
                "start the bot, write to it, and name the chat that its log names: bot "
                "setup --main CHAT"
            )
            raise BotError("no chat is main yet", hint=hint)
        if store.main is None or store.main.chat != chat:
            await store.register(Group(MAIN, chat, "Main"))
        say(f"main is {chat}; bot setup --main CHAT makes another chat main\nready: bot run")
