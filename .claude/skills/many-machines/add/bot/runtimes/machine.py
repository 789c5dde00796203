"""One other machine: its engine through a tunnel, and the folders of the groups that are there.

They are volumes of a container that is never started, the keeper, and so outlive an agent's
container for as long as is needed to bring them home.
"""

import asyncio
import tarfile
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import APIError, NotFound
from docker.types import Mount as Bind

from bot.confined import Tree, reason
from bot.errors import BotError
from bot.homes import Homes
from bot.log import log
from bot.messages import Turn
from bot.paths import Paths
from bot.runtimes import Mount, Spec
from bot.runtimes.docker import INSTALLATION, RUN, DockerContainer, DockerRuntime
from bot.runtimes.tunnel import Tunnel
from bot.travel import Left, Seen, follow_home, pack, seen, unpack

GROUP, DOOR = "graftbot.group", "/run/graftbot"
T = TypeVar("T")


@dataclass(slots=True)
class Place:
    """Where a group is: its machine, the keeper of its folders, and the runs that it has there."""

    group: str
    machine: "Machine"
    mounts: list[Mount]
    user: tuple[int, int]
    number: str
    """Of the tunnel: with another one, nothing of this is left."""
    mark: Path
    """Below the data directory, of this very bot: it says on which machine the group is."""
    keeper: str = ""
    volumes: dict[str, str] = field(default_factory=dict)
    known: dict[str, Seen] = field(default_factory=dict)
    """By the target of each mount, what is there as it is at home."""
    gone: dict[str, set[str]] = field(default_factory=dict)
    """Likewise what was removed at home and is still there."""
    runs: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def alive(self) -> bool:
        return self.machine.up and self.machine.tunnel.number == self.number

    @property
    def homes(self) -> Homes:
        return Homes(Paths(self.mark.parents[2]))

    def skipped(self, path: str, why: str) -> None:
        if path not in self.told:
            self.told.add(path)
            log.warning("does not travel", group=self.group, path=path[:200], why=why)


