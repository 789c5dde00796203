"""Two machines beside the bot's: a network namespace each, with a Docker Engine, an sshd, and an agent
in Python that counts its turns in its group's folder. Needs root, iproute2 and openssh-server.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import tarfile
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import docker

from bot.settings import Settings
from container.build import CONTEXT, RECIPE, recipe

__all__ = ["AGENT", "Machines", "Other"]

AGENT = f"counting-agent-{os.getpid()}"
PROGRAM = r"""
import asyncio, json, os, sys, time
from pathlib import Path
sys.path.insert(0, "/opt/graftbot")
from runner import ipc
from runner.away import reached_by
from runner.protocol import Start, put
group, state = Path("/workspace/group"), Path("/home/agent/.claude")
for line in sys.stdin:
    said = json.loads(line)
    if said["type"] == "close": break
    if said["type"] == "start": reached_by(Start.read(line)); session = said["session"]
    prompt, count = said["prompt"], group / "count"
    if "NOTE" in prompt:
        (group / "noted").touch(); put("result", turn=said["turn"], text="noted", session=None); break
    number = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(number))
    (state / "transcript").open("a").write(f"{number}\n")
    text = f"{number}"
    if "SLOW" in prompt: time.sleep(2)
    if "PIPE" in prompt:
        os.mkfifo(group / "pipe"); (group / "out").symlink_to("/etc/passwd"); (group / "in").symlink_to("count")
        (group / "empty").mkdir(); (group / "run").write_text("#!"); (group / "run").chmod(0o755)
    if "BIG" in prompt: os.truncate(os.open(group / "big", os.O_CREAT | os.O_WRONLY), 3 << 20)
    if "MANY" in prompt:
        for one in range(200): (group / f"file-{one}").touch()
    if "LIST" in prompt: text += " " + " ".join(sorted(one.name for one in group.iterdir()))
    if "ASK" in prompt:
        (group / "picture.txt").write_text("drawn")
        sent = asyncio.run(ipc.request("send_file", {"path": "/workspace/group/picture.txt", "text": "here"}))
        try: asyncio.run(ipc.request("send_message", {"text": "hi", "chat": "memory:main"}))
        except ipc.Refused as error: text += f" {sent['pieces']} {error}"
    put("result", turn=said["turn"], text=text, session=f"session-{number}")
    if "LEAVE" in prompt: break
"""
SSHD = """
Port 22
ListenAddress {address}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile {folder}/sshd.pid
UsePAM no
StrictModes no
PasswordAuthentication no
Match User root
    ClientAliveInterval 1
    ClientAliveCountMax 2
    StreamLocalBindUnlink yes
    StreamLocalBindMask 0111
