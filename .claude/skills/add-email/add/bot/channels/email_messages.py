"""A mail as the assistant's message: who wrote it, in which thread, and what is to be answered."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import InvalidHeaderDefect
from html import unescape
from typing import TYPE_CHECKING, Any, Self

from bot.groups import one_line
from bot.messages import Attachment, Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

__all__ = ["Mail"]

REPLY = re.compile(r"^\s*((re|aw|sv|antw|fwd?)(\[\d+\])?:\s*)+", re.IGNORECASE)
IDENTITY = re.compile(r"<[^<>\s]+>")
ADDRESS = re.compile(r"[^\s:\"<>()\[\]]+@[^\s:\"<>()\[\]]+")
DMARC = re.compile(r"\s*dmarc\s*(?:/\s*\d+\s*)?=\s*(\w+)", re.IGNORECASE)
OF_DOMAIN = re.compile(r"\bheader\.from\s*=\s*([^\s;]+)", re.IGNORECASE)
SIGNATURE = re.compile(r"^-- \n.*\Z", re.MULTILINE | re.DOTALL)
KINDS = {"image": "photo", "audio": "audio", "video": "video"}
BULK = {"bulk", "list", "junk"}
READ = {"text/plain", "text/html"}
TAG = re.compile(r"/?[a-zA-Z][a-zA-Z0-9:-]*")
WHOLE_TAG = re.compile(r"""[^"'>]*(?:(?:"[^"]*"|'[^']*')[^"'>]*)*>""")
BREAKS = {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "blockquote"}
HIDDEN = {"style", "script", "head", "title"}


@dataclass(frozen=True)
class Mail:
    """A mail that was read."""

    raw: EmailMessage

    @classmethod
    def of(cls, data: bytes) -> Self:
        return cls(message_from_bytes(data, policy=policy.default))

    @property
    def senders(self) -> list[Any]:
        """Who has sent it, as the header is read that is known to be well formed."""
        return [one for field in self.raw.get_all("From") or () for one in field.addresses]

    @property
    def address(self) -> str:
        return str(self.senders[0].addr_spec).lower()

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
        faults = [one for field in self.raw.get_all("From") or () for one in field.defects]
        if len(self.senders) != 1 or self.address == own.lower():
            return "it is our own, or not one person's"
        if any(isinstance(one, InvalidHeaderDefect) for one in faults) or not ADDRESS.fullmatch(
            self.address
        ):
            return "who has sent it can be read in two ways"
        if (self.raw["Auto-Submitted"] or "no").strip().lower() != "no" or self.raw["List-Id"]:
            return "a program or a list has sent it"
        if (self.raw["Precedence"] or "").strip().lower() in BULK:
            return "it goes to many"
        results = [str(one) for one in self.raw.get_all("Authentication-Results") or ()]
        ours = [one for one in results if re.split(r"[\s;]", one.strip())[0] == authserv]
        if not ours or not _vouched(ours[0], self.address.rpartition("@")[2]):
            return "the mail server does not vouch for who has sent it"
        return ""

    def message(self, channel: str, source: str) -> Message:
        """What was written. `source` is where the mail is found again."""
        root = (self.references or [self.identity])[0]
        topic = hashlib.sha256(root.encode()).hexdigest()[:16]
        text, quoted = self._text()
        subject = one_line(str(self.raw["Subject"] or ""))
        files = [
            (f"{kind} {name}", Attachment(kind, name, len(self.part(number)), type_, at))
            for number, (kind, name, type_) in enumerate(self._named())
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
            self.senders[0].display_name or self.address,
            " ".join(filter(None, said)),
            (date.datetime if date else None) or datetime.now(UTC),
            True,
            self.address,
            quoted,
            attachments=tuple(file for _, file in files),
        )

    def thread(self) -> dict[str, str]:
        """What an answer needs to stay in it."""
        subject = REPLY.sub("", one_line(str(self.raw["Subject"] or "")))
        references = [*self.references, self.identity]
        return {
            "subject": f"Re: {subject}",
            "last": self.identity,
            "references": " ".join([references[0], *references[1:][-20:]]),
        }

    def part(self, number: int) -> bytes:
        """The contents of a file as they were sent; empty if there is none of this number."""
        files = self._parts()[1]
        return _contents(files[number]) if number < len(files) else b""

    def _parts(self) -> tuple[EmailMessage | None, list[EmailMessage]]:
        """The text that is read, and all that is a file; what says the same in another form is
        neither.
        """
        body, files = None, []
        for part, in_other_forms in _leaves(self.raw):
            text = part.get_content_type() in READ and not part.is_attachment()
            if text and body is None:
                body = part
            elif not (text and in_other_forms):
                files.append(part)
        return body, files

    def _named(self) -> list[tuple[str, str, str]]:
        found = []
        for number, part in enumerate(self._parts()[1]):
            type_ = part.get_content_type()
            kind = KINDS.get(type_.partition("/")[0], "document")
            found.append((kind, one_line(part.get_filename() or f"file-{number}"), type_))
        return found

    def _text(self) -> tuple[str, str]:
        """What is new in it, and what it quotes at its end. A signature is neither."""
        body = self._parts()[0]
        if body is None:
            return "", ""
        text = _decoded(body).replace("\r\n", "\n")
        if body.get_content_type() == "text/html":
            text = _read(text)
        text = SIGNATURE.sub("", text).rstrip() + "\n"
        new = text.split("\n")  # line by line: what strangers write may cost its length and no more
        quoted: list[str] = []
        while new and (new[-1].startswith(">") or not new[-1].strip()):
            line = new.pop()
            quoted += [line.lstrip("> ")] if line.startswith(">") else []
        if quoted and new and new[-1].rstrip().endswith(":") and ">" not in new[-1]:
            new.pop()  # "Ada wrote:"
        if not "".join(new).strip():  # all of it is quoted: then that is what was written
            return text.strip(), ""
        return "\n".join(new).strip(), "\n".join(reversed(quoted)).strip()


def _vouched(results: str, domain: str) -> bool:
    """Whether the results of a server (RFC 8601) say that a mail is of this domain. All that says
    otherwise counts, and nothing that stands in a comment, in quotes or in another's value: the
    sender has chosen that.
    """
    found = [one for one in _unquoted(results).split(";")[1:] if DMARC.match(one)]
    said = {match[1].lower() for one in found for match in [DMARC.match(one)] if match}
    domains = {name.lower().rstrip(".") for one in found for name in OF_DOMAIN.findall(one)}
    return said == {"pass"} and domains <= {domain}


def _unquoted(text: str) -> str:
    """A structured header without its comments and quoted strings."""
    kept, depth, quoted = "", 0, False
    for sign in re.findall(r"\\.|.", text, re.DOTALL):
        if sign == '"' and not depth:
            quoted = not quoted
        elif not quoted:
            depth += sign == "("
            kept += "" if depth else sign
            depth -= sign == ")" and depth > 0
    return kept


def _leaves(part: Any, in_other_forms: bool = False) -> Iterator[tuple[Any, bool]]:
    """The parts of a mail that have no parts, in order; a mail within it is one of those. Whether
    it is one of several forms of the same.
    """
    if part.get_content_maintype() != "multipart" or not isinstance(part.get_payload(), list):
        yield part, in_other_forms
        return
    for one in part.iter_parts():
        forms = in_other_forms or part.get_content_subtype() == "alternative"
        yield from _leaves(one, forms)


def _contents(part: EmailMessage) -> bytes:
    if part.get_content_maintype() == "message":
        return b"\n".join(bytes(one) for one in part.iter_parts())
    data: Any = part.get_payload(decode=True)
    return bytes(data or b"")


def _decoded(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except LookupError:  # a set of characters that nobody knows
        return _contents(part).decode("utf-8", "replace")


def _read(page: str) -> str:
    """The text of a page, tag by tag: `html.parser` may take the square of what somebody wrote."""
    first, *pieces = page.split("<")
    said, until = [_shown(first)], ""
    for piece in pieces:
        tag = TAG.match(piece)
        name = tag[0].lower() if tag else ""
        if until == "-->" or (piece.startswith("!--") and not until):
            _, end, behind = piece.partition("-->")
            until = "" if end else "-->"
            said.append(_shown(behind))
        elif until and name not in {until, "body"}:
            continue
        elif not name and piece[:1] not in {"!", "?"}:
            said.append(_shown(f"<{piece}"))
        elif name in HIDDEN:
            until = f"/{name}"
        else:
            said += ["\n"] if name in BREAKS else []
            said.append(_shown(_behind(piece)))
            until = ""
    lines = (line.strip() for line in "".join(said).split("\n"))
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip()


def _behind(piece: str) -> str:
    """What follows a tag that has been begun."""
    whole = WHOLE_TAG.match(piece)
    return piece[whole.end() :] if whole else piece.partition(">")[2]


def _shown(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(text))
