"""`bot setup` makes what is not there, says what is, and can be run again."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from doubles import MemoryChannel

from bot.agents import OfflineAgent
from bot.channels.refused import RefusedChannel
from bot.errors import BotError, Misconfigured
from bot.settings import Settings
from bot.setup import make_ready


def setup(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "setup", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={
            **os.environ,
            "GRAFTBOT_DATA": "",
            "ANTHROPIC_API_KEY": "",
            "CLAUDE_CODE_OAUTH_TOKEN": "",
            **environment,
        },
    )


def main(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "data/bot.db")) as db:
        return [chat for (chat,) in db.execute("SELECT chat FROM groups WHERE folder = 'main'")]


def test_the_console_becomes_main_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = setup(tmp_path)
    assert first.returncode == 0, first.stderr
    assert "put ANTHROPIC_API_KEY into .env" in first.stdout
    assert "main is console:me" in first.stdout
    assert main(tmp_path) == ["console:me"]
    again = setup(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "main is console:me" in again.stdout


def test_what_only_the_owner_can_do_is_said(tmp_path: Path) -> None:
    for arguments, environment, words in (
        ((), {"CONSOLE": "no"}, "no channel is configured"),
        (("--main", "telegram:7"), {}, "no channel of 'telegram:7' is configured"),
        (
            (),
            {"ANTHROPIC_API_KEY": "k", "DOCKER_HOST": "tcp://127.0.0.1:1"},
            "install Docker and start it",
        ),
        ((), {"ANTHROPIC_API_KEY": "k", "RUNTIME": "podman"}, "there are docker"),
        ((), {"RUNTIME": "podman"}, "there are docker"),
        (("--main", "console:you"), {}, "the console is console:me"),
        ((), {"WHATSAPP": "yes", "WHATSAPP_PHONE": "12"}, "like 4915112345678"),
        ((), {"GRAFTBOT_DATA": str(Path(__file__))}, "name another with --data"),
    ):
        refused = setup(tmp_path, *arguments, **environment)
        assert refused.returncode == 1
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_data_directory_that_cannot_be_is_said_by_run_too(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    command = [sys.executable, "-m", "bot", "run"]
    ended = subprocess.run(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "cannot hold the log" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_whatever_a_messenger_s_library_raises_is_said_without_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(MemoryChannel):
        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

        async def pair(self) -> str | None:
            raise self.error

    for error, words in (
        (ValueError("my PIN is 4711"), "memory cannot be linked: ValueError"),
        (ConnectionError("WhatsApp cannot be reached"), "linked: WhatsApp cannot be reached"),
        (Misconfigured("unlinked", hint="link it"), "unlinked"),
    ):
        settings = Settings(graftbot_data=tmp_path)
        made = ([Broken(error)], OfflineAgent(settings))
        monkeypatch.setattr("bot.setup.parts", lambda _, made=made: made)
        with pytest.raises(BotError) as refused:
            await make_ready(settings, "", lambda _: None)
        assert words in refused.value.message
        assert "4711" not in refused.value.message
        assert refused.value.hint


async def test_of_several_channels_all_that_are_wrong_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Right(MemoryChannel):
        name = "right"

        async def check(self) -> str:
            return "the assistant"

    said: list[str] = []
    settings = Settings(graftbot_data=tmp_path)
    wrong = [RefusedChannel(name, Misconfigured(f"{name} is wrong", hint=name)) for name in "ab"]
    made = ([wrong[0], Right(), wrong[1]], OfflineAgent(settings))
    monkeypatch.setattr("bot.setup.parts", lambda _: made)
    with pytest.raises(BotError) as refused:
        await make_ready(settings, "", said.append)
    assert refused.value.message == "a is wrong; a\nb is wrong"
    assert refused.value.hint == "b"
    assert "the channel right is accepted, as the assistant" in said


def told(data: Path, asked: bytes) -> dict[str, Any]:
    with chdir(data), socket.socket(socket.AF_UNIX) as connection:
        connection.connect("control.sock")
        connection.sendall(asked + b"\n")
        found: dict[str, Any] = json.loads(connection.makefile().readline())
    return found


def test_it_talks_to_a_bot_that_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot", "run"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as bot:
        try:
            assert bot.stdin
            assert bot.stdout
            bot.stdin.write(b"date\n")
            assert bot.stdout.readline()
            said = setup(tmp_path)
            assert said.returncode == 0, said.stderr
            assert "a bot is running" in said.stdout
            assert "main is console:me" in said.stdout
            said = setup(tmp_path, "--main", "whatsapp:4911@s.whatsapp.net", WHATSAPP="yes")
            assert said.returncode == 0, said.stderr
            assert main(tmp_path) == ["whatsapp:4911@s.whatsapp.net"]
            bot.stdin.write(b"date\n")
            assert bot.stdout.readline(), "the console is answered as before"
            assert (tmp_path / "data/control.sock").stat().st_mode & 0o777 == 0o600
            for asked, answer in (
                (b"[" * 200_000, "nested too deeply"),
                (b"{", "it is no JSON"),
                (b"[]", "TypeError"),
                (b'{"tool": "no such", "arguments": {}}', "there is no tool 'no such'"),
            ):
                assert answer in told(tmp_path / "data", asked)["error"]
        finally:
            bot.send_signal(signal.SIGTERM)


def test_where_the_machine_is_in_utc_the_owner_s_zone_is_asked_for_and_kept(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ASSISTANT_NAME=Bea")  # without an end of its last line
    kept = {"PATH", "HOME", "LANG"}
    environment = {key: value for key, value in os.environ.items() if key in kept} | {"TZ": "UTC"}
    shown = []
    for typed in (b"Mars/Base\n", b"Asia/Tokyo\n", b""):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "bot", "setup"]
        with subprocess.Popen(
            command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        ) as process:
            os.close(theirs)
            os.write(ours, typed)
            said = b""
            with suppress(OSError):  # the other end is closed
                while part := os.read(ours, 4096):
                    said += part
        os.close(ours)
        shown.append((process.returncode, said.decode()))
    assert [code for code, _ in shown] == [1, 0, 0]
    assert "'Mars/Base' is no time zone" in shown[0][1]
    assert "The machine's time zone is UTC" in shown[1][1]
    for _, text in shown[1:]:
        assert "the time zone is Asia/Tokyo" in text
    assert "The machine's" not in shown[2][1], "it is asked for once"
    assert (tmp_path / ".env").read_text() == "ASSISTANT_NAME=Bea\nTIMEZONE=Asia/Tokyo\n"
    silent = setup(tmp_path, TIMEZONE="", TZ="UTC")
    assert "the time zone is Asia/Tokyo" in silent.stdout
    (tmp_path / ".env").unlink()
    silent = setup(tmp_path, TIMEZONE="", TZ="UTC")
    assert "put it into .env" in silent.stdout, "nobody is there to be asked"
