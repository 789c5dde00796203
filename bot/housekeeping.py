"""Growth has an end: what is handled is kept for so many days, and up to so many megabytes."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.confined import Folder, Tree
from bot.groups import Group
from bot.log import log
from bot.migrations import SQL
from bot.rows import stamp
from bot.tools import Host

EVERY_SECONDS = 86_400.0
PRUNED = ("inbox", "outbox", "runs", "tasks", "known", "usage")
WASTE = 0.25
"""The part of the store's file that may be empty before it is made smaller."""


class Housekeeping:
    """A service, at work once a day. KEEP_DAYS is an age, KEEP_MB the size of the store, and of
    each group's transcripts and conversations; 0 is no limit. What waits is never removed.
    """

    def __init__(self, host: Host) -> None:
        self._store, self._paths, self._turns = host.store, host.paths, host.assistant.turns
        self._files = host.assistant.files
        self._days, self._most = min(host.settings.keep_days, 36_500), host.settings.keep_mb << 20

    async def run(self) -> None:
        while True:
            await self.clean()
            await asyncio.sleep(EVERY_SECONDS)

    async def clean(self) -> None:
        """Remove what is too old, and the oldest of what is too much."""
        await self._clean_store()
        if self._files is not None:
            await self._files.clear()
        kept = dict(await self._store.read(SQL["resumed"]))
        for group in await asyncio.to_thread(self._clean_trees, self._store.groups, kept):
            if group.folder in kept and not self._turns.at_work(group.chat):
                log.info("a conversation is too long: a new one begins", group=group.folder)
                await self._turns.fresh(group)  # and the old one goes the next time

    async def _clean_store(self) -> None:
        await self._store.write((SQL["prune"], (stamp(datetime.now(UTC) - timedelta(days=7)),)))
        days = float(self._days) or 36_500.0
        for attempt in count():
            before = (stamp(datetime.now(UTC) - timedelta(days=days / 2**attempt)),)
            if self._days or attempt:
                await self._store.write(*((SQL[f"old_{name}"], before) for name in PRUNED))
            ((pages, free, size),) = await self._store.read(SQL["size"])
            if not self._most or (pages - free) * size <= self._most or days / 2**attempt < 1:
                break
        if free > WASTE * pages and pages * size > 1 << 20:
            await self._store.read("VACUUM")

    def _clean_trees(self, groups: list[Group], kept: Mapping[str, str]) -> list[Group]:
        """Those of the groups whose transcripts are too much all the same."""
        much = []
        for group in groups:
            session, files = self._paths.session(group.folder), self._paths.group(group.folder)
            if self._clean_tree(group, session, "projects", kept.get(group.folder, "")):
                much.append(group)
            self._clean_tree(group, files, "conversations", "")
        return much

    def _clean_tree(self, group: Group, tree: Tree, below: str, kept: str) -> bool:
        """All but the session that is `kept`, and the memory beside the transcripts; True if that
        is too much.
        """
        total = 0
        with suppress(OSError), tree.open() as top, top.folder(below) as folder:
            files = ((os.fstat(one.fileno()), path) for path, one in folder.files(lambda *_: None))
            found = sorted((kind.st_mtime, kind.st_size, path) for kind, path in files)
            oldest = datetime.now(UTC).timestamp() - self._days * 86_400
            total, removed = sum(size for _, size, _ in found), 0
            for changed, size, path in found:
                old = self._days and changed < oldest
                much = self._most and total > self._most
                ours = "/memory/" in path or (kept and kept in path)
                if (old or much) and not ours:
                    with suppress(OSError):
                        _remove(folder, path.split("/"))
                        removed, total = removed + 1, total - size
            if removed:
                log.info("old files are removed", group=group.folder, what=below, files=removed)
        return bool(self._most) and total > self._most


def _remove(folder: Folder, path: list[str]) -> None:
    if len(path) == 1:
        folder.remove(path[0])
        return
    with folder.folder(path[0]) as inner:
        _remove(inner, path[1:])
