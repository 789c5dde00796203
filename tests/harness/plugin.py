"""Fixtures for tests of the program: `pytest_plugins = ("harness.plugin",)`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.forks import fork_of, upstream
from harness.repos import Repo

__all__ = ["docker_rooms", "fork", "no_rooms", "prepared"]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an upstream and a fork of it under management; not to be changed."""
    folder = tmp_path_factory.mktemp("prepared")
    fork_of(upstream(folder / "upstream"), folder / "fork")
    return folder


@pytest.fixture
def fork(prepared: Path, tmp_path: Path) -> Repo:
    """A copy of that fork, in `tmp_path`."""
    subprocess.run(["cp", "-a", str(prepared / "fork"), str(tmp_path / "fork")], check=True)
    repo = Repo(tmp_path / "fork")
    repo.git("update-index", "-q", "--refresh")
    return repo


def _path(folder: Path, *programs: str) -> str:
    """A PATH on which only these programs are."""
    folder.mkdir()
    for name in programs:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"there is no {name} here")
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.fixture
def no_rooms(tmp_path: Path) -> str:
    """A PATH with git, and with nothing that can make a room for other people's code."""
    return _path(tmp_path / "path", "git", "sh", "env")


@pytest.fixture
def docker_rooms(tmp_path: Path) -> str:
    """A PATH with git and Docker, and without bubblewrap."""
    path = _path(tmp_path / "docker-path", "git", "sh", "env", "docker")
    if subprocess.run(["docker", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker Engine answers here")
    return path
