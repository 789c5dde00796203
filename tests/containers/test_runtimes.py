"""One contract, which every runtime keeps: the Docker Engine, or what RUNTIME names, and the runtime
in memory.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from pkgutil import resolve_name
from uuid import uuid4

import docker
import pytest
from doubles import MemoryRuntime
from engine import IMAGE

from bot.errors import BotError
from bot.runtimes import RUNTIMES, Container, Mount, Runtime, Spec

PLACE = RUNTIMES[os.environ.get("RUNTIME") or "docker"]

ECHO = """
import sys
for line in sys.stdin:
    if line == "leave\\n": sys.exit(7)
    sys.stdout.write("out " + line); sys.stdout.flush()
    sys.stderr.write("err " + line); sys.stderr.flush()
"""


async def echo(stdin: asyncio.StreamReader, write: Callable[[int, bytes], None]) -> int:
    """What ECHO does, in memory."""
    while line := await stdin.readline():
        if line == b"leave\n":
            return 7
        write(1, b"out " + line)
        write(2, b"err " + line)
    return 0


def made() -> Runtime:
    """The runtime that is tried."""
    runtime: Runtime = resolve_name(PLACE)()
    return runtime


@pytest.fixture(params=["docker", "memory"])
async def runtime(request: pytest.FixtureRequest) -> AsyncIterator[Runtime]:
    if request.param == "docker":
        request.getfixturevalue("engine")
    runtime: Runtime = made() if request.param == "docker" else MemoryRuntime(echo)
    yield runtime
    await runtime.close()


def spec(installation: str, **more: object) -> Spec:
    values = {"command": ["python3", "-c", ECHO], "user": "10001:10001", **more}
    return Spec(image=IMAGE, installation=installation, run=uuid4().hex, **values)  # type: ignore[arg-type]


async def both(container: Container, size: int) -> dict[int, bytes]:
    """What comes from 1 and 2, up to `size` bytes from each."""
    seen = {1: b"", 2: b""}
    while min(len(seen[1]), len(seen[2])) < size:
        stream, data = await container.read()
        assert data
        seen[stream] += data
    return seen


async def test_lines_go_in_and_come_out_on_the_stream_that_they_were_written_to(
    runtime: Runtime,
) -> None:
    container = await runtime.start(spec("one"))
    await container.write(b"hello\n")
    assert await both(container, 10) == {1: b"out hello\n", 2: b"err hello\n"}
    await container.write(b"leave\n")
    assert (await container.read())[1] == b""
    assert await container.end() == "ended with 7"


async def test_one_that_runs_is_stopped_and_gone(runtime: Runtime) -> None:
    mine = spec("two", command=["sleep", "600"])  # it does not mind that its input ends first
    container = await runtime.start(mine)
    assert await runtime.runs("two") == {mine.run}
    assert await container.end() == "was stopped"
    assert await runtime.runs("two") == set()


async def test_an_installation_finds_and_removes_its_own_alone(runtime: Runtime) -> None:
    mine, theirs = spec("mine"), spec("mine-too")  # one is the beginning of the other
    first, second = await runtime.start(mine), await runtime.start(theirs)
    await runtime.remove("mine", theirs.run)
    assert await runtime.runs("mine-too") == {theirs.run}
    await runtime.remove("mine", mine.run)
    assert await runtime.runs("mine") == set()
    assert (await first.read())[1] == b""
    assert await first.end() == "was removed by somebody else"
    await second.end()


async def test_the_input_of_a_container_ends_with_the_bot(engine: docker.DockerClient) -> None:
    """So that no orphan outlives a killed bot for long, whether or not another bot ever starts."""
    program = f"""
import asyncio
from bot.runtimes import Spec
from pkgutil import resolve_name
async def main():
    await resolve_name({PLACE!r})().start(Spec(image={IMAGE!r}, installation="killed", run="r", user="10001", command=["cat"]))
    print("started", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"started\n"
    (orphan,) = engine.containers.list(filters={"label": "graftbot.installation=killed"})
    process.kill()
    await process.wait()
    assert orphan.wait(timeout=600)["StatusCode"] == 0
    orphan.remove()


async def test_the_walls(engine: docker.DockerClient, tmp_path: Path) -> None:
    look = r"""
import os, socket
def tried(what):
    try: what()
    except OSError as error: return os.strerror(error.errno) if error.errno else str(error)
    return 'done'
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
print(status['CapEff'].strip(), status['CapBnd'].strip(), status['NoNewPrivs'].strip(), os.getuid())
print(sorted(os.listdir('/sys/class/net')))
print(tried(lambda: socket.create_connection(('172.17.0.1', 22), 2)))
for place in ('/usr/x', '/etc/x', '/opt/graftbot/x', '/ro/x', '/rw/x', '/tmp/x', '/home/agent/x'):
    print(place, tried(lambda: open(place, 'w')))
print(open('/sys/fs/cgroup/pids.max' if os.path.exists('/sys/fs/cgroup/pids.max') else '/sys/fs/cgroup/pids/pids.max').read())
"""
    for name in ("ro", "rw"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    mounts = [Mount(tmp_path / "ro", "/ro"), Mount(tmp_path / "rw", "/rw", write=True)]
    runtime = made()
    container = await runtime.start(
        spec("walls", command=["python3", "-c", look], mounts=mounts, processes=99)
    )
    output = b""
    while data := (await container.read())[1]:
        output += data
    await container.end()
    await runtime.close()
    refused = "Read-only file system"
    assert output.decode().split("\n") == [
        "0000000000000000 0000000000000000 1 10001",
        "['lo']",
        "Network is unreachable",
        *(f"{place} {refused}" for place in ("/usr/x", "/etc/x", "/opt/graftbot/x", "/ro/x")),
        *(f"{place} done" for place in ("/rw/x", "/tmp/x", "/home/agent/x")),
        "99",
        "",
        "",
    ]


async def test_memory_that_is_not_there_is_not_taken_from_the_host(
    engine: docker.DockerClient,
) -> None:
    runtime = made()
    greedy = ["python3", "-c", "x = b'x' * (1 << 30)"]
    container = await runtime.start(spec("greedy", command=greedy, memory=64 << 20))
    while (await container.read())[1]:
        pass
    assert await container.end() in {"had no memory left", "ended with 137"}
    await runtime.close()


async def test_an_image_that_is_not_there_is_named_with_what_to_do(
    engine: docker.DockerClient,
) -> None:
    runtime = made()
    with pytest.raises(BotError) as caught:
        await runtime.start(
            Spec(image="graftbot-no-such-image", installation="x", run="x", user="10001")
        )
    assert "graftbot-no-such-image" in caught.value.message
    assert caught.value.hint == "build it: bot setup"
    await runtime.close()


async def test_an_engine_that_is_not_there_is_a_reason_and_not_a_riddle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    runtime = made()
    with pytest.raises(BotError, match="cannot be reached"):
        await runtime.runs("x")
    await runtime.close()
