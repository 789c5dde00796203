"""The real Claude Code program notes something in a fork with `remember`, commits it and finds it
again; the owner takes it back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import docker
from fake_anthropic import FakeAnthropic
from test_whole import ended, start, until

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import fork

PAGE = {"file_path": "/workspace/group/birds.md", "content": "The heron nests in April.\n"}


def test_memory_is_committed_searched_and_taken_back(
    tmp_path: Path, api: FakeAnthropic, engine: docker.DockerClient
) -> None:
    home = fork(tmp_path / "bot", "remember")
    data = tmp_path / "data"
    asked = {
        f"CALL Write {json.dumps(PAGE)}": "tool said",
        'CALL mcp__graftbot__commit_memory {"message": "What we saw"}': "birds.md | 1 +",
        'CALL mcp__graftbot__search_memory {"query": "herons? nest"}': "The heron nests",
    }
    running = start(data, api, home)
    assert running.stdin
    for line, answer in asked.items():
        running.stdin.write(f"{line}\n")
        until(running, answer)
    assert ended(running) == 0

    def memory(*arguments: str) -> str:
        command = [sys.executable, "-m", "bot", "memory", *arguments, "--data", str(data)]
        return subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout

    assert "the agent: What we saw" in memory("log")
    assert "Revert" in memory("undo")
    assert not (data / "groups/main/birds.md").exists()
