"""uv or pip, whichever the fork uses: how each is called, and with which of the user's
variables.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from typing import TYPE_CHECKING, Literal

from skills_engine.check.process import Completed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

__all__ = ["Installer", "choose", "has_pip", "install", "install_command", "plain_environment"]

Installer = Literal["uv", "pip"]

_PLAIN = {
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SYSTEMROOT",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
}
_INSTALLERS = {"HOME", "NETRC", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSH_AUTH_SOCK"}
_INSTALLER_PREFIXES = ("PIP_", "UV_", "XDG_")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}

_ELSEWHERE = {
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PYTHON",
}
"""What would send an installation somewhere else than it is told to."""

_QUIETLY: dict[Installer, list[str]] = {
    "uv": ["--no-progress"],
    "pip": [
        "--no-input",
        "--disable-pip-version-check",
        "--no-warn-script-location",
        "--progress-bar=off",
        # as uv does it: Python compiles what it imports, and of most packages that is little
        "--no-compile",
    ],
}

_LIMIT = 1800.0
"""Seconds that an installation may take: some packages are compiled."""

_NEWS = (
    "Collecting",
    "Downloading",
    "Building",
    "Installing",
    "Resolved",
    "Prepared",
    "Installed",
    "Successfully",
)


def choose(*, uv: bool) -> Installer:
    """uv for a fork that is kept with uv, if it is on PATH; else pip."""
    return "uv" if uv and shutil.which("uv") else "pip"


def plain_environment() -> dict[str, str]:
    """The variables that hold no secret by their meaning. Everything else stays with the user."""
    return {k: v for k, v in os.environ.items() if k in _PLAIN or k.startswith("LC_")}


def _environment() -> dict[str, str]:
    """An installer also needs the user's index, proxy and credentials for these, as in the user's
    own shell.
    """
    return plain_environment() | {
        k: v
        for k, v in os.environ.items()
        if (k in _INSTALLERS or k.startswith(_INSTALLER_PREFIXES) or k.upper() in _PROXIES)
        and k not in _ELSEWHERE
    }


def has_pip() -> bool:
    """Whether the running interpreter's pip can install into other environments; 22.3 learned
    it.
    """
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= (22, 3)


def install_command(installer: Installer, python: Path) -> list[str]:
    """The command that installs into the environment of `python`; requirements follow it.

    Neither uninstalls anything but the older version of what it installs.
    """
    if installer == "uv":
        return ["uv", "pip", "install", "--python", str(python)]
    if has_pip():
        return [sys.executable, "-m", "pip", "--python", str(python), "install"]
    return [str(python), "-m", "pip", "install"]


def install(
    installer: Installer,
    python: Path,
    requirements: Sequence[str],
    constraints: Sequence[str] = (),
    *,
    cwd: Path,
    report: Callable[[str], None],
) -> Completed:
    """Install into the environment that `python` belongs to; `cwd` gets files
    `requirements.txt` and `constraints.txt`.
    """
    command = [*install_command(installer, python), *_QUIETLY[installer]]
    for option, lines in (("-r", requirements), ("-c", constraints)):
        listed = cwd / ("requirements.txt" if option == "-r" else "constraints.txt")
        listed.write_text("".join(f"{text}\n" for text in lines), encoding="utf-8")
        command += [option, str(listed)] if lines else []

    def on_line(line: str) -> None:
        if line.strip().startswith(_NEWS):
            report(line.strip())

    return run(command, cwd=cwd, env=_environment(), timeout=_LIMIT, on_line=on_line)
