"""What people run: the console script, in a fresh directory, with nothing configured."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bot.migrations import MIGRATIONS

BOT = str(Path(sys.executable).with_name("bot"))
PLAIN = {
    key: value
    for key, value in os.environ.items()
    if key in {"PATH", "HOME", "LANG", "COVERAGE_PROCESS_START"}
}


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def start(folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [BOT, "run"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=PLAIN | environment,
    )


def test_a_request_of_an_agent_is_served_while_the_bot_runs(tmp_path: Path) -> None:
    """Whatever the way to the data is written like: relative, with `..`, a link, spaces."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    for id_, data in enumerate(("", "./data", "../{name}/x/../däta 2", "link/data")):
        given = data.format(name=tmp_path.name)
        environment = {"GRAFTBOT_DATA": given} if given else {}
        (tmp_path / "x").mkdir(exist_ok=True)
        folder = tmp_path / (given or "data")
        with start(tmp_path, **environment) as bot:
            assert bot.stdin
            assert bot.stdout
            until((folder / "ipc/main/requests").is_dir)
            asked = {
                "id": f"{id_}",
                "tool": "send_message",
                "arguments": {"text": "from the agent"},
            }
            draft = folder / f"ipc/main/requests/{id_}.tmp"
            draft.write_text(json.dumps(asked))
            draft.rename(draft.with_suffix(".json"))
            assert bot.stdout.readline() == b"from the agent\n", given
            until((folder / f"ipc/main/replies/{id_}.json").is_file)
            bot.stdin.close()
            assert bot.wait(30) == 0


def test_one_zone_for_all_and_it_is_the_machines(tmp_path: Path) -> None:
    for environment, zone in (
        ({"TZ": "Asia/Tokyo"}, b"JST"),
        ({"TZ": "Asia/Tokyo", "TIMEZONE": "Europe/Berlin"}, b"CE"),
    ):
        bot = start(tmp_path, **environment)
        said, _ = bot.communicate(b"time\n", 60)
        assert zone in said


