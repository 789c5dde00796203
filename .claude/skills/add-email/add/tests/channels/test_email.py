"""The e-mail channel through aioimaplib and aiosmtplib against a mail server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from doubles import answering
from fake_email import ADDRESS, PASSWORD, SERVER, FakeMail, fake_mail, mail

from bot.channels import CHANNELS
from bot.channels.email import EmailChannel
from bot.channels.email_messages import Mail
from bot.errors import Misconfigured, Undeliverable, Unfetchable
from bot.log import set_up
from bot.messages import Attachment, File, Message
from bot.settings import Secret, Settings

ADA = "email:ada@example.com"


@pytest.fixture
async def fake() -> AsyncIterator[FakeMail]:
    async with fake_mail() as found:
        yield found


def channel(fake: FakeMail, folder: Path, **more: Any) -> EmailChannel:
    given = {
        "email_address": ADDRESS,
        "email_password": Secret(PASSWORD),
        "email_imap": f"127.0.0.1:{fake.imap}",
        "email_smtp": f"127.0.0.1:{fake.smtp}",
        "email_authserv": SERVER,
        **more,
    }
    made = EmailChannel.from_settings(
        Settings(assistant_name="Andy", graftbot_data=folder, **given)
    )
    assert made is not None
    return made


def text_of(sent: EmailMessage) -> str:
    body = sent.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).strip()


def test_it_starts_with_the_others_once_it_is_configured(fake: FakeMail, tmp_path: Path) -> None:
    assert EmailChannel in CHANNELS
    assert EmailChannel.from_settings(Settings()) is None
    for missing in ("email_address", "email_imap", "email_smtp", "email_authserv"):
        with pytest.raises(Misconfigured, match=missing.upper()):
            channel(fake, tmp_path, **{missing: ""})
    with pytest.raises(Misconfigured, match="EMAIL_IMAP"):
        channel(fake, tmp_path, email_imap="host:imap")
    assert PASSWORD not in repr(Settings(email_password=Secret(PASSWORD)))


async def test_a_thread_is_a_conversation_and_an_answer_stays_in_it(
    fake: FakeMail, tmp_path: Path
) -> None:
    set_up("DEBUG", [PASSWORD], tmp_path / "logs")
    fake.put(mail("old", "0"))
    async with answering(tmp_path, channel(fake, tmp_path), ADA) as store:
        await fake.until(idle=True)
        fake.put(mail("where?", "1"))
        await fake.until(sent=1)
        again = {"In_Reply_To": "<x@y>", "References": "<1@example.com> <x@y>"}
        fake.put(mail("and when?", "2", "AW: Re: Lunch", **again))
        first, second = await fake.until(sent=2)
        topics = [group.chat for group in store.groups if group.topic]
    assert (text_of(first), first["To"]) == ("re: [subject: Lunch] where?", "ada@example.com")
    assert (first["Subject"], first["In-Reply-To"]) == ("Re: Lunch", "<1@example.com>")
    assert text_of(second) == "re: and when?"
    assert second["References"] == "<1@example.com> <x@y> <2@example.com>"
    assert (second["Auto-Submitted"], second["From"]) == ("auto-replied", f"Andy <{ADDRESS}>")
    assert len(topics) == 1
    assert not [said for said in fake.said if "STORE" in said or "BODY[]" in said], "left as it was"
    log = (tmp_path / "logs/bot.log").read_text("utf-8")
    assert PASSWORD not in log
    assert "where?" not in log


async def test_what_was_missed_is_answered_once_also_where_mails_are_numbered_anew(
    fake: FakeMail, tmp_path: Path
) -> None:
    async with answering(tmp_path, channel(fake, tmp_path), ADA):
        await fake.until(idle=True)
        fake.put(mail("one", "1"))
        await fake.until(sent=1)
    fake.put(mail("two", "2"))
    async with answering(tmp_path, channel(fake, tmp_path), ADA):
        await fake.until(sent=2)
    fake.number_anew()
    fake.put(mail("three", "3"))
    async with answering(tmp_path, channel(fake, tmp_path), ADA):
        sent = await fake.until(sent=3)
    assert [text_of(one).split()[-1] for one in sent] == ["one", "two", "three"]


async def test_a_mail_that_was_not_stored_is_read_again(fake: FakeMail, tmp_path: Path) -> None:
    stored: list[str] = []
    done = asyncio.Event()

    async def receive(message: Message) -> bool:
        stored.append(message.id)
        if len(stored) == 1:
            raise OSError("no space left")
        done.set()
        return True

    email = channel(fake, tmp_path)
    task = asyncio.create_task(email.connect(receive))
    await fake.until(idle=True)
    fake.put(mail("one", "1"))
    with pytest.raises(OSError, match="no space left"):
        await asyncio.wait_for(task, 600)
    task = asyncio.create_task(email.connect(receive))
    await asyncio.wait_for(done.wait(), 600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert stored == ["<1@example.com>"] * 2


async def test_a_mail_that_is_too_large_is_left_out_and_that_is_said(
    fake: FakeMail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.email.MOST_BYTES", 1_000)
    async with answering(tmp_path, channel(fake, tmp_path), ADA):
        await fake.until(idle=True)
        fake.put(mail("x" * 1_000, "1"))
        (said,) = await fake.until(sent=1)
    assert "A mail of email was skipped" in text_of(said)


async def test_what_is_left_out_and_what_cannot_be_read_is_said_and_the_next_is_answered(
    fake: FakeMail, tmp_path: Path
) -> None:
    set_up("INFO", [PASSWORD], tmp_path / "logs")
    async with answering(tmp_path, channel(fake, tmp_path), ADA):
        await fake.until(idle=True)
        fake.put(mail("away", "1", Auto_Submitted="auto-replied"))
        head = b"".join(
            f"Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n".encode()
            for depth in range(2_000)
        )
        fake.put(b"Subject: my PIN is 4711\r\nFrom: eve@example.net\r\n" + head)
        fake.put(mail("where?", "3"))
        said = [text_of(one) for one in await fake.until(sent=2)]
    assert any("mail of email was skipped" in text for text in said)
    assert any("where?" in text for text in said)
    assert not any("4711" in text for text in said)
    assert "mail left out" in (tmp_path / "logs/bot.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, ""),
        ({"Authentication_Results": f"{SERVER}; dmarc=fail"}, "vouch"),
        ({"Authentication_Results": "evil.example; dmarc=pass"}, "vouch"),
        ({"Authentication_Results": f"{SERVER}.evil.example; dmarc=pass"}, "vouch"),
        ({"Authentication_Results": f"{SERVER}; dmarc=fail (dmarc=pass)"}, "vouch"),
        (
            {"Authentication_Results": f"{SERVER}; spf=fail (a (b) ;dmarc=pass); dmarc=fail"},
            "vouch",
        ),
        ({"Authentication_Results": f"{SERVER}; spf=pass smtp.mailfrom=dmarc=pass@x.y"}, "vouch"),
        ({"Authentication_Results": f'{SERVER}; spf=pass x.y="a; dmarc=pass"@x.y'}, "vouch"),
        ({"Authentication_Results": f"{SERVER}; dmarc=pass; dmarc=fail"}, "vouch"),
        ({"Authentication_Results": f"{SERVER}; dmarc=pass header.from=example.net"}, "vouch"),
        ({"Authentication_Results": f"{SERVER}; dmarc=pass header.from=Example.com"}, ""),
        ({"Auto_Submitted": "auto-replied"}, "program"),
        ({"List_Id": "<x.example.com>"}, "list"),
        ({"Precedence": "bulk"}, "many"),
        ({"From": ADDRESS}, "own"),
        ({"From": "ada@example.com, eve@example.net"}, "one person's"),
        ({"From": "ada@example.com <eve@example.net>"}, "two ways"),
        ({"From": '"ada:x"@example.com'}, "two ways"),
    ],
)
def test_who_is_read(headers: dict[str, str], why: str) -> None:
    lines = mail("x", "1").as_bytes().split(b"\n")
    for name, value in headers.items():
        field = name.replace("_", "-").encode() + b": "
        lines = [field + value.encode(), *(one for one in lines if not one.startswith(field))]
    found = Mail.of(b"\n".join(lines)).unfit(ADDRESS, SERVER)
    assert why in found
    assert bool(why) is bool(found)


def test_only_the_first_result_of_the_server_counts() -> None:
    forged = f"Authentication-Results: {SERVER}; dmarc=fail\n".encode() + mail("x", "1").as_bytes()
    assert "vouch" in Mail.of(forged).unfit(ADDRESS, SERVER)


@pytest.mark.parametrize(
    ("text", "new", "quoted"),
    [
        ("yes\n\nOn Monday, Andy wrote:\n> Shall I?\n> Now?\n", "yes", "Shall I?\nNow?"),
        ("> one\nno\n> two\nyes\n", "> one\nno\n> two\nyes", ""),
        ("yes\n-- \nAda\n", "yes", ""),
        ("> all\n> of it\n", "> all\n> of it", ""),
    ],
)
def test_what_is_quoted_is_told_from_what_is_new(text: str, new: str, quoted: str) -> None:
    made = Mail.of(mail(text, "2", References="<1@x>").as_bytes()).message("email", "1/1")
    assert (made.text, made.quoted) == (new, quoted)


@pytest.mark.parametrize(
    "text", ["a" + "\n" * 9_000 + "x", ">a\n\n" * 9_000 + "x", "a:\n" * 9_000 + "x"]
)
def test_a_mail_costs_its_length_whatever_it_is_made_of(text: str) -> None:
    """Nobody is answered while one is read: an expression that tries all ways takes years."""
    assert Mail.of(mail(text, "1").as_bytes()).message("email", "1/1").text.endswith("x")
    made = mail("", "1")
    for page in ("<b> </b>" * 30_000 + "<p>x", "<!--" * 60_000 + "--> x", "<a '" * 60_000 + "'> x"):
        made.set_content(page, subtype="html")
        assert Mail.of(made.as_bytes()).message("email", "1/1").text.endswith("x")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<head><style>x</style></head><p>one &amp; two<br>three</p>", "one & two\nthree"),
        ("1 < 2, <b\nid=x>bold</b><!-- no < <p> -->!", "1 < 2, bold!"),
        ("<!DOCTYPE html><HEAD><title>t</title><BODY>x<script>a<b</script>y", "xy"),
        ("<a title=\"b>c\" href='>'>link</a>", "link"),
    ],
)
def test_of_a_page_the_text_is_read(page: str, text: str) -> None:
    made = mail("", "1", References="<0@x>")
    made.set_content(page, subtype="html")
    assert Mail.of(made.as_bytes()).message("email", "1/1").text == text


async def test_files_come_in_and_go_out(fake: FakeMail, tmp_path: Path) -> None:
    made = mail("my cat", "1")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="cat.png")
    copy = tmp_path / "copy"
    copy.write_bytes(b"contents")
    email = channel(fake, tmp_path)
    async with answering(tmp_path, email, ADA):
        await fake.until(idle=True)
        fake.put(made)
        (reply,) = await fake.until(sent=1)
        saved = list((tmp_path / "groups").glob("*topic*/attachments/*"))
        assert [one.read_bytes() for one in saved] == [b"\x89PNG"]
        with pytest.raises(Unfetchable, match="larger"):
            await email.fetch(Attachment("photo", "x", source="17/1/0"), 3)
        with pytest.raises(Unfetchable, match="no longer"):
            await email.fetch(Attachment("photo", "x", source="16/1/0"), 9)
        await email.send_file(ADA, File("a.pdf", "application/pdf", str(copy), ""), "# Here\nit is")
        *_, sent = await fake.until(sent=2)
    assert text_of(reply) == "re: [subject: Lunch] [photo cat.png] my cat"
    (file,) = sent.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.pdf", b"contents")
    assert sent["Subject"] == "Here"
    page = sent.get_body(("html",))
    assert page is not None
    assert "<h1>Here</h1>" in page.get_content()


NESTED = b"""\
Authentication-Results: mx.example.org; dmarc=pass
From: Ada@example.com
Message-ID: <1@example.com>
Subject: =?utf-8?q?two=0Alines?=
Content-Type: multipart/signed; boundary=A

