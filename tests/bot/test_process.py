"""The bot as a process: its command line, the console, signals, and SIGKILL at random moments."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from victim import CHATS, MESSAGES

ENVIRONMENT = {**os.environ, "GRAFTBOT_DATA": ""}


def bot(*arguments: str, given: str = "", cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=cwd,
        env=ENVIRONMENT,
    )


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--data", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=ENVIRONMENT | {"LOG_LEVEL": "INFO"},
        bufsize=0,
    )


def reply(request: str) -> str:
    """What the bot says to a request that it cannot know: an answer that tells which one it is of."""
    return f'I did not understand "{request}": Andy has no model connected. Try: help'


def rows(folder: Path, sql: str) -> list[str]:
    with closing(sqlite3.connect(folder / "bot.db")) as db:
        return [text for (text,) in db.execute(sql)]


def test_help_and_version_import_nothing_that_they_do_not_need(tmp_path: Path) -> None:
    for option in ("--help", "--version"):
        code = f"import sys; sys.argv = ['bot', '{option}']\nfrom bot.__main__ import app\n"
        code += "try: app()\nexcept SystemExit: print(*sorted(sys.modules))"
        shown = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert not {"aiosqlite", "sqlite3", "asyncio", "bot.run"} & set(shown.stdout.split())


def test_a_pipe_is_answered_in_order_and_the_bot_ends_with_it(tmp_path: Path) -> None:
    requests = [f"request {n}" for n in range(300)]
    ended = bot("run", given="\n".join(["hello", "", "   ", *requests]), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Hello, I am Andy.")
    assert ended.stdout.splitlines()[-300:] == [reply(request) for request in requests]
    assert (tmp_path / "data/bot.db").exists()


def test_bytes_that_are_no_text_a_last_line_without_end_and_a_closed_output(tmp_path: Path) -> None:
    process = start(tmp_path)
    output, _ = process.communicate(b"\xff\xfe\none", timeout=600)
    assert output.splitlines()[-1].decode() == reply("one")
    process = start(tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(b"date\n", timeout=600)
    assert process.returncode == 0
    assert b"nobody reads the standard output" in errors


def test_a_second_bot_on_the_same_data_is_refused_and_a_wrong_setting_named(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        try:
            assert first.stdin is not None
            assert first.stdout is not None
            first.stdin.write(b"two\n")
            assert first.stdout.readline().decode().strip() == reply("two")
            second = bot("run", "--data", str(tmp_path), cwd=tmp_path)
            assert second.returncode == 1
            assert "another bot is running on" in second.stderr
        finally:
            first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0
    (tmp_path / ".env").write_text("LOG_LEVEL=LOUD\n")
    assert bot("run", "--nonsense", cwd=tmp_path).returncode == 2
    assert bot("run", "--data", "", cwd=tmp_path).returncode == 2
    wrong = bot("run", cwd=tmp_path)
    assert wrong.returncode == 1
    assert (
        wrong.stderr
        == "bot: LOG_LEVEL cannot be 'LOUD'\n  set it to DEBUG, INFO, WARNING or ERROR\n"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_gracefully(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # whoever runs this may have ignored it
    try:
        process = start(tmp_path)
    finally:
        signal.signal(number, before)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"two\n")
        assert process.stdout.readline().decode().strip() == reply("two")
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr is not None
        errors = process.stderr.read().decode()
    assert "stopped" in errors
    assert "Traceback" not in errors


def test_under_nohup_the_end_of_the_terminal_is_no_end(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        process = start(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text in ("two", "three"):
            process.stdin.write(f"{text}\n".encode())
            assert process.stdout.readline().decode().strip() == reply(text)
            process.send_signal(signal.SIGHUP)
        process.stdin.close()
        assert process.wait(10) == 0


def test_killed_at_random_moments_it_answers_every_message_and_none_twice(tmp_path: Path) -> None:
    """The peer brings again what the store has not got, as a messenger does with what was not
    acknowledged.
    """
    chance = random.Random(20)  # noqa: S311  # a seed makes a failure repeatable
    answers = {f"request {n}": reply(f"request {n}") for n in range(500)}
    bot("run", "--data", str(tmp_path), cwd=tmp_path)
    printed: Counter[str] = Counter()
    kills = 0
    while kills < 100:
        stored = set(rows(tmp_path, "SELECT text FROM inbox"))
        given = "".join(question + "\n" for question in answers if question not in stored)
        with start(tmp_path) as process:
            lines, errors = _until_killed(process, given, after=chance.randrange(60))
        printed.update(lines)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
        kills += 1
    assert kills >= 5, "it was hardly killed in mid-work: give it more to do"
    assert sorted(rows(tmp_path, "SELECT text FROM outbox")) == sorted(answers.values()), (
        "each is answered once"
    )
    assert (
        rows(tmp_path, "SELECT text FROM outbox WHERE settled_at IS NULL OR error IS NOT NULL")
        == []
    )
    assert set(printed) == set(answers.values()), "each answer was printed"
    assert printed.total() - len(answers) <= kills, (
        "only the line between its printing and its mark is printed again"
    )


def _until_killed(
    process: subprocess.Popen[bytes], given: str, after: int
) -> tuple[list[str], str]:
    """What it prints until it is killed, which is once it has printed `after` lines, or until its
    own end.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(given.encode())
    process.stdin.close()
    lines = [line for _ in range(after) if (line := process.stdout.readline())]
    if len(lines) == after:
        process.kill()
    lines += process.stdout.readlines()
    return [line.decode().strip() for line in lines], process.stderr.read().decode()


