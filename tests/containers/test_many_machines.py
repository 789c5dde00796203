"""The trial of `many-machines` in a fork that has it: two machines, each a network namespace with a
Docker Engine and an sshd of its own. Needs root, iproute2, openssh-server and the machine's engine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import docker
import pytest

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import ROOT, SKILLS, fork

NEEDED = ("ip", "nsenter", "ssh", "ssh-keygen", "dockerd", "/usr/sbin/sshd")


@pytest.mark.slow
def test_whatever_befalls_a_machine_each_message_is_answered_once(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    lacking = [one for one in NEEDED if shutil.which(one) is None]
    if (lacking or os.getuid()) and os.environ.get("CI") != "true":
        pytest.skip(f"needs root and {', '.join(lacking) or 'nothing else'}")
    home = fork(tmp_path / "fork", "many-machines")
    for part in (SKILLS / "many-machines/trial").glob("*.py"):
        shutil.copy(part, home / "tests")
    shutil.copy(ROOT / "pyproject.toml", home)
    shutil.copy(ROOT / "tests/containers/fake_anthropic.py", home / "tests")
    tests = ["tests/test_two_machines.py"]
    if os.environ.get("REAL_AGENT_ELSEWHERE"):
        tests.append("tests/test_real_agent.py")
    # of a socket that it cannot connect the SDK says that nobody has closed it
    quiet = ("-p", "no:xdist", "-p", "no:unraisableexception")
    trial = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *quiet, *tests],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert trial.returncode == 0, trial.stdout + trial.stderr
