"""The environment that skills' tests run in: the engine's own, cached by what it holds.

It has the fork's dependencies, its test requirements and nothing else: the
project is not installed in it, the tests see the worktree on their path. What
the interpreter that runs the engine has already comes from there. In a fork of
the engine's own repository that interpreter itself serves, if it has
everything: its packages are the fork's. The variables of the user's shell are
kept out when the tests run (`tests.py`).
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
import sysconfig
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from skills_engine.check.borrowed import lend, lendable
from skills_engine.check.installer import Installer, choose, has_pip, install
from skills_engine.check.plan import TestPlan
from skills_engine.check.process import last_lines
from skills_engine.check.requirements import satisfied
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.metadata import Distribution


__all__ = ["default_cache", "ensure_environment", "prune"]

_KEEP = 8
_COMPLETE = ".complete"
_PATIENCE = 1800.0


def default_cache(of: str = "environments") -> Path:
    """`$XDG_CACHE_HOME/graftbot/environments`, or a folder beside it."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(root) if root.startswith("/") else Path.home() / ".cache"
    return base / "graftbot" / of


def ensure_environment(
    plan: TestPlan,
    *,
    cache: Path,
    installer: Installer | None = None,
    report: Callable[[str], None],
) -> Path:
    """The Python of an environment that has what the fork's tests need, built if there is none yet.

    Raises Refused with the installer's last lines if it fails.
    """
    requirements = plan.requirements
    if plan.own and satisfied(requirements):
        return Path(sys.executable)
    installer = installer or choose(uv=plan.uv)
    there = lendable(requirements, plan.constraints)
    key = (*requirements, *plan.constraints)
    home = cache / _key(key, installer if there is None else _lent(there))
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(home, report):
            if not (home / _COMPLETE).exists() or not python.exists():
                _build(home, python, plan if there is None else there, installer, report)
            os.utime(home / _COMPLETE)
    except OSError as error:
        raise Refused(
            f"the environment for the tests cannot be made in {home}: {error.strerror or error}",
            hint="make room there, set XDG_CACHE_HOME to another folder, or use --no-test",
        ) from error
    prune(cache)
    return python


def prune(cache: Path, keep: int = _KEEP) -> None:
    """Remove all but the `keep` environments that were used last, and what killed builds left."""
    homes = [path for path in cache.iterdir() if path.is_dir()]
    old = sorted(homes, key=_last_used, reverse=True)[keep:]
    for home in {*old, *(path for path in homes if not (path / _COMPLETE).exists())}:
        try:
            with FileLock(_lock_file(home), timeout=0):
                _remove(home)
        except Timeout:
            continue  # it is being built or used at this moment
        except OSError:
            continue  # what cannot be removed now is tried again next time


def _lent(packages: Sequence[Distribution]) -> str:
    return " ".join(sorted(f"{each.metadata['Name']}=={each.version}" for each in packages))


def _key(requirements: Sequence[str], installer: str) -> str:
    parts = [
        platform.python_implementation(),
        sys.version,
        sysconfig.get_platform(),
        sys.base_prefix,
        installer,
    ]
    return hashlib.sha256("\n".join([*parts, *requirements]).encode()).hexdigest()[:32]


@contextmanager
def _locked(home: Path, report: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(_lock_file(home))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report("waiting for another operation that makes the same environment")
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout:
            raise Refused(
                f"another operation has been making {home} for half an hour",
                hint="end it, or use --no-test",
            ) from None
    try:
        yield
    finally:
        lock.release()


def _build(
    home: Path,
    python: Path,
    wanted: TestPlan | Sequence[Distribution],
    installer: Installer,
    report: Callable[[str], None],
) -> None:
    """A virtual environment knows its own path, so it is made in place; the marker says that it is
    whole.
    """
    _remove(home)
    if not isinstance(wanted, TestPlan):
        venv.EnvBuilder(symlinks=os.name != "nt").create(home)
        lend(wanted, home)
        (home / _COMPLETE).touch()
        return
    number = len(wanted.requirements)
    report(f"making an environment for the tests with {installer}: {number} requirements")
    venv.EnvBuilder(symlinks=os.name != "nt", with_pip=installer == "pip" and not has_pip()).create(
        home
    )
    done = install(
        installer, python, wanted.requirements, wanted.constraints, cwd=home, report=report
    )
    if done.code != 0:
        _remove(home)
        why = "took too long" if done.code is None else f"failed (exit code {done.code})"
        raise Refused(
            f"installing what the tests need {why}:\n{last_lines(done.output)}",
            hint="check the network and the requirements in pyproject.toml, or use --no-test",
        )
    (home / _COMPLETE).touch()


def _remove(home: Path) -> None:
    (home / _COMPLETE).unlink(
        missing_ok=True
    )  # first: what is left of a removal that is killed must not be used
    if home.exists():
        shutil.rmtree(home)


def _last_used(home: Path) -> float:
    try:
        return (home / _COMPLETE).stat().st_mtime
    except OSError:
        return 0.0


def _lock_file(home: Path) -> Path:
    return home.with_name(f".{home.name}.lock")
