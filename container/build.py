"""The agent's image, built from container/. The wheels in it come by this machine's pip, as it is
configured here.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import DockerException, ImageNotFound

from bot.errors import BotError
from bot.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.settings import Settings

__all__ = ["build", "outdated", "recipe"]

CONTEXT = Path(__file__).parent
RECIPE, STAGE = "graftbot.recipe", "graftbot.stage"
ABOUT = (
    "import platform, sys; print(*sys.version_info[:2], sep='.', end=' '); "
    "print(platform.machine())"
)
GLIBC = (17, 24, 28, 31, 34, 35, 36)
"""Minor versions of the C library that wheels ask for, up to that of Debian 12, the oldest base
that has its Python.
"""


def build(settings: Settings, context: Path = CONTEXT) -> Iterator[str]:
    """Build `agent_image` on `agent_base`, which is pulled if it is not there; yields lines of
    progress.

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
            try:
                _download(context, python.decode(), machine.decode())
                yield from _build(client, settings, context)
            finally:  # they are in the image, or of no use
                shutil.rmtree(context / "wheels", ignore_errors=True)
                for label in (STAGE, RECIPE):
                    client.images.prune({"dangling": True, "label": label})
    except (DockerException, OSError) as error:
        hint = "see with `docker info` whether Docker runs; AGENT_BASE names another base image"
        raise BotError(f"the image cannot be built: {error}", hint=hint) from error


def _build(client: docker.DockerClient, settings: Settings, context: Path) -> Iterator[str]:
    base = settings.agent_base
    options: Any = {"buildargs": {"BASE": base}, "labels": {RECIPE: recipe(base, context)}}
    steps = client.api.build(
        str(context), settings.agent_image, rm=True, forcerm=True, decode=True, **options
    )
    for step in steps:
        if "error" in step:
            why = step["error"].strip()
            raise BotError(f"the image cannot be built: {why}", hint="see the output above")
        if text := step.get("stream", "").strip():
            yield text


def outdated(settings: Settings, context: Path = CONTEXT) -> bool:
    """Whether `agent_image` is not there, or was built from another recipe. Raises BotError without
    an engine.
    """
    try:
        with closing(docker.from_env()) as client:
            built = client.images.get(settings.agent_image).labels.get(RECIPE)
    except ImageNotFound:
        return True
    except (DockerException, OSError) as error:
        raise BotError(
            f"the Docker Engine cannot be reached: {error}", hint="see `docker info`"
        ) from error
    return built != recipe(settings.agent_base, context)


def recipe(base: str, context: Path) -> str:
    """What an image is built from, as a digest; images have it as the label RECIPE."""
    files = ((context / name).read_bytes() for name in ("Dockerfile", "requirements.txt"))
    return hashlib.sha256(b"\0".join([base.encode(), *files])).hexdigest()


def _download(context: Path, python: str, machine: str) -> None:
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    quietly = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    place = ("--dest", str(context / "wheels"), "--requirement", str(context / "requirements.txt"))
    kind = ("--only-binary=:all:", f"--python-version={python}", "--implementation=cp")
    command = [sys.executable, *quietly, *place, *kind, *platforms]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BotError(
            f"pip cannot bring the agent's packages: {ended.stderr.strip()}",
            hint="check pip's configuration",
        )


def main() -> None:
    """Build the image; with `--if-outdated` only where it is not there, or from another recipe."""
    settings = load()
    if "--if-outdated" in sys.argv and not outdated(settings):
        print(f"the image {settings.agent_image} is up to date")  # noqa: T201
        return
    for line in build(settings):
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        main()
    except BotError as _error:
        sys.exit(repr(_error))
