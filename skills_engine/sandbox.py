"""A room for code that the engine runs and did not write: skills' tests, their codemods, an
assistant.

In the room there is what a program needs to run at all, the folders that it was given, and nothing
else of the machine: no home, no checkout, no other process, no variable but its own, no network
unless it was granted. bubblewrap makes it, for root and for others; where that is missing or
forbidden, a local Docker Engine does, in an image that has no file of its own. Where neither can,
the program would run as its user does in a shell: that is said (`unconfined`), and it is for the
caller to ask.

What a room does not keep: it shares the kernel, and with the network granted it also reaches what
listens on this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Enclosed", "Room", "enclosed", "python_files", "unconfined"]

Kind = Literal["bubblewrap", "docker"]

_IMAGE = "graftbot-nothing"
"""An image without files: what is seen in it is mounted."""

_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
_SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "passwd",
    "group",
    "nsswitch.conf",
    "hosts",
    "localtime",
    "timezone",
    "protocols",
    "services",
    "mime.types",
    "os-release",
    "ssl/certs",
    "ssl/openssl.cnf",
    "ca-certificates",
    "pki/tls/certs",
    "pki/ca-trust/extracted",
)
"""Below /etc: what libraries read, and no secret of a well-kept machine."""
_HIDDEN = "/usr/local/etc"
_TMP = "/tmp:exec,mode=1777"  # noqa: S108  (the room's own)
_OF_PYTHON = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")
"""What is Python's in the folder that it is installed in, which may be somebody's home."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a program sees beside the system: `reads` and `writes` at their own paths."""

    cwd: Path
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    network: bool = False


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A command that runs another one in a room, and the environment to start it with."""

    command: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    wrapped: bool

    def status(self, code: int | None) -> int | None:
        """The exit code of the program inside, as subprocess has it: negative for a signal."""
        return 128 - code if self.wrapped and code is not None and code > 128 else code


@contextmanager
def enclosed(
    command: Sequence[str | Path], room: Room, env: Mapping[str, str]
) -> Iterator[Enclosed]:
    """The command in a room, as far as this machine can make one; what it started ends with the
    block.
    """
    words = tuple(str(word) for word in command)
    inside = {**env, "TMPDIR": "/tmp"}  # noqa: S108  (the room's own)
    match _kind():
        case "bubblewrap":
            yield Enclosed((*_bubblewrap(room), "--", *words), inside, wrapped=True)
        case "docker":
            name = _name()
            try:
                yield Enclosed((*_docker(room, inside, name), *words), dict(os.environ), True)
            finally:
                _quiet("docker", "rm", "--force", name)
        case None:
            yield Enclosed(words, dict(env), wrapped=False)


def unconfined() -> str:
    """Why programs would run here without a room, or nothing."""
    return "" if _kind() else "neither bubblewrap nor Docker works here"


def python_files(python: Path) -> tuple[Path, ...]:
    """What an interpreter needs to see of itself, and of the environment that it belongs to."""
    roots = [python.parent.parent, python.resolve().parent.parent]
    try:
        lines = (roots[0] / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    homes = [
        line.partition("=")[2].strip() for line in lines if line.split("=")[0].strip() == "home"
    ]
    roots += [Path(home).parent for home in homes]
    return tuple(dict.fromkeys(root / name for root in roots for name in _OF_PYTHON))


def _bubblewrap(room: Room) -> list[str]:
    # by its path: it is found on this process's PATH, and runs with the room's
    words = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-all",
        *(["--share-net"] if room.network else []),
    ]
    words += ["--die-with-parent", "--cap-drop", "ALL"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/var/tmp"]  # noqa: S108
    for path, writes in _seen(room):
        words += ["--bind" if writes else "--ro-bind", path, path]
    if Path(_HIDDEN).is_dir():
        words += ["--tmpfs", _HIDDEN]
    return [*words, "--remount-ro", "/", "--chdir", str(room.cwd)]


def _docker(room: Room, env: Mapping[str, str], name: str) -> list[str]:
    words = ["docker", "run", "--rm", "--interactive", "--name", name]
    words += ["--pull", "never", "--read-only"]
    words += ["--network", "bridge" if room.network else "none", "--pids-limit", "1024"]
    words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    words += ["--user", f"{os.getuid()}:{os.getgid()}", "--tmpfs", _TMP]
    for path, writes in _seen(room):
        quoted = path.replace('"', '""')  # the value is a line of CSV
        parts = [
            "type=bind",
            f'"src={quoted}"',
            f'"dst={quoted}"',
            *([] if writes else ["readonly"]),
        ]
        words += ["--mount", ",".join(parts)]
    if Path(_HIDDEN).is_dir():
        words += ["--tmpfs", _HIDDEN]
    for key, value in env.items():
        words += ["--env", f"{key}={value}"]
    # the first process of a room cannot be killed from inside: a shell tells how its child ended
    shell = ["/bin/sh", "-c", '"$@"; exit $?', "sh"]
    return [*words, "--workdir", str(room.cwd), _IMAGE, *shell]


def _seen(room: Room) -> Iterator[tuple[str, bool]]:
    """What is mounted, and whether it may be written; what holds others comes before them, and
    brings what lies in it.
    """
    settings = (*_SETTINGS, *(["resolv.conf"] if room.network else []))
    system = [*_SYSTEM, *(f"/etc/{name}" for name in settings)]
    reads = {path for path in (*map(Path, system), *room.reads) if path.exists()}
    whole = {path for path in reads if not reads.intersection(path.parents)}
    yield from sorted(
        [*((str(path), False) for path in whole), *((str(path), True) for path in room.writes)]
    )


@cache
def _kind() -> Kind | None:
    """What makes rooms here, tried with the interpreter that runs this."""
    room = Room(Path("/"), python_files(Path(sys.executable)))
    trial = [sys.executable, "-I", "-S", "-c", ""]
    if sys.platform != "linux":
        return None
    if shutil.which("bwrap") and _quiet(*_bubblewrap(room), "--", *trial):
        return "bubblewrap"
    if shutil.which("docker") and _image() and _quiet(*_docker(room, {}, _name()), *trial):
        return "docker"
    return None


def _name() -> str:
    return f"graftbot-{os.urandom(8).hex()}"


def _image() -> bool:
    if _quiet("docker", "image", "inspect", _IMAGE):
        return True
    return _quiet("docker", "import", "-", _IMAGE, stdin=b"\0" * 10_240)  # an empty tar archive


def _quiet(*command: str, stdin: bytes = b"") -> bool:
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
