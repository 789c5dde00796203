"""The log: for people on standard error, as JSON lines in a file that is rotated. No prompts, no
secrets.
"""

import logging
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from bot.errors import Misconfigured

STEPS: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=False),
    structlog.processors.format_exc_info,
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

BYTES, FILES = 5_000_000, 5


def set_up(level: str, secrets: Iterable[str], folder: Path | None = None) -> None:
    """Log from `level` on to standard error (standard output is the console's) and into
    `folder`/bot.log.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        hint = "set it to DEBUG, INFO, WARNING or ERROR"
        raise Misconfigured(f"LOG_LEVEL cannot be {level!r}", hint=hint)
    console = logging.StreamHandler()
    plain = structlog.dev.plain_traceback  # the others show variables, and so prompts
    renderer = structlog.dev.ConsoleRenderer(
        colors=console.stream.isatty(), exception_formatter=plain
    )
    console.setFormatter(Redacted(secrets, renderer))
    handlers: list[logging.Handler] = [console]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            folder / "bot.log", maxBytes=BYTES, backupCount=FILES, encoding="utf-8"
        )
        file.setFormatter(Redacted(secrets, structlog.processors.JSONRenderer()))
        handlers.append(file)
    logging.basicConfig(level=number, handlers=handlers, force=True)
    for chatty in ("asyncio", "aiosqlite"):
        logging.getLogger(chatty).setLevel(max(number, logging.INFO))


class Redacted(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished text, so that one in an exception's traceback is covered
    too.
    """

    def __init__(self, secrets: Iterable[str], renderer: Any) -> None:
        super().__init__(
            foreign_pre_chain=STEPS,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
