"""A line of a user's shell, with the console scripts first on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["USER", "sh"]

USER = {
    f"GIT_{who}_{what}": "a@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
} | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""Who commits, and where programs are."""


def sh(line: str, cwd: Path, env: Mapping[str, str], said: str = "") -> str:
    """What a line prints that ends well."""
    ended = subprocess.run(
        ["bash", "-ec", line],
        cwd=cwd,
        env=dict(env),
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{line}\n{ended.stdout}{ended.stderr}"
    return ended.stdout
