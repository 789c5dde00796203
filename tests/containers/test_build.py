"""`bot setup` with a real engine: an image that is up to date stays, one that is not is built."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import docker
import pytest
from engine import IMAGE, KEY

sys.path.append(str(Path(__file__).parents[2] / "container"))

from build import CONTEXT, RECIPE, outdated, recipe

from bot.settings import Settings

MADE, NOWHERE = "graftbot-setup-test", "127.0.0.1:1/python"


@pytest.fixture
def made(engine: docker.DockerClient) -> Settings:
    """An image as of this recipe; its contents are not looked at."""
    label = f"{RECIPE}={recipe(NOWHERE, CONTEXT)}"
    engine.images.build(
        fileobj=io.BytesIO(f"FROM {IMAGE}\nLABEL {label}\n".encode()), tag=MADE, rm=True
    )
    return Settings(agent_image=MADE, agent_base=NOWHERE)


def test_an_image_of_this_recipe_is_kept_and_another_is_built(
    made: Settings, tmp_path: Path
) -> None:
    assert not outdated(made)
    context = tmp_path / "container"
    context.mkdir()
    for name in ("Dockerfile", "requirements.txt"):
        (context / name).write_bytes((CONTEXT / name).read_bytes() + b"\n")
    assert outdated(made, context)
    assert outdated(Settings(agent_image=MADE))
    assert outdated(Settings(agent_image="graftbot-no-such-image"))


def test_setup_says_what_is_there_and_why_an_image_cannot_be_built(
    made: Settings, tmp_path: Path
) -> None:
    def setup(image: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "ANTHROPIC_API_KEY": KEY,
            "AGENT_IMAGE": image,
            "AGENT_BASE": NOWHERE,
            "GRAFTBOT_DATA": "",
        }
        command = [sys.executable, "-m", "bot", "setup"]
        environment = {**os.environ, **settings}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )

    done = setup(MADE)
    assert done.returncode == 0, done.stderr
    assert "docker is there\nthe image graftbot-setup-test is up to date\n" in done.stdout
    failed = setup("graftbot-no-such-image")
    assert failed.returncode == 1
    assert f"the base image is {NOWHERE}" in failed.stdout
    assert "the image cannot be built" in failed.stderr
    assert "Traceback" not in failed.stderr
