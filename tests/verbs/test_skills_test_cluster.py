"""`skills test --scheduler`: a real Dask scheduler and its workers, which only speak TLS."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Repo
from harness.cli import console, environment, skills_command

pytest_plugins = ("harness.plugin",)

DASK = [sys.executable, "-m", "dask"]


def certificates(folder: Path) -> dict[str, str]:
    """Dask's settings for one certificate that all of them have."""
    folder.mkdir()
    ca, key = folder / "ca.pem", folder / "key.pem"
    words = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=us -keyout {key} -out {ca}"
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    parts = {
        f"{tls}{who}__{what}": str(key if what == "KEY" else ca)
        for who in ("CLIENT", "SCHEDULER", "WORKER")
        for what in ("KEY", "CERT")
    }
    return {f"{tls}CA_FILE": str(ca), **parts}


@contextmanager
def started(*args: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*DASK, *args, "--no-dashboard"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def address(file: Path) -> str:
    while True:
        try:
            return str(json.loads(file.read_text())["address"])
        except (OSError, ValueError):
            time.sleep(0.05)


def tried(fork: Repo, *args: str, env: dict[str, str]) -> Any:
    ran = subprocess.run(
        skills_command("test", "--all", "--pairs", "--drift", *args, "--json"),
        cwd=fork.path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [each | {"seconds": 0} for each in json.loads(ran.stdout)["result"]]


def kept(log: Path) -> list[str]:
    return [line for file in log.glob("*.jsonl") for line in file.read_text().split("\n") if line]


@pytest.mark.slow
def test_machines_find_what_this_one_finds_also_if_one_is_lost(fork: Repo, tmp_path: Path) -> None:
    """What is tried are the packages as they are on disk, on the fork's own base."""
    page = fork.path / ".claude/skills/add-dice/SKILL.md"
    page.write_text(page.read_text() + "\nNot committed.\n")
    env = environment(tmp_path / "home") | certificates(tmp_path / "tls")
    file = str(tmp_path / "scheduler.json")
    at = ("--host", "127.0.0.1", "--port", "0", "--protocol", "tls")
    worker = ("worker", "--scheduler-file", file, "--nthreads", "1", "--protocol", "tls")
    with started("scheduler", *at, "--scheduler-file", file, env=env):
        where = address(Path(file))
        with started(*worker, env=env), started(*worker, "--no-nanny", env=env) as lost:
            assert where.startswith("tls://")
            run = subprocess.Popen(
                skills_command(
                    "test", "--all", "--pairs", "--drift", "--scheduler", where, "--json"
                ),
                cwd=fork.path,
                env=env,
                stdout=subprocess.PIPE,
            )
            log = tmp_path / "home/cache/graftbot/trials"
            while run.poll() is None and len(kept(log)) < 5:
                time.sleep(0.02)
            os.killpg(lost.pid, signal.SIGKILL)
            there = json.loads(run.communicate()[0])["result"]
            assert run.returncode == 0
    here = tried(fork, env=env)
    assert [each | {"seconds": 0} for each in there] == here
    assert len(here) > 10


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("tcp://192.0.2.1:8786", "is not encrypted"),
        ("tcp://127.0.0.1:1", "no scheduler answers at tcp://127.0.0.1:1"),
        ("tls://127.0.0.1:1", "no scheduler answers at tls://127.0.0.1:1"),
        ("nonsense", "is not encrypted"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(fork: Repo, where: str, says: str) -> None:
    ran = console(fork, "test", "add-dice", "--no-test", "--scheduler", where)
    assert ran.code == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_a_shallow_clone_has_not_what_machines_need(fork: Repo, tmp_path: Path) -> None:
    env = environment(tmp_path / "home")
    file = str(tmp_path / "scheduler.json")
    shallow = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", f"file://{fork.path}", str(shallow)], check=True
    )
    with started(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file, env=env
    ):
        where = address(Path(file))
        with started("worker", "--scheduler-file", file, "--nthreads", "1", env=env):
            ran = console(shallow, "test", "add-dice", "--no-test", "--scheduler", where)
    assert ran.code == 1
    assert "git fetch --unshallow" in ran.err
