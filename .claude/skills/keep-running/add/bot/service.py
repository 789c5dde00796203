"""`bot service`: the bot as a service of its owner, by systemd's user manager or by launchd."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

from bot.errors import BotError

__all__ = ["install", "uninstall"]

NAME = "graftbot"
UNIT = """[Unit]
Description=Graftbot
After=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={folder}
Environment=CONSOLE=no
Environment="GRAFTBOT_RESTART=systemctl --user restart graftbot.service"
Restart=on-failure
RestartSec=5
TimeoutStopSec=60

[Install]
WantedBy=default.target
"""


def install(data: Path) -> Path:
    """Write the service's file and start it, now and at every login; the file. `data` is where the
    store is.
    """
    command = [sys.executable, "-m", "bot", "run", "--data", str(data.absolute())]
    path = _place()
    path.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "darwin":
        about = {
            "Label": NAME,
            "ProgramArguments": command,
            "WorkingDirectory": str(Path.cwd()),
            "RunAtLoad": True,
        }
        restart = f"launchctl kickstart -k gui/{os.getuid()}/{NAME}"
        environment = {"CONSOLE": "no", "GRAFTBOT_RESTART": restart}
        about |= {"KeepAlive": {"SuccessfulExit": False}, "EnvironmentVariables": environment}
        path.write_bytes(plistlib.dumps(about))
        _run("launchctl", "bootstrap", f"gui/{os.getuid()}", str(path))
    else:
        quoted = " ".join(f'"{_escaped(word)}"' for word in command)
        path.write_text(
            UNIT.format(command=quoted, folder=str(Path.cwd()).replace("%", "%%")), encoding="utf-8"
        )
        _run("systemctl", "--user", "daemon-reload")
        _run("systemctl", "--user", "enable", "--now", path.name)
    return path


def uninstall() -> Path:
    """Stop the service and remove its file."""
    if not (path := _place()).exists():
        raise BotError(f"no service is installed at {path}")
    if sys.platform == "darwin":
        _run("launchctl", "bootout", f"gui/{os.getuid()}/{NAME}")
    else:
        _run("systemctl", "--user", "disable", "--now", path.name)
    path.unlink()
    return path


def _place() -> Path:
    if sys.platform == "darwin":
        return Path.home() / f"Library/LaunchAgents/{NAME}.plist"
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / f"systemd/user/{NAME}.service"
    )


def _escaped(word: str) -> str:
    for special, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        word = word.replace(special, written)
    return word


def _run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise BotError(
            f"there is no {command[0]} here", hint=f"the file is {_place()}; start it your way"
        )
    if (ended := subprocess.run(command, check=False, capture_output=True, text=True)).returncode:
        raise BotError(
            f"{' '.join(command)} failed: {ended.stderr.strip()}", hint=f"the file is {_place()}"
        )
