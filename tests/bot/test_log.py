"""No log holds a message or a secret, whatever fails and however it is logged."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest
from doubles import FunctionAgent, MemoryChannel, message, register

from bot.assistant import Assistant
from bot.errors import AgentFailed, BotError, described
from bot.log import log, set_up
from bot.messages import Message, Turn
from bot.store import open_store
from bot.workers import Backoff

PIN = "my PIN is 4711-is-secret"
QUICK = Backoff(0.001, 0.002)


class Foreign(Exception):
    """A library's, whose text holds the raw answer that it could not read."""


def test_an_exception_is_logged_by_type_and_place_and_a_librarys_line_by_its_template(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("DEBUG", ["sesame"], tmp_path)
    try:
        raise Foreign(PIN) from ValueError(PIN)
    except Foreign as error:
        log.warning("failed", error=error, token="sesame")
        log.error("failed", exc_info=True)
        logging.getLogger("bot.channels.x").warning("not stored: %r", error)
        logging.getLogger("bot.channels.x").exception("an event was lost")
        logging.getLogger("aiogram").error(f"cannot read {error}", exc_info=True)
        logging.getLogger("aiogram").error("cannot read %s", error)
        logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=error)
    logging.getLogger("bot").info("a lone half \ud83d")
    written = (tmp_path / "bot.log").read_text("utf-8")
    for text in (written, capsys.readouterr().err):
        assert "4711-is-secret" not in text
        assert "sesame" not in text
        assert text.count("Foreign at test_log.py") >= 5
        assert "cannot read %s" in text
        assert "lone half" in text


def test_a_secret_is_hidden_however_the_log_writes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for secret in (
        'open"sesame',
        "open\\sesame",
        "öffne-sesame",
        "open'sesame",
        "\U0001f511-sesame",
    ):
        set_up("DEBUG", [secret], tmp_path)
        log.info(f"with {secret}", token=secret, tokens=[secret])
    for text in ((tmp_path / "bot.log").read_text("utf-8"), capsys.readouterr().err):
        assert "sesame" not in text
        assert text.count("***") == 15


def test_a_log_that_cannot_be_written_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(record: logging.LogRecord) -> bool:
        raise OSError(errno.ENOSPC, PIN)

    set_up("INFO", [], tmp_path)
    (file,) = (one for one in logging.getLogger().handlers if isinstance(one, RotatingFileHandler))
    monkeypatch.setattr(file, "shouldRollover", full)
    for number in range(50):
        log.info("one", number=number)
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert told.count("a line of the log is lost: OSError (No space left on device)") == 1
    monkeypatch.setattr("bot.log.Seldom.count", lambda *_: 1)
    monkeypatch.setattr(sys.stderr, "write", lambda _: full(logging.makeLogRecord({})))
    log.info("nor can standard error")  # which is no reason to stop


def test_what_is_said_of_an_exception_tells_what_is_surely_no_message() -> None:
    assert described(AgentFailed(f"API Error: 400 {PIN}")) == "AgentFailed (API error 400)"
    assert "4711-is-secret" in described(AgentFailed(PIN), to_owner=True)
    assert described(BotError("no", hint="do")) == "no; do"
    assert described(ModuleNotFoundError("No module named 'x'")).endswith("(No module named 'x')")
    assert "No such file" in described(FileNotFoundError(2, "x", PIN))
    assert described(sqlite3.OperationalError("disk full")) == "OperationalError (disk full)"


async def test_a_secret_in_every_kind_of_failing_input_is_in_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up("DEBUG", [], tmp_path / "logs")

    class Broken(MemoryChannel):
        async def connect(self, receive: Callable[[Message], Awaitable[bool]]) -> None:
            await super().connect(receive)
            raise Foreign(PIN)

        async def send(self, chat: str, text: str) -> None:
            if len(self.shown) % 2:
                self.shown.append(chat)
                raise Foreign(text)
            await super().send(chat, text)

        async def typing(self, chat: str) -> None:
            raise Foreign(PIN)

    async def fails(turn: Turn) -> Sequence[str]:
        raise Foreign(turn.prompt)

    async with open_store(tmp_path) as store:
        await register(store, "memory:owner", "memory:b")
        channel = Broken([message(PIN, "memory:b"), message(PIN, "memory:unknown")])
        channel.shown.append("")
        stop = asyncio.Event()
        assistant = Assistant(store, [channel], FunctionAgent(fails), QUICK, patience=QUICK)

        async def service() -> None:
            raise Foreign(PIN)

        running = asyncio.create_task(assistant.run(stop, 1, [("service", service)]))
        await asyncio.sleep(0.5)
        stop.set()
        await running
    text = (tmp_path / "logs/bot.log").read_text("utf-8") + capsys.readouterr().err
    assert "Foreign at test_log.py" in text
    assert "4711-is-secret" not in text
