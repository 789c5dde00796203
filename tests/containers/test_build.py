"""`bot setup` with a real engine: an image that is up to date stays, one that is not is built."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound
from engine import IMAGE, KEY

sys.path.append(str(Path(__file__).parents[2] / "container"))

from build import CONTEXT, RECIPE, STAGE, build, outdated, recipe

from bot.errors import BotError
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


def test_a_build_leaves_the_image_and_nothing_else(
    engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a package of our own instead of the SDK, which is large."""
    (tmp_path / "shelf").mkdir()
    wheel = tmp_path / "shelf/graftbot_dummy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        about = "graftbot_dummy-1.0.dist-info"
        made.writestr("graftbot_dummy.py", "")
        made.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: graftbot-dummy\nVersion: 1.0\n"
        )
        made.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "shelf"))
    context = tmp_path / "container"
    context.mkdir()
    (context / "Dockerfile").write_bytes((CONTEXT / "Dockerfile").read_bytes())
    base = f"FROM {IMAGE}\nUSER root\nENV PATH=/usr/local/bin:/usr/bin:/bin\nRUN rm -r /opt/agent\n"
    engine.images.build(fileobj=io.BytesIO(base.encode()), tag="graftbot-build-base", rm=True)
    settings = Settings(agent_image="graftbot-build-test", agent_base="graftbot-build-base")

    def dangling() -> set[str]:
        return {
            str(image.id)
            for label in (RECIPE, STAGE)
            for image in engine.images.list(filters={"dangling": True, "label": label})
        }

    try:
        for requirement in ("graftbot-dummy", "graftbot-dummy # again"):
            (context / "requirements.txt").write_text(requirement + "\n")
            assert list(build(settings, context))
            assert not outdated(settings, context)
            assert sorted(path.name for path in context.iterdir()) == [
                "Dockerfile",
                "requirements.txt",
            ]
            assert dangling() == set()
        (context / "requirements.txt").write_text("graftbot-no-such-package\n")
        with pytest.raises(BotError):
            list(build(settings, context))
        assert not (context / "wheels").exists()
        assert dangling() == set()
    finally:
        for image in ("graftbot-build-test", "graftbot-build-base"):
            with suppress(ImageNotFound):
                engine.images.remove(image, force=True)