@pytest.mark.slow
def test_killed_with_twenty_groups_at_work_every_message_is_answered_and_none_is_handled_twice(
    tmp_path: Path,
) -> None:
    """GRAFTBOT_KILLS says how often, GRAFTBOT_KILL_SEED at which moments."""
    wanted = int(os.environ.get("GRAFTBOT_KILLS", "5"))
    chance = random.Random(int(os.environ.get("GRAFTBOT_KILL_SEED", "7")))  # noqa: S311
    rounds = kills = 0
    while kills < wanted:
        rounds += 1
        folder = tmp_path / str(rounds)
        folder.mkdir()
        here = 0
        while (ended := _let_live(folder, lines=chance.randrange(150))) == -signal.SIGKILL:
            here += 1
        assert ended == 0
        expected = [f"{chat}/{n}" for chat in CHATS for n in range(MESSAGES)]
        outbox = rows(folder, "SELECT text FROM outbox ORDER BY seq")
        assert sorted(line for line in outbox if line.startswith("memory:")) == sorted(expected), (
            "each is answered once"
        )
        for chat in CHATS:
            of_chat = [line for line in outbox if line.startswith(f"{chat}/")]
            assert of_chat == [f"{chat}/{n}" for n in range(MESSAGES)], "in order"
        assert (
            rows(folder, "SELECT text FROM outbox WHERE settled_at IS NULL OR error IS NOT NULL")
            == []
        )
        sent = Counter((folder / "sent").read_text().splitlines())
        assert set(expected) <= set(sent)
        again = sum(sent[line] - 1 for line in expected)
        assert again <= here * len(CHATS), (
            "no more than what was between its sending and its mark, in each chat, at a kill"
        )
        kills += here


def _let_live(folder: Path, lines: int) -> int:
    """Run the victim until it has sent so many lines more, then kill it; how it ended."""
    sent = folder / "sent"
    before = sent.read_text().count("\n") if sent.exists() else 0
    victim = Path(__file__).with_name("victim.py")
    with subprocess.Popen(
        [sys.executable, str(victim), str(folder)], stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            if sent.exists() and sent.read_text().count("\n") - before >= lines:
                process.kill()
            time.sleep(0.001)
    return process.returncode
