"""The contract of runtimes, kept by Podman: `make podman`, as root, with Podman, catatonit and the
agent's image in Docker.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "skills"))

from forks import ROOT, fork

PLAIN = '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n'
"""Of Podman's own settings what runs on a machine without systemd, and with either cgroups."""


def main() -> int:
    """A fork with `use-podman`, Podman's service on a socket, and what test_runtimes.py says."""
    image = os.environ.get("AGENT_IMAGE") or "graftbot-agent"
    with tempfile.TemporaryDirectory() as folder:
        home = fork(Path(folder, "fork"), "use-podman")
        for part in ("tests/containers", "tests/skills"):
            shutil.copytree(ROOT / part, home / part)
        (settled := Path(folder, "containers.conf")).write_text(PLAIN)
        os.environ.setdefault("CONTAINERS_CONF", str(settled))
        socket = Path(folder, "podman.sock")
        ours = {"DOCKER_HOST": f"unix://{socket}", "RUNTIME": "podman"}
        settings = {**os.environ, **ours, "AGENT_IMAGE": f"localhost/{image}", "CI": "true"}
        with subprocess.Popen(
            ["podman", "system", "service", "--time=0", f"unix://{socket}"]
        ) as it:
            try:
                if subprocess.run(["podman", "image", "exists", image], check=False).returncode:
                    command = f"docker save {image} | podman load"
                    subprocess.run(command, shell=True, check=True)  # noqa: S602
                while not socket.exists():
                    time.sleep(0.1)
                tests = ["tests/containers/test_runtimes.py", "-k", "not memory-"]
                command_line = [sys.executable, "-m", "pytest", "-q", *tests]
                return subprocess.run(command_line, cwd=home, env=settings, check=False).returncode
            finally:
                it.terminate()


if __name__ == "__main__":
    sys.exit(main())
