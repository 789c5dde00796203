"""`bot doctor` finds what is wrong and says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""


def bot(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments, "--data", str(cwd / "data")],
        input="hello\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": HERE, **environment},
    )


def test_a_bot_that_is_well_one_that_nobody_can_talk_to_and_one_whose_store_is_broken(
    tmp_path: Path,
) -> None:
    answered = bot("run", cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout  # whatever this fork's agent says to a hello
    well = bot("doctor", cwd=tmp_path)
    assert well.returncode == 0, well.stdout
    mute = bot("doctor", cwd=tmp_path, CONSOLE="no", TIMEZONE="Europe/Berlin")
    assert mute.returncode == 1
    assert "no channel is configured" in mute.stdout
    lost = bot("doctor", cwd=tmp_path, TIMEZONE="Mars/Olympus")
    assert "write it like Europe/Berlin" in lost.stdout
    alone = bot("doctor", cwd=tmp_path, ANTHROPIC_API_KEY="k", DOCKER_HOST="tcp://127.0.0.1:1")
    assert alone.returncode == 1
    assert "not ok  containers: the Docker Engine cannot be reached" in alone.stdout
    assert "install Docker" in alone.stdout
    (tmp_path / "data/bot.db").write_bytes(b"no database" * 1000)
    ill = bot("doctor", cwd=tmp_path)
    assert ill.returncode == 1
    assert "not ok  store" in ill.stdout
    assert "restore a backup" in ill.stdout
