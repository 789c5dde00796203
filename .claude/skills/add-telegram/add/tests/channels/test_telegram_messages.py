"""What Telegram's updates become: names for what is no text, who is meant, topics, and marks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from doubles import FunctionAgent, register, taken_in
from fake_telegram import TOKEN, FakeTelegram, fake_telegram
from test_telegram import channel, running

from bot.assistant import Assistant
from bot.attachments import Files
from bot.errors import Undeliverable, Unfetchable
from bot.log import set_up
from bot.messages import Attachment, File, Message, Turn
from bot.paths import Paths
from bot.store import open_store
from bot.workers import Backoff

ME = {"id": 123456, "is_bot": True, "first_name": "Andy", "username": "andy_test_bot"}
ADA = {"id": 7, "is_bot": False, "first_name": "Ada"}
FILE = {"file_id": "F", "file_unique_id": "U"}
PHOTO = [{**FILE, "width": 1, "height": 1, "file_size": 9}, {**FILE, "width": 2, "height": 2}]
FORUM = {"kind": "supergroup", "chat": -100, "is_topic_message": True}


async def handed_over(fake: FakeTelegram, most: int) -> list[Message]:
    """The messages that a channel hands over, once it has polled past all updates."""
    telegram = channel(fake.url)
    found = await taken_in(telegram, most)
    await telegram.disconnect()
    return found


@pytest.mark.parametrize(
    ("extra", "text", "file"),
    [
        ({"voice": {**FILE, "duration": 12}}, "[voice message, 0:12]", "voice.ogg"),
        ({"photo": PHOTO, "caption": "who?"}, "[photo] who?", "photo.jpg"),
        (
            {"video": {**FILE, "width": 1, "height": 1, "duration": 61}},
            "[video, 1:01]",
            "video.mp4",
        ),
        (
            {"video_note": {**FILE, "length": 1, "duration": 5}},
            "[video message, 0:05]",
            "video.mp4",
        ),
        (
            {
                "audio": {
                    **FILE,
                    "duration": 3,
                    "performer": "P",
                    "title": "T",
                    "file_name": "x.mp3",
                }
            },
            "[audio P - T, 0:03]",
            "x.mp3",
        ),
        ({"document": {**FILE, "file_name": "a b.pdf"}}, "[document a b.pdf]", "a b.pdf"),
        (
            {
                "animation": {**FILE, "width": 1, "height": 1, "duration": 2},
                "document": {**FILE, "file_name": "cat.mp4"},
            },
            "[animation]",
            "animation.mp4",
        ),
        (
            {
                "sticker": {
                    **FILE,
                    "type": "regular",
                    "width": 1,
                    "height": 1,
                    "is_animated": False,
                    "is_video": False,
                    "emoji": "😀",
                }
            },
            "[sticker 😀]",
            "sticker.webp",
        ),
        ({"location": {"latitude": 52.5, "longitude": 13.25}}, "[location 52.50000, 13.25000]", ""),
        (
            {"contact": {"phone_number": "+49", "first_name": "Bob", "last_name": "B"}},
            "[contact Bob B +49]",
            "",
        ),
        (
            {
                "poll": {
                    "id": "1",
                    "question": "Where?",
                    "options": [
                        {"persistent_id": "1", "text": "here", "voter_count": 0},
                        {"persistent_id": "2", "text": "there", "voter_count": 0},
                    ],
                    "total_voter_count": 0,
                    "is_closed": False,
                    "is_anonymous": True,
                    "type": "regular",
                    "allows_multiple_answers": False,
                    "allows_revoting": False,
                    "members_only": False,
                }
            },
            "[poll: Where? here / there]",
            "",
        ),
        ({"dice": {"emoji": "🎲", "value": 4}}, "[dice 🎲 4]", ""),
        (
            {"story": {"id": 1, "chat": {"id": 8, "type": "private"}}},
            "[story]",
            "",
        ),
        ({"hologram": {"depth": 3}}, "[a kind of message that I do not know]", ""),
    ],
)
async def test_what_is_no_text_has_a_name(extra: dict[str, Any], text: str, file: str) -> None:
    async with fake_telegram() as fake:
        await fake.write("", **extra)
        (message,) = await handed_over(fake, 1)
    assert message.text == text
    assert [attachment.name for attachment in message.attachments] == [file] * bool(file)
    assert all(attachment.source == "F" for attachment in message.attachments)


async def test_an_album_is_one_message_however_it_arrives() -> None:
    async with fake_telegram() as fake:
        await fake.write("", photo=PHOTO, media_group_id="9", caption="my cats")
        telegram = asyncio.create_task(handed_over(fake, 2))
        await fake.called("getUpdates")
        await fake.write("", photo=PHOTO, media_group_id="9")
        await fake.write("", photo=PHOTO, media_group_id="9")
        await fake.write("after")
        first, second = await telegram
    assert (first.text, len(first.attachments)) == ("[photo; photo; photo] my cats", 3)
    assert second.text == "after"


async def test_what_is_forwarded_edited_or_quoted_is_said() -> None:
    origin = {"type": "hidden_user", "date": 1790000000, "sender_user_name": "Eve"}
    said = {"message_id": 5, "date": 1790000000, "chat": {"id": 7, "type": "private"}, "from": ADA}
    place = {"latitude": 1, "longitude": 2, "live_period": 60}
    async with fake_telegram() as fake:
        await fake.write("look", forward_origin=origin)
        await fake.write("", update="edited_message", edit_date=1790000001, location=place)
        await fake.write("six", update="edited_message", edit_date=1790000001)
        await fake.write("and this?", reply_to_message={**said, "photo": PHOTO, "caption": "cat"})
        forwarded, edited, reply = await handed_over(fake, 3)
    assert forwarded.text == "[forwarded from Eve] look"
    assert (edited.text, edited.id) == ("[edited] six", "3 edited 1790000001")
    assert (reply.quoted, reply.quoted_sender) == ("[photo] cat", "Ada")


def marked(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"entities": [{"type": kind, "offset": offset, "length": length, **more}]}


@pytest.mark.parametrize(
    ("text", "extra", "called"),
    [
        ("good morning @andy_test_bot, all", marked("mention", 13, 14), True),
        ("😀 @Andy_Test_Bot", marked("mention", 3, 14), True),
        ("good morning @andy_test_bot", {}, True),
        ("Andy, please", marked("text_mention", 0, 4, user=ME), True),
        ("Ada, please", marked("text_mention", 0, 3, user=ADA), False),
        ("/start@andy_test_bot", marked("bot_command", 0, 20), True),
        ("/start@other_bot", marked("bot_command", 0, 16), False),
        ("`@andy_test_bot`", marked("code", 0, 16), False),
        ("@andy_test_bots", marked("mention", 0, 15), False),
        ("mail x@andy_test_bot.example", {}, False),
        ("@other", marked("mention", 0, 6), False),
        ("lunch?", {}, False),
    ],
)
async def test_who_is_meant_is_what_telegram_says(
    text: str, extra: dict[str, Any], *, called: bool
) -> None:
    async with fake_telegram() as fake:
        await fake.write(text, chat=-100, kind="supergroup", **extra)
        (message,) = await handed_over(fake, 1)
    assert message.called is called


async def test_a_reply_to_the_assistant_means_it_and_the_first_of_a_topic_is_no_reply() -> None:
    place = {"id": -100, "type": "supergroup"}
    said = {"message_id": 5, "date": 1790000000, "chat": place, "from": ME}
    made = {**said, "forum_topic_created": {"name": "T", "icon_color": 1}}
    topic = {"message_thread_id": 5, **FORUM}
    async with fake_telegram() as fake:
        await fake.write("yes", reply_to_message={**said, "text": "Shall I?"}, chat=-100)
        await fake.write("yes", reply_to_message={**said, "text": "?", "from": ADA}, chat=-100)
        await fake.write("hello all", reply_to_message=made, **topic)
        to_it, to_ada, in_topic = await handed_over(fake, 3)
    assert (to_it.called, to_it.quoted) == (True, "Shall I?")
    assert (to_ada.called, in_topic.called, in_topic.quoted) == (False, False, "")


async def test_bots_are_told_from_people_who_write_as_a_chat() -> None:
    place = {"id": -100, "type": "supergroup"}
    async with fake_telegram() as fake:
        await fake.write("ping", chat=-100, **{"from": {**ADA, "is_bot": True}})
        await fake.write("as admin", chat=-100, sender_chat=place, **{"from": {**ME, "id": 9}})
        robot, admin = await handed_over(fake, 2)
    assert (robot.bot, admin.bot) == (True, False)


async def test_topics_are_conversations_of_their_own_and_have_the_rules_of_their_chat(
    tmp_path: Path,
) -> None:
    groups: list[tuple[str, str]] = []

    async def echo(turn: Turn) -> Sequence[str]:
        groups.append((turn.chat, turn.group.folder))
        await fake.called("sendChatAction", len(groups))
        return [f"{len(turn.messages)}: {turn.asked[-1].text}"]

    async with fake_telegram() as fake, running(fake, tmp_path, FunctionAgent(echo)):
        await fake.write("lunch?", message_thread_id=42, **FORUM)
        await fake.write("@Andy hi", message_thread_id=42, **FORUM)
        await fake.called("sendMessage", 1)
        await fake.write("@Andy hi", message_thread_id=43, **FORUM)
        await fake.called("sendMessage", 2)
        await fake.write("@Andy hi", message_thread_id=1, **FORUM)
        await fake.called("sendMessage", 3)
        await fake.write("@Andy hi", message_thread_id=44, chat=-100, kind="supergroup")
        sent = await fake.called("sendMessage", 4)
    assert [(call.get("message_thread_id"), call["text"]) for call in sent] == [
        ("42", "2: @Andy hi"),
        ("43", "1: @Andy hi"),
        (None, "1: @Andy hi"),
        (None, "1: @Andy hi"),
    ]
    typing = fake.of("sendChatAction")
    assert [call.get("message_thread_id") for call in typing] == ["42", "43", None, None]
    assert groups[0] == ("telegram:-100:42", "group-2-topic-42")
    assert groups[2] == ("telegram:-100", "group-2")


async def test_a_supergroup_goes_on_where_its_group_was(tmp_path: Path) -> None:
    async with fake_telegram() as fake, running(fake, tmp_path):
        await fake.write("lunch?", chat=-9, kind="group")
        await fake.write("", chat=-9, kind="group", migrate_to_chat_id=-1009)
        await fake.write("", chat=-1009, kind="supergroup", migrate_from_chat_id=-9)
        # the new chat counts its messages anew
        await fake.write("@Andy hi", chat=-1009, kind="supergroup", message_id=1)
        sent = await fake.called("sendMessage", 1)
    assert (sent[0]["chat_id"], sent[0]["text"]) == ("-1009", "re: @Andy hi")
    async with open_store(tmp_path) as store:
        assert {group.folder: group.chat for group in store.groups}["group-3"] == "telegram:-1009"
        inbox = await store.read("SELECT chat, text FROM inbox WHERE chat LIKE '%009' ORDER BY seq")
        assert inbox == [("telegram:-1009", "lunch?"), ("telegram:-1009", "@Andy hi")]
        assert store.group("telegram:-9") == store.group("telegram:-1009")


SECRET = "my PIN is 4711"


@pytest.mark.parametrize(
    "update",
    [
        {"message": {"text": SECRET}},
        {"message": {"forward_origin": {"type": "hidden_user"}, "text": SECRET}},
        {"message": {"forward_origin": {"type": "hologram", "text": SECRET}}},
        {"message": SECRET},
        {"message": {"photo": [{"text": SECRET}]}},
        {},
    ],
)
async def test_what_cannot_be_read_is_skipped_said_once_and_never_shown(
    tmp_path: Path, update: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("DEBUG", (), tmp_path / "logs")
    whole = {"message_id": 1, "date": 1790000000, "chat": {"id": 8, "type": "private"}, "from": ADA}
    if isinstance(update.get("message"), dict) and "photo" not in update["message"]:
        whole.pop("date")
    if isinstance(update.get("message"), dict):
        update = {"message": {**whole, **update["message"]}}
    async with fake_telegram() as fake, running(fake, tmp_path):
        await fake.bring(update)
        await fake.bring(update)
        await fake.write("after it", chat=8)
        sent = await fake.called("sendMessage", 2 if update else 1)
        polls = await fake.called("getUpdates", 2)
    texts = {call["chat_id"]: call["text"] for call in sent}
    assert texts["8"] == "re: after it"
    assert ("was skipped" in texts.get("7", "")) is bool(update)
    assert polls[-1]["offset"] == "4", "they are acknowledged"
    shown = capsys.readouterr()
    log = (tmp_path / "logs/bot.log").read_text("utf-8")
    assert SECRET not in "".join((log, shown.err, shown.out, *texts.values()))


async def test_half_a_character_is_mended_on_its_way_in(tmp_path: Path) -> None:
    half = json.loads('"smile \\ud83d end"')
    async with fake_telegram() as fake, running(fake, tmp_path):
        await fake.write(half, **{"from": {**ADA, "first_name": half}})
        sent = await fake.called("sendMessage")
    assert sent[0]["text"] == "re: smile \N{REPLACEMENT CHARACTER} end"


async def test_a_message_that_can_never_be_stored_is_skipped_and_the_next_is_answered(
    tmp_path: Path,
) -> None:
    async def echo(turn: Turn) -> Sequence[str]:
        return [f"re: {message.text}" for message in turn.asked]

    async with fake_telegram() as fake, open_store(tmp_path) as store:
        await register(store, "telegram:7")
        assistant = Assistant(store, [channel(fake.url)], FunctionAgent(echo), Backoff(0.01, 0.02))
        take_in = store.take_in

        async def refusing(message: Message, **more: Any) -> bool:
            if message.text == "poison":
                raise ValueError("no")
            return await take_in(message, **more)

        store.take_in = refusing  # type: ignore[method-assign]
        stop = asyncio.Event()
        task = asyncio.create_task(assistant.run(stop, grace=1))
        await fake.write("poison")
        await fake.write("hello")
        sent = await fake.called("sendMessage", 2)
        stop.set()
        await asyncio.wait_for(task, 600)
    assert {call["text"] for call in sent} >= {"re: hello"}
    assert any("a message of telegram was skipped" in call["text"].lower() for call in sent)


async def test_marks_are_telegrams_own_and_what_is_refused_goes_as_it_was_written(
    tmp_path: Path,
) -> None:
    async def reply(turn: Turn) -> Sequence[str]:
        return ["😀 **b** `c` [w](https://a.b)\n```py\nx\n```"]

    async with fake_telegram() as fake, running(fake, tmp_path, FunctionAgent(reply)):
        await fake.write("one")
        first = (await fake.called("sendMessage"))[0]
        fake.refusals["sendMessage"] = [(400, "Bad Request: can't parse entities", {})]
        await fake.write("two")
        plain = (await fake.called("sendMessage", 3))[2]
    assert first["text"] == "😀 b c w\nx"
    assert [
        (one["type"], one["offset"], one["length"], one.get("url"), one.get("language"))
        for one in json.loads(first["entities"])
    ] == [
        ("bold", 3, 1, None, None),
        ("code", 5, 1, None, None),
        ("text_link", 7, 1, "https://a.b", None),
        ("pre", 9, 1, None, "py"),
    ]
    assert plain["text"].startswith("😀 **b** `c`")
    assert "entities" not in plain


async def test_a_file_is_fetched_within_its_limit_and_the_token_is_in_no_error() -> None:
    async with fake_telegram() as fake:
        telegram = channel(fake.url)
        fake.files = {"F": b"x" * 10}
        file = Attachment("photo", "photo.jpg", source="F")
        assert await telegram.fetch(file, 10) == b"x" * 10
        with pytest.raises(Unfetchable, match="larger"):
            await telegram.fetch(file, 9)
        fake.refusals["getFile"] = [(400, "Bad Request: file is too big", {})]
        with pytest.raises(Unfetchable, match="file is too big"):
            await telegram.fetch(file, 10)
        fake.refusals["getFile"] = [(502, "Bad Gateway", {})]
        with pytest.raises(Exception, match="Bad Gateway"):
            await telegram.fetch(file, 10)
        file_path = {"file_id": "G", "file_unique_id": "G", "file_path": "gone"}
        fake._result = lambda *_: file_path  # type: ignore[method-assign]
        with pytest.raises(ConnectionError) as failed:
            await telegram.fetch(file, 10)
        await telegram.disconnect()
    assert TOKEN not in f"{failed.value!r} {failed.value.__cause__!r}"


async def test_a_file_goes_out_with_its_words_and_into_its_topic(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    async with fake_telegram() as fake:
        telegram = channel(fake.url)
        document = File("a.pdf", "application/pdf", str(copy), "")
        await telegram.send_file("telegram:-100:42", document, "**here**")
        picture = File("a.png", "image/png", str(copy), "")
        await telegram.send_file("telegram:7", picture, "")
        fake.refusals["sendPhoto"] = [(400, "Bad Request: PHOTO_INVALID_DIMENSIONS", {})]
        await telegram.send_file("telegram:7", picture, "")
        await telegram.send_file("telegram:7", File("a.ogg", "audio/ogg", str(copy), ""), "listen")
        fake.refusals["sendDocument"] = [(403, "Forbidden: bot was blocked by the user", {})]
        with pytest.raises(Undeliverable, match="blocked"):
            await telegram.send_file("telegram:7", document, "")
        too_large = (413, "Request Entity Too Large", {})
        fake.refusals |= {"sendPhoto": [too_large], "sendDocument": [too_large]}
        with pytest.raises(Undeliverable, match="Too Large"):
            await telegram.send_file("telegram:7", picture, "")
        table = f"|{'a|' * 9}\n|{'-|' * 9}\n|{'b' * 400}|\n" + "|x|\n" * 9
        await telegram.send_file("telegram:7", document, table)
        await telegram.disconnect()
    first, second, _, _, last = fake.of("sendDocument")
    assert last["caption"] == table, "which would be longer as it is shown"
    assert (first["chat_id"], first["message_thread_id"], first["caption"]) == (
        "-100",
        "42",
        "here",
    )
    assert json.loads(first["caption_entities"])[0]["type"] == "bold"
    assert "contents" in first.values()
    assert len(fake.of("sendPhoto")) == 3
    assert [said["caption"] for said in fake.of("sendVoice")] == ["listen"]
    assert second["chat_id"] == "7"


async def test_a_photo_from_telegram_is_a_file_for_the_agent(tmp_path: Path) -> None:
    prompts: list[str] = []

    async def answer(turn: Turn) -> Sequence[str]:
        prompts.append(turn.prompt)
        return ["nice"]

    stop = asyncio.Event()
    async with fake_telegram() as fake, open_store(tmp_path) as store:
        fake.files = {"F": b"\x89PNG"}
        await register(store, "telegram:7")
        files = Files(store, Paths(tmp_path), 100, 10)
        assistant = Assistant(store, [channel(fake.url)], FunctionAgent(answer), files=files)
        task = asyncio.create_task(assistant.run(stop, grace=1))
        await fake.write("", photo=PHOTO, caption="my cat")
        await fake.called("sendMessage")
        stop.set()
        await asyncio.wait_for(task, 600)
    assert (tmp_path / "groups/main/attachments/1.0-photo.jpg").read_bytes() == b"\x89PNG"
    assert "[photo] my cat" in prompts[0]
    assert 'path="attachments/1.0-photo.jpg" type="image/jpeg" size="4"' in prompts[0]
