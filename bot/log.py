"""The log: for people on standard error, as JSON lines in a file that is rotated. No messages, no
secrets: of an exception there is the type and the place, of a library's line its template.
"""

import json
import logging
import sqlite3
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from bot.bounds import Seldom
from bot.errors import OF_THE_SYSTEM, Misconfigured, described

# structlog takes rich for tracebacks, which no log of ours has: a quarter of the bot's start
_loaded = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
import structlog  # noqa: E402

if _loaded is None:
    del sys.modules["rich"]

BYTES, FILES = 5_000_000, 5
OWN = "bot"
"""Loggers of this name, and below it, are the assistant's own."""


def _without_texts(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Exceptions by type and place: their texts may hold messages, or whole answers of an API."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = described(error)
    errors = {key: described(one) for key, one in event.items() if isinstance(one, BaseException)}
    return {**event, **errors}


def _template(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A line of the standard library's logging: what it was made of is not ours to show."""
    record: logging.LogRecord = event["_record"]
    args = event.pop("positional_args", None)
    if record.name.partition(".")[0] == OWN:
        values = args if isinstance(args, tuple) else ()
        known = tuple(described(v) if isinstance(v, BaseException) else v for v in values)
        event["event"] = str(record.msg) % known if known else str(record.msg)
    elif not args:  # the text may have been put together before
        event["event"] = f"line {record.lineno} of {record.filename}"
    else:
        event["event"] = str(record.msg)
    return event


STEPS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=False),
    _without_texts,
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *STEPS,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
log: Any = structlog.stdlib.get_logger("bot")
"""Events with names and values: `log.info("not registered", chat=chat)`. A message's text is no
such value.
"""


def failing(error: Exception) -> Any:
    """What warns of it; seldom heard for the store's troubles, which `Alarms` tells for all."""
    return log.debug if isinstance(error, sqlite3.Error) else log.warning


def say(text: str) -> None:
    """To who has started it, on standard error. Where that cannot be written (a full disk, too),
    all else goes on.
    """
    with suppress(OSError):
        sys.stderr.write(text)


class _LogFile(RotatingFileHandler):
    """Where it cannot be written (a full disk), standard error is told so once a minute."""

    _seldom = Seldom()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's own name
        if count := self._seldom.count(""):
            why = described(sys.exception() or OSError())
            lines = f"{count} lines of the log are" if count > 1 else "a line of the log is"
            say(f"{lines} lost: {why}\n")


def set_up(
    level: str, secrets: Iterable[str], folder: Path | None = None, *, quiet: bool = False
) -> None:
    """Log from `level` on to standard error (standard output is the console's) and into
    `folder`/bot.log. `quiet`: on standard error only what ends the bot, for somebody talks there.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        hint = "set it to DEBUG, INFO, WARNING or ERROR"
        raise Misconfigured(f"LOG_LEVEL cannot be {level!r}", hint=hint)
    console = logging.StreamHandler()
    renderer = structlog.dev.ConsoleRenderer(colors=console.stream.isatty())
    console.setFormatter(Redacted(secrets, renderer))
    if quiet:
        console.setLevel(logging.CRITICAL)
    handlers: list[logging.Handler] = [console]
    if folder is not None:
        try:
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(exist_ok=True)
            how = ("a", BYTES, FILES, "utf-8")
            file = _LogFile(folder / "bot.log", *how, errors="backslashreplace")
        except OSError as error:
            usual = "make its folder one that you may write to, or name another with --data"
            hint = OF_THE_SYSTEM.get(error.errno or 0, usual)
            raise Misconfigured(f"{folder} cannot hold the log: {error}", hint=hint) from None
        file.setFormatter(Redacted(secrets, structlog.processors.JSONRenderer()))
        handlers.append(file)
    logging.basicConfig(level=number, handlers=handlers, force=True)
    for chatty in ("asyncio", "aiosqlite"):
        logging.getLogger(chatty).setLevel(max(number, logging.WARNING))


class Redacted(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished text: one in an exception's traceback is covered too."""

    def __init__(self, secrets: Iterable[str], renderer: Any) -> None:
        super().__init__(
            foreign_pre_chain=[_template, *STEPS],
            pass_foreign_args=True,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
        forms = ((one, json.dumps(one)[1:-1], repr(one)[1:-1]) for one in secrets)  # as it is shown
        self._secrets = [form for found in forms for form in found]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
