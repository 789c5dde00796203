"""A mail server in this process: IMAP4rev1 with IDLE (RFC 3501, 2177) and SMTP with AUTH (RFC 5321, 4954), as far as the
channel relies on them.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

__all__ = ["ADDRESS", "PASSWORD", "SERVER", "FakeMail", "fake_mail", "mail"]

ADDRESS, PASSWORD, SERVER = "andy@example.org", "a password for tests", "mx.example.org"


def mail(text: str, number: str, subject: str = "Lunch", **headers: str) -> EmailMessage:
    """A mail of Ada's, for whom the server vouches."""
    made = EmailMessage()
    given = {
        "Authentication-Results": f"{SERVER}; dkim=pass; dmarc=pass (p=NONE)",
        "From": "Ada L. <Ada@example.com>",
        "To": ADDRESS,
        "Subject": subject,
        "Message-ID": f"<{number}@example.com>",
        "Date": "Thu, 01 Jan 2026 10:00:00 +0000",
        **headers,
    }
    for name, value in given.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made


class FakeMail:
    def __init__(self) -> None:
        self.sends = "235 yes"
        """What this account is answered when it wants to send."""
        self.busy = False
        self.imap = self.smtp = 0
        self.validity = 17
        self.sent: list[EmailMessage] = []
        self.refusals: list[str] = []
        """What the next mails are answered with instead."""
        self.said: list[str] = []
        """What was asked by IMAP."""
        self._box: dict[int, bytes] = {}
        self._idle: dict[asyncio.StreamWriter, str] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._news = asyncio.Condition()

    def put(self, one: EmailMessage | bytes) -> None:
        data = one if isinstance(one, bytes) else one.as_bytes(policy=policy.SMTP)
        self._box[max(self._box, default=0) + 1] = data
        for writer in self._idle:
            writer.write(f"* {len(self._box)} EXISTS\r\n".encode())

    def number_anew(self) -> None:
        self.validity += 1
        self._box = {number + 100: data for number, data in self._box.items()}

    async def until(self, sent: int = 0, idle: bool = False) -> list[EmailMessage]:
        async with asyncio.timeout(600), self._news:
            await self._news.wait_for(
                lambda: len(self.sent) >= sent and (bool(self._idle) or not idle)
            )
        return self.sent

    async def serve_imap(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                if line == "DONE":
                    writer.write(f"{self._idle.pop(writer)} OK done\r\n".encode())
                    continue
                tag, _, asked = line.partition(" ")
                self.said.append(asked)
                if asked.upper() == "IDLE":
                    writer.write(b"+ idling\r\n")
                    async with self._news:
                        self._idle[writer] = tag
                        self._news.notify_all()
                    continue
                writer.write(self._answer(tag, asked))
        finally:
            self._idle.pop(writer, None)
            writer.close()

    def _answer(self, tag: str, asked: str) -> bytes:
        done = f"{tag} OK done\r\n".encode()
        match asked.upper().split()[0:2]:
            case ["CAPABILITY"]:
                return b"* CAPABILITY IMAP4rev1 IDLE\r\n" + done
            case ["LOGIN", *_]:
                if self.busy:
                    return f"{tag} NO [UNAVAILABLE] later\r\n".encode()
                if f'"{PASSWORD}"' not in asked:
                    return f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode()
                return done
            case ["SELECT", *_]:
                return (
                    f"* {len(self._box)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n".encode()
                    + done
                )
            case ["UID", "SEARCH"]:
                begin = re.search(r"UID (\d+):\*", asked)
                assert begin
                found = [one for one in self._box if one >= int(begin[1])]
                found = found or list(self._box)[-1:]  # n:* always has the last one
                return f"* SEARCH {' '.join(map(str, found))}\r\n".encode() + done
            case ["UID", "FETCH"]:
                return self._fetch(int(asked.split()[2]), "RFC822.SIZE" in asked) + done
            case ["LOGOUT"]:
                return b"* BYE\r\n" + done
        return f"{tag} BAD what\r\n".encode()

    def _fetch(self, number: int, size: bool) -> bytes:
        if (data := self._box.get(number)) is None:
            return b""
        if size:
            return f"* 1 FETCH (UID {number} RFC822.SIZE {len(data)})\r\n".encode()
        return f"* 1 FETCH (UID {number} BODY[] {{{len(data)}}}\r\n".encode() + data + b")\r\n"

    async def serve_smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper().split()[0]
            if verb == "AUTH":
                given = base64.b64decode(line.split()[2]) if len(line.split()) > 2 else b""
                good = given == f"\0{ADDRESS}\0{PASSWORD}".encode()
                writer.write(f"{self.sends if good else '535 no'}\r\n".encode())
            elif verb == "EHLO":
                writer.write(b"250-here\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n")
            elif verb == "RCPT" and self.refusals:
                writer.write(self.refusals.pop(0).encode() + b"\r\n")
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                data = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                await self._take(data.replace(b"\r\n..", b"\r\n."))
                writer.write(b"250 taken\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    async def _take(self, data: bytes) -> None:
        found: Any = message_from_bytes(data, policy=policy.default)
        async with self._news:
            self.sent.append(found)
            self._news.notify_all()

    def end(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def fake_mail() -> AsyncIterator[FakeMail]:
    """On free ports of loopback, for as long as the context lasts."""
    fake = FakeMail()
    imap = await asyncio.start_server(fake.serve_imap, "127.0.0.1", 0, limit=1 << 24)
    smtp = await asyncio.start_server(fake.serve_smtp, "127.0.0.1", 0, limit=1 << 24)
    fake.imap, fake.smtp = (one.sockets[0].getsockname()[1] for one in (imap, smtp))
    try:
        yield fake
    finally:
        imap.close()
        smtp.close()
        fake.end()
        await asyncio.sleep(0)