class Machine(DockerRuntime):
    """The engine of another machine."""

    def __init__(self, tunnel: Tunnel) -> None:
        super().__init__()
        self.tunnel, self.name = tunnel, tunnel.address.name
        self._starting: dict[str, tuple[Place, Mount]] = {}
        self._number = ""

    @property
    def up(self) -> bool:
        return self.tunnel.up.is_set()

    @cached_property
    def client(self) -> docker.APIClient:
        return docker.APIClient(f"unix://{self.tunnel.engine}", version="auto", timeout=30)

    async def call(self, ask: Callable[[], T]) -> T:
        if not self.up:
            raise BotError(f"{self.tunnel.address} cannot be reached: {self.tunnel.why}")
        if self._number != self.tunnel.number:  # what was connected is not any more
            self._number, old = self.tunnel.number, self.__dict__.pop("client", None)
            if old is not None:
                old.close()
        try:
            return await super().call(ask)
        except BotError as error:
            what = error.message.replace("the Docker Engine", f"the engine of {self.name}", 1)
            if what == error.message:
                raise
            raise BotError(what, hint=f"look after {self.tunnel.address}") from error

    async def runs(self, installation: str) -> set[str]:
        return await super().runs(installation) - {""}

    async def sweep(self, installation: str, living: Collection[Place]) -> None:
        """Remove what an earlier process, or a lost tunnel, has left."""

        def sweep() -> None:
            here = [place for place in living if place.machine is self]
            runs, groups = {run for one in here for run in one.runs}, {one.group for one in here}
            label = f"{INSTALLATION}={installation}"
            for one in self.client.containers(all=True, filters={"label": label}):
                run, group = one["Labels"].get(RUN), one["Labels"].get(GROUP)
                if run not in runs if run else group not in groups:
                    self._removed(one["Id"])

        await self.call(sweep)

    async def remove_keeper(self, place: Place) -> None:
        await self.call(partial(self._removed, place.keeper))

    def _removed(self, identity: str) -> None:
        try:
            self.client.remove_container(identity, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409:  # somebody is at it
                raise

    # ---- there

    def settle(self, place: Place, spec: Spec) -> None:
        """Make the keeper, with the folders of the group in it."""
        client = self.client
        volumes = [Bind(mount.target, None, "volume", no_copy=True) for mount in place.mounts]
        host = client.create_host_config(mounts=volumes, network_mode="none")
        labels = {INSTALLATION: spec.installation, GROUP: place.group}
        make: Any = client.create_container
        place.keeper = make(spec.image, ["true"], host_config=host, labels=labels)["Id"]
        there = client.inspect_container(place.keeper)["Mounts"]
        place.volumes = {one["Destination"]: one["Name"] for one in there}
        self.fill(place)

    def fill(self, place: Place) -> None:
        """What is at home, and not there yet or otherwise, is sent."""
        left, known = Left(), dict(place.known)
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                for mount in place.mounts:
                    tree, old = Tree(mount.source), known.get(mount.target, {})
                    to = (mount.target, place.user)
                    try:
                        known[mount.target] = pack(tar, tree, *to, left, place.skipped, old)
                    except OSError as error:
                        why = f"the folder of {place.group} does not travel: {reason(error)}"
                        hint = "make it smaller, or take `machine` from the group's options"
                        raise BotError(why, hint=hint) from error
                sent = len(tar.getmembers())
            file.seek(0)
            if sent and not self.client.put_archive(place.keeper, "/", file):
                raise BotError(f"{self.name} does not take the folder of {place.group}")
        for target, there in known.items():
            went = place.known.get(target, {}).keys() - there.keys()
            place.gone.setdefault(target, set()).update(went)
        place.known = known

    def host_config(self, spec: Spec) -> dict[str, Any]:
        place, door = self._starting[spec.run]
        config = super().host_config(replace(spec, mounts=()))
        config["Mounts"] = [
            Bind(one.target, place.volumes[one.target], "volume", not one.write)
            for one in place.mounts
        ]
        config["Mounts"].append(Bind(door.target, str(door.source), "bind"))
        return config

    async def start_in(self, place: Place, spec: Spec) -> tuple[DockerContainer, int]:
        """A container of the group's, and the number of its door."""
        door = next(mount.source for mount in spec.mounts if mount.target == DOOR)
        number, mount = self.tunnel.lend(door)
        self._starting[spec.run] = place, mount
        try:
            return await self.start(spec), number
        except BaseException:
            self.tunnel.take_back(number)
            raise
        finally:
            del self._starting[spec.run]

    # ---- and back

    async def keep(self, place: Place, turn: Turn, session: str | None) -> None:
        """Bring home what the agent writes. Who waits no longer gets nothing of it, or all."""
        gate, given_up = threading.Lock(), threading.Event()

        def come() -> None:
            came = self._arrived(place)
            with gate:
                if not given_up.is_set():
                    self._replace(place, came, turn, session)

        try:
            await self.call(come)
        except asyncio.CancelledError:
            with gate:
                given_up.set()
            raise

    def _arrived(self, place: Place) -> list[tuple[Mount, Path, Seen, Seen]]:
        """Each folder as it came, what is in it, and what was at home when it followed that."""
        room, left, came = place.homes.arriving(place.group), Left(), []
        for number, mount in enumerate(one for one in place.mounts if one.write):
            (new := room / str(number)).mkdir()
            try:
                with Tree(new).open() as into, self._archive(place.keeper, mount.target) as pieces:
                    unpack(pieces, mount.target, into, left, place.skipped)
                    there = seen(Tree(new))
                    gone = place.gone.setdefault(mount.target, set())
                    home = follow_home(Tree(mount.source), into, place.known[mount.target], gone)
            except OSError as error:
                why = f"the folder of {place.group} does not come home from {self.name}"
                raise BotError(f"{why}: {reason(error)}", hint="look what is in it") from error
            came.append((mount, new, there, home))
        return came

    @contextmanager
    def _archive(self, identity: str, path: str) -> Iterator[Iterator[bytes]]:
        """The SDK's own cannot be let go of half-way, and the engine waits for that."""
        client = self.client
        url = f"{client.base_url}/v{client.api_version}/containers/{identity}/archive"
        with client.get(url, params={"path": path}, stream=True, timeout=client.timeout) as answer:
            answer.raise_for_status()
            yield answer.iter_content(1 << 16)

    def _replace(
        self,
        place: Place,
        came: list[tuple[Mount, Path, Seen, Seen]],
        turn: Turn,
        session: str | None,
    ) -> None:
        new = [(Tree(mount.source), where) for mount, where, _, _ in came]
        old = place.homes.replace(place.group, new, turn, session)
        for before, (mount, _, there, home) in zip(old, came, strict=True):
            place.known[mount.target] = there
            with Tree(mount.source).open() as into, suppress(FileNotFoundError):
                follow_home(Tree(before), into, home, set())  # what came while it changed its place