def test_it_says_which_assistant_it_is_where_it_is_not_at_home(tmp_path: Path) -> None:
    bot = start(tmp_path)
    _, said = bot.communicate(b"", 60)
    text = said.decode()
    assert f"data and log are in {tmp_path}/data, which is new" in text
    assert "settings and data are those of this directory" in text
    _, said = start(tmp_path).communicate(b"", 60)
    assert "which is new" not in said.decode()


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_what_is_said_goes_into_no_file_where_a_standard_stream_is_closed(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    (tmp_path / "in").write_bytes(b"hello\n")
    shut = " ".join(f"{number}{'<>>'[number]}&-" for number in closed)
    call = f"exec {shlex.quote(BOT)} run <in >out 2>err {shut}"
    done = subprocess.run(["sh", "-c", call], cwd=tmp_path, env=PLAIN, timeout=60, check=False)
    talks = closed == (2,)
    assert done.returncode == (0 if talks else 1)
    assert ("Hello, I am Andy" in (tmp_path / "out").read_text()) is talks
    log = tmp_path / "data/logs/bot.log"
    assert "I am Andy" not in log.read_text()
    assert "Traceback" not in (tmp_path / "err").read_text()


def spoilt(path: Path, *changes: str) -> None:
    """A store that is whole but for what somebody has done to it by hand."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript("".join((*MIGRATIONS, f"PRAGMA user_version = {len(MIGRATIONS)};")))
        db.executescript(";".join(changes))


WRONG: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a file for the data": ("data", Path.touch),
    "a file for the logs": ("data/logs", Path.touch),
    "a folder for the log": ("data/logs/bot.log", Path.mkdir),
    "a folder for the store": ("data/bot.db", Path.mkdir),
    "a folder for the lock": ("data/bot.lock", Path.mkdir),
    "a pipe for the settings": (".env", os.mkfifo),
    "a folder for the settings": (".env", Path.mkdir),
    "a store of something else": ("data/bot.db", lambda path: path.write_bytes(b"x" * 9000)),
    "a store that lacks a table": ("data/bot.db", lambda path: spoilt(path, "DROP TABLE chats")),
    "a store with a group that is none": (
        "data/bot.db",
        lambda path: spoilt(path, "INSERT INTO groups VALUES ('main', 'console:me', 'M', '{')"),
    ),
    "links in a circle": ("data", lambda path: path.symlink_to("data")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_hold_the_data_is_named(tmp_path: Path, case: str) -> None:
    name, make = WRONG[case]
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    make(tmp_path / name)
    bot = start(tmp_path)
    _, said = bot.communicate(b"hello\n", 60)
    assert bot.returncode == 1
    assert b"Traceback" not in said
    assert re.fullmatch(rb"bot: .+\n  .+", b"\n".join(said.splitlines()[-2:])), "and what to do"


def test_data_that_are_taken_away_are_missed(tmp_path: Path) -> None:
    with start(tmp_path) as bot:
        until((tmp_path / "data/ipc/main/requests").is_dir)
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        assert bot.wait(60) == 1
        assert bot.stderr
        assert b"bot.db was taken away while I ran" in bot.stderr.read()


def test_a_fault_of_the_bot_s_own_is_a_line_and_a_traceback_for_who_asks(tmp_path: Path) -> None:
    code = "import bot.__main__ as m, bot.run; bot.run.main = lambda _: {}[0]; m.main()"
    for level, shown in (("INFO", False), ("DEBUG", True)):
        done = subprocess.run(
            [sys.executable, "-c", code, "run"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=PLAIN | {"LOG_LEVEL": level},
            check=False,
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) is shown
        assert "KeyError" in done.stderr


def test_a_fault_of_the_system_s_says_where(tmp_path: Path) -> None:
    code = "import bot.__main__ as m, bot.run; bot.run.main = lambda _: open('/no/such'); m.main()"
    command = [sys.executable, "-c", code, "run"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=PLAIN, check=False)
    assert done.returncode == 1
    assert b"(No such file or directory) at <string>:1: /no/such\n" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_where_standard_error_is_full_people_are_answered(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ASSISTANT_NAM=Bea\n")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "run"],
            input=b"hello\n",
            stdout=subprocess.PIPE,
            stderr=full,
            cwd=tmp_path,
            env=PLAIN,
            check=False,
        )
    assert done.stdout.startswith(b"Hello, I am Andy.")


def test_a_home_that_nobody_has_is_named(tmp_path: Path) -> None:
    bot = start(tmp_path, GRAFTBOT_DATA="~nobody-has-this/x")
    _, said = bot.communicate(b"hello\n", 60)
    assert bot.returncode == 1
    assert said.startswith(b"bot: ~nobody-has-this/x is no place for the data")


def test_the_data_are_their_owner_s_alone(tmp_path: Path) -> None:
    start(tmp_path).communicate(b"", 60)
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_what_a_terminal_would_obey_is_shown(tmp_path: Path) -> None:
    said, _ = start(tmp_path).communicate(b"\x1b]0;owned\x07\x9b\xc2\x9b1m\r\n", 60)
    assert b"\x1b" not in said
    assert b"\x07" not in said
    assert b"\\x1b]0;owned" in said


def test_on_a_terminal_nothing_stands_between_the_chat(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [BOT, "run"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=PLAIN | {"LOG_LEVEL": "DEBUG", "TERM": "xterm"},
    ) as bot:
        os.close(theirs)
        shown = b""

        def read(wanted: bytes) -> None:
            nonlocal shown
            while wanted not in shown:
                shown += os.read(ours, 4096)

        read(b"Ctrl-D ends")
        os.write(ours, b"date\n")
        read(b"Today is")
        read(b"\r\n")
        os.write(ours, b"\x04")
        assert bot.wait(60) == 0
    os.close(ours)
    lines = [line for line in shown.decode().replace("\r", "").split("\n") if line]
    assert "ready" in (tmp_path / "data/logs/bot.log").read_text()
    assert not [line for line in lines if "[info" in line or "[debug" in line], lines
    assert len(lines) == 5, lines


def test_nothing_costly_is_imported_before_it_is_used(tmp_path: Path) -> None:
    code = (
        "import sys, bot.run, bot.settings as s; bot.run.parts(s.Settings());"
        "print([name for name in ('neonize', 'croniter', 'docker', 'aiohttp', 'google.protobuf', "
        "'urllib.request', 'rich', 'pygments', 'tomllib') if name in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert said.stdout == "[]\n"
