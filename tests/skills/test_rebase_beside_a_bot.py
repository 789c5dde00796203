"""A fork that is rebased while its bot runs: by the console scripts, as its owner does it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forks import ROOT

SCRIPTS = Path(sys.executable).parent
WHO = {
    f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


def run(folder: Path, *command: str) -> str:
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment(folder)
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        **WHO,
        "PYTHONPATH": str(folder),
        "GRAFTBOT_DATA": "",
        "ASSISTANT_NAME": "",
    }


@contextmanager
def bot(fork: Path, restart: str = "") -> Iterator[subprocess.Popen[str]]:
    """The bot, which has answered something."""
    with subprocess.Popen(
        [SCRIPTS / "bot", "run"],
        cwd=fork,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(fork) | {"GRAFTBOT_RESTART": restart},
    ) as process:
        hello(process)
        yield process
        process.terminate()


def hello(process: subprocess.Popen[str]) -> str:
    """The first line of its answer, which says its name."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("hello\n")
    process.stdin.flush()
    first = line = process.stdout.readline()
    while line.strip() not in {"help", ""}:
        line = process.stdout.readline()
    return first


def release(upstream: Path, old: str, new: str) -> None:
    settings = upstream / "bot/settings.py"
    settings.write_text(
        settings.read_text().replace(f'name: str = "{old}"', f'name: str = "{new}"')
    )
    run(upstream, "git", "commit", "-qam", f"It is called {new}")


def test_a_rebase_says_what_to_do_about_a_bot_that_runs_or_does_it(tmp_path: Path) -> None:
    upstream, fork = tmp_path / "upstream", tmp_path / "fork"
    run(tmp_path, "git", "clone", "-q", str(ROOT), str(upstream))
    run(tmp_path, "git", "clone", "-q", str(upstream), str(fork))
    skills = str(SCRIPTS / "skills")
    run(fork, skills, "init")
    release(upstream, "Andy", "Bea")
    with bot(fork) as running:
        said = run(fork, skills, "rebase")
        assert f"the bot on {fork}/data runs with the code of before" in said
        assert "stop it and start it again" in said
        assert "I am Andy" in hello(running), "it is not disturbed"
    release(upstream, "Bea", "Cleo")
    pid = tmp_path / "pid"
    with bot(fork, f"sh -c 'kill -TERM $(cat {pid})'") as running:
        pid.write_text(str(running.pid))
        assert "I am Bea" in hello(running)
        assert "skills rebase --restart does so" in run(fork, skills, "undo")
        assert "was restarted: sh" in run(fork, skills, "rebase", "--restart")
        assert running.wait(60) == 0, "whoever keeps it running starts it again"
    with bot(fork) as running:
        assert "I am Cleo" in hello(running)
        running.kill()
        running.wait()
        release(upstream, "Cleo", "Dora")
        assert "code of before" not in run(fork, skills, "rebase"), "none runs"
    assert list((fork / ".git/skills/in-use").iterdir()) == []
