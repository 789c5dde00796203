"""Sandboxes by bubblewrap, which needs no engine: this machine's /usr, and an environment with the
agent's packages, stand for an image.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from resource import RLIMIT_NOFILE, getrlimit

from bot.errors import BotError, Misconfigured
from bot.runtimes import Spec
from bot.runtimes.bubblewrap_image import Image
from bot.runtimes.cgroups import PREFIX, Cgroups, Values
from bot.runtimes.docker import LIMITS
from bot.runtimes.filtered import program
from bot.settings import load

CONTROLLERS = {"memory": "memory", "processes": "pids", "cpu": "cpu"}
NETWORK = "network"
SEEN = ("alternatives", "ld.so.cache", "hosts", "nsswitch.conf", "ssl/certs", "pki/tls/certs")
ENVIRONMENT = {
    "PATH": "/opt/agent/bin:/usr/local/bin:/usr/bin:/bin",
    "HOME": "/home/agent",
    "CLAUDE_CONFIG_DIR": "/home/agent/.claude",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}
JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"'
"""A shell that enters control groups, and then becomes the command behind `--`."""
SETTLED_SECONDS, PIECE = 3, 1 << 16
UNCHANGED = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


class Sandbox:
    """A process of bubblewrap's. All that is in the sandbox ends with its first process, of which
    `first` is a descriptor; None if it was never there. `undo` takes away what was made for it, and
    says whether it had no memory left.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, first: int | None, undo: Callable[[], bool]
    ) -> None:
        self._process, self._first, self._undo = process, first, undo
        self._output: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(16)
        self._reading = asyncio.ensure_future(self._read())
        self._silent = self._removed = False

    async def write(self, data: bytes) -> None:
        stdin = self._process.stdin
        if stdin is None or self._process.returncode is not None:
            raise BrokenPipeError("the sandbox has ended")
        stdin.write(data)
        await stdin.drain()

    async def read(self) -> tuple[int, bytes]:
        stream, data = await self._output.get()
        self._silent = not data
        return stream, data

    async def remove(self) -> None:
        """For whoever does not talk with it."""
        self._removed = True
        await self._kill()

    async def end(self) -> str:
        if self._silent:  # it has said its last, and is about to end by itself
            waiting = asyncio.ensure_future(self._process.wait())
            await asyncio.wait({waiting}, timeout=SETTLED_SECONDS)
        stopped = self._process.returncode is None
        no_memory = await self._kill()
        self._reading.cancel()
        if self._removed:
            return "was removed by somebody else"
        if stopped:
            return "was stopped"
        return "had no memory left" if no_memory else f"ended with {self._process.returncode}"

    async def _kill(self) -> bool:
        first, self._first = self._first, None
        if first is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(first, signal.SIGKILL)
            os.close(first)
        await self._process.wait()
        try:
            return await asyncio.to_thread(self._undo)
        except OSError as error:
            raise BotError(f"a sandbox could not be removed: {error}") from error

    async def _read(self) -> None:
        async def follow(number: int, stream: asyncio.StreamReader | None) -> None:
            while stream is not None and (data := await stream.read(PIECE)):
                await self._output.put((number, data))

        await asyncio.gather(follow(1, self._process.stdout), follow(2, self._process.stderr))
        await self._output.put((1, b""))


