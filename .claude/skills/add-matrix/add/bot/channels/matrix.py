"""Matrix: an account on any homeserver, through matrix-nio, in rooms that are not encrypted.

nio takes half a second to import, so only what runs once there is a token imports it.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import uuid4

from bot.channels.base import Channel
from bot.channels.kept import Kept
from bot.errors import BotError, Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.log import log
from bot.splitting import split

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence

    from nio import AsyncClient, MatrixRoom, RoomInfo

    from bot.messages import Attachment, File, Receive
    from bot.settings import Settings

__all__ = ["MatrixChannel"]

LONGEST = 16_000
"""Bytes of a text and its HTML together: an event has room for 65,536, as JSON."""
POLL_MS, FETCH_SECONDS, TYPING_MS = 30_000, 60, 10_000
PAGE = 50
SINCE, INVITED = "since", "invited"
JOIN_SECONDS = 60.0
"""The pause between attempts to come where it is invited."""
MEDIA = re.compile(r"mxc://(\w[\w.:\[\]-]*/[\w-]+)", re.ASCII)
"""The address of a file. Anything else would be a way to what the account alone may see."""
NOTHING: dict[str, list[str]] = {"types": []}
OWNERS = {"M_MISSING_TOKEN", "M_UNKNOWN_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED"}
"""What no other attempt mends, but a new token does."""
BAD = {"M_BAD_JSON", "M_INVALID_PARAM", "M_NOT_FOUND", "M_TOO_LARGE"}
TOKEN_HINT = "set MATRIX_TOKEN to the access token of the assistant's account on that server"  # noqa: S105
RIGHTS_HINT = "invite the assistant's account there, and let it write"


class MatrixChannel(Channel):
    """Rooms of an account, `matrix:<room id>`; one with another person alone is a private chat."""

    name: ClassVar[str] = "matrix"

    def __init__(self, server: str, token: str, assistant: str, kept: Kept) -> None:
        self._server, self._token, self._assistant = server.rstrip("/"), token, assistant
        self._kept = kept
        """How far the server's feed has been read: what is beyond it comes again."""
        self._client: AsyncClient | None = None
        self._unsure: defaultdict[tuple[str, str], str] = defaultdict(lambda: uuid4().hex)
        """What is being sent: the server takes each of these names once, however often it comes."""
        self._joining: dict[str, asyncio.Task[None]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if not settings.matrix_token:
            return None
        if not settings.matrix_server:
            hint = "set it to your homeserver, like https://matrix.org"
            raise Misconfigured("MATRIX_SERVER is not set", hint=hint)
        kept = Kept(settings.graftbot_data / "matrix.json")
        token = settings.matrix_token.value
        return cls(settings.matrix_server, token, settings.assistant_name, kept)

    async def check(self) -> str:
        client = self._new()
        try:
            return str((await _asked(client.whoami())).user_id)
        finally:
            await client.close()

    async def connect(self, receive: Receive) -> None:
        client = self._new()
        try:
            client.user_id = (await _asked(client.whoami())).user_id
            self._client = client
            await self._follow(client, receive)
        finally:
            self._client = None
            for one in self._joining.values():
                one.cancel()
            await asyncio.gather(*self._joining.values(), return_exceptions=True)
            self._joining.clear()
            await client.close()

    async def send(self, chat: str, text: str) -> None:
        from bot.channels.matrix_messages import content  # noqa: PLC0415

        await self._put(chat, text, content(text))

    async def send_file(self, chat: str, file: File, text: str) -> None:
        from bot.channels.matrix_messages import content, kind_of  # noqa: PLC0415

        size = (await asyncio.to_thread(Path(file.copy).stat)).st_size
        given = {"content_type": file.type, "filename": file.name, "filesize": size}
        with await asyncio.to_thread(open, file.copy, "rb") as data:
            async with self._connected() as client:
                uploaded, _ = await _awaited(client.upload(data, **given))
        about = {"mimetype": file.type, "size": size}
        said = {**content(text or file.name), "msgtype": kind_of(file.type), "filename": file.name}
        where = {"url": (await _answer(uploaded)).content_uri, "info": about}
        await self._put(chat, file.copy, {**said, **where})

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415

        if (place := MEDIA.fullmatch(attachment.source)) is None:
            raise Unfetchable("that is no address of a file")
        url = f"{self._server}/_matrix/client/v1/media/download/{place[1]}"
        headers, data = {"Authorization": f"Bearer {self._token}"}, bytearray()
        try:
            async with (
                ClientSession(timeout=ClientTimeout(FETCH_SECONDS)) as session,
                session.get(url, headers=headers) as answer,
            ):
                if answer.status in {403, 404}:
                    raise Unfetchable("the server does not give it any more")
                answer.raise_for_status()
                async for chunk in answer.content.iter_any():
                    data += chunk
                    if len(data) > most:
                        raise Unfetchable(f"it is larger than {most >> 20} MB")
        except ClientError as error:
            raise ConnectionError(f"Matrix did not give it ({type(error).__name__})") from None
        return bytes(data)

    def split(self, text: str) -> Sequence[str]:
        from bot.channels.matrix_messages import weight  # noqa: PLC0415

        return split(text, LONGEST, weight)

    async def typing(self, chat: str) -> None:
        async with self._connected() as client:
            await _asked(client.room_typing(_room(chat), timeout=TYPING_MS))

    async def groups(self) -> Mapping[str, str]:
        rooms = self._client.rooms if self._client else {}
        return {
            f"{self.name}:{number}": room.display_name
            for number, room in rooms.items()
            if room.joined_count > 2
        }

    def _new(self) -> AsyncClient:
        from nio import AsyncClient, AsyncClientConfig  # noqa: PLC0415

        once = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, encryption_enabled=False)
        client = AsyncClient(self._server, config=once)
        client.access_token = self._token
        return client

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncClient]:
        """The client. What is asked of it once it is closed opens another session, which ends with
        the question.
        """
        client = self._client
        if client is None:
            raise ConnectionError("Matrix is not connected")
        try:
            yield client
        finally:
            if client is not self._client:
                await client.close()

    async def _put(self, chat: str, what: str, said: dict[str, Any]) -> None:
        number = self._unsure[chat, what]
        async with self._connected() as client:
            await _asked(client.room_send(_room(chat), "m.room.message", said, tx_id=number))
        del self._unsure[chat, what]

    async def _follow(self, client: AsyncClient, receive: Receive) -> None:
        """The server's feed, a piece at a time: the next is asked for when this one is stored."""
        room = {"timeline": {"limit": PAGE}, "ephemeral": NOTHING, "account_data": NOTHING}
        wanted = {"presence": NOTHING, "account_data": NOTHING, "room": room}
        whole = True  # once a connection: who is in which room
        while True:
            since = self._kept.get(SINCE)
            news = await _asked(
                client.sync(POLL_MS if since else 0, wanted, since or None, full_state=whole)
            )
            await self._come(client, news.rooms.invite)
            for number, found in news.rooms.join.items() if since else ():
                await self._take_in(client, client.rooms[number], found, since, receive)
            await self._kept.put(SINCE, news.next_batch)
            whole = False

    async def _come(self, client: AsyncClient, invited: Iterable[str]) -> None:
        """Go where it is invited. A server that is away may keep one waiting for long: that is not
        in the way of what is written, and goes on after a start.
        """
        rooms = sorted({*self._kept.get(INVITED).split(), *invited})
        await self._kept.put(INVITED, " ".join(rooms))
        for room in rooms:
            if room not in self._joining:
                self._joining[room] = asyncio.create_task(self._join(client, room))

    async def _join(self, client: AsyncClient, room: str) -> None:
        while True:
            try:
                await _asked(client.join(room), forgiving=True)
                break
            except (BotError, OSError) as error:
                log.info("not joined yet", room=room, error=error)
            await asyncio.sleep(JOIN_SECONDS)
        left = (one for one in self._kept.get(INVITED).split() if one != room)
        await self._kept.put(INVITED, " ".join(left))
        self._joining.pop(room, None)

    async def _take_in(
        self, client: AsyncClient, room: MatrixRoom, found: RoomInfo, since: str, receive: Receive
    ) -> None:
        """What was written in a room, oldest first; in one that it has just come to, since then."""
        from bot.channels.matrix_messages import Reader  # noqa: PLC0415

        async def find(number: str) -> dict[str, Any]:
            found = await _asked(client.room_get_event(room.room_id, number), forgiving=True)
            return dict(found.event.source) if hasattr(found, "event") else {}

        events = [event.source for event in found.timeline.events]
        came = [one for one in events if _joined(one, client.user_id)]
        direct = room.joined_count <= 2
        if found.timeline.limited and not came:
            events = await self._missed(client, room, found.timeline.prev_batch, since) + events
        elif came and not direct:
            events = events[events.index(came[-1]) :]
        reader = Reader(self.name, client.user_id, room, self._assistant, direct, find)
        for event in events:
            try:
                message = await reader.written(event)
            except ConnectionError:  # what it replies to could not be asked for
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
                await self.skip("a message", error)
            else:
                if message is not None:
                    await self.hand_over(receive, message)

    async def _missed(
        self, client: AsyncClient, room: MatrixRoom, before: str | None, since: str
    ) -> list[dict[str, Any]]:
        """What lies between the place that was read up to and a feed that does not hold it all."""
        found: list[dict[str, Any]] = []
        while before:
            asking = client.room_messages(room.room_id, before, since, limit=PAGE)
            page = await _asked(asking, forgiving=True)
            chunk = getattr(page, "chunk", ())  # it may not be ours to read any more
            found += [event.source for event in chunk]
            before = page.end if chunk else None
        return found[::-1]


