"""Word for the engine that a bot runs from this checkout, for as long as it does."""

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

RESTART = "GRAFTBOT_RESTART"
"""The command that restarts this bot, in the environment that a service gives it."""
BY_HAND = "stop it and start it again (bot run)"
BY_SERVICE = "restart it: {command} (skills rebase --restart does so by itself)"


@contextmanager
def word_left(code: Path, data: Path) -> Iterator[None]:
    """Of the bot on `data` whose code is the checkout `code`; nothing where that is none, or not
    ours to write to.
    """
    folder = code / ".git/skills/in-use"
    command = shlex.split(os.environ.get(RESTART, ""))
    how = BY_SERVICE.format(command=shlex.join(command)) if command else BY_HAND
    about = {"what": f"the bot on {data}", "do": how, "restart": command}
    file, lock = folder / f"bot-{os.getpid()}.json", None
    with suppress(OSError, Timeout):
        if (code / ".git").is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(file.with_suffix(".lock"), timeout=0).acquire().lock
            file.write_text(json.dumps(about), "utf-8")
    try:
        yield
    finally:
        if lock is not None:
            file.unlink(missing_ok=True)
            lock.release()
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)