class BubblewrapRuntime:
    """Raises Misconfigured where bubblewrap cannot keep what the owner has not given up: the
    setting BUBBLEWRAP_WITHOUT.
    """

    def __init__(self) -> None:
        settings = load()
        self._image = settings.agent_image
        words = settings.bubblewrap_without.replace(",", " ").split()
        if unknown := {*words} - {*CONTROLLERS, NETWORK}:
            hint = f"it can be of {', '.join((*CONTROLLERS, NETWORK))}"
            named = ", ".join(sorted(unknown))
            raise Misconfigured(f"BUBBLEWRAP_WITHOUT cannot be {named}", hint=hint)
        self._without, self._groups = {*words}, Cgroups(tuple(CONTROLLERS.values()))
        self._own_user = os.getuid() != 0
        """Whether a sandbox has a user of its own, by which the kernel counts its processes."""
        kept = {name for name, one in CONTROLLERS.items() if one in self._groups.made}
        kept |= {"processes"} if self._own_user else set()
        if lacking := ",".join(name for name in CONTROLLERS if name not in kept | self._without):
            hint = "let systemd run the bot with control groups of its own (Delegate=yes), or do "
            raise Misconfigured(
                f"bubblewrap cannot limit {lacking} here",
                hint=f"{hint}without: BUBBLEWRAP_WITHOUT={','.join([*words, lacking])}",
            )
        self._filter = _tried()
        self._started: dict[tuple[str, str], Sandbox] = {}

    async def prepare(self, say: Callable[[str], None]) -> None:
        await asyncio.to_thread(Image(self._image).build, say)

    async def has(self, image: str) -> bool:
        return Image(image).there

    async def start(self, spec: Spec) -> Sandbox:
        if not Image(spec.image).there:
            raise BotError(f"there is no such image: {spec.image}", hint="build it: bot setup")
        if spec.network and NETWORK not in self._without:
            raise BotError(
                "with bubblewrap, a network is this machine's own, and what listens on it",
                hint=f"take the network from the group, or set BUBBLEWRAP_WITHOUT={NETWORK}",
            )
        name, key = f"{PREFIX}.{spec.installation}.{spec.run}", (spec.installation, spec.run)
        filtered, (reads, writes) = os.memfd_create("filter"), os.pipe()
        try:
            places = await asyncio.to_thread(self._groups.make, name, self._values(spec))
            os.write(filtered, self._filter)
            os.lseek(filtered, 0, os.SEEK_SET)
            joined = (*(str(place / "cgroup.procs") for place in places), "--")
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", JOIN, "sh", *joined, *self.command(spec, filtered, writes)),
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                pass_fds=(filtered, writes),
                start_new_session=True,  # what is typed at the bot's terminal is not for it
            )
        except OSError as error:
            os.close(reads)
            raise BotError(f"bubblewrap cannot start a sandbox: {error}") from error
        finally:
            os.close(filtered)
            os.close(writes)
        first = await asyncio.to_thread(_first, reads)
        sandbox = self._started[key] = Sandbox(process, first, partial(self._undo, name, key))
        return sandbox

    def _undo(self, name: str, key: tuple[str, str]) -> bool:
        no_memory = self._groups.killed(name)
        self._groups.remove(name)
        self._started.pop(key, None)
        return no_memory

    async def runs(self, installation: str) -> set[str]:
        """Those of a bot that was killed have ended with it; their control groups may be left."""
        own = {run for owner, run in self._started if owner == installation}
        left = (name.rpartition(".") for name in self._groups.names())
        return own | {run for owner, _, run in left if owner == f"{PREFIX}.{installation}"}

    async def remove(self, installation: str, run: str) -> None:
        if sandbox := self._started.get((installation, run)):
            await sandbox.remove()
            return
        try:
            name = f"{PREFIX}.{installation}.{run}"
            await asyncio.to_thread(self._groups.remove, name)
        except OSError as error:
            raise BotError(f"a sandbox could not be removed: {error}") from error

    async def close(self) -> None:
        """Nothing is held."""

    def _values(self, spec: Spec) -> Values:
        most, core = str(spec.memory), "100000"
        values = {"pids.max": str(spec.processes)}
        if self._groups.second:
            values |= {"memory.max": most, "memory.swap.max": "0"}
            return values | {"cpu.max": f"{core} {core}"}
        values |= {"memory.limit_in_bytes": most, "memory.memsw.limit_in_bytes": most}
        return values | {"cpu.cfs_quota_us": core}

    def command(self, spec: Spec, filtered: int, told: int) -> list[str]:
        """The walls of a sandbox, in bubblewrap's words: from the descriptor `filtered` it reads
        the filter of system calls, to `told` it says which process is the first.
        """
        uid, _, gid = spec.user.partition(":")
        words = ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        words += ["--die-with-parent", "--new-session", "--seccomp", str(filtered)]
        words += ["--info-fd", str(told)]
        words += [] if spec.network else ["--unshare-net"]
        words += ["--proc", "/proc", "--dev", "/dev"]
        for place in ("/dev/shm", "/tmp", "/home/agent"):  # noqa: S108  # in memory, and its own
            words += ["--perms", "1777", "--size", str(spec.memory), "--tmpfs", place]
        words += [*_system(spec.network), "--dir", "/opt/graftbot"]
        words += _bind("--ro-bind", Image(spec.image).place, "/opt/agent")
        for mount in sorted(spec.mounts, key=lambda one: one.target):
            words += _bind("--bind" if mount.write else "--ro-bind", mount.source, mount.target)
        words += ["--remount-ro", "/", "--chdir", "/opt/graftbot", "--clearenv"]
        for name, value in ENVIRONMENT.items():
            words += ["--setenv", name, value]
        most = {**LIMITS, "nofile": min(LIMITS["nofile"], getrlimit(RLIMIT_NOFILE)[1])}
        if self._own_user:
            words += ["--unshare-user", "--uid", uid, "--gid", gid or uid]
            most["nproc"] = spec.processes
            become = []
        else:  # its user can do nothing on this machine: root's powers are left
            for power in ("SETUID", "SETGID", "SETPCAP"):
                words += ["--cap-add", f"CAP_{power}"]
            become = ["setpriv", "--reuid", uid, "--regid", gid or uid, *UNCHANGED]
        limits = ["prlimit", *(f"--{name}={value}:{value}" for name, value in most.items())]
        return [*words, "--", *limits, *become, *(spec.command or ("python", "-m", "runner"))]


