"""Sample name: a container is talked with, and nothing of it is left; RUNTIME names it."""

from __future__ import annotations

import sys
from pkgutil import resolve_name

from bot.runtimes import RUNTIMES, Spec
from bot.runtimes.sample_name import SampleNameRuntime

ECHO = "import sys\nfor line in sys.stdin: sys.stdout.write('out ' + line), sys.stdout.flush()"


async def test_a_container_is_talked_with_and_removed() -> None:
    runtime = SampleNameRuntime(lambda spec: [sys.executable, "-c", ECHO])
    container = await runtime.start(Spec(image="image", installation="i", run="r", user="1:1"))
    await container.write(b"hello\n")
    assert await container.read() == (1, b"out hello\n")
    assert await runtime.runs("i") == {"r"}
    assert "ended" in await container.end()
    assert await runtime.runs("i") == set()


def test_the_setting_names_it() -> None:
    assert resolve_name(RUNTIMES["sample-name"]) is SampleNameRuntime
