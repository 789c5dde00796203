"""The ears of the assistant: recordings that came with messages are heard before it is asked."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.errors import Misconfigured, described
from bot.log import log
from bot.messages import Attachment
from bot.tools import Host
from bot.voice import TRANSCRIPT, check_ears, check_mouth, hear


class Voice:
    """A service that has nothing to do once it is made: whoever fetches files lets it listen."""

    def __init__(self, host: Host) -> None:
        self._host, self._one = host, asyncio.Semaphore(1)
        if (files := host.assistant.files) is not None:
            files.listen = self.listen

    async def run(self) -> None:
        settings = self._host.settings
        for what, check in (("hears", check_ears), ("speaks", check_mouth)):
            try:
                check(settings)
            except Misconfigured as error:
                log.error(f"nobody {what}", why=error.message, hint=error.hint)
        await asyncio.Event().wait()

    async def listen(self, folder: str, files: Sequence[Attachment]) -> list[Attachment]:
        """A transcript of each recording, one recording at a time; it says why where there is none.
        The recording stays.
        """
        return [await self._heard(folder, one) for one in files if _recording(one)]

    async def _heard(self, folder: str, file: Attachment) -> Attachment:
        blank = Attachment(TRANSCRIPT, "", type="text/plain", path=file.path)
        try:
            async with self._one:
                data = await asyncio.to_thread(self._read, folder, file.path)
                text = await hear(self._host.settings, data, PurePosixPath(file.path).name)
            return Attachment(TRANSCRIPT, text, len(text), "text/plain", path=file.path)
        except Exception as error:  # noqa: BLE001  # whatever it is: the message is answered all the same
            log.warning("not understood", group=folder, error=error)
            return Attachment(blank.kind, "", path=file.path, error=described(error))

    def _read(self, folder: str, path: str) -> bytes:
        room, name = path.split("/")
        with self._host.paths.group(folder).open() as top, top.folder(room) as inner:
            return inner.read(name, self._host.settings.attachment_mb << 20)


def _recording(file: Attachment) -> bool:
    return bool(file.path) and (file.type.startswith("audio/") or file.kind == "voice message")