def _first(reads: int) -> int | None:
    """A descriptor of the first process in a sandbox, by what bubblewrap says."""
    with os.fdopen(reads, "rb") as file:
        said = b""
        while b"}" not in said and (piece := file.read1()):  # it comes in pieces
            said += piece
    if child := re.search(rb'"child-pid": *(\d+)', said):
        with suppress(ProcessLookupError):
            return os.pidfd_open(int(child[1]))
    return None


def _system(network: bool) -> Iterator[str]:
    """What of this machine is seen, read-only: programs and libraries, and few settings."""
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.is_dir():
            yield from ("--ro-bind", str(place), str(place))
    for name in (*SEEN, *(("resolv.conf",) if network else ())):
        yield from _bind("--ro-bind-try", Path("/etc", name), f"/etc/{name}")
    python = Path(sys.base_prefix)
    if not python.is_relative_to("/usr"):
        yield from _bind("--ro-bind", python, str(python))


def _bind(how: str, source: Path, target: str) -> list[str]:
    """bubblewrap would make the folders above it for root alone."""
    return ["--dir", str(PurePosixPath(target).parent), how, str(source), target]


def _tried() -> bytes:
    """The filter of system calls, where bubblewrap and what else is needed work here."""
    missing = [one for one in ("bwrap", "prlimit", "setpriv") if not shutil.which(one)]
    if missing:
        hint = "install them (Debian: apt install bubblewrap util-linux)"
        raise Misconfigured(f"there is no {', '.join(missing)}", hint=hint)
    trial = ["bwrap", "--unshare-net", "--ro-bind", "/", "/", "true"]
    done = subprocess.run(trial, capture_output=True, text=True, check=False)
    if done.returncode:
        hint = "let users make namespaces (Ubuntu: an AppArmor profile for bwrap), or use Docker"
        raise Misconfigured(f"bubblewrap does not work here: {done.stderr.strip()}", hint=hint)
    try:
        return program()
    except OSError as error:
        hint = "install libseccomp (Debian: apt install libseccomp2)"
        raise Misconfigured(f"system calls cannot be filtered: {error}", hint=hint) from error
