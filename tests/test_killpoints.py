"""A seeded sample of the kill points, of the faults and of what others do meanwhile; `make
killpoints`, `make faults` and `make pairs` try all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from killpoints.tracer import why_not

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.parametrize(("which", "seed"), [((), 6), (("--faults",), 4), (("--pairs",), 5)])
def test_an_operation_is_undone_or_complete(
    capsys: pytest.CaptureFixture[str], which: tuple[str, ...], seed: int
) -> None:
    """Killed, with a call to the file system that fails, and with somebody else at work."""
    if (why := why_not()) and "CI" not in os.environ:
        pytest.skip(f"kill points cannot be tried here: {why}")
    sample = ["--sample", "5", "--seed", str(seed), "--jobs", "1"]
    command = [sys.executable, "tests/killpoints", *sample, *which]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with capsys.disabled():
        print("\n" + done.stdout)
