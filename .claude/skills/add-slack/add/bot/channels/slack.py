"""Slack: an app of one workspace, by Socket Mode and the Web API, through slack_sdk.

slack_sdk takes half a second to import, so only what runs once there are tokens imports it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from time import time
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit
from uuid import uuid4

from bot.channels.base import Channel
from bot.channels.kept import Kept
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.splitting import split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from slack_sdk.web.async_client import AsyncWebClient

    from bot.channels.slack_messages import Reader
    from bot.messages import Attachment, File, Receive
    from bot.settings import Settings

__all__ = ["SlackChannel"]

API = "https://slack.com/api/"
LONGEST = 4000
"""What Slack shows whole of one message."""
PAGE = 200
FETCH_SECONDS = 60
CLOCKS_APART = 600
"""Seconds by which this machine's clock may differ from Slack's."""
METADATA = "graftbot_piece"
OWNERS = {
    "account_inactive",
    "invalid_auth",
    "missing_scope",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}
"""What no other attempt mends, but a new token does."""
NOT_NOW = {
    "fatal_error",
    "internal_error",
    "ratelimited",
    "request_timeout",
    "service_unavailable",
    "team_added_to_org",
}
"""Slack's own troubles, and its limits."""
BAD = {
    "cannot_dm_bot",
    "channel_not_found",
    "is_archived",
    "message_limit_exceeded",
    "msg_too_long",
    "no_text",
    "thread_locked",
    "user_disabled",
}
HINT = "set {} to the token that begins with {}, from your app's pages"
SCOPES_HINT = "make the app again from the manifest of the skill, or reinstall it"


