"""WhatsApp: a linked device of a phone, through neonize (whatsmeow).

neonize takes a second and 50 MB to import, so only what runs once WhatsApp is asked for imports it.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

from bot.bounds import Seldom
from bot.channels.base import Channel
from bot.channels.whatsapp_link import linked, show
from bot.channels.whatsapp_messages import (
    PHONES,
    album,
    called,
    content,
    hidden_of,
    jid_of,
    known,
    named,
    shown,
    source_of,
)
from bot.errors import Misconfigured, Unfetchable
from bot.log import log
from bot.messages import Attachment, File, Message, Receive
from bot.settings import Settings
from bot.splitting import split
from bot.workers import nobody

SESSION = "session.db"
LONGEST = 65_000
"""What one message can hold, in UTF-16 code units, with a name before it."""
PICTURES = {"image/jpeg", "image/png"}
UNLINKED = "remove whatsapp/ in the data directory, then link it again: bot setup"
PHONE_HINT = "write it with its country, in digits alone, like 4915112345678"
OUTDATED = "WhatsApp accepts this version of neonize no more"


class WhatsAppChannel(Channel):
    """Private chats and groups of one account, `whatsapp:<number>@s.whatsapp.net` and
    `whatsapp:<id>@g.us`.
    """

    name: ClassVar[str] = "whatsapp"

    def __init__(
        self, folder: Path, assistant_name: str, phone: str = "", *, shared: bool = False
    ) -> None:
        self._folder = folder
        self._assistant_name = assistant_name
        self._phone = phone
        self._shared = shared
        self.pairs = not shared
        self._client: Any = None
        self._end: asyncio.Future[None] | None = None
        self._sent: deque[str] = deque(maxlen=1000)
        self._seldom = Seldom()
        self.ready = asyncio.Event()
        """Set once it is paired and connected."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.whatsapp:
            return None
        logging.getLogger("neonize.utils.ffmpeg").setLevel(logging.ERROR)  # nothing here needs it
        try:
            import neonize.aioze.client  # noqa: F401, PLC0415
        except Exception as error:  # its own loader raises what it likes
            hint = (
                "install libmagic (Debian: apt install libmagic1); neonize runs on Linux with "
                "glibc (x86_64, aarch64) and on macOS (arm64)"
            )
            raise Misconfigured(f"neonize cannot be loaded: {error}", hint=hint) from error
        phone = re.sub(r"^00|[\s()+./-]", "", settings.whatsapp_phone.strip())
        if phone and not re.fullmatch(r"[1-9]\d{6,14}", phone):
            raise Misconfigured(f"WHATSAPP_PHONE cannot be {phone!r}", hint=PHONE_HINT)
        folder = settings.graftbot_data / "whatsapp"
        return cls(folder, settings.assistant_name, phone, shared=settings.whatsapp_shared)

    async def connect(self, receive: Receive) -> None:
        from neonize.aioze.client import NewAClient  # noqa: PLC0415

        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)  # whoever has the session is this device
        self._client = client = NewAClient(str(self._folder / SESSION), uuid="graftbot")
        self._end = asyncio.get_running_loop().create_future()
        self._listen(client, receive)
        connection = await client.connect()
        try:
            await asyncio.wait({connection, self._end}, return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                self._end.result()
            failed = connection.done() and not connection.cancelled() and connection.exception()
            what = "cannot be reached" if failed else "has closed the connection"
            raise ConnectionError(f"WhatsApp {what}") from (failed or None)
        finally:
            self.ready.clear()
            self._client = None
            with suppress(Exception):
                await client.stop()  # or its socket lives on beside the next one
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    async def pair(self) -> str | None:
        if not (user := linked(self._folder / SESSION)):
            connecting = asyncio.create_task(self.connect(nobody))  # no chat is registered yet
            ready = asyncio.create_task(self.ready.wait())
            try:
                await asyncio.wait({connecting, ready}, return_when=asyncio.FIRST_COMPLETED)
                if connecting.done():
                    connecting.result()
                user = self._connected().me.JID.User
            finally:
                for one in (connecting, ready):
                    one.cancel()
                await asyncio.gather(connecting, ready, return_exceptions=True)
        return f"{self.name}:{user}@{PHONES}" if self._shared else None

    async def send(self, chat: str, text: str) -> None:
        from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message as Content  # noqa: PLC0415

        content = Content(conversation=self._said(text))  # or every @12345 would be a mention
        self._sent.append((await self._connected().send_message(jid_of(chat), content)).ID)

    async def send_file(self, chat: str, file: File, text: str) -> None:
        client, data = self._connected(), await asyncio.to_thread(Path(file.copy).read_bytes)
        said, content = self._said(text), None
        if file.type in PICTURES:
            with suppress(OSError, ValueError):  # it is none that can be shown
                content = await client.build_image_message(data, said)
        if content is None:
            about = (file.name, file.name, file.type)
            content = await client.build_document_message(data, said, *about)
        self._sent.append((await client.send_message(jid_of(chat), content)).ID)

    def _said(self, text: str) -> str:
        """On the owner's number it is seen who speaks."""
        return f"{self._assistant_name}: {shown(text)}" if self._shared else shown(text)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        data = await self._connected().download_any(source_of(attachment)) or b""
        if len(data) > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        return bytes(data)

    def split(self, text: str) -> Sequence[str]:
        return split(text, LONGEST, shown)

    async def typing(self, chat: str) -> None:
        from neonize.utils.enum import ChatPresence, ChatPresenceMedia  # noqa: PLC0415

        composing = ChatPresence.CHAT_PRESENCE_COMPOSING, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT
        await self._connected().send_chat_presence(jid_of(chat), *composing)

    async def groups(self) -> Mapping[str, str]:
        found = await self._connected().get_joined_groups()
        return {self._chat(group.JID): group.GroupName.Name for group in found}

    async def disconnect(self) -> None:
        if self._client is not None:
            await self._client.stop()

    @property
    def me(self) -> str | None:
        """The chat of this account with itself, once it is connected."""
        me = self._client and self._client.me
        return f"{self.name}:{me.JID.User}@{PHONES}" if me else None

    def _connected(self) -> Any:
        if self._client is None or not self.ready.is_set():
            raise ConnectionError("WhatsApp is not connected")
        return self._client

    def _listen(self, client: Any, receive: Receive) -> None:
        from neonize.aioze import events  # noqa: PLC0415

        async def message(_: Any, event: Any) -> None:
            taken = await self._read(client, event)
            hidden = await hidden_of(client, event.Info.MessageSource) if taken else None
            while taken is not None:
                # WhatsApp has been told that we have it: nobody will bring it again
                try:
                    if hidden is not None:
                        await self.moved(self._chat(hidden), taken.chat)
                    await self.hand_over(receive, taken)
                    break
                except Exception as error:  # noqa: BLE001  # a full disk, say
                    if self._seldom.count(type(error).__name__):
                        log.warning("not stored yet", chat=taken.chat, error=error)
                    await asyncio.sleep(1)

        async def connected(_: Any, __: Any) -> None:
            self.ready.set()
            (self._folder / "qr.png").unlink(missing_ok=True)

        async def ended(error: Exception, _: Any, __: Any) -> None:
            self._fail(error)

        unlinked = Misconfigured("the phone has unlinked this device", hint=UNLINKED)
        outdated = Misconfigured(OUTDATED, hint="upgrade it: pip install --upgrade neonize")
        replaced = ConnectionError("another process has connected with this session")

        async def code(_: Any, data: bytes) -> None:
            await show(client, data, self._phone, self._folder / "qr.png")

        handlers = (
            (events.MessageEv, message),
            (events.ConnectedEv, connected),
            (events.LoggedOutEv, partial(ended, unlinked)),
            (events.ClientOutdatedEv, partial(ended, outdated)),
            (events.StreamReplacedEv, partial(ended, replaced)),
        )
        for kind, handler in handlers:
            client.event(kind)(self._guarded(handler))
        client.event.qr(self._guarded(code))

    def _guarded(self, handler: Any) -> Any:
        """neonize lets exceptions of handlers vanish."""

        async def handle(client: Any, event: Any) -> None:
            try:
                await handler(client, event)
            except Exception as error:  # noqa: BLE001  # whatever an event is made of
                await self.skip("an event", error)

        return handle

    def _fail(self, error: Exception) -> None:
        if self._end is not None and not self._end.done():
            self._end.set_exception(error)

    async def _read(self, client: Any, event: Any) -> Message | None:
        """A message of a person; None for what is none, or is our own."""
        info, source = event.Info, event.Info.MessageSource
        held = content(event.Message)
        elsewhere = source.Chat.Server in {"broadcast", "newsletter"}
        if not held.text or info.ID in self._sent or elsewhere:
            return None
        chat = self._chat(
            source.Chat if source.IsGroup else await known(client, source.Chat, source)
        )
        to_self = self._shared and chat == self.me
        if source.IsFromMe and not (self._shared and (to_self or source.IsGroup)):
            return None
        sender = await known(client, source.Sender, source)
        # a hidden identifier proves nothing to us
        who = sender.User if sender.Server == PHONES else ""
        quoted, by, numbers = "", "", self._numbers(client)
        if held.context is not None:
            quoted = content(held.context.quotedMessage).text
            by = held.context.participant.partition("@")[0] if quoted else ""
        return Message(
            chat,
            info.ID,
            info.Pushname or who or "somebody",
            named(held.text, numbers, self._assistant_name),
            datetime.fromtimestamp(
                info.Timestamp / 1000 if info.Timestamp > 10**11 else info.Timestamp, UTC
            ),
            to_self or not (source.IsGroup or self._shared),
            who,
            quoted,
            by,
            called=called(held.context, numbers, self._sent),
            bot=source.Sender.Server == "bot",
            attachments=held.attachments,
            album=album(event.Message),
        )

    def _numbers(self, client: Any) -> list[str]:
        """What this account is called, if it is the assistant's alone."""
        me = None if self._shared else client.me
        return [jid.User for jid in (me.JID, me.LID) if jid.User] if me else []

    def _chat(self, jid: Any) -> str:
        return f"{self.name}:{jid.User}@{jid.Server}"
