"""A Docker Engine of the test's own, which may be stopped, with an agent in it that is a shell
script.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from contextlib import closing
from pathlib import Path

import docker
from docker.errors import DockerException

__all__ = ["AGENT", "Daemon", "root"]

AGENT = "small-agent"
SCRIPT = r"""#!/bin/sh
# What the runner is to the host: a JSON object a line in, a result between sentinels out. A prompt with STAY in it is
# answered once the file `go` is in the group's folder; one with CHATTER in it meanwhile fills the log.
while read -r line; do
  case "$line" in *'"type": "close"'*) exit 0;; esac
  turn=${line#*'"turn": "'}; turn=${turn%%'"'*}
  said=${line#*'SAY '}; said=${said%%'<'*}
  case "$line" in *STAY*)
    echo > /workspace/group/stays
    until [ -e /workspace/group/go ]; do
      case "$line" in *CHATTER*) printf '%04000d\n' 0 >&2;; esac
      sleep 0.05
    done;;
  esac
  printf '\n---GRAFTBOT-RESULT---\n{"type": "result", "turn": "%s", "text": "%s", "session": null}\n---END---\n' "$turn" "$said"
done
"""


def root(*command: str) -> list[str]:
    """A command as root runs it."""
    return list(command) if os.getuid() == 0 else ["sudo", "-n", *command]


class Daemon:
    """Its data are in memory, and it leaves the machine's network alone: its containers have none."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="engine-", dir="/dev/shm"))
        self.url = f"unix://{self._folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [f"--{option}={self._folder / place}" for option, place in places.items()]
        options += [f"--host={self.url}", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(root("dockerd", *options), stdout=log, stderr=log)
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it, and with it what runs in it."""
        if self._process is not None:
            subprocess.run(root("kill", (self._folder / "pid").read_text().strip()), check=True)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stop it and everything of it."""
        self.stop()
        subprocess.run(root("rm", "-rf", str(self._folder)), check=True)

    def load(self) -> None:
        """Make the image AGENT: a shell, its libraries, and SCRIPT."""
        with closing(docker.APIClient(self.url)) as client:
            client.import_image_from_data(_tree(), AGENT, changes=['CMD ["/bin/sh", "/agent"]'])

    def _answers(self) -> bool:
        try:
            with closing(docker.APIClient(self.url, version="1.40")) as client:
                return bool(client.ping())
        except (DockerException, OSError):
            return False


def _tree() -> bytes:
    """A root file system as an archive."""
    programs = [Path(found).resolve() for name in ("sh", "sleep") if (found := shutil.which(name))]
    listed = subprocess.run(
        ["ldd", *map(str, programs)], capture_output=True, text=True, check=True
    ).stdout
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, program in zip(("sh", "sleep"), programs, strict=True):
            tar.add(program, f"bin/{name}")
        for library in sorted(
            set(re.findall(r"/\S+", re.sub(r"^\S+:$", "", listed, flags=re.MULTILINE)))
        ):
            tar.add(Path(library).resolve(), library.lstrip("/"))
        script = tarfile.TarInfo("agent")
        script.size = len(SCRIPT.encode())
        tar.addfile(script, io.BytesIO(SCRIPT.encode()))
    return archive.getvalue()
