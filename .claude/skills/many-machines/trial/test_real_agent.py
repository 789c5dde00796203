"""The real agent on another machine: its image goes there, it is asked, writes, and asks the host."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest
from doubles import message
from fake_anthropic import FakeAnthropic
from test_two_machines import machines, running, settled, until
from two_machines import Machines

from bot.paths import Paths

__all__ = ["machines", "settled"]

PAGE = {"file_path": "/workspace/group/birds.md", "content": "The heron nests in April.\n"}
FILE = {"path": "birds.md", "text": "as you asked"}


async def test_it_answers_remembers_and_sends(
    machines: Machines, settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_IMAGE", os.environ.get("REAL_IMAGE", "graftbot-agent"))
    with FakeAnthropic() as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        async with running(settled) as bot:
            bot.runtime._begin()
            h2 = bot.runtime._machines["h2"]
            await until(lambda: h2.up)
            await h2.call(partial(bot.runtime._send_image, h2, print))
            replies = 0
            for asked, answer in (
                (f"CALL Write {json.dumps(PAGE)}", "tool said: "),
                (f"CALL mcp__graftbot__send_file {json.dumps(FILE)}", "tool said: "),
                ('CALL Bash {"command": "cat birds.md; ls /workspace"}', "The heron nests"),
            ):
                await bot.assistant.receive(message(asked, "memory:b"))
                replies += 1
                said = await until(lambda: bot.answers("b")[replies - 1 : replies])
                assert answer in said[0], bot.channel.sent
        assert any("birds.md" in text for _, text in bot.channel.sent if "as you asked" in text)
        home, state = Paths(settled).group("b").source, Paths(settled).session("b").source
        assert (home / "birds.md").read_text() == PAGE["content"]
        assert "ipc" not in said[0].split()
        assert list(state.rglob("*.jsonl")), "its conversation is at home"
