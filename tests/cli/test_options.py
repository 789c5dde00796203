"""Options that several verbs share, as docs/using.md tells them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.cli import skills

BEGINS = ("apply", "uninstall", "upgrade", "rebase", "undo", "redo")
GOES_ON = ("continue", "skip")
OF_CODE = {"--trust", "--no-test", "--no-install", "--restart"}


@pytest.mark.parametrize("verb", [*BEGINS, *GOES_ON, "abort", "pin", "unpin", "init"])
def test_a_verb_that_changes_a_fork_has_the_options_of_its_kind(tmp_path: Path, verb: str) -> None:
    found = set(re.findall(r"--[a-z-]+", skills(tmp_path, verb, "--help").out))
    assert "--wait" in found
    assert ("--dry-run" in found) == (verb not in {*GOES_ON, "abort"})
    assert ("--yes" in found) == (verb in {"apply", "uninstall", "upgrade", "rebase", "continue"})
    assert found & OF_CODE == (OF_CODE if verb in {*BEGINS, *GOES_ON} else set())
