"""Podman: what it is told otherwise than Docker, and what is said where it is not there."""

from __future__ import annotations

import os
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import docker
import pytest

from bot.errors import BotError
from bot.runtimes import RUNTIMES, Spec
from bot.runtimes.podman import PROCESSES, PodmanRuntime
from bot.runtimes.seccomp import PROFILE

SPEC = Spec(image="image", installation="i", run="r", user="1:1")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PodmanRuntime:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "")  # so that what is set from here on is taken back
    monkeypatch.delenv("DOCKER_HOST")
    return PodmanRuntime()


async def test_the_walls_are_dockers_in_podmans_words(
    runtime: PodmanRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.__dict__["client"] = docker.APIClient("unix:///nowhere", version="1.41")
    told: dict[bool, Any] = {}
    for root in (True, False):
        monkeypatch.setattr(os, "getuid", lambda root=root: 0 if root else 1000)
        told[root] = runtime.host_config(SPEC)
    keeps, (filtered,) = told[True]["SecurityOpt"][0], told[True]["SecurityOpt"][1:]
    assert keeps == "no-new-privileges"
    assert _text(filtered) == PROFILE
    limits = {one["Name"]: one["Hard"] for one in told[True]["Ulimits"]}
    assert (limits["nproc"], limits["core"]) == (PROCESSES, 0)
    assert told[True]["ReadonlyRootfs"]
    assert (told[True].get("UsernsMode"), told[False]["UsernsMode"]) == (None, "keep-id")
    await runtime.close()
    assert _text(filtered) is None, "nothing is left"


def _text(filtered: str) -> str | None:
    file = Path(filtered.removeprefix("seccomp="))
    return file.read_text("utf-8") if file.exists() else None


async def test_where_it_does_not_listen_that_is_said(runtime: PodmanRuntime) -> None:
    if os.getuid():
        assert os.environ["DOCKER_HOST"].endswith("/podman/podman.sock")
    os.environ["DOCKER_HOST"] = "tcp://127.0.0.1:1"
    with pytest.raises(BotError) as caught:
        await runtime.runs("x")
    assert "systemctl --user enable --now podman.socket" in caught.value.hint
    await runtime.close()


def test_the_setting_names_it() -> None:
    assert resolve_name(RUNTIMES["podman"]) is PodmanRuntime
