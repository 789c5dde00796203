"""A group that is on another machine: what its agent is asked there, what comes home before its
reply is stored, and what it asks of the host.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import Protocol, runtime_checkable

from aiohttp import web

from bot.confined import Folder, reason
from bot.container_session import ContainerSession
from bot.errors import BotError
from bot.groups import Group
from bot.homes import Homes
from bot.ipc import NAME, RequestLimits
from bot.messages import Turn
from bot.paths import Paths
from bot.store import Store
from bot.travel import Left

DOOR = "/away/"
REQUESTS, FILES = f"{DOOR}requests/", f"{DOOR}files/"
LOOK_SECONDS, PATIENCE, LONGEST_REPLY = 0.02, 110.0, 4 << 20


@runtime_checkable
class Away(Protocol):
    """A container whose folders are not the ones at home."""

    async def bring(self) -> None:
        """What has changed at home since is there, too. Raises BotError if it cannot be."""

    async def keep(self, turn: Turn, session: str | None) -> None:
        """What the agent has written is at home; `session` is the one that was there before."""


def machine_of(group: Group) -> str:
    """Where a group's containers are; "" is here, where main always is."""
    return "" if group.main else str(group.options.get("machine") or "")


async def settled(
    turn: Turn, paths: Paths, store: Store, forget: Callable[[str], Awaitable[None]]
) -> None:
    """Before a turn: what came home for a reply that was never stored is undone."""
    folder = turn.group.folder
    if not turn.isolated and await Homes(paths).settle(folder, store):
        await forget(folder)


async def asked(talk: ContainerSession, turn: Turn, store: Store) -> list[str]:
    """The replies to a turn. Those from another machine are told once its folders are at home."""
    container = talk.container
    if not isinstance(container, Away):
        return await talk.ask(turn)
    await container.bring()
    session = await store.session(turn.group.folder)
    replies = await talk.ask(turn)
    await container.keep(turn, session)  # at once: the container may be ending by itself
    return replies


async def joined(talk: ContainerSession, turn: Turn) -> bool:
    """Hand over what has arrived meanwhile, with its files; False if it has to wait."""
    if isinstance(talk.container, Away):
        try:
            await talk.container.bring()
        except BotError:
            return False
    return await talk.join(turn)


async def served(request: web.BaseRequest, data: Path, group: str) -> web.Response:
    """A request to the host as its file at home, and the host's reply; or a file that one names."""
    paths, path = Paths(data), request.path
    try:
        if request.method == "POST" and path.startswith(REQUESTS):
            name = f"{path.removeprefix(REQUESTS)}.json"
            if NAME.fullmatch(name):
                body = await _body(request, RequestLimits().size)
                return web.Response(body=await _replied(paths, group, name, body))
        elif request.method == "PUT" and path.startswith(FILES):
            parts = PurePosixPath(path.removeprefix(FILES)).parts
            body = await _body(request, 64 << 20)
            await asyncio.to_thread(_kept, paths, group, parts, body)
            return web.Response(status=204)
    except TimeoutError:
        return web.Response(status=504, text="the host does not answer")
    except OSError as error:
        return web.Response(status=409, text=reason(error))
    return web.Response(status=404, text=f"{request.method} {path[:80]} is no request")


async def _body(request: web.BaseRequest, most: int) -> bytes:
    body = b""
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            raise OSError(f"it is longer than {most} bytes")
    return body


async def _replied(paths: Paths, group: str, name: str, body: bytes) -> bytes:
    """A request that is brought again, with its name, has its effect once: as with any file."""
    with ExitStack() as opened:
        base = opened.enter_context(paths.ipc(group).open())
        rooms = [opened.enter_context(base.make(room)) for room in ("requests", "replies")]
        requests, replies = rooms
        requests.put(name, body)
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(FileNotFoundError):
                    reply = replies.read(name, LONGEST_REPLY)
                    replies.remove(name)
                    return reply
                await asyncio.sleep(LOOK_SECONDS)


def _kept(paths: Paths, group: str, parts: Sequence[str], body: bytes) -> None:
    with ExitStack() as opened:
        room: Folder = opened.enter_context(paths.group(group).open())
        left = Left()
        left.take(len(body), len(parts))
        for kind in room.kinds():
            left.take(kind.st_size, 1)
        for part in parts[:-1]:
            room = opened.enter_context(room.make(part))
        room.put(parts[-1] if parts else "", body)
