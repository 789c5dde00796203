"""What a container may ask of the kernel: which sockets, calls and limits it has."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any
from uuid import uuid4

import docker
import pytest
from engine import IMAGE

from bot.runtimes import Spec
from bot.runtimes.docker import DockerRuntime
from bot.runtimes.seccomp import FAMILIES, profile

pytestmark = pytest.mark.usefixtures("engine")
FAMILIES_OF_LINUX = 46
OPEN = {*FAMILIES.values(), socket.AF_NETLINK if hasattr(socket, "AF_NETLINK") else 16}


async def inside(program: str, *command: str) -> str:
    """What a Python program prints in a container, as an agent has one."""
    runtime = DockerRuntime()
    spec = Spec(
        image=IMAGE,
        installation="walls",
        run=uuid4().hex,
        user="10001:10001",
        command=["python3", "-c", program, *command],
    )
    container = await runtime.start(spec)
    said = b""
    try:
        while piece := (await container.read())[1]:
            said += piece
    finally:
        await container.end()
        await runtime.close()
    return said.decode()


SOCKETS = """
import errno, json, socket, sys
shut = {}
for family in range(int(sys.argv[1])):
    for kind in (1, 2, 3, 4, 5, 6, 10):
        for protocol in (0, 1, 15, 16) if family == 16 else (0, 1, 6, 17, 58):
            try:
                socket.socket(family, kind, protocol).close()
                shut.setdefault(family, []).append([kind, protocol])
            except OSError:
                shut.setdefault(family, [])
print(json.dumps(shut))
"""


@pytest.fixture(scope="module")
def opened(engine: docker.DockerClient) -> dict[int, list[list[int]]]:
    """By family: the kinds and protocols of which a container gets a socket."""
    found: dict[str, Any] = json.loads(asyncio.run(inside(SOCKETS, str(FAMILIES_OF_LINUX))))
    return {int(family): kinds for family, kinds in found.items()}


@pytest.mark.parametrize("family", range(FAMILIES_OF_LINUX))
def test_a_socket_of_a_family_is_had_if_it_was_decided_so(
    opened: dict[int, list[list[int]]], family: int
) -> None:
    if family in OPEN:
        assert opened[family]
    else:
        assert opened[family] == [], "it leads out of the container, or into the kernel"
    if family in {socket.AF_INET, socket.AF_INET6}:
        assert not [kind for kind, _ in opened[family] if kind == socket.SOCK_RAW]
    if family == 16:
        assert {protocol for _, protocol in opened[family]} == {0}, "NETLINK_ROUTE alone"


CALLS = """
import ctypes, errno, json, os, platform
libc = ctypes.CDLL(None, use_errno=True)
numbers = {
    "x86_64": {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "keyctl": 250, "bpf": 321,
        "add_key": 248, "request_key": 249, "userfaultfd": 323, "perf_event_open": 298,
        "io_uring_setup": 425, "open_by_handle_at": 304, "name_to_handle_at": 303, "mq_open": 240,
        "pivot_root": 155, "init_module": 175, "kexec_load": 246, "vmsplice": 278, "swapon": 167,
        "process_vm_readv": 310, "kcmp": 312, "fanotify_init": 300, "syslog": 103, "quotactl": 179,
        "memfd_secret": 447, "modify_ldt": 154, "chroot": 161, "clone3": 435, "pidfd_getfd": 438},
    "aarch64": {"ptrace": 117, "mount": 40, "unshare": 97, "setns": 268, "keyctl": 219, "bpf": 280,
        "add_key": 217, "request_key": 218, "userfaultfd": 282, "perf_event_open": 241,
        "io_uring_setup": 425, "open_by_handle_at": 265, "name_to_handle_at": 264, "mq_open": 180,
        "pivot_root": 41, "init_module": 105, "kexec_load": 104, "vmsplice": 75, "swapon": 224,
        "process_vm_readv": 270, "kcmp": 272, "fanotify_init": 262, "syslog": 116, "quotactl": 60,
        "memfd_secret": 447, "chroot": 51, "clone3": 435, "pidfd_getfd": 438},
}[platform.machine()]
said = {}
for name, number in numbers.items():
    ctypes.set_errno(0)
    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    said[name] = errno.errorcode.get(ctypes.get_errno(), "") if result == -1 else "done"
CLONE_NEWUSER = 0x10000000
try:
    pid = libc.syscall({"x86_64": 56, "aarch64": 220}[platform.machine()], CLONE_NEWUSER | 17, 0, 0, 0, 0)
    said["clone(NEWUSER)"] = errno.errorcode.get(ctypes.get_errno(), "") if pid == -1 else "done"
    if pid == 0:
        os._exit(0)
finally:
    print(json.dumps(said))
"""


async def test_calls_that_led_out_of_containers_before_are_refused_by_the_filter() -> None:
    said = json.loads(await inside(CALLS))
    assert said.pop("clone3") == "ENOSYS", "so that libraries take clone"
    assert said == dict.fromkeys(said, "EPERM")


ORDINARY = """
import asyncio, concurrent.futures, mmap, os, select, shutil, signal, socket, sqlite3, subprocess
import sys, tempfile, threading
os.chdir(tempfile.mkdtemp())
os.mkfifo("pipe"); os.symlink("pipe", "link"); os.link("pipe", "other");
open("x", "w").write("x" * 10); shutil.copy("x", "y"); os.chmod("y", 0o600)
with concurrent.futures.ThreadPoolExecutor(4) as pool: list(pool.map(str, range(99)))
with concurrent.futures.ProcessPoolExecutor(2) as pool: list(pool.map(str, range(9)))
mmap.mmap(-1, 1 << 16).close(); socket.socketpair()[0].close()
db = sqlite3.connect("db"); db.execute("PRAGMA journal_mode=wal"); db.execute("CREATE TABLE t (x)")
assert subprocess.run("seq 3 | sort -r | head -1; bash -c 'echo $((1+1))'", shell=True, text=True,
    capture_output=True).stdout == "3\\n2\\n"
server = socket.create_server(("127.0.0.1", 0)); socket.create_connection(server.getsockname()).close()
assert socket.if_nameindex()
os.memfd_create("m"); os.eventfd(0); select.epoll().close(); os.getrandom(8)
async def child(): await (await asyncio.create_subprocess_exec("true")).wait()
asyncio.run(child())
os.setpriority(os.PRIO_PROCESS, 0, 5); os.sched_setaffinity(0, os.sched_getaffinity(0))
print("all of it")
"""


async def test_what_programs_of_every_day_need_is_there() -> None:
    assert await inside(ORDINARY) == "all of it\n"


LIMITS = """
import json, resource
names = ("CORE", "NOFILE", "MSGQUEUE", "SIGPENDING")
print(json.dumps({name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names}))
"""


async def test_limits_are_the_bot_s_and_not_the_engine_s() -> None:
    assert json.loads(await inside(LIMITS)) == {
        "CORE": [0, 0],
        "NOFILE": [8_192, 8_192],
        "MSGQUEUE": [0, 0],
        "SIGPENDING": [512, 512],
    }


def test_the_profile_lets_no_other_machine_s_calls_through() -> None:
    """Those of 32 bits have a way to sockets that no filter can look into."""
    made = profile()
    assert not {"architectures", "archMap"} & set(made)
    named = [name for rule in made["syscalls"] for name in rule["names"]]
    assert not {"socketcall", "ipc", "io_uring_setup", "ptrace"} & set(named)
    assert all(rule["args"] for rule in made["syscalls"] if "socket" in rule["names"])
