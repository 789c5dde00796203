"""One mistake, tried: a checkout with it, and the tests that should see it."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mutants.operators import Mutant

__all__ = ["enter", "mistaken", "seen_by"]

_TIMES, _AT_LEAST = 10.0, 60
"""A test that takes so much longer than it should is in an endless loop."""


def enter(root: Path) -> None:
    """Make a checkout the one whose code this process and those below it import."""
    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ["PYTHONPATH"] = str(root)


@contextmanager
def mistaken(root: Path, mutant: Mutant) -> Iterator[None]:
    """While it lasts, the mistake stands in the checkout."""
    path = root / mutant.path
    source, times = path.read_bytes(), path.stat()
    path.write_bytes(mutant.applied(source))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 2_000_000_000))  # no cache fits
    try:
        yield
    finally:
        path.write_bytes(source)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


class _First:
    """A plugin that runs some tests in an order, and remembers the first that failed."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.name = ""
        self._ranks = {name: number for number, name in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._ranks]
        items[:] = sorted(chosen, key=lambda item: self._ranks[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid


def seen_by(root: Path, tests: Sequence[str], seconds: float) -> str:
    """The first of the tests that fails in a checkout; nothing if they all pass.

    `seconds` is what they take of the processor as a rule.
    """
    if not tests:
        return ""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        os.close(reading)
        os.setsid()  # what the tests have started ends with them
        most = int(max(_AT_LEAST, _TIMES * seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 5))
        signal.alarm(20 * most)  # it waits for what never comes
        os.write(writing, _in_child(root, tests).encode()[:2000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if os.WIFEXITED(status) and status:
        raise RuntimeError(f"pytest ended with {os.WEXITSTATUS(status)} for {tests[0]} …")
    return said if not status else f"ended by signal {os.WTERMSIG(status)}"


def _in_child(root: Path, tests: Sequence[str]) -> str:
    enter(root)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    first = _First(tests)
    files = dict.fromkeys(name.split("::")[0] for name in tests)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    try:
        code = pytest.main([*options, *files], [first])
    except BaseException as error:  # noqa: BLE001  # a mistake may raise anything
        return f"{error!r}"
    if code in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return first.name
    if not first.name:
        os._exit(code)
    return f"{first.name} cannot be collected"
