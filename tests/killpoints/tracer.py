"""Run a program under ptrace and kill it, git processes and all, just before its n-th step on a
file system.

A step is a system call that would change a file, a folder or a link below a
directory, or the start of a git process. The kernel stops for those alone
(seccomp's SECCOMP_RET_TRACE), so everything else runs at full speed, and
neither the program nor git knows. See ptrace(2) and seccomp(2). Linux on
x86-64 and arm64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import stat
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Step", "Trace", "trace", "why_not"]

_SYSCALLS = {
    # x86-64, arm64 (0: not there), where the path is: (directory argument or -1 for the working
    # directory, path argument)
    "open": (2, 0, (-1, 0)),
    "creat": (85, 0, (-1, 0)),
    "openat": (257, 56, (0, 1)),
    "rename": (82, 0, (-1, 1)),
    "renameat": (264, 38, (2, 3)),
    "renameat2": (316, 276, (2, 3)),
    "link": (86, 0, (-1, 1)),
    "linkat": (265, 37, (2, 3)),
    "symlink": (88, 0, (-1, 1)),
    "symlinkat": (266, 36, (1, 2)),
    "unlink": (87, 0, (-1, 0)),
    "unlinkat": (263, 35, (0, 1)),
    "mkdir": (83, 0, (-1, 0)),
    "mkdirat": (258, 34, (0, 1)),
    "rmdir": (84, 0, (-1, 0)),
    "truncate": (76, 45, (-1, 0)),
    "chmod": (90, 0, (-1, 0)),
    "fchmodat": (268, 53, (0, 1)),
    "fchmodat2": (452, 452, (0, 1)),
    "utimensat": (280, 88, (0, 1)),
    "ftruncate": (77, 46, (0, -1)),
    "fchmod": (91, 52, (0, -1)),
    "write": (1, 64, (0, -1)),
    "pwrite64": (18, 68, (0, -1)),
    "writev": (20, 66, (0, -1)),
    "sendfile": (40, 71, (0, -1)),
    "copy_file_range": (326, 285, (2, -1)),
    "fallocate": (285, 47, (0, -1)),
    "fsync": (74, 82, (0, -1)),
    "fdatasync": (75, 83, (0, -1)),
    "execve": (59, 221, (-1, 0)),
}
_SOURCES = {
    "rename": (-1, 0),
    "renameat": (0, 1),
    "renameat2": (0, 1),
    "link": (-1, 0),
    "linkat": (0, 1),
}
_OPENS = {"open": 1, "openat": 2}
"""Which argument has the flags: an open for reading is no step."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_GROWING = frozenset(
    {
        "open",
        "creat",
        "openat",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "mkdir",
        "mkdirat",
        "fallocate",
    }
    | {"write", "pwrite64", "writev", "sendfile", "copy_file_range"}
)

_ARM = platform.machine() in {"aarch64", "arm64"}
_NAMES = {
    number: name for name, (x86, arm, _) in _SYSCALLS.items() if (number := arm if _ARM else x86)
}

_TRACEME, _CONT, _SETOPTIONS, _GET_SYSCALL_INFO = 0, 7, 0x4200, 0x420E
_PEEKUSER, _POKEUSER, _RAX, _ORIG_RAX, _WORD = 3, 6, 10, 15, 0xFFFFFFFFFFFFFFFF
_COUNTS = {"write": 12, "pwrite64": 12, "sendfile": 7, "copy_file_range": 9}
"""Which register of struct user_regs_struct says how many bytes a call is to write."""
_OPTIONS = (
    1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7 | 1 << 20
)  # fork, vfork, clone, exec, seccomp; die with the tracer
_EVENT_SECCOMP = 7
_WALL = 0x40000000
_SET_SECCOMP, _SECCOMP_FILTER, _NO_NEW_PRIVS = 22, 2, 38
_ALLOW, _TRACE = 0x7FFF0000, 0x7FF00000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
_libc.prctl.argtypes = [
    ctypes.c_int,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_ulong,
]


