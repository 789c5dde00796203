"""Forks that conflict with their upstream, in whatever files a test names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.cli import skills
from harness.repos import Repo

Files = Mapping[str, str | bytes | None]
"""Contents by path; None is a file that is deleted."""


def parted(path: Path, base: Files, ours: Files, theirs: Files) -> Repo:
    """A fork under management whose owner and whose upstream each went on."""
    path.mkdir(exist_ok=True)
    up = Repo.init(path / "up")
    up.commit("Base", {"pyproject.toml": '[project]\nname = "p"\nversion = "0.1.0"\n', **base})
    up.git("clone", "--quiet", "--origin", "upstream", str(up.path), str(path / "fork"))
    fork = Repo(path / "fork").known()
    assert skills(fork, "init", "-q").code == 0
    fork.commit("Mine", ours)
    up.commit("Theirs", theirs)
    return fork


def worktree(fork: Repo) -> Repo:
    """Where a fork's conflict waits to be decided."""
    return Repo(fork.path / ".git" / "skills" / "conflict")
