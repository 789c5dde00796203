"""What every runtime keeps, as tests: a module that imports them all says by the fixtures `runtime`
and `image` which runtime is meant, and by `walled` one with real walls.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from bot.errors import BotError
from bot.runtimes import Container, Mount, Runtime, Spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = [
    "echo",
    "said",
    "spec",
    "test_an_image_that_is_not_there_is_named_with_what_to_do",
    "test_an_installation_finds_and_removes_its_own_alone",
    "test_lines_go_in_and_come_out_on_the_stream_that_they_were_written_to",
    "test_memory_that_is_not_there_is_not_taken_from_the_host",
    "test_no_container_outlives_a_bot_that_is_killed",
    "test_one_that_runs_is_stopped_and_gone",
    "test_the_walls",
]

ECHO = """
import sys
for line in sys.stdin:
    if line == "leave\\n": sys.exit(7)
    sys.stdout.write("out " + line); sys.stdout.flush()
    sys.stderr.write("err " + line); sys.stderr.flush()
"""
USER = f"{os.getuid()}:{os.getgid()}" if os.getuid() else "10001:10001"
"""As the agent chooses it."""


async def echo(stdin: asyncio.StreamReader, write: Callable[[int, bytes], None]) -> int:
    """What ECHO does, in memory."""
    while line := await stdin.readline():
        if line == b"leave\n":
            return 7
        write(1, b"out " + line)
        write(2, b"err " + line)
    return 0


def spec(image: str, installation: str, **more: object) -> Spec:
    values = {"command": ["python3", "-c", ECHO], "user": USER, **more}
    return Spec(image=image, installation=installation, run=uuid4().hex, **values)  # type: ignore[arg-type]


async def said(container: Container) -> str:
    """All that it says until it ends."""
    output = b""
    while piece := (await container.read())[1]:
        output += piece
    return output.decode()


async def _both(container: Container, size: int) -> dict[int, bytes]:
    """What comes from 1 and 2, up to `size` bytes from each."""
    seen = {1: b"", 2: b""}
    while min(len(seen[1]), len(seen[2])) < size:
        stream, data = await container.read()
        assert data, seen
        seen[stream] += data
    return seen


async def test_lines_go_in_and_come_out_on_the_stream_that_they_were_written_to(
    runtime: Runtime, image: str
) -> None:
    container = await runtime.start(spec(image, "one"))
    await container.write(b"hello\n")
    assert await _both(container, 10) == {1: b"out hello\n", 2: b"err hello\n"}
    await container.write(b"leave\n")
    assert (await container.read())[1] == b""
    assert await container.end() == "ended with 7"


async def test_one_that_runs_is_stopped_and_gone(runtime: Runtime, image: str) -> None:
    mine = spec(image, "two", command=["sleep", "600"])  # it does not mind that its input ends
    container = await runtime.start(mine)
    assert await runtime.runs("two") == {mine.run}
    assert await container.end() == "was stopped"
    assert await runtime.runs("two") == set()


async def test_an_installation_finds_and_removes_its_own_alone(
    runtime: Runtime, image: str
) -> None:
    mine, theirs = spec(image, "mine"), spec(image, "mine-too")  # one is the other's beginning
    first, second = await runtime.start(mine), await runtime.start(theirs)
    await runtime.remove("mine", theirs.run)
    assert await runtime.runs("mine-too") == {theirs.run}
    await runtime.remove("mine", mine.run)
    assert await runtime.runs("mine") == set()
    assert (await first.read())[1] == b""
    assert await first.end() == "was removed by somebody else"
    await second.end()


LOCKED = """
import fcntl, sys
lock = open("/rw/lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
print("locked", flush=True); sys.stdin.read()
"""
KILLED = """
import asyncio, sys
from pathlib import Path
from pkgutil import resolve_name
from bot.runtimes import Mount, Spec
async def main(kind, image, user, folder, program):
    command, mounts = ["python3", "-c", program], [Mount(Path(folder), "/rw", write=True)]
    spec = Spec(image=image, installation="killed", run="r", user=user, command=command, mounts=mounts)
    container = await resolve_name(kind)().start(spec)
    print(await container.read(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main(*sys.argv[1:]))
"""


async def test_no_container_outlives_a_bot_that_is_killed(
    walled: Runtime, image: str, tmp_path: Path
) -> None:
    """Whether or not another bot ever starts: its input ends, or it is killed itself."""
    tmp_path.chmod(0o777)  # noqa: ASYNC240  # a fixture of the test's own
    kind = f"{type(walled).__module__}:{type(walled).__qualname__}"
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, kind, image, USER, str(tmp_path), LOCKED),
        stdout=asyncio.subprocess.PIPE,
    )
    assert bot.stdout
    assert b"locked" in await bot.stdout.readline()
    bot.kill()
    await bot.wait()
    with (tmp_path / "lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
    for run in await walled.runs("killed"):
        await walled.remove("killed", run)
    assert await walled.runs("killed") == set()


WALLS = r"""
import os, socket, subprocess
def tried(what):
    try: what()
    except OSError as error: return os.strerror(error.errno) if error.errno else str(error)
    return 'done'
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
print(status['CapEff'].strip(), status['CapBnd'].strip(), status['NoNewPrivs'].strip(), os.getuid())
print([name for _, name in socket.if_nameindex()])
print(tried(lambda: socket.create_connection(('172.17.0.1', 22), 2)))
for place in ('/usr/x', '/etc/x', '/opt/graftbot/x', '/ro/x', '/rw/x', '/tmp/x', '/home/agent/x'):
    print(place, tried(lambda: open(place, 'w')))
started = []
while len(started) < 200 and tried(lambda: started.append(subprocess.Popen(['sleep', '60']))) == 'done': pass
print(len(started) in range(85, 99))
"""


async def test_the_walls(walled: Runtime, image: str, tmp_path: Path) -> None:
    for name in ("ro", "rw"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    mounts = [Mount(tmp_path / "ro", "/ro"), Mount(tmp_path / "rw", "/rw", write=True)]
    command = ["python3", "-c", WALLS]
    container = await walled.start(spec(image, "w", command=command, mounts=mounts, processes=99))
    output = await said(container)
    await container.end()
    refused = "Read-only file system"
    assert output.split("\n") == [
        f"0000000000000000 0000000000000000 1 {USER.partition(':')[0]}",
        "['lo']",
        "Network is unreachable",
        *(f"{place} {refused}" for place in ("/usr/x", "/etc/x", "/opt/graftbot/x", "/ro/x")),
        *(f"{place} done" for place in ("/rw/x", "/tmp/x", "/home/agent/x")),
        "True",
        "",
    ]


async def test_memory_that_is_not_there_is_not_taken_from_the_host(
    walled: Runtime, image: str
) -> None:
    greedy = ["python3", "-c", "x = b'x' * (1 << 30)"]
    container = await walled.start(spec(image, "greedy", command=greedy, memory=64 << 20))
    await said(container)
    assert await container.end() in {"had no memory left", "ended with 137"}


async def test_an_image_that_is_not_there_is_named_with_what_to_do(walled: Runtime) -> None:
    with pytest.raises(BotError) as caught:
        await walled.start(spec("graftbot-no-such-image", "x"))
    assert "graftbot-no-such-image" in caught.value.message
    assert caught.value.hint == "build it: bot setup"
