"""Code that is not the engine's runs where there are no secrets, wherever a room can be made; where
none can, the owner is told before.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Repo, environment, skills
from harness.forks import skill

from skills_engine import sandbox
from skills_engine.check.tests import TestRun, run_tests
from skills_engine.codemods.custom import worker
from skills_engine.errors import CannotEnsure

pytest_plugins = ("harness.plugin",)

Run = Callable[..., TestRun]
SECRET = "s3cr3t-0f-the-0wner"


@pytest.fixture(params=["bubblewrap", "docker"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each way to make a room that works on this machine."""
    name: str = request.param
    if name == "docker":
        monkeypatch.setenv("PATH", request.getfixturevalue("docker_rooms"))
    sandbox._kind.cache_clear()
    if sandbox._kind() != name:
        pytest.skip(f"{name} makes no room here")
    yield name
    monkeypatch.undo()
    sandbox._kind.cache_clear()


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a test, with secrets all around it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "key").write_text(SECRET)
    (tmp_path / ".env").write_text(SECRET)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("API_KEY", SECRET)

    def run(code: str, *, network: bool = False) -> TestRun:
        worktree = tmp_path / "checkout/.git/skills/scratch/tree"
        worktree.mkdir(parents=True, exist_ok=True)
        body = "\n    ".join(code.splitlines())
        (worktree / "test_x.py").write_text(
            f"import os, socket, pathlib\n\ndef test():\n    {body}\n"
        )
        return run_tests(
            Path(sys.executable),
            worktree,
            ["test_x.py"],
            timeout=120,
            report=lambda text: None,
            network=network,
        )

    return run


LOOK = f"""\
found = []
for process in pathlib.Path("/proc").iterdir():
    for name in ("environ", "cmdline"):
        try:
            found.append((process / name).read_bytes())
        except OSError:
            pass
for top in ("/home", "/root", "/tmp", "/var", "/run", "/etc", "/srv", "/opt", "/mnt", "{Path.cwd()}"):
    for folder, folders, names in os.walk(top):
        if "site-packages" in folders: folders.remove("site-packages")
        for name in names:
            path = pathlib.Path(folder, name)
            if path.name != "test_x.py" and path.is_file() and not path.is_relative_to("/proc"):
                try:
                    found.append(path.read_bytes()[:10_000_000])
                except OSError:
                    pass
found.append(repr(dict(os.environ)).encode())
assert not [data for data in found if b"{SECRET[::-1]}"[::-1] in data]
assert os.listdir(os.environ["HOME"]) == []
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 9"""


def test_nothing_secret_is_in_the_room(kind: str, spy: Run) -> None:
    ran = spy(LOOK)
    assert ran.passed, ran.output[-3000:]


def test_what_lies_around_the_worktree_is_not_there(kind: str, spy: Run, tmp_path: Path) -> None:
    home = tmp_path / "home/key"
    ran = spy(
        f"assert not os.path.exists({str(home)!r})\nassert not os.path.exists('../../../../.env')"
    )
    assert ran.passed, ran.output[-3000:]


