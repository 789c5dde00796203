"""`skills merge-driver`: plain git merges Python by structure, and taking it off leaves nothing
behind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Repo, skills

BASE = "LIST = [\n    'a',\n    'b',\n]\n"
OURS = "LIST = [\n    'a',\n    'b',\n    'mine',\n]\n"
THEIRS = "LIST = [\n    'a',\n    'b',\n    'theirs',\n]\n"


@pytest.fixture
def parted(tmp_path: Path) -> Repo:
    """Two branches that add to the same list."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit("Base", {"m.py": BASE})
    repo.git("checkout", "--quiet", "-b", "theirs")
    repo.commit("Theirs", {"m.py": THEIRS})
    repo.git("checkout", "--quiet", "main")
    repo.commit("Ours", {"m.py": OURS})
    return repo


def test_git_merges_with_it_and_not_without(parted: Repo) -> None:
    done = _merge(parted)
    assert done.returncode == 1, done.stdout
    parted.git("merge", "--abort")
    assert skills(parted, "merge-driver", "install").code == 0
    done = _merge(parted)
    assert done.returncode == 0, done.stdout + done.stderr
    assert parted.read("m.py") == OURS.replace("    'mine',\n", "    'mine',\n    'theirs',\n")


@pytest.mark.parametrize("attributes", [None, b"", b"*.md text\n", b"*.md text"])
def test_taking_it_off_gives_back_every_byte(parted: Repo, attributes: bytes | None) -> None:
    info = parted.git_dir / "info" / "attributes"
    info.unlink(missing_ok=True)
    if attributes is not None:
        info.parent.mkdir(exist_ok=True)
        info.write_bytes(attributes)
    config = (parted.git_dir / "config").read_bytes()
    for _ in range(2):  # a second time, nothing more happens
        assert skills(parted, "merge-driver", "install").code == 0
    assert info.read_bytes().count(b"merge=skills") == 1
    for _ in range(2):
        assert skills(parted, "merge-driver", "uninstall").code == 0
    assert (info.read_bytes() if info.exists() else None) == (attributes or None)
    assert (parted.git_dir / "config").read_bytes() == config


def _merge(repo: Repo) -> subprocess.CompletedProcess[str]:
    """As a user runs it, with `skills` on the path."""
    here = str(Path(sys.executable).parent)
    env = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    command = ["git", "merge", "--no-edit", "theirs"]
    return subprocess.run(
        command, cwd=repo.path, env=env, capture_output=True, text=True, check=False
    )
