"""The agent's packages in an environment of this machine's Python, which stands for an image."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bot.errors import BotError

REQUIREMENTS = Path(__file__).parents[2] / "container/requirements.txt"
RECIPE = "graftbot-recipe"


class Image:
    """By name in the user's own data, or by an absolute path."""

    def __init__(self, name: str) -> None:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
        self.place = Path(data, "graftbot", name)

    @property
    def there(self) -> bool:
        return (self.place / RECIPE).exists()

    def build(self, say: Callable[[str], None]) -> None:
        """Make it, unless it is there and of this recipe. A sandbox that runs keeps the one that it
        was started with until the next is made.
        """
        wanted = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()
        if self.there and (self.place / RECIPE).read_text("utf-8") == wanted:
            say(f"the image {self.place} is up to date")
            return
        say(f"the agent's packages come into {self.place}")
        new, old = (self.place.with_name(f"{self.place.name}.{which}") for which in ("new", "old"))
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
        _run("-m", "venv", "--without-pip", str(new))
        pip = ("-m", "pip", "--python", str(new / "bin/python"), "install", "--quiet")
        _run(*pip, "--disable-pip-version-check", "--requirement", str(REQUIREMENTS))
        (new / RECIPE).write_text(wanted, "utf-8")
        if self.place.exists():
            self.place.rename(old)
        new.rename(self.place)


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr or done.stdout).strip()
        hint = "check pip's configuration, and set up again"
        raise BotError(f"the agent's packages cannot be had: {why}", hint=hint)
