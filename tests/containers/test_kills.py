"""SIGKILL of the bot at random moments, with real containers and the real Claude Code program at
work.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
from doomed import expected
from engine import IMAGE, KEY
from fake_anthropic import Block, FakeAnthropic, last_user_text

from bot.agents.container import installation
from bot.settings import Settings


def answer(body: dict[str, Any]) -> list[Block] | int:
    """Says which messages it was asked."""
    return [
        {
            "type": "text",
            "text": " ".join(dict.fromkeys(re.findall(r"memory:\d+/\d+", last_user_text(body)))),
        }
    ]


def test_killed_beside_its_containers_it_answers_every_message_once_and_no_orphan_stays(
    tmp_path: Path, api: FakeAnthropic, engine: docker.DockerClient
) -> None:
    """GRAFTBOT_KILLS says how often, GRAFTBOT_KILL_SEED at which moments; many kills are those of
    20 groups.
    """
    wanted = int(os.environ.get("GRAFTBOT_KILLS", "2"))
    chance = random.Random(int(os.environ.get("GRAFTBOT_KILL_SEED", "7")))  # noqa: S311
    groups = 20 if wanted > 10 else 3
    api.reply = answer
    rounds = kills = 0
    while kills < wanted:
        rounds += 1
        folder = tmp_path / str(rounds)
        folder.mkdir()
        here = 0
        while (
            ended := live(folder, groups, api, chance, mortal=kills + here < wanted)
        ) == -signal.SIGKILL:
            here += 1
        assert ended == 0, (folder / "log").read_text()[-5000:]
        with closing(sqlite3.connect(folder / "bot.db")) as db:
            outbox = db.execute(
                "SELECT chat, text, settled_at, error FROM outbox ORDER BY seq"
            ).fetchall()
        said = [(chat, text) for chat, texts, _, _ in outbox for text in texts.split()]
        assert sorted(text for _, text in said) == sorted(expected(groups)), "each is answered once"
        assert all(text.startswith(f"{chat}/") for chat, text in said), "where it was asked"
        assert all(settled and not error for _, _, settled, error in outbox)
        sent = Counter((folder / "sent").read_text().splitlines())
        assert sent.total() - len(sent) <= here * groups, (
            "again only what a kill took between its sending and its mark"
        )
        label = f"graftbot.installation={installation(Settings(graftbot_data=folder))}"
        for _ in range(
            3
        ):  # what a slow engine made for a dead bot after the last one looked is the next one's to find
            if not (orphans := engine.api.containers(all=True, filters={"label": label})):
                break
            assert live(folder, groups, api, chance, mortal=False) == 0, (
                folder / "log"
            ).read_text()[-5000:]
        assert orphans == []
        kills += here
        print(f"round {rounds}: {kills} kills", flush=True)  # noqa: T201  # of 200 one wants to see how far they are


def live(
    folder: Path, groups: int, api: FakeAnthropic, chance: random.Random, *, mortal: bool
) -> int:
    """One life of the bot, which ends when all is done, or a little after so many calls of the API;
    how it ended.
    """
    settings = {
        "GRAFTBOT_DATA": str(folder),
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": api.url,
        "AGENT_IMAGE": IMAGE,
        "MAX_CONTAINERS": "4",
    }
    until = len(api.requests) + chance.randrange(6)
    pause = chance.uniform(0, 0.5)
    victim = Path(__file__).with_name("doomed.py")
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, str(victim), str(groups)], stderr=log, env=os.environ | settings
        ) as process,
    ):
        while process.poll() is None:
            if mortal and len(api.requests) >= until:
                time.sleep(pause)
                process.kill()
            time.sleep(0.005)
    return process.returncode