async def _awaited(asking: Awaitable[Any]) -> Any:
    from aiohttp import ClientError  # noqa: PLC0415

    try:
        return await asking
    except (ClientError, TimeoutError) as error:
        raise ConnectionError(f"Matrix cannot be asked ({type(error).__name__})") from None


async def _asked(asking: Awaitable[Any], *, forgiving: bool = False) -> Any:
    """An answer of the server's, or what its absence means; `forgiving`, any refusal that is for
    good will do.
    """
    return await _answer(await _awaited(asking), forgiving=forgiving)


async def _answer(answer: Any, *, forgiving: bool = False) -> Any:
    from nio import ErrorResponse  # noqa: PLC0415

    if not isinstance(answer, ErrorResponse):
        return answer
    code = answer.status_code or "no answer of Matrix's"
    status = getattr(answer.transport_response, "status", 500)
    if code in OWNERS:
        raise Misconfigured(f"Matrix refuses the token: {code}", hint=TOKEN_HINT)
    if code == "M_LIMIT_EXCEEDED":
        await asyncio.sleep((answer.retry_after_ms or 1000) / 1000)
    elif forgiving and answer.status_code:
        return answer
    if code in BAD:
        raise Undeliverable(f"Matrix refuses: {code}")
    if answer.status_code and 400 <= status < 500 and code != "M_LIMIT_EXCEEDED":
        hint = RIGHTS_HINT if code == "M_FORBIDDEN" else ""
        raise RefusedForNow(f"Matrix refuses: {code}", hint=hint)
    raise ConnectionError(f"Matrix cannot be asked: {code}")


def _joined(event: dict[str, Any], who: str) -> bool:
    member = event.get("type") == "m.room.member" and event.get("state_key") == who
    return member and event.get("content", {}).get("membership") == "join"


def _room(chat: str) -> str:
    return chat.partition(":")[2]
