"""The real Claude Code program answers in a sandbox of bubblewrap, in a fork with `use-bubblewrap`
that `bot setup` has made ready: there is no engine, and no image but what this makes. An agent that
is out for harm finds no more there than in a container.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_anthropic import FakeAnthropic
from test_whole import ended, start, until

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import fork


def test_it_is_set_up_without_an_engine_and_answers(
    tmp_path: Path, api: FakeAnthropic, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, data = fork(tmp_path / "bot", "use-bubblewrap"), tmp_path / "data"
    for name, value in {
        "RUNTIME": "bubblewrap",
        "BUBBLEWRAP_WITHOUT": "memory,processes,cpu",  # where the machine lets us
        "XDG_DATA_HOME": str(tmp_path / "share"),
        "DOCKER_HOST": "unix:///nowhere",
        "PIP_NO_COMPILE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    ready = subprocess.run(
        [sys.executable, "-m", "bot", "setup", "--data", str(data)],
        cwd=home,
        env={
            **os.environ,
            "ANTHROPIC_API_KEY": "k",
            "CONSOLE": "yes",
            "CLAUDE_CODE_OAUTH_TOKEN": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ready.returncode == 0, ready.stdout + ready.stderr
    assert "bubblewrap is there" in ready.stdout
    bot = start(data, api, home)
    assert bot.stdin
    bot.stdin.write('CALL Bash {"command": "echo $((6*7)); id -u; cat /proc/net/dev | wc -l"}\n')
    assert "tool said: 42" in until(bot, "tool said")
    bot.stdin.write('CALL mcp__graftbot__send_message {"text": "sent meanwhile"}\n')
    until(bot, "sent meanwhile")
    until(bot, "tool said")
    assert ended(bot) == 0
    shutil.copytree(Path(__file__).parent, home / "tests/containers")
    # the others write to the sandbox's own output, which an agent cannot open here
    tried = ("-k", "not endless and not forged and not bomb", "-p", "no:cacheprovider")
    hostile = (sys.executable, "-m", "pytest", "-q", "tests/containers/test_hostile.py", *tried)
    done = subprocess.run(hostile, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
