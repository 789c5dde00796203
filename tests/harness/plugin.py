"""Fixtures for tests of the program: `pytest_plugins = ("harness.plugin",)`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.forks import fork_of, upstream
from harness.repos import Repo

__all__ = ["fork", "prepared"]


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
