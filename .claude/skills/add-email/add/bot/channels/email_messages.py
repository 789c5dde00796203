"""A mail as the assistant's message: who wrote it, in which thread, and what is to be answered."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parseaddr
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Self

from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["Mail"]

REPLY = re.compile(r"^\s*((re|aw|sv|antw|fwd?)(\[\d+\])?:\s*)+", re.IGNORECASE)
IDENTITY = re.compile(r"<[^<>\s]+>")
QUOTED = re.compile(r"(?:^[^\n>]*:[ \t]*\n\s*)?(?:^>[^\n]*\n?|^\s*\n)+\Z", re.MULTILINE)
SIGNATURE = re.compile(r"^-- \n.*\Z", re.MULTILINE | re.DOTALL)
KINDS = {"image": "photo", "audio": "audio", "video": "video"}
BULK = {"bulk", "list", "junk"}


@dataclass(frozen=True)
class Mail:
    """A mail that was read."""

    raw: EmailMessage

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(message_from_bytes(data, policy=policy.default))

    @property
    def address(self) -> str:
        return parseaddr(str(self.raw["From"]))[1].lower()

    @property
    def identity(self) -> str:
        found = IDENTITY.search(str(self.raw["Message-ID"] or ""))
        return found[0] if found else f"<{hashlib.sha256(bytes(self.raw)).hexdigest()}>"

    @property
    def references(self) -> list[str]:
        """Those before it in its thread, the first one first."""
        said = f"{self.raw['References'] or ''} {self.raw['In-Reply-To'] or ''}"
        return list(dict.fromkeys(IDENTITY.findall(said)))

    def unfit(self, own: str, authserv: str) -> str:
        """Why it is not answered; empty if it may be. An address is what anyone may write: the
        mail server, by the name in `authserv`, has to vouch for it.
        """
        senders = [one for field in self.raw.get_all("From") or () for one in field.addresses]
        if len(senders) != 1 or not self.address or self.address == own.lower():
            return "it is our own, or not one person's"
        if (self.raw["Auto-Submitted"] or "no").strip().lower() != "no" or self.raw["List-Id"]:
            return "a program or a list has sent it"
        if (self.raw["Precedence"] or "").strip().lower() in BULK:
            return "it goes to many"
        results = [str(one) for one in self.raw.get_all("Authentication-Results") or ()]
        ours = [one for one in results if re.split(r"[\s;]", one.strip())[0] == authserv]
        if not ours or not re.search(r"\bdmarc=pass\b", re.sub(r"\([^()]*\)", "", ours[0])):
            return "the mail server does not vouch for who has sent it"
        return ""

    def message(self, channel: str, source: str) -> Message:
        """What was written. `source` is where the mail is found again."""
        root = (self.references or [self.identity])[0]
        topic = hashlib.sha256(root.encode()).hexdigest()[:16]
        text, quoted = self._text()
        subject = str(self.raw["Subject"] or "").strip()
        files = [
            (f"{kind} {name}", Attachment(kind, name, len(self.part(number)), type_, at))
            for number, (kind, name, type_) in enumerate(self._files())
            for at in [f"{source}/{number}"]
        ]
        said = [
            *([f"[subject: {subject}]"] if subject and not self.references else []),
            *([f"[{'; '.join(name for name, _ in files)}]"] if files else []),
            text,
        ]
        date = self.raw["Date"]
        return Message(
            f"{channel}:{self.address}:{topic}",
            self.identity,
            parseaddr(str(self.raw["From"]))[0] or self.address,
            " ".join(filter(None, said)),
            (date.datetime if date else None) or datetime.now(UTC),
            True,
            self.address,
            quoted,
            attachments=tuple(file for _, file in files),
        )

    def thread(self) -> dict[str, str]:
        """What an answer needs to stay in it."""
        subject = REPLY.sub("", str(self.raw["Subject"] or "")).strip()
        references = [*self.references, self.identity]
        return {
            "subject": f"Re: {subject}",
            "last": self.identity,
            "references": " ".join([references[0], *references[1:][-20:]]),
        }

    def part(self, number: int) -> bytes:
        """The contents of a file; empty if there is none of this number."""
        parts = list(self.raw.iter_attachments())
        data: Any = parts[number].get_content() if number < len(parts) else b""
        if isinstance(data, str):
            return data.encode()
        return data if isinstance(data, bytes) else bytes(data)

    def _files(self) -> list[tuple[str, str, str]]:
        found = []
        for number, part in enumerate(self.raw.iter_attachments()):
            type_ = part.get_content_type()
            kind = KINDS.get(type_.partition("/")[0], "document")
            found.append((kind, part.get_filename() or f"file-{number}", type_))
        return found

    def _text(self) -> tuple[str, str]:
        """What is new in it, and what it quotes at its end. A signature is neither."""
        body = self.raw.get_body(("plain", "html"))
        if body is None:
            return "", ""
        text = body.get_content().replace("\r\n", "\n")
        if body.get_content_type() == "text/html":
            text = _read(text)
        text = SIGNATURE.sub("", text).rstrip() + "\n"
        found = QUOTED.search(text)
        new, quoted = (text[: found.start()], found[0]) if found else (text, "")
        if not new.strip():  # all of it is quoted: then that is what was written
            return text.strip(), ""
        lines = [line.lstrip("> ") for line in quoted.splitlines() if line.startswith(">")]
        return new.strip(), "\n".join(lines).strip()


class _Reader(HTMLParser):
    """The text of a page."""

    BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "blockquote"})
    HIDDEN = frozenset({"style", "script", "head", "title"})

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in self.HIDDEN
        self.text += "\n" if tag in self.BREAKS else ""

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self.HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else re.sub(r"\s+", " ", data)


def _read(page: str) -> str:
    reader = _Reader()
    reader.feed(page)
    return re.sub(r"[ \t]*\n\s*\n\s*", "\n\n", reader.text).strip()