@dataclass(frozen=True)
class Step:
    """A system call on a path, or the start of a git command; `git` when a child of the program
    makes it.
    """

    call: str
    what: str
    git: bool
    there: bool = False
    """Whether it opens or makes what is there already."""
    source: str = ""
    """Of a rename or a link: the path that there was before."""

    @property
    def shortens(self) -> bool:
        """Whether it may write less than it was asked to."""
        return self.call in _COUNTS

    @property
    def grows(self) -> bool:
        """Whether it needs room on the disk."""
        return self.call in _GROWING

    def __str__(self) -> str:
        return f"{'git: ' if self.git else ''}{self.call} {self.what}"


@dataclass
class Trace:
    """The steps that a program came to, and how it ended (as `subprocess` says it: negative for a
    signal).
    """

    steps: list[Step] = field(default_factory=list)
    code: int = 0


def why_not() -> str:
    """Why this machine cannot trace, or nothing."""
    if platform.system() != "Linux" or platform.machine() not in {"x86_64", "aarch64", "arm64"}:
        return f"no tracing on {platform.system()} {platform.machine()}"
    try:
        found = trace(
            lambda: (
                subprocess.run(["git", "--version"], capture_output=True, check=True).returncode
            ),
            Path("/"),
        )
    except OSError as error:
        return f"ptrace is not permitted: {error.strerror}"
    return "" if found.code == 0 and found.steps else "seccomp or ptrace is not permitted"