"""
ALLOWED = 'restrict,port-forwarding,command="cat" '


def run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


class Other:
    """A machine: what is in its namespace."""

    def __init__(self, name: str, space: str, address: str, folder: Path) -> None:
        self.name, self.address, self._space, self._folder = name, address, space, folder
        self.engine = folder / "docker.sock"
        self._engine: subprocess.Popen[bytes] | None = None
        self._sshd: subprocess.Popen[bytes] | None = None
        self._frozen: list[int] = []
        folder.mkdir()

    @property
    def url(self) -> str:
        return f"{self.name}=ssh://root@{self.address}{self.engine}"

    @property
    def client(self) -> docker.DockerClient:
        return docker.DockerClient(f"unix://{self.engine}", version="1.41")

    def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        if self._sshd is None:
            (settings := self._folder / "sshd_config").write_text(
                SSHD.format(address=self.address, folder=self._folder)
            )
            self._sshd = self._begin("/usr/sbin/sshd", "-D", "-f", settings)
        if self._engine is None:
            places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
            options = [f"--{option}={self._folder / place}" for option, place in places.items()]
            off = ("iptables", "ip6tables", "ip-forward", "ip-masq")
            options += [f"--host=unix://{self.engine}", "--bridge=none"]
            self._engine = self._begin("dockerd", *options, *(f"--{one}=false" for one in off))
        while not self._answers():
            assert self._engine.poll() is None, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def counts(self) -> list[str]:
        """What the agents have counted there so far."""
        found = []
        for count in self._folder.glob("data/volumes/*/_data/count"):
            with suppress(FileNotFoundError):
                found.append(count.read_text())
        return found

    def load(self, image: bytes) -> None:
        with closing(self.client) as client:
            load(client, image)

    def forget(self) -> None:
        """Remove the image."""
        with closing(self.client) as client:
            client.images.remove(AGENT, force=True)

    def kill_engine(self) -> None:
        assert self._engine
        self._engine.kill()
        self._engine.wait()
        self._engine = None

    def link(self, state: str) -> None:
        run("ip", "-n", self._space, "link", "set", "eth0", state)

    def freeze(self) -> None:
        """All of it stands still, and what is in its containers."""
        pids = run("ip", "netns", "pids", self._space).split()
        shims = subprocess.run(
            ["pgrep", "-f", f"containerd-shim.*{self._folder}"], capture_output=True, text=True
        ).stdout.split()
        within = [one for shim in shims for one in _children(shim)]
        self._frozen = [int(one) for one in (*within, *pids)]
        for pid in self._frozen:
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._frozen:
            os.kill(pid, signal.SIGCONT)
        self._frozen = []

    def containers(self, *, every: bool = True) -> list[str]:
        with closing(self.client) as client:
            return [one.id for one in client.containers.list(all=every, ignore_removed=True)]

    def volumes(self) -> int:
        with closing(self.client) as client:
            return len(client.volumes.list())

    def stop(self) -> None:
        self.thaw()
        if self._sshd is not None:
            self._sshd.kill()
            self._sshd.wait()
        if self._engine is not None:
            self._engine.terminate()
            self._engine.wait()
        for pid in subprocess.run(
            ["ip", "netns", "pids", self._space], capture_output=True, text=True
        ).stdout.split():
            os.kill(int(pid), signal.SIGKILL)

    def _begin(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            within = ["nsenter", f"--net=/run/netns/{self._space}", *map(str, command)]
            return subprocess.Popen(within, stdout=log, stderr=log)

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as one:
            try:
                one.connect(str(self.engine))
                one.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return one.recv(99).startswith(b"HTTP/1.0 200")
            except OSError:
                return False


def load(client: docker.DockerClient, image: bytes) -> None:
    """Make AGENT of a root file system; it is what `bot setup` would build."""
    made = recipe(Settings().agent_base, CONTEXT)
    start = ['CMD ["/usr/bin/python3", "/agent.py"]', "ENV PYTHONDONTWRITEBYTECODE=1"]
    client.api.import_image_from_data(image, AGENT, changes=[*start, f"LABEL {RECIPE}={made}"])


def _children(pid: str) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [*found, *(one for child in found for one in _children(child))]


class Machines:
    """A hub, where the bot's ssh is, and two machines at it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machines-", dir="/dev/shm"))
        self._hub = f"gb{os.getpid()}hub"
        run("ip", "netns", "add", self._hub)
        self._ip(self._hub, "link", "add", "br0", "type", "bridge")
        self._ip(self._hub, "addr", "add", "10.77.0.1/24", "dev", "br0")
        self._ip(self._hub, "link", "set", "br0", "up")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key")
        Path("/run/sshd").mkdir(exist_ok=True)
        self.all = [self._one(number) for number in (1, 2)]
        self.settings = self.folder / "ssh_config"
        self.settings.write_text(
            f"IdentityFile {self.folder}/key\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {self.folder}/known\nGlobalKnownHostsFile none\n"
        )
        (tools := self.folder / "bin").mkdir()
        (tools / "ssh").write_text(
            f'#!/bin/sh\nexec nsenter --net=/run/netns/{self._hub} {shutil.which("ssh")} "$@"\n'
        )
        (tools / "ssh").chmod(0o755)
        self.path = f"{tools}:{os.environ['PATH']}"
        image = agent_image()
        with closing(docker.from_env()) as own:
            load(own, image)
        for one in self.all:
            one.start()
            one.load(image)

    def _one(self, number: int) -> Other:
        space, address = f"gb{os.getpid()}h{number}", f"10.77.0.1{number}"
        run("ip", "netns", "add", space)
        ends = ("type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "link", "add", f"v{number}", "netns", self._hub, *ends)
        self._ip(self._hub, "link", "set", f"v{number}", "master", "br0", "up")
        for device in ("lo", "eth0"):
            self._ip(space, "link", "set", device, "up")
        self._ip(space, "addr", "add", f"{address}/24", "dev", "eth0")
        one = Other(f"h{number}", space, address, folder := self.folder / f"h{number}")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host")
        (folder / "authorized").write_text(ALLOWED + (self.folder / "key.pub").read_text())
        with (self.folder / "known").open("a") as known:
            known.write(f"{address} {(folder / 'host.pub').read_text()}")
        return one

    def remove(self) -> None:
        for one in self.all:
            one.stop()
        for space in re.findall(rf"gb{os.getpid()}h\w+", run("ip", "netns", "list")):
            run("ip", "netns", "del", space)
        for mounted in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (place := mounted.split()[1]).startswith(str(self.folder)):
                subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        with closing(docker.from_env()) as own:
            own.images.remove(AGENT, force=True)

    def _ip(self, space: str, *command: str) -> None:
        run("ip", "-n", space, *command)


def agent_image() -> bytes:
    """A root file system with Python and PROGRAM: that of the machine that the tests run on."""
    library = Path(sysconfig.get_path("stdlib"))
    python = Path(
        f"{sysconfig.get_config_var('installed_base')}/bin/python{sysconfig.get_python_version()}"
    )
    wanted = [python.resolve(), *(library / "lib-dynload").glob("*.so")]
    said = subprocess.run(["ldd", *map(str, wanted)], capture_output=True, text=True).stdout
    needed = set(re.findall(r"(?<=\s)/\S+(?= \(0x)", said))
    left_out = {
        "site-packages",
        "dist-packages",
        "test",
        "idlelib",
        "__pycache__",
        "ensurepip",
        "tkinter",
    }
    archive = io.BytesIO()

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return (
            None
            if left_out.intersection(Path(entry.name).parts) or "config-" in entry.name
            else entry
        )

    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(python.resolve(), str(python).lstrip("/"))
        if str(python) != "/usr/bin/python3":
            link = tarfile.TarInfo("usr/bin/python3")
            link.type, link.linkname = tarfile.SYMTYPE, str(python)
            tar.addfile(link)
        for one in needed:
            tar.add(Path(one).resolve(), one.lstrip("/"))
        tar.add(library, str(library).lstrip("/"), filter=plain)
        program = tarfile.TarInfo("agent.py")
        program.size = len(PROGRAM.encode())
        tar.addfile(program, io.BytesIO(PROGRAM.encode()))
    return archive.getvalue()
