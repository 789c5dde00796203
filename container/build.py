"""The agent's image, built from container/. The wheels in it come by this machine's pip, as it is configured here."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException

from bot.errors import BotError
from bot.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.settings import Settings

__all__ = ["build"]

CONTEXT = Path(__file__).parent
ABOUT = "import platform, sys; print(*sys.version_info[:2], sep='.', end=' '); print(platform.machine())"
GLIBC = (17, 24, 28, 31, 34, 35, 36)
"""Minor versions of the C library that wheels ask for, up to that of Debian 12, the oldest base that has its Python."""


def build(settings: Settings, context: Path = CONTEXT) -> Iterator[str]:
    """Build `agent_image` on `agent_base`, which is pulled if it is not there; yields lines of progress.

    Raises BotError if the engine, pip or a step of the Dockerfile fails.
    """
    base = settings.agent_base
    try:
        with closing(docker.from_env(timeout=600)) as client:
            yield f"the base image is {base}"
            python, machine = client.containers.run(
                base, ["python3", "-c", ABOUT], remove=True, network_mode="none"
            ).split()
            yield f"wheels for Python {python.decode()} on {machine.decode()}"
            _download(context, python.decode(), machine.decode())
            steps = client.api.build(
                str(context), settings.agent_image, rm=True, forcerm=True, decode=True, buildargs={"BASE": base}
            )
            for step in steps:
                if "error" in step:
                    raise BotError(f"the image cannot be built: {step['error'].strip()}", hint="see the output above")
                if text := step.get("stream", "").strip():
                    yield text
    except (DockerException, OSError) as error:
        raise BotError(
            f"the image cannot be built: {error}", hint="see with `docker info` whether Docker runs"
        ) from error


def _download(context: Path, python: str, machine: str) -> None:
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    place = ["--dest", str(context / "wheels"), "--requirement", str(context / "requirements.txt")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *place]
    command += ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BotError(
            f"pip cannot bring the agent's packages: {ended.stderr.strip()}", hint="check pip's configuration"
        )


if __name__ == "__main__":
    for _line in build(load()):
        sys.stdout.write(_line + "\n")
        sys.stdout.flush()
