"""E-mail: a mailbox by IMAP (aioimaplib) and SMTP (aiosmtplib); a thread is a conversation."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from email.utils import formataddr, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from bot.channels.base import Channel
from bot.channels.email_messages import ADDRESS, Mail
from bot.channels.kept import Kept
from bot.errors import Misconfigured, Undeliverable, Unfetchable
from bot.formatting import parser
from bot.groups import one_line
from bot.log import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.messages import Attachment, File, Receive
    from bot.settings import Settings

__all__ = ["EmailChannel"]

IDLE_SECONDS = 240
"""So long a silent connection is believed in; then it is asked."""
POLL_SECONDS = 60
"""So often a server without IDLE is asked."""
MOST_BYTES = 64 << 20
IMAP_TLS, SMTP_TLS = 993, 465
LOCAL = {"127.0.0.1", "::1", "localhost"}
NEEDED = ("email_address", "email_password", "email_imap", "email_smtp", "email_authserv")
AUTHSERV_HINT = (
    "set it to the first word of the header Authentication-Results in a mail that you got"
)
PASSING = re.compile(
    rb"\[(UNAVAILABLE|INUSE|LIMIT|OVERQUOTA|SERVERBUG)|temporar|try again|too many", re.IGNORECASE
)
"""What a server says to a login that it may take later."""
REFUSED = "the mail server does not accept EMAIL_PASSWORD"
PASSWORD_HINT = "set EMAIL_PASSWORD; where you log in with two factors, make an app password"  # noqa: S105


class TooLarge(Exception):
    """A mail that nobody reads."""


class EmailChannel(Channel):
    """Who writes, `email:<address>`, and each thread with them, `email:<address>:<thread>`.

    `pairs` is off: a code would go to everybody who sends advertising.
    """

    name: ClassVar[str] = "email"
    pairs = False

    def __init__(self, settings: Settings) -> None:
        self._address, self._password = settings.email_address, settings.email_password.value
        self._imap = _place(settings.email_imap, "EMAIL_IMAP", IMAP_TLS)
        self._smtp = _place(settings.email_smtp, "EMAIL_SMTP", SMTP_TLS)
        self._authserv = settings.email_authserv
        self._name = settings.assistant_name
        self._kept = Kept(settings.graftbot_data / "email.json")
        """`read`: validity and number of the last mail that was read; a thread by its chat."""
        self._numbers: defaultdict[tuple[str, str], str] = defaultdict(
            lambda: make_msgid(domain=self._address.partition("@")[2])
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        missing = [key.upper() for key in NEEDED if not getattr(settings, key)]
        if len(missing) == len(NEEDED):
            return None
        if missing:
            hint = AUTHSERV_HINT if missing[0] == "EMAIL_AUTHSERV" else f"set {missing[0]}"
            raise Misconfigured(f"{', '.join(missing)} is missing for e-mail", hint=hint)
        return cls(settings)

    async def check(self) -> str:
        from aiosmtplib import SMTPAuthenticationError, SMTPException  # noqa: PLC0415

        async with self._mailbox():
            pass
        try:
            async with self._post():
                pass
        except SMTPAuthenticationError as error:
            if error.code < 500:
                raise ConnectionError("SMTP does not log us in now") from None
            raise Misconfigured(REFUSED, hint=PASSWORD_HINT) from error
        except SMTPException as error:
            raise ConnectionError(f"SMTP does not answer ({type(error).__name__})") from None
        return self._address

    async def connect(self, receive: Receive) -> None:
        async with self._mailbox() as (imap, validity):
            last = await self._begin(imap, validity)
            while True:
                for number in await _newer(imap, last):
                    if data := await self._read(imap, number):
                        await self._hand_over(data, f"{validity}/{number}", receive)
                    await self._kept.put("read", f"{validity} {number}")
                    last = number
                await _wait(imap)

    async def send(self, chat: str, text: str) -> None:
        await self._send(chat, text, self._draft(chat, text))

    async def send_file(self, chat: str, file: File, text: str) -> None:
        draft = self._draft(chat, text or file.name)
        kind, _, subtype = file.type.partition("/")
        if kind in {"message", "multipart"}:  # which would have to be as they are in a mail
            kind, subtype = "application", "octet-stream"
        data = await asyncio.to_thread(Path(file.copy).read_bytes)
        name = one_line(file.name)
        draft.add_attachment(data, maintype=kind, subtype=subtype, filename=name)
        await self._send(chat, file.copy, draft)

    async def fetch(self, attachment: Attachment, most: int) -> bytes:
        validity, number, part = attachment.source.split("/")
        async with self._mailbox() as (imap, now):
            whole = await self._read(imap, int(number)) if validity == now else b""
        if not whole:
            raise Unfetchable("the mail is no longer there")
        data = Mail.of(whole).part(int(part))
        if len(data) > most:
            raise Unfetchable(f"it is larger than {most >> 20} MB")
        return data

    async def _begin(self, imap: Any, validity: str) -> int:
        """The number of the last mail that was read. What lies there at the first start is old.
        A mailbox that numbers anew is read again; what was stored before is known by its identity.
        """
        known, _, last = self._kept.get("read").partition(" ")
        if not known:
            newest = max(await _newer(imap, 0), default=0)
            await self._kept.put("read", f"{validity} {newest}")
            return newest
        return int(last) if known == validity else 0

    async def _read(self, imap: Any, number: int) -> bytes:
        """A mail; empty if it is gone, or larger than anybody reads, which is said."""
        about = await _done(imap.uid("fetch", str(number), "(RFC822.SIZE)"))
        size = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(map(bytes, about)))
        if size is None:
            return b""
        if int(size[1]) > MOST_BYTES:
            await self.skip("a mail", TooLarge())
            return b""
        lines = await _done(imap.uid("fetch", str(number), "(UID BODY.PEEK[])"))
        return next((bytes(line) for line in lines if isinstance(line, bytearray)), b"")

    async def _hand_over(self, data: bytes, source: str, receive: Receive) -> None:
        try:
            mail = Mail.of(data)
            if why := mail.unfit(self._address, self._authserv):
                log.info("mail left out", why=why)
                return
            message = mail.message(self.name, source)
            thread = mail.thread()
        except Exception as error:  # noqa: BLE001  # whatever it is made of: the next is read
            await self.skip("a mail", error)
            return
        await self._kept.put(message.chat, json.dumps(thread))
        await self.hand_over(receive, message)

    def _draft(self, chat: str, text: str) -> EmailMessage:
        """A mail into a thread, or one that begins a thread and is called by its first line."""
        _, address, *_ = chat.split(":")
        if not ADDRESS.fullmatch(address):
            raise Undeliverable(f"{address} is no address", hint="register email:you@example.org")
        thread = json.loads(self._kept.get(chat) or "{}")
        draft = EmailMessage()
        draft["From"] = formataddr((self._name, self._address))
        draft["To"] = address
        first = one_line(text.strip().partition("\n")[0].strip("#*_ "))[:70]
        draft["Subject"] = one_line(thread.get("subject") or first or self._name)
        if thread:
            draft["In-Reply-To"] = thread["last"]
            draft["References"] = thread["references"]
        draft["Auto-Submitted"] = "auto-replied"
        draft.set_content(text)
        draft.add_alternative(parser().render(text), subtype="html")
        return draft

    async def _send(self, chat: str, what: str, draft: EmailMessage) -> None:
        """A mail that is tried again is the same mail, by its identity."""
        from aiosmtplib import (  # noqa: PLC0415
            SMTPAuthenticationError,
            SMTPException,
            SMTPNotSupported,
            SMTPRecipientsRefused,
            SMTPResponseException,
        )

        draft["Message-ID"] = self._numbers[chat, what]
        try:
            async with self._post() as smtp:
                await smtp.send_message(draft)
        except SMTPAuthenticationError:
            raise ConnectionError(REFUSED) from None
        except SMTPNotSupported:
            raise Undeliverable("the mail server cannot send to such an address") from None
        except (SMTPRecipientsRefused, SMTPResponseException) as error:
            codes = [one.code for one in getattr(error, "recipients", ())] or [
                getattr(error, "code", 0)
            ]
            if min(codes) >= 500:
                raise Undeliverable(f"the mail server refuses: {codes[0]}") from None
            raise ConnectionError(f"the mail server refuses for now: {codes[0]}") from None
        except SMTPException as error:
            raise ConnectionError(f"SMTP does not answer ({type(error).__name__})") from None
        del self._numbers[chat, what]

    @asynccontextmanager
    async def _mailbox(self) -> AsyncIterator[tuple[Any, str]]:
        """The inbox, and the validity of its numbers."""
        import aioimaplib  # noqa: PLC0415

        host, port = self._imap
        kind = aioimaplib.IMAP4 if host in LOCAL else aioimaplib.IMAP4_SSL
        imap = kind(host, port, timeout=30)
        try:
            await imap.wait_hello_from_server()
            answer = await imap.login(self._address, self._password)
            if answer.result != "OK":
                if PASSING.search(b" ".join(map(bytes, answer.lines))):
                    raise ConnectionError("IMAP does not log us in now")
                raise Misconfigured(REFUSED, hint=PASSWORD_HINT)
            lines = await _done(imap.select("INBOX"))
            found = re.search(rb"UIDVALIDITY (\d+)", b" ".join(map(bytes, lines)))
            yield imap, found[1].decode() if found else "0"
        except (aioimaplib.Error, TimeoutError) as error:
            raise ConnectionError(f"IMAP does not answer ({type(error).__name__})") from None
        finally:
            with suppress(Exception):  # it may be gone
                async with asyncio.timeout(5):
                    await imap.logout()

    @asynccontextmanager
    async def _post(self) -> AsyncIterator[Any]:
        from aiosmtplib import SMTP  # noqa: PLC0415

        host, port = self._smtp
        smtp = SMTP(
            hostname=host,
            port=port,
            username=self._address,
            password=self._password,
            use_tls=port == SMTP_TLS,
            start_tls=not (host in LOCAL or port == SMTP_TLS),
        )
        async with smtp:
            yield smtp


def _place(text: str, key: str, port: int) -> tuple[str, int]:
    host, _, given = text.partition(":")
    if given and not given.isdigit():
        raise Misconfigured(f"{key} cannot be {text!r}", hint=f"write it like {host}:{port}")
    return host, int(given or port)


async def _done(asking: Any) -> list[Any]:
    """The lines of an answer. Raises ConnectionError where the server refuses."""
    answer = await asking
    if answer.result != "OK":
        raise ConnectionError("IMAP refuses")
    return list(answer.lines)


async def _newer(imap: Any, last: int) -> list[int]:
    """The numbers of the mails after one, in order."""
    lines = await _done(imap.uid_search("UID", f"{last + 1}:*", charset=None))
    numbers = [int(one) for one in bytes(lines[0]).split() if one.isdigit()]
    return sorted(one for one in numbers if one > last)


async def _wait(imap: Any) -> None:
    """Until there may be something new."""
    if not imap.has_capability("IDLE"):
        await asyncio.sleep(POLL_SECONDS)
        return
    idle = await imap.idle_start(timeout=IDLE_SECONDS)
    try:
        await imap.wait_server_push(IDLE_SECONDS + 10)
    finally:
        imap.idle_done()
    async with asyncio.timeout(30):
        await idle