class SlackChannel(Channel):
    """Private chats and channels of a workspace, `slack:<channel id>`, and threads in those,
    `slack:<channel id>:<time of its first message>`.
    """

    name: ClassVar[str] = "slack"

    def __init__(self, web: AsyncWebClient, app_token: str, reader: Reader, kept: Kept) -> None:
        self._web, self._app_token, self._reader = web, app_token, reader
        self._read = kept
        """The time of the last message of each chat that was stored, or said to be none."""
        self._unsure: defaultdict[tuple[str, str], str] = defaultdict(lambda: uuid4().hex)
        """What was tried, and may have been taken: each has a name that Slack keeps with it."""
        self._tried: dict[str, float] = {}
        """When that was, by this machine's clock."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        bot, app = settings.slack_bot_token, settings.slack_app_token
        if not (bot or app):
            return None
        for key, token, begin in (
            ("SLACK_BOT_TOKEN", bot, "xoxb-"),
            ("SLACK_APP_TOKEN", app, "xapp-"),
        ):
            if not token.value.startswith(begin):
                raise Misconfigured(f"{key} is no such token", hint=HINT.format(key, begin))
        from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415

        from bot.channels.slack_messages import Reader  # noqa: PLC0415

        web = AsyncWebClient(token=bot.value, base_url=API, retry_handlers=[])
        reader = Reader(cls.name, web, settings.assistant_name)
        return cls(web, app.value, reader, Kept(settings.graftbot_data / "slack.json"))

    async def check(self) -> str:
        about = await _asked(self._web.auth_test())
        await _asked(self._web.apps_connections_open(app_token=self._app_token))
        self._reader.me, self._reader.bot = about["user_id"], about["bot_id"]
        return f"@{about['user']} of {about['team']}"

    async def connect(self, receive: Receive) -> None:
        from slack_sdk.socket_mode.aiohttp import SocketModeClient  # noqa: PLC0415

        await self.check()
        news: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def listen(_: Any, envelope: dict[str, Any], __: str) -> None:
            news.put_nowait(envelope)

        client: Any = SocketModeClient(self._app_token, web_client=self._web)
        client.message_listeners.append(listen)
        try:
            await client.connect()
            while True:
                await self._take_in(client, await news.get(), receive)
        finally:
            await client.close()

    async def send(self, chat: str, text: str) -> None:
        from bot.channels.slack_messages import shown  # noqa: PLC0415

        channel, thread = _place(chat)
        name = self._unsure[chat, text]
        if not (name in self._tried and await self._has(channel, thread, name)):
            self._tried.setdefault(name, time())
            await _asked(
                self._web.chat_postMessage(
                    channel=channel,
                    thread_ts=thread,
                    text=shown(text),
                    unfurl_links=False,
                    unfurl_media=False,
                    metadata={"event_type": METADATA, "event_payload": {"name": name}},
                )
            )
        self._tried.pop(self._unsure.pop((chat, text)), None)

    async def send_file(self, chat: str, file: File, text: str) -> None:
        from bot.channels.slack_messages import shown  # noqa: PLC0415

        channel, thread = _place(chat)
        sending = self._web.files_upload_v2(
            channel=channel,
            thread_ts=thread,
            file=file.copy,
            filename=file.name,
            title=file.name,
            initial_comment=shown(text) or None,
        )
        await _asked(sending)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        from aiohttp import ClientError, ClientSession, ClientTimeout  # noqa: PLC0415

        about = (await _asked(self._web.files_info(file=attachment.source)))["file"]
        if not _at_slack(url := str(about.get("url_private_download"))):
            raise Unfetchable("it is not kept at Slack")
        headers, data = {"Authorization": f"Bearer {self._web.token}"}, bytearray()
        try:
            async with (
                ClientSession(timeout=ClientTimeout(FETCH_SECONDS)) as session,
                session.get(url, headers=headers) as answer,
            ):
                answer.raise_for_status()
                if answer.content_type == "text/html" != about.get("mimetype"):  # a page to log in
                    raise Unfetchable("Slack does not give it")
                async for chunk in answer.content.iter_any():
                    data += chunk
                    if len(data) > most:
                        raise Unfetchable(f"it is larger than {most >> 20} MB")
        except ClientError as error:
            raise ConnectionError(f"Slack did not give it ({type(error).__name__})") from None
        return bytes(data)

    def split(self, text: str) -> Sequence[str]:
        from bot.channels.slack_messages import shown  # noqa: PLC0415

        return split(text, LONGEST, shown)

    async def groups(self) -> Mapping[str, str]:
        kinds = "public_channel,private_channel"
        pages = await _asked(self._web.users_conversations(types=kinds, limit=PAGE))
        found: dict[str, str] = {}
        async for page in pages:
            found |= {f"{self.name}:{one['id']}": f"#{one['name']}" for one in page["channels"]}
        return found

    async def _take_in(self, client: Any, envelope: dict[str, Any], receive: Receive) -> None:
        """One envelope. It is acknowledged when its message is stored, or said to be none."""
        if envelope.get("type") == "hello":
            for chat, last in self._read.all().items():
                await self._catch_up(chat, last, receive)
            return
        event = (envelope.get("payload") or {}).get("event") or {}
        if envelope.get("type") == "events_api" and event.get("type") == "message":
            await self._hand_over(event, receive)
        if number := envelope.get("envelope_id"):
            await client.send_socket_mode_response({"envelope_id": number})

    async def _catch_up(self, chat: str, last: str, receive: Receive) -> None:
        """What was written in a chat since the last message that was read, oldest first, and in the
        threads that have begun there since.
        """
        channel, thread = _place(chat)
        where: dict[str, Any] = {"channel": channel, "oldest": last, "limit": PAGE}
        try:
            pages = await _asked(
                self._web.conversations_replies(ts=thread, **where)
                if thread
                else self._web.conversations_history(**where)
            )
        except Undeliverable:
            return  # it is gone, or not ours to read any more
        missed: list[dict[str, Any]] = []
        async for page in pages:
            missed += page["messages"]
        for one in sorted(missed, key=lambda one: float(one["ts"])):
            if float(one["ts"]) > float(last):
                await self._hand_over({**one, "channel": channel}, receive)
                if not thread and one.get("reply_count"):
                    await self._catch_up(f"{chat}:{one['ts'].replace('.', '-')}", last, receive)

    async def _hand_over(self, event: dict[str, Any], receive: Receive) -> None:
        chat, written = self._reader.chat_of(event), str(event.get("ts"))
        edited = event.get("subtype") == "message_changed"
        if not edited and not self._read.get(chat):  # not stored is not read, from the first one on
            await self._read.put(chat, f"{float(written) - 1:.6f}")
        try:
            found = await self._reader.written(chat, event)
        except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
            await self.skip("a message", error)
        else:
            if found is not None:
                await self.hand_over(receive, found)
        if not edited and float(written) > float(self._read.get(chat)):
            await self._read.put(chat, written)

    async def _has(self, channel: str, thread: str | None, name: str) -> bool:
        """Whether Slack has taken what it did not confirm."""
        where: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{self._tried[name] - CLOCKS_APART:.6f}",
            "limit": PAGE,
            "include_all_metadata": True,
        }
        page = await _asked(
            self._web.conversations_replies(ts=thread, **where)
            if thread
            else self._web.conversations_history(**where)
        )
        return any(
            one.get("metadata", {}).get("event_payload", {}).get("name") == name
            for one in page["messages"]
        )


async def _asked(asking: Awaitable[Any]) -> Any:
    """An answer of Slack's, or what its absence means."""
    from aiohttp import ClientError  # noqa: PLC0415
    from slack_sdk.errors import SlackApiError  # noqa: PLC0415

    try:
        return await asking
    except SlackApiError as error:
        code = str(error.response.get("error", ""))
        if code in OWNERS:
            what = "a scope is missing" if code == "missing_scope" else code
            raise Misconfigured(f"Slack refuses the app: {what}", hint=SCOPES_HINT) from None
        if code == "ratelimited":
            await asyncio.sleep(int(error.response.headers.get("Retry-After", 1)))
        if code in BAD:
            raise Undeliverable(f"Slack refuses: {code}") from None
        if code in NOT_NOW or not code or error.response.status_code >= 500:
            why = code or error.response.status_code
            raise ConnectionError(f"Slack cannot be asked: {why}") from None
        hint = "invite the app there" if code == "not_in_channel" else ""
        raise RefusedForNow(f"Slack refuses: {code}", hint=hint) from None
    except (ClientError, TimeoutError) as error:
        raise ConnectionError(f"Slack cannot be asked ({type(error).__name__})") from None


def _at_slack(url: str) -> bool:
    """Whether the token may go there: others keep files, too, and Slack names their addresses."""
    there, home = urlsplit(url), urlsplit(API)
    host = f".{there.hostname or ''}"
    return there.scheme == home.scheme and host.endswith(f".{home.hostname}")


def _place(chat: str) -> tuple[str, str | None]:
    """A channel, and the time of the first message of the thread in it."""
    _, channel, *thread = chat.split(":")
    return channel, thread[0].replace("-", ".") if thread else None
