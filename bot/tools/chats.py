"""Messages beside the answer; and which chats are answered, by which rules: main's to say."""

import asyncio
import json
from dataclasses import asdict
from functools import partial

from bot.errors import BotError
from bot.formatting import utf16
from bot.groups import Group, usual
from bot.log import log
from bot.migrations import SQL
from bot.options import check
from bot.tools.base import Arguments, Effect, Host

KNOWN = "SELECT chat, name, seen_at FROM known ORDER BY seen_at DESC LIMIT 500"
LONGEST_CAPTION = 900
"""UTF-16 code units that go with a file; a longer text goes before it."""


async def send_message(host: Host, group: Group, arguments: Arguments) -> Effect:
    """`text`, to the group's own chat; main may name another `chat`."""
    chat = _addressee(host, group, arguments)
    chunks = await host.assistant.chunks(chat, [arguments.text("text")])
    sends = tuple((SQL["send"], (chat, chunk)) for chunk in chunks)
    return Effect({"pieces": len(sends)}, sends)


async def send_file(host: Host, group: Group, arguments: Arguments) -> Effect:
    """The file `path` in the group's folder, with a `text`, likewise."""
    chat = _addressee(host, group, arguments)
    if (files := host.assistant.files) is None:
        raise BotError("files cannot be sent now")
    file = await asyncio.to_thread(files.take, group.folder, arguments.text("path"))
    chunks = await host.assistant.chunks(chat, [arguments.text("text", "")]) or [""]
    if utf16(chunks[-1]) > LONGEST_CAPTION:
        chunks.append("")
    with_it = (SQL["send_file"], (chat, chunks[-1], json.dumps(asdict(file))))
    sends = (*((SQL["send"], (chat, one)) for one in chunks[:-1]), with_it)
    return Effect({"pieces": len(sends)}, sends)


def _addressee(host: Host, group: Group, arguments: Arguments) -> str:
    chat = arguments.text("chat", group.chat)
    if host.store.group(chat) is None or (chat != group.chat and not group.main):
        why = f"{group.folder} may not write to {chat[:80]!r}"
        raise BotError(why, hint="write to your own chat")
    return host.store.called(chat)


async def register_group(host: Host, group: Group, arguments: Arguments) -> Effect:
    """`chat`, and of `folder`, `name`, `trigger` ("" for none), `senders`, `drop`, `options` what
    shall be otherwise than it is, or than usual; or `chat` and `remove`, with `cancel_tasks` where
    it has some; or `chat` and `instead_of`, the chat whose registration, messages and tasks it
    takes over. Topics go and move with their chat.
    """
    _only_main(group)
    chat, now = arguments.text("chat"), host.store.group(arguments.text("chat"))
    if arguments.of("remove", bool, False):
        if now is None or now.main:
            hint = "name a registered chat other than main's"
            raise BotError(f"{chat[:80]!r} cannot be removed", hint=hint)
        gone = [now, *(one for one in host.store.groups if one.topic and one.whole == now.chat)]
        counts = [await host.store.read(SQL["live_tasks"], (one.folder,)) for one in gone]
        tasks = sum(count for ((count,),) in counts)
        if tasks and not arguments.of("cancel_tasks", bool, False):
            hint = "for a chat that has moved, register the new one with instead_of; else ask the "
            hint += "owner, and remove with cancel_tasks"
            raise BotError(f"{now.name} has {tasks} tasks, which would be cancelled", hint=hint)
        removed = [(SQL["unregister"], (one.folder,)) for one in gone]
        statements = (host.store.left(now.folder), *removed)
        return Effect(None, statements, host.store.load_groups)
    if old := arguments.text("instead_of", ""):
        if now is not None or (moves := host.store.group(old)) is None or moves.topic:
            hint = "name a chat, not a topic, that is answered"
            raise BotError(f"{old[:80]!r} is not registered, or {chat[:80]!r} is", hint=hint)
        moved = host.store.rekeyed(moves.chat, chat)
        return Effect({"folder": moves.folder}, moved, partial(host.assistant.registered, chat))
    chat, main = host.store.called(chat), host.store.main is not None
    folder = arguments.text("folder", now.folder if now else "")
    now = now or usual(chat, folder, host.settings.assistant_name, main=main)
    name, word = arguments.text("name", now.name), arguments.text("trigger", now.trigger or "")
    senders = tuple(map(str, arguments.of("senders", list, list(now.senders))))
    drop = arguments.of("drop", bool, now.drop)
    options = arguments.of("options", dict, dict(now.options))
    if "options" in arguments.given:
        check(options)
    new = Group(folder or now.folder, chat, name, word.strip() or None, senders, drop, options)
    statements = host.store.registered(new)

    async def registered() -> None:
        await host.assistant.registered(chat)
        host.paths.prepare(new)

    return Effect({"folder": new.folder}, statements, registered)


async def refresh_groups(host: Host, group: Group, arguments: Arguments) -> Effect:
    """All chats that are known, registered or not, after every channel was asked for its groups."""
    _only_main(group)
    for channel in host.assistant.channels.values():
        try:
            await host.store.saw_chats(*(await channel.groups()).items())
        except Exception as error:  # noqa: BLE001  # whatever a messenger's library raises: the others are known
            log.warning("no groups", channel=channel.name, error=error)
    known = await host.store.read(KNOWN)
    folders = {one.chat: one.folder for one in host.store.groups}
    names = ("chat", "name", "seen_at")
    return Effect(
        [dict(zip(names, row, strict=True)) | {"folder": folders.get(row[0])} for row in known]
    )


def _only_main(group: Group) -> None:
    if not group.main:
        raise BotError("only main may do that", hint="ask the owner")
