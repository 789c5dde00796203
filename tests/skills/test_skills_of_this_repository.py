"""The skills of this repository are valid, leave clean code, and pass their own tests where they
are applied.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from forks import SKILLS, edit, fork, package

from skills_engine.package.lint import lint

NAMES = sorted(path.name for path in SKILLS.iterdir() if path.is_dir())


def _needed(name: str) -> tuple[str, ...]:
    """A skill after those that it says it needs."""
    manifest = package(name).manifest
    before = (one for first, _ in (manifest.depends if manifest else ()) for one in _needed(first))
    return (*dict.fromkeys(before), name)


def _tests(name: str) -> tuple[str, ...]:
    manifest = package(name).manifest
    return manifest.tests if manifest else ()


TESTED = [name for name in NAMES if _tests(name)]
SETS = [*map(_needed, TESTED), tuple(TESTED)]
"""Each alone, so that none passes by what another brings, and all together."""


@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_a_valid_agent_skill_without_a_mistake(name: str) -> None:
    files = {
        p.relative_to(SKILLS / name).as_posix(): p.read_bytes()
        for p in (SKILLS / name).rglob("*")
        if p.is_file()
    }
    assert (
        lint(name, {path: data for path, data in files.items() if "__pycache__" not in path}) == ()
    )
    command = [str(Path(sys.executable).with_name("agentskills")), "validate", str(SKILLS / name)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("skills", SETS, ids=" ".join)
def test_its_own_tests_pass_where_it_is_applied_and_the_code_is_clean(
    tmp_path: Path, skills: tuple[str, ...]
) -> None:
    here = fork(tmp_path, *skills)
    edit(here)
    names = skills if skills == tuple(TESTED) else skills[-1:]  # what it needs is tried alone
    tests = [test for name in names for test in _tests(name)]
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], here)
    run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], here)
    run([sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "."], here)


@pytest.mark.slow
def test_a_fork_with_all_of_them_is_well_typed(tmp_path: Path) -> None:
    here = fork(tmp_path, *TESTED)
    options = [
        "--cache-dir",
        os.devnull,
        "--disable-error-code",
        "import-untyped",
    ]  # not every library has types
    run([sys.executable, "-m", "mypy", *options, "bot", "container/runner"], here)


def run(command: list[str], folder: Path) -> None:
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("TELEGRAM_", "SEARXNG_"))
    }
    ended = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
