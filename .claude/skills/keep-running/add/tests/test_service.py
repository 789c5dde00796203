"""The bot as a service, for systemd and for launchd; neither is started here."""

from __future__ import annotations

import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from bot import service
from bot.errors import BotError

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""


def test_a_service_is_installed_for_systemd_and_taken_away(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    fake = tmp_path / "bin/systemctl"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    fake.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONPATH": HERE,
        "PATH": f"{fake.parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(tmp_path / "c"),
    }
    folder = tmp_path / "with % and spaces"
    folder.mkdir()
    command = [sys.executable, "-m", "bot", "service"]
    subprocess.run(
        [*command, "install", "--data", str(folder)], check=True, cwd=tmp_path, env=environment
    )
    unit = (tmp_path / "c/systemd/user/graftbot.service").read_text()
    assert f'"{str(folder).replace("%", "%%")}"' in unit
    verify = [
        "systemd-analyze",
        "verify",
        "--user",
        str(tmp_path / "c/systemd/user/graftbot.service"),
    ]
    if Path("/usr/bin/systemd-analyze").exists():
        assert (
            "graftbot"
            not in subprocess.run(verify, check=False, capture_output=True, text=True).stderr
        )
    subprocess.run([*command, "uninstall"], check=True, cwd=tmp_path, env=environment)
    assert not (tmp_path / "c/systemd/user/graftbot.service").exists()
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now graftbot.service",
        "--user disable --now graftbot.service",
    ]


def test_a_service_of_launchd_starts_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(service, "_run", lambda *command: ran.append(command))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = service.install(tmp_path / "data")
    about = plistlib.loads(path.read_bytes())
    assert about["ProgramArguments"][1:] == ["-m", "bot", "run", "--data", str(tmp_path / "data")]
    service.uninstall()
    assert not path.exists()
    assert [command[1] for command in ran] == ["bootstrap", "bootout"]


def test_what_cannot_be_done_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BotError, match="no service is installed"):
        service.uninstall()
    with pytest.raises(BotError, match="there is no systemctl here"):
        service.install(tmp_path)
    fake = tmp_path / "systemctl"
    fake.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(BotError, match=r"daemon-reload failed: out of order"):
        service.install(tmp_path)