def test_it_writes_in_its_worktree_and_nowhere_else(kind: str, spy: Run, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    ran = spy(
        "pathlib.Path('made').write_text('x')\n"
        f"for path in ({str(outside)!r}, '/usr/x', '/etc/x', {sys.prefix!r} + '/bin/x'):\n"
        "    try:\n        pathlib.Path(path).write_text('x')\n    except OSError:\n        continue\n"
        "    print('wrote', path)\n    assert path.startswith(('/tmp/', '/dev/shm/'))"
    )
    assert ran.passed, ran.output[-3000:]
    assert not outside.exists()
    assert (tmp_path / "checkout/.git/skills/scratch/tree/made").read_text() == "x"


def test_the_network_is_there_for_who_declares_it(kind: str, spy: Run) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:  # noqa: S104  (a bridge reaches it, too)
        port = listening.getsockname()[1]
        own = "s = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(s.getsockname())\n"
        reach = f"socket.create_connection(('127.0.0.1', {port}), 5)"
        assert spy(own).passed, "its own loopback is there"
        assert not spy(reach).passed
        if kind == "bubblewrap":
            assert spy(reach, network=True).passed


def test_how_it_ends_is_told(kind: str, spy: Run) -> None:
    assert spy("assert 0").reason == "tests failed"
    assert spy("os.kill(os.getpid(), 9)").reason == "the tests were ended by signal 9"


CODEMOD = """
import libcst as cst, os, pathlib
from libcst.codemod import Codemod

class Look(Codemod):
    def transform_module_impl(self, tree):
        {code}
        return tree
"""


@pytest.mark.parametrize(
    "code",
    [
        "pathlib.Path({path!r}).read_text()",
        "open(f'/proc/{{os.getppid()}}/environ').read().index('API_KEY')",
        "__import__('socket').create_connection(('127.0.0.1', {port}), 5)",
    ],
)
def test_a_codemod_sees_no_more(
    kind: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    (tmp_path / "key").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = code.format(path=str(tmp_path / "key"), port=listening.getsockname()[1])
        files = {"a.py": b"x = 1\n"}
        assert worker.run(CODEMOD.format(code="pass"), "Look", {}, files) == files
        with pytest.raises(CannotEnsure, match=r"FileNotFound|substring|refused|unreachable"):
            worker.run(CODEMOD.format(code=code), "Look", {}, files)


SECRETIVE = skill(
    "add-tested",
    'version: 1.0.0\ncore: ">=0.1,<1"\nadds: [tests/test_it.py]\ntests: [tests/test_it.py]\n'
    "tests-network: true",
    "- {ensure: docstring, in: parrot/help.py, docstring: Tested.}",
    **{"tests/test_it.py": "def test() -> None:\n    pass\n"},
)


def test_where_there_is_no_room_it_is_said_and_accepted(
    fork: Repo, no_rooms: str, tmp_path: Path
) -> None:
    """Also where there is a bubblewrap that may make none, and trust that was given with a room."""
    fork.commit("Tested", SECRETIVE)
    alone = environment(tmp_path / "home", PATH=no_rooms)
    forbidden = tmp_path / "path/bwrap"
    forbidden.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    forbidden.chmod(0o755)
    ran = skills(fork, "apply", "--no-install", "add-tested", env=alone)
    assert ran.code == 1
    why = "neither bubblewrap nor Docker works here"
    line = (
        f"runs the tests in tests/test_it.py (with all that you can read, and the network: {why})"
    )
    assert line in ran.err
    assert skills(fork, "test", "add-tested", env=alone).code == 1
    assert skills(fork, "test", "add-tested", "--trust", env=alone).code == 0
    ran = skills(fork, "apply", "--no-install", "--trust", "add-tested", env=alone)
    assert ran.code == 0, ran.said
    assert f"the tests ran with all that you can read, and the network: {why}" in ran.out
    store = (tmp_path / "home/config/graftbot/trusted-digests").read_text()
    assert store.endswith(":unconfined\n")


def test_trust_that_was_given_with_a_room_is_none_without(
    fork: Repo, no_rooms: str, tmp_path: Path
) -> None:
    if sandbox.unconfined():
        pytest.skip("no room can be made here")
    fork.commit("Tested", SECRETIVE)
    assert skills(fork, "apply", "--no-install", "--trust", "add-tested").code == 0
    assert skills(fork, "apply", "--no-install", "add-dice").code == 0
    alone = environment(tmp_path / "home", PATH=no_rooms)
    ran = skills(fork, "uninstall", "add-dice", "--no-install", env=alone)
    assert ran.code == 1
    assert "with all that you can read" in ran.err


def test_a_python_in_a_home_does_not_open_the_home(tmp_path: Path) -> None:
    for name in ("bin/python3", "lib/x.py", "Documents/secret", ".ssh/id"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    seen = {path for path in sandbox.python_files(tmp_path / "bin/python3") if path.exists()}
    assert seen == {tmp_path / "bin", tmp_path / "lib"}
