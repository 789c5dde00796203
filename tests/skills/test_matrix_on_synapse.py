"""The tests of `add-matrix` against a real Synapse, which an environment of its own brings: 150 MB,
made once and kept for the next run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from forks import fork

VERSION = "1.163.2"
SECRET = "a secret of the tests"  # likewise in fake_matrix.py
CONFIGURATION = """
server_name: localhost
report_stats: false
listeners: [{{port: {port}, type: http, bind_addresses: ['127.0.0.1'], tls: false, resources: [{{names: [client], compress: false}}]}}]
database: {{name: sqlite3, args: {{database: {folder}/hs.db}}}}
media_store_path: {folder}/media
signing_key_path: {folder}/sign.key
pid_file: {folder}/hs.pid
registration_shared_secret: "{secret}"
macaroon_secret_key: m
form_secret: f
trusted_key_servers: []
federation_domain_whitelist: []
rc_message: &rate {{per_second: 1000, burst_count: 1000}}
rc_login: {{address: *rate, account: *rate, failed_attempts: *rate}}
rc_joins: {{local: *rate, remote: *rate}}
rc_invites: {{per_room: *rate, per_user: *rate, per_issuer: *rate}}
"""


def _python() -> Path:
    """One that has Synapse."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / f"graftbot/synapse-{VERSION}-{sys.version_info[0]}.{sys.version_info[1]}"
    python = place / "bin/python"
    if not (ready := place / "ready").exists():
        run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(place)])
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        run([*pip, "--disable-pip-version-check", f"matrix-synapse=={VERSION}"])
        ready.touch()
    return python


def run(command: list[str], folder: Path | None = None, **more: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | more
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def synapse(tmp_path: Path) -> Iterator[str]:
    """Where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (settings := tmp_path / "hs.yaml").write_text(
        CONFIGURATION.format(port=port, folder=tmp_path, secret=SECRET)
    )
    command = [str(_python()), "-m", "synapse.app.homeserver", "-c", str(settings)]
    run([*command, "--generate-keys"])
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
    try:
        while not _answers(url):
            assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
            time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_matrix/client/versions"):  # noqa: S310
            return True
    except OSError:
        return False


@pytest.mark.slow
def test_a_real_server_is_understood(synapse: str, tmp_path: Path) -> None:
    home = fork(tmp_path / "bot", "add-matrix")
    tests = [sys.executable, "-m", "pytest", "-q", "tests/channels/test_matrix.py"]
    run(tests, home, MATRIX_SYNAPSE=synapse)