--A
Content-Type: multipart/alternative; boundary=B

--B
Content-Type: text/plain; charset=nobody-knows

see there
--B
Content-Type: multipart/mixed; boundary=C

--C
Content-Type: text/html

<p>see there
--C
Content-Type: text/csv; charset=windows-1252
Content-Disposition: inline; filename="=?utf-8?q?=2E=2E/two=0Alines?="
Content-Transfer-Encoding: base64

4A+B
--C
Content-Type: message/rfc822

Subject: within

a mail
--C--
--B--
--A--
"""


def test_a_file_is_found_wherever_it_is_in_a_mail_and_has_the_bytes_that_were_sent() -> None:
    made = Mail.of(NESTED)
    message = made.message("email", "1/1")
    names = [one.name for one in message.attachments]
    assert names == ["../two lines", "file-1"]
    assert made.part(0) == b"\xe0\x0f\x81"
    assert made.part(1) == b"Subject: within\n\na mail"
    assert made.part(2) == b""
    assert message.text.endswith("file-1] see there")
    assert made.thread()["subject"] == "Re: two lines"


async def test_no_sign_that_ends_a_line_keeps_a_reply_from_being_sent(
    fake: FakeMail, tmp_path: Path
) -> None:
    email, copy = channel(fake, tmp_path), tmp_path / "copy"
    copy.write_bytes(b"From: x\n\nhi")
    with pytest.raises(Undeliverable, match="no address"):
        await email.send("email:ada", "hello")
    with pytest.raises(Undeliverable, match="such an address"):
        await email.send("email:ädä@example.org", "hello")
    await email.send(ADA, "one\u2028two\x0cthree")
    await email.send_file(ADA, File("a\nb.eml", "message/rfc822", str(copy), ""), "")
    first, second = fake.sent
    assert first["Subject"] == "one two three"
    (file,) = second.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a b.eml", copy.read_bytes())


async def test_what_is_tried_again_is_the_same_mail(fake: FakeMail, tmp_path: Path) -> None:
    email = channel(fake, tmp_path)
    fake.refusals = ["450 later", "550 no such user"]
    with pytest.raises(ConnectionError, match="450"):
        await email.send(ADA, "hello")
    with pytest.raises(Undeliverable, match="550"):
        await email.send(ADA, "hello")
    await email.send(ADA, "hello")
    await email.send(ADA, "hello")
    first, second = fake.sent
    assert first["Message-ID"] != second["Message-ID"]


async def test_what_only_the_owner_can_mend_is_said(fake: FakeMail, tmp_path: Path) -> None:
    assert await channel(fake, tmp_path).check() == ADDRESS
    wrong = channel(fake, tmp_path, email_password=Secret("other"))
    with pytest.raises(Misconfigured, match="EMAIL_PASSWORD"):
        await wrong.check()
    fake.busy = True
    with pytest.raises(ConnectionError, match="IMAP does not log us in now"):
        await channel(fake, tmp_path).check()
    fake.busy = False
    fake.sends = "454 later"
    with pytest.raises(ConnectionError, match="SMTP does not log us in now"):
        await channel(fake, tmp_path).check()
    fake.sends = "535 no"
    with pytest.raises(Misconfigured, match="EMAIL_PASSWORD"):
        await channel(fake, tmp_path).check()
    with pytest.raises(ConnectionError, match="SMTP does not answer"):
        await channel(fake, tmp_path, email_smtp="127.0.0.1:1").check()
