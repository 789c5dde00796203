"""How long `bot run` takes until it is ready, and how large it is then: the console script, no key,
in a fresh directory, several times. Where the machine is busy, the CPU time says more than the
clock.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = 15
BOT = Path(sys.executable).with_name("bot")
PLAIN = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG"}}


def once() -> tuple[float, float, float]:
    """Seconds by the clock, seconds of CPU, and MB, at the moment at which the log says `ready`."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        with subprocess.Popen(
            [BOT, "run"],
            cwd=folder,
            env=PLAIN,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as bot:
            assert bot.stderr is not None  # noqa: S101
            assert bot.stdin is not None  # noqa: S101
            while b"ready" not in bot.stderr.readline():
                pass
            seconds = time.perf_counter() - begun
            fields = Path(f"/proc/{bot.pid}/stat").read_text().rpartition(")")[2].split()
            spent = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            status = Path(f"/proc/{bot.pid}/status").read_text()
            bot.stdin.close()
            bot.stderr.read()
    return seconds, spent, int(status.split("VmHWM:")[1].split()[0]) / 1000


def main() -> None:
    clock, spent, size = zip(*(once() for _ in range(TIMES)), strict=True)
    print(
        json.dumps(
            {
                "ready s, least": round(min(clock), 3),
                "ready s, median": round(statistics.median(clock), 3),
                "CPU s, least": min(spent),
                "CPU s, median": statistics.median(spent),
                "MB": max(size),
            }
        )
    )


if __name__ == "__main__":
    main()
