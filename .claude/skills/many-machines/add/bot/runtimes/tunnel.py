"""A way to another machine's Docker Engine: a child process of ssh, begun again when it ends."""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from urllib.parse import urlsplit

from bot.bounds import Seldom
from bot.errors import Misconfigured
from bot.log import log
from bot.runtimes import Mount

ALIVE_SECONDS, PATIENCE_SECONDS, AGAIN_SECONDS, SELDOM_SECONDS = 3.0, 10.0, 5.0, 600.0
ENGINE, SOCKET = "/var/run/docker.sock", "proxy.sock"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")
PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
HINT = "write MACHINES=name=ssh://user@host, more with a comma between"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a machine is; `engine` is the socket of its engine, there."""

    name: str
    host: str
    user: str = ""
    port: int = 0
    engine: str = ENGINE

    @classmethod
    def read(cls, text: str) -> "Address":
        """Of `name=ssh://user@host:port/socket`. Raises Misconfigured for what is none."""
        name, _, url = text.partition("=")
        try:
            parts = urlsplit(url)
            port = parts.port or 0
        except ValueError as error:
            raise Misconfigured(f"{text!r} in MACHINES: {error}", hint=HINT) from None
        host, user = parts.hostname or "", parts.username or ""
        plain = all(PLACE.fullmatch(one) for one in (host, user or "x"))
        if not NAME.fullmatch(name) or parts.scheme != "ssh" or not plain or parts.query:
            raise Misconfigured(f"{text!r} in MACHINES is no machine", hint=HINT)
        return cls(name, host, user, port, parts.path.rstrip("/") or ENGINE)

    def __str__(self) -> str:
        return f"{self.name} ({self.user}{'@' * bool(self.user)}{self.host})"


class Tunnel:
    """Sockets in `room` lead to the engine there, and so many sockets there to the doors of the
    credentials proxy here, whichever container has one: `lend` says which. `mine` tells them from
    those of another bot, or of another machine with the same disk.
    """

    def __init__(self, address: Address, mine: str, settings: str, room: Path, doors: int) -> None:
        self.address, self._settings, self._room = address, settings, room
        self.engine = room / f"{address.name}.sock"
        self._mine, self._seldom = mine, Seldom(SELDOM_SECONDS)
        self._free, self._doors = list(range(doors)), doors
        self.number = ""
        """Another one for each connection."""
        self.ssh: asyncio.subprocess.Process | None = None
        self.up = asyncio.Event()
        self.why = "it has not answered yet"
        """What is wrong where it is not up."""
        self.contact = asyncio.get_running_loop().time()
        """When it answered last, or might have, by the event loop's clock."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._once()
            except OSError as error:
                self.why = str(error)
            if self.up.is_set() or self._seldom.count(""):
                log.warning("a machine is away", machine=str(self.address), why=self.why)
            self.up.clear()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _once(self) -> None:
        self.engine.unlink(missing_ok=True)
        self.number = token_hex(8)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        # its input is ours: it ends with us, however we end
        self.ssh = ssh = await asyncio.create_subprocess_exec(
            *self._command(), stdin=pipe, stdout=null, stderr=pipe
        )
        said = asyncio.create_task(_last_line(ssh))
        try:
            await self._while_it_answers(ssh)
        finally:
            with suppress(ProcessLookupError):
                ssh.kill()
            await ssh.wait()
            self.why = await said or self.why

    async def _while_it_answers(self, ssh: asyncio.subprocess.Process) -> None:
        begun, missed = asyncio.get_running_loop().time(), 0
        ended = asyncio.ensure_future(ssh.wait())
        while not ended.done():
            asked = asyncio.get_running_loop().time()
            if await self._answers():
                self.contact, missed = asked, 0
                if not self.up.is_set():
                    log.info("a machine is there", machine=str(self.address))
                self.up.set()
            else:
                missed += 1
                if self.up.is_set() and missed > 1:
                    self.why = "its engine does not answer"
                    return
                if not self.up.is_set() and asked - begun > PATIENCE_SECONDS:
                    return
            pause = ALIVE_SECONDS if self.up.is_set() and not missed else 0.1
            await asyncio.wait({ended}, timeout=pause)

    async def _answers(self) -> bool:
        """Whether the engine there does, by whatever is in between."""
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self.engine)
                try:
                    writer.write(PING)
                    return (await reader.read(256)).startswith(b"HTTP/1.1 200")
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    def _command(self) -> list[str]:
        address = self.address
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ExitOnForwardFailure=yes"]
        options += ["StreamLocalBindUnlink=yes", "ConnectTimeout=10", "ControlPath=none"]
        command = ["ssh", "-T", *(["-F", self._settings] if self._settings else [])]
        command += [part for option in options for part in ("-o", option)]
        command += ["-L", f"{self.engine}:{address.engine}"]
        for number in range(self._doors):
            command += ["-R", f"{self._there(number)}:{self._door(number)}/{SOCKET}"]
        command += ["-p", str(address.port)] if address.port else []
        who = f"{address.user}@{address.host}" if address.user else address.host
        return [*command, "--", who, "cat"]

    def _there(self, number: int) -> str:
        """The same while the bot runs: sshd removes none but what is in the way of a new one."""
        return f"/tmp/graftbot-{self._mine}-{number}.sock"  # noqa: S108

    def _door(self, number: int) -> Path:
        return self._room / f"{self.address.name}-{number}"

    def lend(self, door: Path) -> tuple[int, Mount]:
        """The socket there that leads to this door from now on, for a mount, and its number."""
        number = self._free.pop()
        self._door(number).unlink(missing_ok=True)
        self._door(number).symlink_to(door)
        return number, Mount(Path(self._there(number)), f"/run/graftbot/{SOCKET}", write=True)

    def take_back(self, number: int) -> None:
        self._door(number).unlink(missing_ok=True)
        self._free.append(number)


async def _last_line(ssh: asyncio.subprocess.Process) -> str:
    """What it says of its end."""
    last = ""
    while ssh.stderr and (line := await ssh.stderr.readline()):
        last = line.decode("utf-8", "replace").strip()[:200] or last
    return last
