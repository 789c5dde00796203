"""The Discord channel through discord.py against a gateway and a REST API on loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from doubles import answering, taken_in
from fake_discord import ADA, ME, TOKEN, FakeDiscord, fake_discord

from bot.channels import CHANNELS
from bot.channels import discord as module
from bot.channels.discord import DiscordChannel
from bot.errors import BotError, Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.log import set_up
from bot.messages import Attachment, File, Message, Turn
from bot.settings import Secret, Settings

CHATS = ("discord:300", "discord:100")
FILE = {
    "id": "5",
    "filename": "voice.ogg",
    "size": 4,
    "url": "http://x",
    "proxy_url": "http://x",
    "flags": 0,
}


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    monkeypatch.setattr(module, "GUILD_SECONDS", 0.05)
    async with fake_discord(monkeypatch) as found:
        yield found


def channel(folder: Path, token: str = TOKEN) -> DiscordChannel:
    settings = Settings(
        assistant_name="Andy", graftbot_data=folder, discord_bot_token=Secret(token)
    )
    made = DiscordChannel.from_settings(settings)
    assert made is not None
    return made


def test_it_starts_with_the_others_once_there_is_a_token(tmp_path: Path) -> None:
    assert DiscordChannel in CHANNELS
    assert DiscordChannel.from_settings(Settings()) is None
    assert TOKEN not in repr(Settings(discord_bot_token=Secret(TOKEN)))
    code = f"import sys, bot.run; from {Settings.__module__} import {Settings.__name__} as S; [cls.from_settings(S()) for cls in bot.run.CHANNELS]"
    check = f"{code}; sys.exit('discord' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=Path.cwd())


async def test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are(
    fake: FakeDiscord, tmp_path: Path
) -> None:
    set_up("DEBUG", [TOKEN], tmp_path / "logs")
    async with answering(tmp_path, channel(tmp_path), *CHATS) as store:
        await fake.until(identified=1)
        await fake.write("hello")
        await fake.write("lunch?", "100")
        await fake.write("<@1> where?", "100", mentions=[ME])
        await fake.until(sent=2)
        await fake.write("and <@!1>, in here?", "200", mentions=[ME])
        assert sorted(await fake.until(sent=3)) == [
            ("100", "re: @Andy where?"),
            ("200", "re: and @Andy, in here?"),
            ("300", "re: hello"),
        ]
        assert store.group("discord:100:200"), "a thread is a conversation of its own"
    log = (tmp_path / "logs/bot.log").read_text("utf-8")
    assert TOKEN not in log
    assert "lunch" not in log


async def test_what_was_missed_is_answered_once_after_a_start_and_after_a_lost_session(
    fake: FakeDiscord, tmp_path: Path
) -> None:
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(identified=1)
        await fake.write("one")
        await fake.until(sent=1)
    for number in range(105):  # more than Discord gives at once
        await fake.write(f"missed {number}", live=False)
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(identified=2)
        await fake.write("live")
        sent = await fake.until(sent=107)
        fake.resumes = False
        await fake.lose_the_connection()
        await fake.write("meanwhile", live=False)
        sent = await fake.until(sent=108)
    texts = [text for _, text in sent]
    assert texts == [
        "re: one",
        *(f"re: missed {number}" for number in range(105)),
        "re: live",
        "re: meanwhile",
    ]


async def test_a_session_that_goes_on_has_missed_nothing(fake: FakeDiscord, tmp_path: Path) -> None:
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(identified=1)
        await fake.write("one")
        await fake.until(sent=1)
        await fake.lose_the_connection()
        await fake.write("two")
        assert await fake.until(sent=2) == [("300", "re: one"), ("300", "re: two")]
    assert fake.identified == 1


async def test_a_message_that_was_not_stored_is_read_again(
    fake: FakeDiscord, tmp_path: Path
) -> None:
    discord, stored = channel(tmp_path), list[str]()

    async def full(message: Message) -> bool:
        raise OSError("no space left")

    task = asyncio.create_task(discord.connect(full))
    await fake.until(identified=1)
    await fake.write("the first there ever was")
    with pytest.raises(OSError, match="no space left"):
        await asyncio.wait_for(task, 600)
    stored = [one.text for one in await taken_in(discord, 1)]
    assert stored == ["the first there ever was"]


@pytest.mark.parametrize("broken", ["the library", "the channel"])
async def test_a_message_that_cannot_be_read_is_skipped_and_the_next_is_answered(
    broken: str, fake: FakeDiscord, tmp_path: Path
) -> None:
    voice = {"content_type": "audio/ogg", "duration_secs": "long", "waveform": ""}
    wrong = {"id": "no number"} if broken == "the library" else {**FILE, **voice}
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(identified=1)
        await fake.write("one")
        await fake.until(sent=1)
        await fake.write("my PIN is 4711", attachments=[wrong], flags=1 << 13)
        await fake.write("two")
        sent = await fake.until(sent=3)
    told, *_ = [text for _, text in sent if not text.startswith("re:")]
    assert told.startswith("A message of discord was skipped")
    assert "4711" not in told
    assert ("300", "re: two") in sent


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"content": "to <@7> and <#100> <:wave:123>"}, "to @Ada L. and #channel-100 :wave:"),
        ({"content": "<@&55>", "mention_roles": ["55"]}, "@Andy"),
        (
            {"attachments": [{"filename": "a b.pdf", "content_type": "application/pdf"}]},
            "[document a b.pdf]",
        ),
        ({"content": "who?", "attachments": [{"filename": "x.png"}]}, "[photo x.png] who?"),
        (
            {"attachments": [{"content_type": "audio/ogg", "duration_secs": 72, "waveform": ""}]},
            "[voice message, 1:12]",
        ),
        ({"sticker_items": [{"id": "3", "name": "Wave", "format_type": 1}]}, "[sticker Wave]"),
        ({"type": 7}, ""),
        ({"author": ME}, ""),
    ],
)
async def test_what_is_written_is_named(
    fake: FakeDiscord, tmp_path: Path, more: dict[str, Any], text: str
) -> None:
    more = {"content": "", "mentions": [ADA, ME], **more}
    more["attachments"] = [
        {"content_type": "image/png", **FILE, **one} for one in more.get("attachments", [])
    ]
    if any("waveform" in one for one in more["attachments"]):
        more["flags"] = 1 << 13
    reading = asyncio.create_task(taken_in(channel(tmp_path), 3 if text else 2))
    await fake.until(identified=1)
    await fake.write("<@7>", "100")
    await fake.write(channel="100", **more)
    await fake.write("after", "100")
    found = await reading
    assert [one.text for one in found] == ["<@7>", *([text] if text else []), "after"]
    files = found[-2].attachments
    assert [one.source.partition("/")[0] for one in files] == ["100"] * len(more["attachments"])


async def test_replies_edits_bots_and_who_is_meant(fake: FakeDiscord, tmp_path: Path) -> None:
    reading = asyncio.create_task(taken_in(channel(tmp_path), 4))
    await fake.until(identified=1)
    number = await fake.write("first", "100")
    said = {**fake._history["100"][0], "id": "900", "content": "Shall I?", "author": ME}
    reply = {"type": 19, "message_reference": {"message_id": "900", "channel_id": "100"}}
    await fake.write("yes", "100", referenced_message=said, **reply)
    edited = {**fake._history["100"][0], "content": "second", "guild_id": "9"}
    await fake.dispatch("MESSAGE_UPDATE", {**edited, "embeds": []})  # a preview
    await fake.dispatch("MESSAGE_UPDATE", {**edited, "edited_timestamp": "2026-01-01T11:00:00Z"})
    await fake.write("beep", "100", author={**ADA, "id": "8", "bot": True})
    first, second, third, fourth = await reading
    assert (first.called, first.direct, first.sender, first.sender_id) == (
        False,
        False,
        "Ada L.",
        "7",
    )
    assert (second.called, second.quoted, second.quoted_sender) == (True, "Shall I?", "andy")
    assert (third.text, third.id) == ("[edited] second", f"{number} edited 2026-01-01T11:00:00Z")
    assert (fourth.bot, first.bot) == (True, False)


async def test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once(
    fake: FakeDiscord, tmp_path: Path
) -> None:
    words = " ".join(f"word{n}" for n in range(600))

    async def answer(turn: Turn) -> Sequence[str]:
        return [words, "again", "again"]

    async with answering(tmp_path, channel(tmp_path), *CHATS, answer=answer):
        await fake.until(identified=1)
        fake.answers_lost = 1
        await fake.write("tell me")
        sent = await fake.until(sent=5)
    texts = [text for _, text in sent]
    assert " ".join(texts[:-2]) == words
    assert all(len(text) <= 2000 for text in texts)
    assert texts[-2:] == ["again", "again"], "but the same twice is two"


async def test_tables_are_code_and_all_else_is_as_it_was_written(
    fake: FakeDiscord, tmp_path: Path
) -> None:
    async def answer(turn: Turn) -> Sequence[str]:
        return ["**b** [w](https://a.b) __init__\n\n| a | b |\n|---|---|\n| 1 | 22 |\n\nend"]

    async with answering(tmp_path, channel(tmp_path), *CHATS, answer=answer):
        await fake.until(identified=1)
        await fake.write("x")
        ((_, text),) = await fake.until(sent=1)
    assert text == "**b** [w](https://a.b) __init__\n\n```\na | b\n--+---\n1 | 22\n```\n\nend"
    assert fake.calls[-1][1]["allowed_mentions"] == {"parse": ["users"]}


async def test_files_come_in_and_go_out(fake: FakeDiscord, tmp_path: Path) -> None:
    fake.files["cat.png"] = b"\x89PNG"
    file = {"id": "5", "filename": "cat.png", "size": 4, "content_type": "image/png"}
    address = f"{fake.url}/files/cat.png"
    given = {**file, "url": address, "proxy_url": address}
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    discord = channel(tmp_path)
    async with answering(tmp_path, discord, *CHATS):
        await fake.until(identified=1)
        await fake.write("my cat", attachments=[given])
        await fake.until(sent=1)
        saved = tmp_path / "groups/main/attachments"
        assert [one.read_bytes() for one in saved.iterdir()] == [b"\x89PNG"]
        number = fake._history["300"][0]["id"]
        source = f"300/{number}/5"
        with pytest.raises(Unfetchable, match="larger"):
            await discord.fetch(Attachment("photo", "cat.png", source=source), 3)
        with pytest.raises(Unfetchable, match="not give it"):
            await discord.fetch(Attachment("photo", "cat.png", source=f"300/{number}/6"), 9)
        await discord.send_file("discord:300", File("a.pdf", "x", str(copy), ""), "**here**")
        posted = fake.calls[-1][1]
    assert (posted["content"], posted["file"]) == ("**here**", ("a.pdf", b"contents"))


async def test_typing_groups_and_what_is_refused(fake: FakeDiscord, tmp_path: Path) -> None:
    discord = channel(tmp_path)
    with pytest.raises(ConnectionError, match="not connected"):
        await discord.send("discord:300", "x")
    async with answering(tmp_path, discord, *CHATS):
        await fake.until(identified=1)
        await discord.typing("discord:100:200")
        assert fake.calls[-1][0] == "POST /channels/200/typing"
        assert await discord.groups() == {"discord:100": "Home #channel-100"}
        fake.refusals = [
            (403, 50007, "Cannot send messages to this user"),
            (403, 50013, "Missing Permissions"),
            (400, 50035, "Invalid Form Body"),
            (503, 0, "Unavailable"),
        ]
        with pytest.raises(Undeliverable, match="no chat"):
            await discord.send("discord:ada", "x")
        errors = []
        for _ in range(4):
            with pytest.raises((BotError, OSError)) as refused:
                await discord.send("discord:300", "x")
            errors.append(refused.type)
    assert errors == [Undeliverable, RefusedForNow, Undeliverable, ConnectionError]


async def test_what_only_the_owner_can_mend_is_said(fake: FakeDiscord, tmp_path: Path) -> None:
    async def receive(message: Message) -> bool:
        raise AssertionError(message)

    assert await channel(tmp_path).check() == "andy"
    refused = channel(tmp_path, "another")
    for asked in (refused.check(), refused.connect(receive)):
        with pytest.raises(Misconfigured, match="DISCORD_BOT_TOKEN"):
            await asyncio.wait_for(asked, 600)
    fake.close_with = 4014
    with pytest.raises(Misconfigured, match="hides") as hidden:
        await asyncio.wait_for(channel(tmp_path).connect(receive), 600)
    assert "Message Content Intent" in hidden.value.hint
