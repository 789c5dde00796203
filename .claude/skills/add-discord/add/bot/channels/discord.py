"""Discord: a bot account, through discord.py's gateway and REST clients.

discord.py takes half a second to import, so only what runs once there is a token imports it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from bot.channels.base import Channel
from bot.channels.kept import Kept
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.formatting import parse, parser, unix
from bot.splitting import split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    import discord

    from bot.messages import Attachment, File, Receive
    from bot.settings import Settings

__all__ = ["DiscordChannel"]

LONGEST = 2000
"""What one message can hold."""
PAGE = 100
"""Messages that Discord gives at once of what was missed."""
GUILD_SECONDS = 2.0
CHAT = re.compile(r"(?:discord:)?(?:\d+:)?(\d+)", re.ASCII)
MAY_PASS = {50001, 50013}
"""Refused for rights that somebody can give back: the message waits."""
REFUSED = "Discord does not accept DISCORD_BOT_TOKEN"
TOKEN_HINT = "set DISCORD_BOT_TOKEN to the token on your application's page Bot"  # noqa: S105
INTENT_HINT = "switch on Message Content Intent on your application's page Bot"
RIGHTS_HINT = "give the bot View Channel, Send Messages and Attach Files there"

News: TypeAlias = "discord.Message | discord.RawMessageUpdateEvent | None"
"""A message, an edit, or None: something may have been missed before what follows."""


class DiscordChannel(Channel):
    """Private chats and channels of servers, `discord:<channel id>`, and threads in those,
    `discord:<channel id>:<thread id>`.
    """

    name: ClassVar[str] = "discord"

    def __init__(self, token: str, assistant_name: str, kept: Kept) -> None:
        self._token = token
        self._assistant_name = assistant_name
        self._read = kept
        """The last message of each chat that was stored, or said to be none."""
        self._client: discord.Client | None = None
        self._nonces: defaultdict[tuple[str, str], int] = defaultdict(lambda: secrets.randbits(60))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.discord_bot_token:
            return None
        kept = Kept(settings.graftbot_data / "discord.json")
        return cls(settings.discord_bot_token.value, settings.assistant_name, kept)

    async def check(self) -> str:
        import discord  # noqa: PLC0415

        client = _client()
        try:
            await client.login(self._token)
            return str(client.user)
        except discord.LoginFailure as error:
            raise Misconfigured(REFUSED, hint=TOKEN_HINT) from error
        except discord.HTTPException as error:
            raise ConnectionError(f"Discord cannot be asked ({error.status})") from None
        finally:
            await client.close()

    async def connect(self, receive: Receive) -> None:
        import discord  # noqa: PLC0415

        client, news = _client(), asyncio.Queue[News]()
        _listen(client, news)
        tasks: set[asyncio.Task[None]] = set()
        try:
            await client.login(self._token)
            self._client = client
            tasks = {
                asyncio.create_task(client.connect()),
                asyncio.create_task(self._take_in(client, news, receive)),
            }
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            raise ConnectionError("Discord has closed the connection")
        except discord.LoginFailure as error:
            raise Misconfigured(REFUSED, hint=TOKEN_HINT) from error
        except discord.PrivilegedIntentsRequired as error:
            raise Misconfigured("Discord hides what is written", hint=INTENT_HINT) from error
        finally:
            self._client = None
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()

    async def send(self, chat: str, text: str) -> None:
        place = self._place(chat)
        nonce = self._nonces[chat, text]  # Discord takes each once, however often it is tried
        await _delivered(place.send(_shown(text), nonce=nonce))
        del self._nonces[chat, text]

    async def send_file(self, chat: str, file: File, text: str) -> None:
        import discord  # noqa: PLC0415

        place, nonce = self._place(chat), self._nonces[chat, file.copy]
        given = discord.File(file.copy, file.name)
        try:
            await _delivered(place.send(_shown(text) or None, file=given, nonce=nonce))
        finally:
            given.close()
        del self._nonces[chat, file.copy]

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        import discord  # noqa: PLC0415

        chat, message, number = attachment.source.split("/")
        try:
            found = await self._place(chat).fetch_message(int(message))
            given = next(one for one in found.attachments if one.id == int(number))
            if given.size > most:
                raise Unfetchable(f"it is larger than {most >> 20} MB")
            return await given.read()
        except (discord.NotFound, discord.Forbidden, StopIteration):
            raise Unfetchable("Discord does not give it any more") from None

    def split(self, text: str) -> Sequence[str]:
        return split(text, LONGEST, _shown)

    async def typing(self, chat: str) -> None:
        await self._place(chat).typing()

    async def groups(self) -> Mapping[str, str]:
        guilds = self._client.guilds if self._client else ()
        return {
            f"{self.name}:{channel.id}": f"{guild.name} #{channel.name}"
            for guild in guilds
            for channel in guild.text_channels
        }

    def _place(self, chat: str) -> discord.PartialMessageable:
        """Where messages of a chat, or a thread, are sent and found."""
        if self._client is None:
            raise ConnectionError("Discord is not connected")
        if (found := CHAT.fullmatch(chat)) is None:
            raise Undeliverable(f"{chat} is no chat of Discord's", hint="register it by its number")
        return self._client.get_partial_messageable(int(found[1]))

    async def _take_in(
        self, client: discord.Client, news: asyncio.Queue[News], receive: Receive
    ) -> None:
        """One after the other, as it came; first what was missed, whenever something may be."""
        import discord  # noqa: PLC0415

        while True:
            one = await news.get()
            if one is None:
                for chat, last in self._read.all().items():
                    await self._catch_up(client, chat, int(last), receive)
            elif isinstance(one, discord.Message):
                await self._hand_over(client, one, receive)
            elif edited := one.data.get("edited_timestamp"):  # else a preview has been added
                await self._hand_over(client, one.message, receive, str(edited))

    async def _catch_up(
        self, client: discord.Client, chat: str, last: int, receive: Receive
    ) -> None:
        """What was written in a chat since the last message that was read. Each is read by itself,
        so that one that cannot be is not in the others' way.
        """
        import discord  # noqa: PLC0415

        number = int(chat.rpartition(":")[2])
        try:
            place: Any = client.get_channel(number) or await client.fetch_channel(number)
            while page := await client.http.logs_from(number, PAGE, after=last):
                for raw in sorted(page, key=lambda raw: int(raw["id"])):
                    last = int(raw["id"])
                    try:
                        message = discord.Message(state=place._state, channel=place, data=raw)
                    except Exception as error:  # noqa: BLE001  # whatever it is made of
                        await self.skip("a message", error)
                        await self._read.put(chat, str(last))
                    else:
                        await self._hand_over(client, message, receive)
        except (discord.NotFound, discord.Forbidden):
            return  # it is gone, or not ours to read any more

    async def _hand_over(
        self, client: discord.Client, message: discord.Message, receive: Receive, edited: str = ""
    ) -> None:
        from bot.channels.discord_messages import chat_of, written  # noqa: PLC0415

        chat = chat_of(self.name, message)
        if not (edited or self._read.get(chat)):  # not stored is not read, from the first one on
            await self._read.put(chat, str(message.id - 1))
        try:
            found = written(chat, message, client.user, self._assistant_name, edited)
        except Exception as error:  # noqa: BLE001  # likewise
            await self.skip("a message", error)
        else:
            if found is not None:
                await self.hand_over(receive, found)
        if not edited:
            await self._read.put(chat, str(message.id))


def _client() -> discord.Client:
    import discord  # noqa: PLC0415

    intents = discord.Intents(
        guilds=True, guild_messages=True, dm_messages=True, message_content=True
    )
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here
    nobody = discord.AllowedMentions(everyone=False, roles=False, replied_user=False)
    return discord.Client(
        intents=intents,
        max_messages=None,
        allowed_mentions=nobody,
        guild_ready_timeout=GUILD_SECONDS,
    )


def _listen(client: discord.Client, news: asyncio.Queue[News]) -> None:
    """What the gateway tells, in its order. A session that is resumed has missed nothing."""

    async def on_connect() -> None:
        news.put_nowait(None)

    async def on_message(message: discord.Message) -> None:
        news.put_nowait(message)

    async def on_raw_message_edit(edit: discord.RawMessageUpdateEvent) -> None:
        news.put_nowait(edit)

    for handler in (on_connect, on_message, on_raw_message_edit):
        client.event(handler)


async def _delivered(sending: Awaitable[object]) -> None:
    """Await it, and say what its failure means."""
    import discord  # noqa: PLC0415

    try:
        await sending
    except discord.HTTPException as error:
        if error.code in MAY_PASS:
            raise RefusedForNow(f"Discord refuses: {error.text}", hint=RIGHTS_HINT) from None
        if error.status in {400, 403, 404, 413}:
            raise Undeliverable(f"Discord refuses: {error.text}") from None
        raise ConnectionError(f"Discord did not take it ({error.status})") from None


def _shown(text: str) -> str:
    """The agent's Markdown, which is Discord's own but for tables: those are shown as code."""
    lines = unix(text).split("\n")
    tables = [
        token.map
        for token in parser().parse(unix(text))
        if token.type == "table_open" and token.level == 0 and token.map
    ]
    for first, last in reversed(tables):
        lines[first:last] = ["```", parse("\n".join(lines[first:last])).text, "```"]
    return "\n".join(lines)
