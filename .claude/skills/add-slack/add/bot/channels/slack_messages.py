"""Slack's messages as the assistant's, and the agent's Markdown as Slack's.

slack_sdk takes half a second to import, so this is imported where there are tokens.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError

from bot.formatting import Rich, marked, parse
from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["Reader", "shown"]

REFERENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
SAID = {None, "bot_message", "file_share", "me_message", "thread_broadcast"}
"""All else is service: who came, what was pinned."""
KINDS = {"image": "photo", "audio": "audio", "video": "video"}
MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`", "pre": "```"}
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
REMEMBERED = 1000
UNANSWERED = (SlackApiError, ClientError, TimeoutError)
"""What keeps a name or a first message from being known; what was written is read all the same."""


class Reader:
    """Reads events of one app, whose numbers of user and bot are set when they are known."""

    def __init__(self, channel: str, web: AsyncWebClient, assistant: str) -> None:
        self._channel, self._web, self._assistant = channel, web, assistant
        self.me = self.bot = ""
        self._names: dict[str, str] = {}
        self._parents: dict[tuple[str, str], dict[str, Any]] = {}

    def chat_of(self, event: dict[str, Any]) -> str:
        """A chat, or a thread in it, which is a conversation of its own."""
        message = event.get("message") or event
        thread, time = message.get("thread_ts"), message.get("ts")
        whole = f"{self._channel}:{event['channel']}"
        return whole if thread in {None, time} else f"{whole}:{thread.replace('.', '-')}"

    async def written(self, chat: str, event: dict[str, Any]) -> Message | None:
        """A message, or an edit; None for what nobody else has said."""
        edited = ""
        message = event
        if event.get("subtype") == "message_changed":
            message = event["message"]
            edited = _edited(message)
            if not edited or edited == _edited(event.get("previous_message") or {}):
                return None  # a preview has been added
        own = message.get("user") == self.me or (self.bot and message.get("bot_id") == self.bot)
        if message.get("subtype") not in SAID or own:
            return None
        files = list(_files(message))
        text = await self._text(message)
        if not (text or files):
            return None
        named = [f"[{'; '.join(name for name, _ in files)}]"] if files else []
        said = [*(["[edited]"] if edited else []), *named, text]
        parent = await self._parent(event["channel"], message) if ":" in chat[6:] else {}
        mine = parent.get("user") == self.me or message.get("parent_user_id") == self.me
        return Message(
            chat,
            f"{message['ts']} edited {edited}" if edited else str(message["ts"]),
            await self._name(message),
            " ".join(filter(None, said)),
            datetime.fromtimestamp(float(message["ts"]), UTC),
            event["channel"].startswith("D"),
            str(message.get("user") or message.get("bot_id") or ""),
            await self._text(parent) if parent else "",
            await self._name(parent) if parent else "",
            called=mine or any(f"<@{self.me}{end}" in message.get("text", "") for end in ">|"),
            bot=bool(message.get("bot_id")),
            attachments=tuple(file for _, file in files),
        )

    async def _parent(self, channel: str, message: dict[str, Any]) -> dict[str, Any]:
        """What a thread is about; nothing where Slack does not say."""
        key = channel, str(message["thread_ts"])
        if key not in self._parents:
            try:
                page = await self._web.conversations_replies(
                    channel=channel, ts=message["thread_ts"], limit=1
                )
            except UNANSWERED:
                return {}
            _forget(self._parents)
            self._parents[key] = next(iter(page["messages"]), {})
        return self._parents[key]

    async def _name(self, message: dict[str, Any]) -> str:
        user = message.get("user")
        return await self._named(user) if user else str(message.get("username") or "a bot")

    async def _named(self, user: str) -> str:
        if user == self.me:
            return self._assistant
        if user not in self._names:
            try:
                about = (await self._web.users_info(user=user))["user"]
            except UNANSWERED:
                return user
            profile = about.get("profile") or {}
            _forget(self._names)
            self._names[user] = (
                profile.get("display_name") or about.get("real_name") or about.get("name") or user
            )
        return self._names[user]

    async def _text(self, message: dict[str, Any]) -> str:
        """What was written, with names for Slack's numbers; the assistant's own is its name."""
        text = str(message.get("text") or "")
        names = {user: await self._named(user) for user in set(re.findall(r"<@(\w+)", text))}

        def plain(found: re.Match[str]) -> str:
            kind, what, label = found.groups()
            if kind == "@":
                return f"@{names.get(what, label or what)}"
            if kind:
                return f"{'#' if kind == '#' else '@'}{label or what.partition('^')[0]}"
            return what if label in {None, what} else f"{label} ({what})"

        return html.unescape(REFERENCE.sub(plain, text)).strip()


def _edited(message: dict[str, Any]) -> str:
    return str((message.get("edited") or {}).get("ts", ""))


def _files(message: dict[str, Any]) -> Iterator[tuple[str, Attachment]]:
    """What can be fetched, each after its name for a reader."""
    for one in message.get("files") or ():
        type_ = one.get("mimetype") or "application/octet-stream"
        kind = KINDS.get(type_.partition("/")[0], "document")
        name = one.get("name") or "file"
        yield f"{kind} {name}", Attachment(kind, name, one.get("size") or 0, type_, one["id"])


def shown(text: str) -> str:
    """Markdown with Slack's marks. What would call somebody there is text."""
    rich = parse(text)
    escaped = [ESCAPES.get(one, one) for one in rich.text]
    at = [0, *accumulate(map(len, escaped))]
    spans = tuple(
        replace(
            span,
            start=at[span.start],
            end=at[span.end],
            value=html.escape(span.value, quote=False),
        )
        for span in rich.spans
    )
    return marked(Rich("".join(escaped), spans), MARKS)


def _forget(known: dict[Any, Any]) -> None:
    if len(known) >= REMEMBERED:
        known.pop(next(iter(known)))
