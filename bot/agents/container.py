"""The agent that works in a container of its own a group, and is kept there until it has been idle
for a while.
"""

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from bot.agents.base import Agent
from bot.agents.engine_watch import EngineWatch
from bot.confined import reason
from bot.container_session import ContainerSession
from bot.errors import BotError, Misconfigured
from bot.groups import Group
from bot.log import log
from bot.mcp import granted
from bot.messages import Turn
from bot.mounts import allowed
from bot.paths import Paths
from bot.runtimes import RUNTIMES, Container, Mount, Runtime, Spec
from bot.settings import Settings
from bot.slots import Slots
from bot.store import Store

if TYPE_CHECKING:
    from bot.proxy import Door

PROJECT = Path(__file__).parents[2]
SHOWN = (
    *("bot", "container", "docs", "manifests", "skills_engine", "tests", ".claude/skills"),
    *("pyproject.toml", "README.md", "CLAUDE.md"),
)
"""What main sees of the project, named one by one: beside them may lie .env, the store and a token
in .git/config.
"""
UNPRIVILEGED = 10001
"""Who an agent is where the bot is root. Elsewhere it is who the bot is, and each reads what the
other wrote.
"""


class ContainerAgent(Agent):
    """Claude Code, in containers of `runtime`."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self._settings, self._runtime = settings, runtime
        self._paths = Paths(settings.graftbot_data.resolve())
        self.installation = installation(settings)
        self._slots = Slots(settings.max_containers)
        self._talks: dict[str, ContainerSession] = {}
        self._forgotten = Counter[str]()
        self._runs: set[str] = set()
        self._undoing: set[asyncio.Task[None]] = set()
        self._user = (os.getuid(), os.getgid()) if os.getuid() else (UNPRIVILEGED, UNPRIVILEGED)
        watched = (runtime, self.installation, settings.agent_image, self._runs)
        self._watch = EngineWatch(self, *watched)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        if (runtime := RUNTIMES.get(settings.runtime)) is None:
            hint = f"there are {', '.join(RUNTIMES)}"
            raise Misconfigured(f"RUNTIME cannot be {settings.runtime!r}", hint=hint)
        if not (settings.anthropic_api_key or settings.claude_code_oauth_token):
            return None
        return cls(settings, resolve_name(runtime)())

    async def prepare(self, say: Callable[[str], None]) -> None:
        await self._runtime.runs(self.installation)
        say(f"{self._settings.runtime} is there")
        await self._runtime.prepare(say)

    async def open(self, store: Store) -> None:
        from bot.proxy import Proxy  # noqa: PLC0415  # aiohttp is 20 MB that only this agent needs

        self._store = store
        self._proxy = Proxy(self._settings, self._paths.data / "proxy", store.used)
        await self._proxy.open()
        self._watching = asyncio.create_task(self._watch.run())

    async def answer(self, turn: Turn) -> Sequence[str]:
        folder = turn.group.folder
        key = f"{folder}/{turn.task}" if turn.isolated else folder
        try:
            talk = await self._there(key, turn)
            async with asyncio.timeout(self._settings.turn_seconds):
                if talk is None:
                    talk = await self._start(key, turn)
                try:
                    replies = await talk.ask(turn)
                except BaseException:
                    talk.end(politely=False)
                    raise
        except BotError:
            self._watch.trouble.set()  # is it the engine?
            raise
        except TimeoutError:
            limit = f"{self._settings.turn_seconds:g} seconds (TURN_SECONDS)"
            raise BotError(f"no answer came within {limit}") from None
        known = await self._store.session(folder)
        if talk.session not in {None, known} and not turn.isolated and not talk.left:
            await self._store.remember(folder, talk.session)
        if turn.isolated or self._slots.wanted:
            talk.end()
        else:
            asyncio.get_running_loop().call_later(self._settings.idle_seconds, self._idle, talk)
        return replies

    async def forget(self, folder: str) -> None:
        if talk := self._talks.get(folder):
            talk.left = True  # an answer that is under way does not bring its conversation back
            await talk.end()
        self._forgotten[folder] += 1

    async def follow_up(self, turn: Turn) -> bool:
        talk = self._talks.get(turn.group.folder)
        return talk is not None and await talk.join(turn)

    async def close(self) -> None:
        self._watching.cancel()
        ends = [*self._undoing, *(talk.end() for talk in self._talks.values())]
        await asyncio.gather(self._watching, *ends, return_exceptions=True)
        self._runs.clear()  # none is left behind, whatever has become of it
        for attempt in range(3):  # a slow engine may say that it is at it already
            await asyncio.sleep(attempt * 3)
            if await self._watch.removed():
                break
        await self._proxy.close()
        await self._runtime.close()

    async def _there(self, key: str, turn: Turn) -> ContainerSession | None:
        """The container that is there; None if there is a place for one, which is the caller's."""
        talk = self._talks.get(key)
        if talk and not talk.ended and talk.options != turn.group.options:
            await talk.end()  # what was granted, or taken back, holds from now on
        if talk and not talk.ended:
            return talk
        self._evict()
        await self._slots.take(self._settings.turn_seconds, urgent=turn.task is not None)
        return None

    async def _start(self, key: str, turn: Turn) -> ContainerSession:
        """A new container in the place that was taken, which has been told who and where it is."""
        run, door = uuid4().hex, None
        self._runs.add(run)  # before there is a container: it is nobody's orphan
        try:
            # it may have changed while there was no place
            group = self._store.current(turn.chat, turn.group.folder)
            servers = granted(group.options.get("mcp") or ())
            door = self._proxy.admit(group.folder, servers)
            mounts = await asyncio.to_thread(self._mounts, group)
            spec = Spec(
                image=self._settings.agent_image,
                installation=self.installation,
                run=run,
                user="{}:{}".format(*self._user),
                mounts=[*mounts, Mount(door.folder, "/run/graftbot")],
                memory=self._settings.container_memory << 20,
                network=group.options.get("network") is True or self._proxy.networked,
            )
        except BaseException:
            self._gone(run, door)
            raise
        starting = asyncio.create_task(self._runtime.start(spec))
        session, forgotten = None, -1
        try:
            container = await asyncio.shield(starting)
            while not turn.isolated and forgotten != self._forgotten[group.folder]:
                forgotten = self._forgotten[group.folder]  # `/new` may come while it is read
                session = await self._store.session(group.folder)
        except BaseException:  # the engine goes on with what it was asked
            self._undoing.add(undoing := asyncio.create_task(self._undo(starting, run, door)))
            undoing.add_done_callback(self._undoing.discard)
            raise
        hidden = (door.token, *self._settings.secrets())
        logs = self._paths.logs(group.folder)
        talk = self._talks[key] = ContainerSession(container, logs, hidden)
        talk.options = group.options
        talk.closed.add_done_callback(lambda _: self._gone(run, door, key, talk))
        talk.start = {
            "token": door.token,
            "proxy": door.address,
            "network": spec.network,
            "credential": self._proxy.credential,
            "session": session,
            "group": group.folder,
            "main": group.main,
            "assistant": self._settings.assistant_name,
            "time_zone": self._settings.timezone,
            "mcp": {name: list(one.command) for name, one in servers.items()},
            "model": str(group.options.get("model") or self._settings.model),
        }
        return talk

    async def _undo(self, starting: asyncio.Task[Container], run: str, door: "Door") -> None:
        """Nobody waits for this container any more: it goes as soon as it is there."""
        with suppress(Exception):  # it has not come to be, or the engine is gone
            await (await starting).end()
        self._gone(run, door)

    def _gone(
        self, run: str, door: "Door | None", key: str = "", talk: ContainerSession | None = None
    ) -> None:
        if door is not None:
            door.close()
        self._runs.discard(run)
        if self._talks.get(key) is talk:
            self._talks.pop(key, None)
        self._slots.give()

    def _evict(self) -> None:
        """Make room: the container that has been idle for longest goes if no place is free."""
        talks = [talk for talk in self._talks.values() if talk.idle_since and not talk.ended]
        idle = [(talk.idle_since or 0.0, talk) for talk in talks]
        if idle and len(self._runs) >= self._settings.max_containers:
            min(idle, key=lambda one: one[0])[1].end()

    def _idle(self, talk: ContainerSession) -> None:
        before = asyncio.get_running_loop().time() - self._settings.idle_seconds
        if talk.idle_since and talk.idle_since <= before:
            talk.end()

    def _mounts(self, group: Group) -> list[Mount]:
        paths, folder = self._paths, group.folder
        paths.prepare(group)
        trees = {
            "/workspace/group": paths.group(folder),
            "/workspace/global": paths.group("global"),
            "/home/agent/.claude": paths.session(folder),
            "/workspace/ipc": paths.ipc(folder),
        }
        own = [target for target in trees if target != "/workspace/global" or group.main]
        for target, tree in trees.items():
            try:
                with tree.open() as opened:
                    if os.getuid() == 0 and target in own:
                        opened.give(*self._user, partial(_left, group, target))
            except OSError as error:
                why = f"{tree.source} cannot be the agent's {target}: {reason(error)}"
                hint = "put a folder there that you may write to, or nothing: it is made anew"
                raise BotError(why, hint=hint) from None
        mounts = [Mount(tree.source, target, target in own) for target, tree in trees.items()]
        mounts.append(Mount(PROJECT / "container/runner", "/opt/graftbot/runner"))
        if group.main:
            shown = ((PROJECT / name, f"/workspace/project/{name}") for name in SHOWN)
            mounts += [Mount(source, target) for source, target in shown if source.exists()]
        wanted, never = group.options.get("mounts") or (), (paths.data, PROJECT)
        return mounts + allowed(wanted, main=group.main, never=never)


def installation(settings: Settings) -> str:
    """The label of this bot's containers: no two bots share a data directory."""
    return hashlib.sha256(str(settings.graftbot_data.resolve()).encode()).hexdigest()[:16]


def _left(group: Group, where: str, path: str, why: str) -> None:
    log.debug("not given to the agent", group=group.folder, path=f"{where}/{path}"[:200], why=why)