def trace(
    program: Callable[[], int],
    directory: Path,
    *,
    kill_before: int | None = None,
    git_lives: bool = False,
    full_from: int | None = None,
    fail_at: int | None = None,
    error: int = errno.EIO,
    short: bool = False,
    pause_at: int | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Trace:
    """Run a program to its end, or kill it just before a step (counted from 0) below a directory.

    `program` is called in a process of its own, and gives its exit code. With
    `git_lives` only that process is killed; the git that it started goes on
    alone, and is waited for. Nobody is killed with `full_from`, but from that
    step on the disk is full: what needs room fails with ENOSPC. With `fail_at`
    that one step fails with `error`, or, if it is a write and `short`, writes
    half of what it should. Just before step `pause_at`, `meanwhile` is called, and whoever is at
    that step waits for it.
    """
    root = os.fork()
    if root == 0:
        _become(program)
    os.waitpid(root, 0)
    _ptrace(_SETOPTIONS, root, _OPTIONS)
    _ptrace(_CONT, root, 0)
    found, alive, dying = Trace(), {root}, False
    prefix = os.path.realpath(directory) + "/"
    while alive:
        pid, status = os.waitpid(-1, _WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            alive.discard(pid)
            if pid == root:
                found.code = os.waitstatus_to_exitcode(status)
            continue
        event, sent = status >> 16, os.WSTOPSIG(status)
        if pid not in alive:  # a new process or thread begins with a stop of its own
            alive.add(pid)
            sent = 0
            if dying:
                os.kill(pid, signal.SIGKILL)
        if event == _EVENT_SECCOMP and (step := _step(pid, pid != root, prefix)) is not None:
            found.steps.append(step)
            if kill_before == len(found.steps) - 1:
                dying = not git_lives
                for victim in alive if dying else [root]:
                    os.kill(victim, signal.SIGKILL)
            if meanwhile is not None and pause_at == len(found.steps) - 1:
                meanwhile()
            if fail_at == len(found.steps) - 1:
                _spoil(pid, step, error, short=short)
            if (
                full_from is not None
                and len(found.steps) > full_from
                and step.grows
                and not step.there
            ):
                _fail(pid, errno.ENOSPC)
        _ptrace(_CONT, pid, 0 if event or sent == signal.SIGTRAP else sent, gone_is_fine=True)
    return found


def _fail(pid: int, error: int) -> None:
    """Let the system call that a process is stopped at fail: its number becomes -1, its result the
    error.
    """
    _ptrace(_POKEUSER, pid, -1 & _WORD, address=8 * _ORIG_RAX)
    _ptrace(_POKEUSER, pid, -error & _WORD, address=8 * _RAX)


def _spoil(pid: int, step: Step, error: int, *, short: bool) -> None:
    """Let a call fail, or write half. Which call a number is may differ from run to run: what
    writes nothing is left alone.
    """
    if not short:
        _fail(pid, error)
    elif step.shortens:
        _shorten(pid, step.call)


def _shorten(pid: int, call: str) -> None:
    register = 8 * _COUNTS[call]
    wanted = ctypes.c_long(0)  # the system call, unlike its wrapper, writes the word it read
    if _libc.syscall(101, _PEEKUSER, pid, register, ctypes.byref(wanted)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    _ptrace(_POKEUSER, pid, max(1, wanted.value // 2), address=register)


def _ptrace(
    request: int, pid: int, data: int, *, address: int = 0, gone_is_fine: bool = False
) -> None:
    if _libc.ptrace(request, pid, address, data) < 0 and not gone_is_fine:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# --- the child


def _become(program: Callable[[], int]) -> None:
    code = 126
    try:
        _ptrace(_TRACEME, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _filter()
        code = program()
    finally:
        os._exit(code)


def _filter() -> None:
    program = _program()
    code = ctypes.create_string_buffer(b"".join(program), 8 * len(program))
    head = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    )
    _libc.prctl(_NO_NEW_PRIVS, 1, None, 0, 0)
    if _libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, head, 0, 0):
        os._exit(125)


def _program() -> list[bytes]:
    """Berkeley packet filter code: which system calls stop. `struct seccomp_data` is int nr, u32
    arch, u64 ip, args.
    """
    load, equal, any_of, give = 0x20, 0x15, 0x45, 0x06
    found: list[tuple[int, int, int, int]] = [(load, 0, 0, 0)]
    for number, name in _NAMES.items():
        assert isinstance(number, int)
        if name in _OPENS:
            found += [
                (equal, 0, 4, number),
                (load, 0, 0, 16 + 8 * _OPENS[name]),
                (any_of, 0, 1, _WRITING),
            ]
            found += [(give, 0, 0, _TRACE), (give, 0, 0, _ALLOW)]
        else:
            found += [(equal, 0, 1, number), (give, 0, 0, _TRACE)]
    found.append((give, 0, 0, _ALLOW))
    return [struct.pack("HBBI", *line) for line in found]


# --- what a stopped process is about to do


def _step(pid: int, git: bool, prefix: str) -> Step | None:
    info = ctypes.create_string_buffer(88)
    if _libc.ptrace(_GET_SYSCALL_INFO, pid, 88, ctypes.cast(info, ctypes.c_void_p)) < 0:
        return None
    number, *args = struct.unpack_from("<7Q", info.raw, 24)
    name = _NAMES[number]
    if name == "execve":
        program = _text(pid, args[0])
        if Path(program).name != "git" or not Path(program).exists():
            return None
        words = _words(pid, args[1])
        while len(words) > 1 and words[1].startswith("-"):
            del words[1 : 3 if words[1] == "-c" else 2]
        return Step("start", " ".join(words[:4]), git=False)
    path = _path(pid, _SYSCALLS[name][2], args)
    if not path.startswith(prefix):
        return None
    there = ("open" in name or "mkdir" in name) and os.path.lexists(path)
    source = _path(pid, _SOURCES[name], args).removeprefix(prefix) if name in _SOURCES else ""
    return Step(name, path.removeprefix(prefix), git, there, source)


def _path(pid: int, where: tuple[int, int], args: Sequence[int]) -> str:
    folder, name = where
    try:
        if name < 0:
            link = f"/proc/{pid}/fd/{args[folder]}"
            kind = os.stat(link).st_mode
            return os.readlink(link) if stat.S_ISREG(kind) or stat.S_ISDIR(kind) else ""
        text = _text(pid, args[name])
        at = args[folder] if folder >= 0 else -100
        here = f"/proc/{pid}/cwd" if folder < 0 or at > 1 << 31 else f"/proc/{pid}/fd/{at}"
        return os.path.normpath(Path(os.readlink(here), text)) if text or name >= 0 else ""
    except OSError:
        return ""


def _text(pid: int, address: int) -> str:
    if not address:
        return ""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        found = b""
        while b"\0" not in found and len(found) < 4096:
            memory.seek(address + len(found))
            found += memory.read(min(256, 4096 - (address + len(found)) % 4096))
    return os.fsdecode(found.partition(b"\0")[0])


def _words(pid: int, address: int) -> list[str]:
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for n in range(40):
            memory.seek(address + 8 * n)
            (pointer,) = struct.unpack("<Q", memory.read(8))
            if not pointer:
                break
            found.append(_text(pid, pointer))
    return found
