"""The real Claude Code program, answered by a model that speaks OpenAI's dialect, in a fork with
`use-other-models`: tools, streaming, tokens.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path

import docker
import pytest
from doubles import serving
from engine import IMAGE

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import SKILLS, fork

PORT = 28411
MODELS = '[local]\ndialect = "openai"\nurl = "{}/v1"\nmodel = "qwen"\nkey = "theirs"\n'


async def test_a_tool_is_used_and_its_result_is_told(
    tmp_path: Path, engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SKILLS / "use-other-models/add/tests")
    fake = import_module("fake_models").FakeModels()
    home = fork(tmp_path / "bot", "use-other-models")
    settings = {
        "HOME": str(tmp_path),
        "GRAFTBOT_DATA": str(tmp_path / "data"),
        "ANTHROPIC_API_KEY": "a password",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{PORT}",
        "OTHER_MODELS_PORT": str(PORT),
        "MODEL": "local",
        "AGENT_IMAGE": IMAGE,
        "CLAUDE_CODE_OAUTH_TOKEN": "",
    }
    async with serving(fake.app) as url:
        place = tmp_path / ".config/graftbot/models.toml"
        place.parent.mkdir(parents=True)
        place.write_text(MODELS.format(url))
        pipe = asyncio.subprocess.PIPE
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            stdin=pipe,
            stdout=pipe,
            cwd=home,
            env={**os.environ, "CONSOLE": "yes", **settings},
        )
        said, _ = await bot.communicate(b'CALL Bash {"command": "echo $((6*7))"}\n')
    assert said.decode().strip() == "tool said: 42"
    assert all(body["stream"] and body["model"] == "qwen" for _, _, body in fake.requests)
    assert {headers["authorization"] for _, headers, _ in fake.requests} == {"Bearer theirs"}
    with closing(sqlite3.connect(tmp_path / "data/bot.db")) as db:
        assert db.execute("SELECT input, output FROM usage").fetchone() == (22, 14)
