"""Files of people: what came with messages goes into the group's folder, where its agent sees it;
what an agent sends lies with the host until it is delivered.
"""

import asyncio
import mimetypes
import re
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import PurePosixPath
from uuid import uuid4

from bot.channels import Channel
from bot.confined import reason
from bot.database import size
from bot.errors import BotError, Unfetchable, described
from bot.log import log
from bot.messages import Attachment, File
from bot.paths import Paths
from bot.store import Store
from bot.workers import Backoff

ATTEMPTS = 3
FOLDER = "attachments"
OURS = re.compile(r"(\d+)\.(\d+)-")
MOST_WAITING = 10
"""Of the largest file that may be: so much of a group's may wait to be delivered."""
WORKSPACE = "/workspace/group/"
"""Where an agent in a container has its group's folder."""


class Files:
    """Files of at most `most` bytes, none if 0; a group keeps the newest `kept` that came."""

    def __init__(self, store: Store, paths: Paths, most: int, kept: int) -> None:
        self._store, self._paths, self._most, self._kept = store, paths, most, kept
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.channel: Callable[[str], Channel | None] = lambda chat: None
        self.backoff = Backoff()
        self.used = paths.used

    async def fetch(self, chat: str) -> None:
        """Fetch what came with the messages of a chat and is not there yet. What cannot be fetched
        has the reason instead.
        """
        async with self._locks[chat]:
            channel, group = self.channel(chat), self._store.group(chat)
            if channel is None or group is None:
                return
            for seq, attachments in await self._store.unfetched(chat):
                named = [(f"{seq}.{number}", one) for number, one in enumerate(attachments)]
                found = [await self._one(channel, group.folder, *one) for one in named]
                await self._store.fetched(seq, found)

    async def _one(self, channel: Channel, folder: str, number: str, one: Attachment) -> Attachment:
        why = ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                if one.size > self._most or not self._most:
                    raise Unfetchable(f"it is larger than {self._most >> 20} MB")
                data = await channel.fetch(one, self._most)
                name = f"{number}-{_safe(one.name)}"
                await asyncio.to_thread(self._keep, folder, name, data)
                return replace(one, path=f"{FOLDER}/{name}", size=len(data), source="")
            except Exception as error:  # noqa: BLE001  # a messenger's library's: the message is read without
                log.warning("not fetched", group=folder, kind=one.kind, error=error)
                why = described(error)
                if isinstance(error, Unfetchable):
                    break
                await asyncio.sleep(self.backoff.delay(attempt) * (attempt < ATTEMPTS))
        return replace(one, error=why, source="")

    def _keep(self, folder: str, name: str, data: bytes) -> None:
        with self._paths.group(folder).make() as top, top.make(FOLDER) as room:
            room.put(name, data)
            found = [one for one in map(OURS.match, room.names(10_000)) if one]
            found.sort(key=lambda one: (int(one[1]), int(one[2])))
            for old in found[: -self._kept]:
                room.remove(old.string)

    def take(self, folder: str, path: str) -> File:
        """A copy of a file in a group's folder, to be sent. Raises BotError if there is none, or
        there are copies enough that wait.
        """
        parts = PurePosixPath(path.removeprefix(WORKSPACE)).parts
        sent, most = self._paths.data / "sent", self._most
        copy = sent / f"{folder}.{uuid4().hex}"
        try:
            sent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ExitStack() as opened:
                room = opened.enter_context(self._paths.group(folder).open())
                for part in parts[:-1]:
                    room = opened.enter_context(room.folder(part))
                data = room.read(parts[-1] if parts else "", most)
            if len(data) + sum(map(size, sent.glob(f"{folder}.*"))) > MOST_WAITING * most:
                hint = "wait until they have been delivered"
                raise BotError(f"{MOST_WAITING * most >> 20} MB of files wait already", hint=hint)
            copy.write_bytes(data)
        except OSError as error:
            copy.unlink(missing_ok=True)
            hint = f"name a file of up to {most >> 20} MB below {WORKSPACE}"
            raise BotError(f"{path[:200]!r} cannot be sent: {reason(error)}", hint=hint) from None
        kind = mimetypes.guess_type(parts[-1])[0] or "application/octet-stream"
        origin = self._paths.group(folder).source.joinpath(*parts).absolute()
        return File(parts[-1], kind, str(copy.absolute()), str(origin))

    async def clear(self) -> None:
        """Remove the copies of what was sent, or was never to be: a crash has left them."""
        waiting, old = await self._store.files(), time.time() - 3600
        for copy in (self._paths.data / "sent").glob("*"):
            with suppress(FileNotFoundError):  # it was delivered just now
                if str(copy.absolute()) not in waiting and copy.stat().st_mtime < old:
                    copy.unlink()


def _safe(name: str) -> str:
    """A file's name as somebody chose it, as one that can stand anywhere."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")
    stem, dot, suffix = plain.rpartition(".") if "." in plain else (plain, "", "")
    short = stem[:60].encode()[:180].decode(errors="ignore")  # a system counts bytes
    return f"{short}{dot}{suffix[:10]}" or "file"
