"""Containers on several machines: on the bot's own by its Docker Engine, on others by theirs.

A group is in one place at a time. Where nobody has seen its containers end, it starts elsewhere
only after the fence: when nothing of it can be left.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import docker
from docker.errors import NotFound

from bot.errors import BotError, Misconfigured
from bot.log import log
from bot.messages import Turn
from bot.runtimes import Spec
from bot.runtimes.docker import DockerContainer, DockerRuntime
from bot.runtimes.machine import DOOR, Machine, Place
from bot.runtimes.tunnel import Address, Tunnel
from bot.settings import load

EXTRA, REQUESTS = "/workspace/extra/", "/workspace/ipc"
WORKSPACE = "/workspace/group"


@dataclass(frozen=True, slots=True)
class AwayContainer(DockerContainer):
    """A container on another machine, by the door of that number."""

    _place: Place
    _number: int
    _run: str
    _machines: "MachinesRuntime"

    async def bring(self) -> None:
        async with self._place.lock:
            await self._place.machine.call(partial(self._place.machine.fill, self._place))

    async def keep(self, turn: Turn, session: str | None) -> None:
        async with self._place.lock:
            await self._place.machine.keep(self._place, turn, session)

    async def end(self) -> str:
        self._place.machine.tunnel.take_back(self._number)
        try:
            how = await DockerContainer.end(self)
        except BotError:
            self._machines.lost(self._place)
            raise
        await self._machines.left(self._place, self._run)
        return how


class MachinesRuntime(DockerRuntime):
    """The bot's own engine, and those of MACHINES for the groups whose option `machine` names one.
    One whose machine is away goes to that of the others which has the fewest groups.
    """

    def __init__(self) -> None:
        super().__init__()
        self._settings = settings = load()
        self._addresses: dict[str, Address] = {}
        self._refused: dict[str, str] = {}
        for text in settings.machines.replace(",", " ").split():
            try:
                address = Address.read(text)
                self._addresses[address.name] = address
            except Misconfigured as error:
                self._refused[text.partition("=")[0]] = repr(error)
                log.error("refused", what="a machine", error=error)
        if not settings.machines:
            log.warning("MACHINES names none: all groups stay on this machine")
        self._machines: dict[str, Machine] = {}
        self._tunnels: list[asyncio.Task[None]] = []
        self._places: dict[str, Place] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._room: Path | None = None

    def _begin(self) -> None:
        """The tunnels, once there is an event loop."""
        if self._room is not None or not self._addresses:
            return
        self._room = Path(tempfile.mkdtemp(prefix="graftbot-"))
        doors, ssh = self._settings.max_containers, self._settings.machines_ssh
        ssh = str(Path(ssh).expanduser()) if ssh else ""
        for name, address in self._addresses.items():
            tunnel = Tunnel(address, token_hex(8), ssh, self._room, doors)
            self._machines[name] = Machine(tunnel)
            self._tunnels.append(asyncio.create_task(tunnel.run()))

    async def prepare(self, say: Callable[[str], None]) -> None:
        await super().prepare(say)
        if self._refused:
            raise Misconfigured("; ".join(self._refused.values()))
        self._begin()
        try:
            for machine in self._machines.values():
                await self._awaited(machine)
                if machine.up:
                    say(f"the machine {machine.name} is there")
                    await machine.call(partial(self._send_image, machine, say))
            if away := [one for one in self._machines.values() if not one.up]:
                raise self._unreachable(away)
        finally:
            await self._end_tunnels()

    def _send_image(self, machine: Machine, say: Callable[[str], None]) -> None:
        image = self._settings.agent_image
        look: Any = self.client.inspect_image
        known: Any = machine.client.inspect_image
        with suppress(NotFound):
            if known(image)["Id"] == look(image)["Id"]:
                say(f"the image {image} is up to date on {machine.name}")
                return
        say(f"the image {image} goes to {machine.name}")
        url = f"unix://{machine.tunnel.engine}"
        there = docker.APIClient(url, version="auto", timeout=600)
        try:
            load: Any = there.load_image
            for said in load(self.client.get_image(image)) or ():
                if "error" in said:
                    raise BotError(f"{machine.name} does not take the image: {said['error']}")
        finally:
            there.close()

    def _unreachable(self, machines: list[Machine]) -> BotError:
        each = "; ".join(f"{one.tunnel.address}: {one.tunnel.why}" for one in machines)
        return BotError(f"no machine can be reached: {each}", hint="see by ssh why")

    async def start(self, spec: Spec) -> DockerContainer:
        self._begin()
        async with self._lock(spec.group):
            machine = await self._where(spec)
            if machine is None:
                return await super().start(spec)
            return await self._start_away(machine, spec)

    async def _start_away(self, machine: Machine, spec: Spec) -> DockerContainer:
        place = self._places.get(spec.group)
        if place is None:
            user, group = map(int, spec.user.split(":"))
            mounts = [one for one in spec.mounts if one.target not in {DOOR, REQUESTS}]
            mark, tunnel = _mark(spec), machine.tunnel
            place = Place(spec.group, machine, mounts, (user, group), tunnel.number, mark)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(machine.name, "utf-8")
            self._places[spec.group] = place
        place.runs.add(spec.run)
        try:
            async with place.lock:
                fill = partial(machine.fill, place)
                settle = partial(machine.settle, place, spec)
                await machine.call(fill if place.keeper else settle)
            one, number = await machine.start_in(place, spec)
        except BaseException:
            self.lost(place)
            raise
        return AwayContainer(
            machine, one._identity, one._reader, one._writer, place, number, spec.run, self
        )

    def _lock(self, group: str) -> asyncio.Lock:
        """Of what starts, and what goes."""
        return self._locks.setdefault(group, asyncio.Lock())

    async def _where(self, spec: Spec) -> Machine | None:
        """The machine for a container, None for this one, once nothing of the group can be left
        elsewhere. Raises BotError where there is none.
        """
        if place := self._places.get(spec.group):
            if place.alive:
                return place.machine
            self.lost(place)
        chosen = await self._chosen(spec) if spec.machine else None
        mark = _mark(spec)
        if mark.exists():
            before = self._machines.get(mark.read_text("utf-8"))
            if before is None:  # its owner has taken it from MACHINES
                await asyncio.sleep(self._settings.machines_fence)
            else:
                await self._awaited(before)
                if before.up:
                    await before.sweep(spec.installation, self._places.values())
            mark.unlink()
        return chosen

    async def _chosen(self, spec: Spec) -> Machine:
        if any(mount.target.startswith(EXTRA) for mount in spec.mounts):
            why = f"{spec.group} has mounts of this machine, which do not travel"
            raise BotError(why, hint="take `mounts` or `machine` from its options")
        if (wanted := self._machines.get(spec.machine)) is None:
            names = f"MACHINES names {', '.join(self._machines) or 'none'}"
            why = self._refused.get(spec.machine, names)
            what = f"{spec.group} is to be on the machine {spec.machine!r}: {why}"
            raise BotError(what, hint="correct MACHINES, or the option `machine` of the group")
        await self._awaited(wanted)
        if wanted.up:
            return wanted
        there = [one for one in self._machines.values() if one.up]
        if not there:
            raise self._unreachable([*self._machines.values()])
        groups = [place.machine for place in self._places.values()]
        chosen = min(there, key=groups.count)
        about = {"group": spec.group, "instead_of": wanted.name, "machine": chosen.name}
        log.warning("a group is on another machine", why=wanted.tunnel.why, **about)
        return chosen

    async def _awaited(self, machine: Machine) -> None:
        """Until it is there, or the fence is over: it has let go of all that it had of us."""
        end = machine.tunnel.contact + self._settings.machines_fence
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await machine.tunnel.up.wait()

    async def left(self, place: Place, run: str) -> None:
        """A container has ended, and is seen to be gone; with the last one its folders go."""
        # what is coming home from the keeper comes first, and nobody starts anew meanwhile
        async with self._lock(place.group), place.lock:
            place.runs.discard(run)
            if place.runs or self._places.get(place.group) is not place:
                return
            del self._places[place.group]
            await place.machine.remove_keeper(place)
            place.mark.unlink(missing_ok=True)

    def lost(self, place: Place) -> None:
        """Nobody knows whether its containers have ended: the mark says so."""
        if self._places.get(place.group) is place:
            del self._places[place.group]

    async def runs(self, installation: str) -> set[str]:
        """Those of the machines that answer."""
        self._begin()
        found = await super().runs(installation)
        for machine in self._there():
            with suppress(BotError):
                found |= await machine.runs(installation)
        return found

    async def remove(self, installation: str, run: str) -> None:
        await super().remove(installation, run)
        for machine in self._there():
            with suppress(BotError):
                await machine.remove(installation, run)
                await machine.sweep(installation, self._places.values())

    def _there(self) -> list[Machine]:
        return [machine for machine in self._machines.values() if machine.up]

    async def close(self) -> None:
        await self._end_tunnels()
        await super().close()

    async def _end_tunnels(self) -> None:
        for task in self._tunnels:
            task.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)
        for machine in self._machines.values():
            await machine.close()
        if self._room:
            shutil.rmtree(self._room, ignore_errors=True)


def _mark(spec: Spec) -> Path:
    """Where it stands on which machine the group is; it is gone once that is over for certain."""
    own = next((one.source for one in spec.mounts if one.target == WORKSPACE), Path("nowhere/x/y"))
    return own.parents[1] / "machines/where" / spec.group
