"""Which tests run which line, and how long each takes: made once for a commit, by running them."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mutants.trial import enter

__all__ = ["Table", "made"]


@dataclass(frozen=True)
class Table:
    """Seconds by test, and tests by line of a file (paths from the root of the repository)."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, Sequence[str]]]

    def of(self, path: str, line: int) -> list[str]:
        """The tests in whose own process a line runs, those first that take least."""
        found = self.lines.get(path, {}).get(line, ())
        return sorted(found, key=lambda name: self.seconds[name])

    def all_of(self, files: Sequence[str]) -> list[str]:
        """All tests of some files, those first that take least."""
        found = [name for name in self.seconds if name.split("::")[0] in files]
        return sorted(found, key=lambda name: self.seconds[name])


class _Recorder:
    """A plugin that tells coverage.py which test it is, and a clock how long it took."""

    def __init__(self) -> None:
        import coverage  # noqa: PLC0415  # in the process that measures alone

        self.measured = coverage.Coverage(
            data_file=None, source=["skills_engine"], config_file=False
        )
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measured.switch_context(item.nodeid)
        began = time.process_time()
        result = yield
        self.seconds[item.nodeid] = round(time.process_time() - began, 3)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def made(root: Path, files: Sequence[str], kept: Path) -> Table:
    """The table for tests of a checkout, from a file if it was made before.

    Raises SystemExit, with their names, if tests fail as the code is.
    """
    if not kept.exists():
        pid = os.fork()
        if not pid:
            try:
                code = _measure(root, files, kept)
            except BaseException:  # noqa: BLE001  # a child must not go on as its parent would
                traceback.print_exc()
                code = 1
            os._exit(code)
        if os.waitpid(pid, 0)[1]:
            sys.exit("the tests fail as the code is, or could not be run")
    read = json.loads(kept.read_text("utf-8"))
    lines = {
        path: {int(line): [read["tests"][number] for number in tests] for line, tests in of.items()}
        for path, of in read["lines"].items()
    }
    return Table(read["seconds"], lines)


def _measure(root: Path, files: Sequence[str], kept: Path) -> int:
    enter(root)
    recorder = _Recorder()
    recorder.measured.start()
    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files], [recorder])
    recorder.measured.stop()
    if code:
        return 1
    data = recorder.measured.get_data()
    numbers = {name: number for number, name in enumerate(recorder.seconds)}
    lines: dict[str, dict[int, list[int]]] = defaultdict(dict)
    for file in data.measured_files():
        path = str(Path(file).relative_to(root))
        for line, tests in data.contexts_by_lineno(file).items():
            lines[path][line] = [numbers[name] for name in tests if name in numbers]
    kept.write_text(
        json.dumps({"seconds": recorder.seconds, "tests": list(numbers), "lines": lines}), "utf-8"
    )
    return 0
