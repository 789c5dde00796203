"""The Slack channel through slack_sdk against a Web API and a Socket Mode server on loopback."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from doubles import answering, taken_in
from fake_slack import APP_TOKEN, BOT_TOKEN, FakeSlack, fake_slack

from bot.channels import CHANNELS
from bot.channels import slack as module
from bot.channels.slack import SlackChannel
from bot.errors import Misconfigured, RefusedForNow, Undeliverable, Unfetchable
from bot.log import set_up
from bot.messages import Attachment, File, Message, Turn
from bot.settings import Secret, Settings

CHATS = ("slack:D1", "slack:C1")


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeSlack]:
    async with fake_slack() as found:
        monkeypatch.setattr(module, "API", f"{found.url}/api/")
        yield found


def channel(folder: Path, bot: str = BOT_TOKEN, app: str = APP_TOKEN) -> SlackChannel:
    tokens = {"slack_bot_token": Secret(bot), "slack_app_token": Secret(app)}
    settings = Settings(assistant_name="Andy", graftbot_data=folder, **tokens)
    made = SlackChannel.from_settings(settings)
    assert made is not None
    return made


def test_it_starts_with_the_others_once_there_are_tokens(fake: FakeSlack, tmp_path: Path) -> None:
    assert SlackChannel in CHANNELS
    assert SlackChannel.from_settings(Settings()) is None
    for wrong, key in (((BOT_TOKEN, ""), "SLACK_APP"), ((APP_TOKEN, BOT_TOKEN), "SLACK_BOT")):
        with pytest.raises(Misconfigured, match=key):
            channel(tmp_path, *wrong)
    tokens = {"slack_bot_token": Secret(BOT_TOKEN), "slack_app_token": Secret(APP_TOKEN)}
    assert "a-token" not in repr(Settings(**tokens))
    code = f"import sys, bot.run; from {Settings.__module__} import {Settings.__name__} as S; [cls.from_settings(S()) for cls in bot.run.CHANNELS]"
    check = f"{code}; sys.exit('slack_sdk' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


async def test_a_private_chat_a_mention_and_a_thread_are_answered_where_they_are(
    fake: FakeSlack, tmp_path: Path
) -> None:
    set_up("DEBUG", [BOT_TOKEN, APP_TOKEN], tmp_path / "logs")
    async with answering(tmp_path, channel(tmp_path), *CHATS) as store:
        await fake.until(connected=1)
        await fake.write("hello")
        await fake.write("lunch?", "C1")
        asked = await fake.write("<@U1> where?", "C1")
        await fake.until(sent=2)
        await fake.write("and <@U1>, in here?", "C1", thread_ts=asked)
        await fake.until(sent=3, acknowledged=4)
        assert store.group(f"slack:C1:{asked.replace('.', '-')}"), "a conversation of its own"
    assert sorted((one["channel"], one.get("thread_ts"), one["text"]) for one in fake.sent[:2]) == [
        ("C1", None, "re: @Andy where?"),
        ("D1", None, "re: hello"),
    ]
    third = fake.sent[2]
    assert (third["thread_ts"], third["text"]) == (asked, "re: and @Andy, in here?")
    log = (tmp_path / "logs/bot.log").read_text("utf-8")
    assert "a-token" not in log
    assert "lunch" not in log


async def test_what_was_missed_is_answered_once_and_in_order(
    fake: FakeSlack, tmp_path: Path
) -> None:
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(connected=1)
        asked = await fake.write("one <@U1>", "C1")
        await fake.write("two <@U1>", "C1", thread_ts=asked)
        await fake.until(sent=2, acknowledged=2)
    for number in range(5):  # more than a page
        await fake.write(f"missed {number} <@U1>", "C1", live=False)
    await fake.write("in the thread <@U1>", "C1", live=False, thread_ts=asked)
    begun = await fake.write("aside", "C1", live=False, reply_count=1)
    await fake.write("in a new one <@U1>", "C1", live=False, thread_ts=begun)
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(connected=2)
        await fake.write("live <@U1>", "C1")
        await fake.until(sent=10)
        await fake.reconnect()
        await fake.write("meanwhile <@U1>", "C1", live=False)
        await fake.until(connected=3, sent=11)
    whole = [one["text"] for one in fake.sent if not one.get("thread_ts")]
    assert whole == [
        "re: one @Andy",
        *(f"re: missed {number} @Andy" for number in range(5)),
        "re: live @Andy",
        "re: meanwhile @Andy",
    ]
    threads = {one["text"]: one["thread_ts"] for one in fake.sent if one.get("thread_ts")}
    assert threads == {
        "re: two @Andy": asked,
        "re: in the thread @Andy": asked,
        "re: in a new one @Andy": begun,
    }


async def test_what_is_not_stored_is_not_acknowledged_and_comes_again(
    fake: FakeSlack, tmp_path: Path
) -> None:
    slack = channel(tmp_path)

    async def full(message: Message) -> bool:
        raise OSError("no space left")

    task = asyncio.create_task(slack.connect(full))
    await fake.until(connected=1)
    await fake.write("the first there ever was")
    with pytest.raises(OSError, match="no space left"):
        await asyncio.wait_for(task, 600)
    assert fake.acknowledged == []
    assert (await taken_in(slack, 1))[0].text == "the first there ever was"


async def test_what_cannot_be_read_is_skipped_and_the_next_is_answered(
    fake: FakeSlack, tmp_path: Path
) -> None:
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(connected=1)
        await fake.write("my PIN is 4711", files=[{"no": "id"}])
        await fake.write("two")
        sent = await fake.until(sent=2, acknowledged=2)
    told = next(text for text in sent if not text.startswith("re:"))
    assert told.startswith("A message of slack was skipped")
    assert "4711" not in told
    assert "re: two" in sent


async def test_a_name_that_is_not_known_for_now_keeps_nothing_from_being_answered(
    fake: FakeSlack, tmp_path: Path
) -> None:
    async with answering(tmp_path, channel(tmp_path), *CHATS):
        await fake.until(connected=1)
        begun = await fake.write("Shall I?", "C1", live=False, user="U1")
        fake.refusals["users.info"] = [(0, "")]
        fake.refusals["conversations.replies"] = [(0, "")]
        await fake.write("yes", "C1", thread_ts=begun, parent_user_id="U1")
        assert await fake.until(sent=1) == ["re: yes"]
    assert not fake.refusals["users.info"]
    assert not fake.refusals["conversations.replies"]


FILE = {"id": "F1", "name": "a b.pdf", "size": 4, "mimetype": "application/pdf"}


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            {"text": "<@U7> in <#C1|general> <!here> &lt;b&gt; &amp;"},
            "@Ada L. in #general @here <b> &",
        ),
        ({"text": "<https://a.b|words> <https://c.d>"}, "words (https://a.b) https://c.d"),
        ({"files": [FILE], "subtype": "file_share"}, "[document a b.pdf]"),
        ({"files": [{**FILE, "mimetype": "image/png"}], "text": "who?"}, "[photo a b.pdf] who?"),
        ({"subtype": "channel_join", "text": "has joined"}, ""),
        ({"user": "U1", "text": "mine"}, ""),
        ({"subtype": "bot_message", "bot_id": "B1", "user": None, "text": "mine"}, ""),
        ({"subtype": "bot_message", "bot_id": "B2", "user": None, "text": "beep"}, "beep"),
    ],
)
async def test_what_is_written_is_named(
    fake: FakeSlack, tmp_path: Path, more: dict[str, Any], text: str
) -> None:
    reading = asyncio.create_task(taken_in(channel(tmp_path), 2 if text else 1))
    await fake.until(connected=1)
    await fake.write(channel="C1", **{"text": "", **more})
    await fake.write("after", "C1")
    found = await reading
    assert [one.text for one in found] == [*([text] if text else []), "after"]
    assert [one.source for one in found[0].attachments] == ["F1"] * ("files" in more)
    assert found[0].bot is ("B2" in more.values())


async def test_threads_edits_and_who_is_meant(fake: FakeSlack, tmp_path: Path) -> None:
    reading = asyncio.create_task(taken_in(channel(tmp_path), 4))
    await fake.until(connected=1)
    first = await fake.write("first", "C1")
    mine = await fake.write("Shall I?", "C1", live=False, user="U1")
    await fake.write("yes", "C1", thread_ts=mine, parent_user_id="U1")
    await fake.write("so", "C1", thread_ts=first, parent_user_id="U7")
    changed = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": fake.now()}
    message = {"type": "message", "user": "U7", "text": "second", "ts": first}
    await fake.bring({**changed, "message": message})  # a preview
    before = {**message, "text": "early", "edited": {"ts": "1780000000.0"}}
    await fake.bring({**changed, "message": before, "previous_message": before})  # likewise
    await fake.bring({**changed, "message": {**message, "edited": {"ts": "1790009999.0"}}})
    plain, reply, aside, edited = await reading
    assert (plain.called, plain.direct, plain.sender, plain.sender_id) == (
        False,
        False,
        "Ada L.",
        "U7",
    )
    assert (reply.called, reply.quoted, reply.quoted_sender) == (True, "Shall I?", "Andy")
    assert (aside.called, aside.quoted, aside.quoted_sender) == (False, "first", "Ada L.")
    assert (edited.text, edited.id) == ("[edited] second", f"{first} edited 1790009999.0")


async def test_a_long_reply_is_split_and_a_piece_whose_answer_was_lost_comes_once(
    fake: FakeSlack, tmp_path: Path
) -> None:
    words = " ".join(f"word{n}" for n in range(1000))

    async def answer(turn: Turn) -> Sequence[str]:
        return [words, "again", "again"]

    async with answering(tmp_path, channel(tmp_path), *CHATS, answer=answer):
        await fake.until(connected=1)
        fake.answers_lost = 2
        fake.refusals["chat.postMessage"] = [(429, "ratelimited")]
        await fake.write("tell me")
        sent = await fake.until(sent=4)
    assert " ".join(sent[:-2]) == words
    assert all(len(text) <= 4000 for text in sent)
    assert sent[-2:] == ["again", "again"], "but the same twice is two"


async def test_marks_are_slacks_own_and_nobody_is_called(fake: FakeSlack, tmp_path: Path) -> None:
    async def answer(turn: Turn) -> Sequence[str]:
        return [
            "**b** *i* `a<b` [w](https://a.b/?x&y) <!channel> & <@U7>\n> q\n\n```py\nx & y\n```"
        ]

    async with answering(tmp_path, channel(tmp_path), *CHATS, answer=answer):
        await fake.until(connected=1)
        await fake.write("x")
        (text,) = await fake.until(sent=1)
    assert text == (
        "*b* _i_ `a&lt;b` w (https://a.b/?x&amp;y) &lt;!channel&gt; &amp; &lt;@U7&gt;\n> q\n\n"
        "```\nx &amp; y\n```"
    )


async def test_files_come_in_and_go_out(fake: FakeSlack, tmp_path: Path) -> None:
    fake.files["F1"] = b"\x89PNG"
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    slack = channel(tmp_path)
    async with answering(tmp_path, slack, *CHATS):
        await fake.until(connected=1)
        await fake.write("my cat", files=[{**FILE, "mimetype": "image/png"}])
        await fake.until(sent=1)
        saved = tmp_path / "groups/main/attachments"
        assert [one.read_bytes() for one in saved.iterdir()] == [b"\x89PNG"]
        with pytest.raises(Unfetchable, match="larger"):
            await slack.fetch(Attachment("photo", "cat.png", source="F1"), 3)
        with pytest.raises(Unfetchable, match="does not give it"):  # but a page to log in
            await slack.fetch(Attachment("photo", "dog.png", source="F8"), 3)
        with pytest.raises(Unfetchable, match="not kept at Slack"):  # where no token goes
            await slack.fetch(Attachment("photo", "cow.png", source="F7"), 3)
        file = File("a.pdf", "application/pdf", str(copy), "")
        await slack.send_file("slack:C1:1790001001-000100", file, "**here**")
    assert fake.files["a.pdf"] == b"contents"
    method, given = fake.calls[-1]
    assert method == "files.completeUploadExternal"
    assert (given["channel_id"], given["thread_ts"], given["initial_comment"]) == (
        "C1",
        "1790001001.000100",
        "*here*",
    )


async def test_groups_and_what_is_refused(fake: FakeSlack, tmp_path: Path) -> None:
    slack = channel(tmp_path)
    assert await slack.groups() == {"slack:C1": "#general"}
    fake.refusals["chat.postMessage"] = [
        (200, "is_archived"),
        (200, "not_in_channel"),
        (200, "what_nobody_knows_yet"),
        (200, "internal_error"),
        (500, ""),
        (200, "missing_scope"),
    ]
    refused = (Undeliverable, RefusedForNow, RefusedForNow)
    for kind in (*refused, ConnectionError, ConnectionError, Misconfigured):
        with pytest.raises(kind, match="Slack"):
            await slack.send("slack:C1", "x")


async def test_what_only_the_owner_can_mend_is_said(fake: FakeSlack, tmp_path: Path) -> None:
    async def receive(message: Message) -> bool:
        raise AssertionError(message)

    assert await channel(tmp_path).check() == "@andy of Home"
    for wrong in (("xoxb-other", APP_TOKEN), (BOT_TOKEN, "xapp-other")):
        with pytest.raises(Misconfigured, match="invalid_auth"):
            await asyncio.wait_for(channel(tmp_path, *wrong).connect(receive), 600)
