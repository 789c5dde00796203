"""Environments for tests, the tests run in them, and the fork's own environment: with wheels made
on the spot.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skills_engine.check import environment, installer
from skills_engine.check.environment import default_cache, ensure_environment, prune
from skills_engine.check.installer import choose
from skills_engine.check.plan import TestPlan, TestSettings, default_requires, plan_of
from skills_engine.check.process import run
from skills_engine.check.requirements import added, satisfied
from skills_engine.check.tests import run_tests
from skills_engine.check.update import bring_up_to_date
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def wheel(folder: Path, name: str, version: str, code: str = "") -> Path:
    """A wheel as an index has it, made without a build tool."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        f"{name}/__main__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with `pytest` (which prints where it is) and `tiny`, and no network."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, "pytest", "99.0", "import sys, tiny; print(tiny.VERSION, sys.path[1])\n")
    wheel(folder, "tiny", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_USER", "1")  # would send the installation to the user's home
    return folder


def project(*dependencies: str, rest: str = "") -> bytes:
    return f"[project]\nname = 'my-fork'\ndependencies = {list(dependencies)!r}\n{rest}".encode()


class Files:
    """A repository's files in memory."""

    def __init__(self, files: dict[str, bytes | str]) -> None:
        self.files = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def listdir(self, path: str) -> list[str]:
        below = f"{path}/" if path else ""
        inside = [name.removeprefix(below) for name in self.files if name.startswith(below)]
        return sorted({head + slash for head, slash, _ in (n.partition("/") for n in inside)})


def needing(*dependencies: str) -> TestPlan:
    return plan_of(Files({"pyproject.toml": project(*dependencies)}), TestSettings())


def for_tests(pyproject: bytes) -> tuple[str, ...]:
    return plan_of(Files({"pyproject.toml": pyproject}), TestSettings()).requirements


# --- what is needed

GROUPS = """
[dependency-groups]
test = ["b", {include-group = "More_Things"}]
more-things = ["c>=1"]
dev = ["ruff"]
"""


@pytest.mark.parametrize(
    ("pyproject", "expected"),
    [
        (b"", ["pytest"]),
        (project("a>=1", rest=GROUPS), ["a>=1", "b", "c>=1", "pytest"]),
        (project("PyTest>7"), ["PyTest>7"]),
        (project(rest="[dependency-groups]\ndev = ['d']\ndocs = ['e']\n"), ["d", "pytest"]),
        (
            project("a", rest="[project.optional-dependencies]\ntests = ['b']\ndev = ['c']\n"),
            ["a", "b", "pytest"],
        ),
        (
            project(
                rest="[project.optional-dependencies]\ntest = ['x', 'My.Fork[all,test]']\nAll = ['y']\n"
            ),
            ["pytest", "x", "y"],
        ),
    ],
)
def test_what_the_tests_of_a_fork_need(pyproject: bytes, expected: list[str]) -> None:
    assert list(for_tests(pyproject)) == expected


@pytest.mark.parametrize(
    ("pyproject", "message"),
    [
        (b"[project\n", "cannot be read"),
        (b"\xff", "cannot be read"),
        (project("a >> 1"), "'a >> 1' is no valid requirement"),
        (
            b"[dependency-groups]\ntest = [{include-group = 'test'}]\n",
            "includes itself (test → test)",
        ),
        (b"[dependency-groups]\ntest = [{include-group = 'no'}]\n", "no dependency group 'no'"),
    ],
)
def test_what_cannot_be_understood_is_refused(pyproject: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        for_tests(pyproject)
    assert message in caught.value.message
    assert caught.value.hint


def test_whether_the_running_environment_has_it() -> None:
    assert satisfied(["pytest>=8", "PyYAML[extra]", "nothing-such; python_version < '3'"])
    assert not satisfied(["pytest>=8", "nothing-such"])
    assert not satisfied(["pytest<8"])
    assert not satisfied(["pytest @ file:///tmp/pytest.whl"])


def test_what_a_change_adds() -> None:
    before = ["aiogram>=3,<4", "Foo_Bar >=1", "gone"]
    after = ["new", "foo-bar>=1", "aiogram>=3.31,<4"]
    assert added(before, after) == ("new", "aiogram>=3.31,<4")
    assert added(before, before) == ()


POETRY = """
[tool.poetry]
name = "rich"
[tool.poetry.dependencies]
python = ">=3.8"
pygments = "^2.13.0"
ipywidgets = {version = ">=7.5.1,<9", optional = true}
[tool.poetry.extras]
jupyter = ["ipywidgets"]
[tool.poetry.dev-dependencies]
attrs = "~21.4"
"""
WORKSPACE = """
[project]
name = "top"
dependencies = ["one", "a"]
[tool.uv.workspace]
members = ["libs/*"]
exclude = ["libs/old"]
[dependency-groups]
dev = ["d"]
"""
SETUP = """
import os
from setuptools import setup
NEEDS = ["uni>=1"]
setup(name=os.environ["X"], install_requires=NEEDS, extras_require={"test": ["pytest"]})
"""
CONFIG = "[metadata]\nname = up\n[options]\ninstall_requires =\n    tok>=3.2  # theirs\n"


@pytest.mark.parametrize(
    ("files", "default", "needed"),
    [
        (
            {"pyproject.toml": POETRY},
            (".", "--group dev"),
            ["attrs<21.5,>=21.4", "pygments<3,>=2.13.0", "pytest"],
        ),
        (
            {
                "pyproject.toml": WORKSPACE,
                "libs/one/pyproject.toml": "[project]\nname = 'one'\ndependencies = ['b', 'top']\n",
                "libs/old/pyproject.toml": "[project]\nname = 'old'\ndependencies = ['never']\n",
            },
            (".", "--group dev"),
            ["a", "b", "d", "pytest"],
        ),
        (
            {"setup.cfg": CONFIG, "tox.ini": "[testenv]\ndeps = -rrequirements-dev.txt\n"},
            (".",),
            ["pytest", "tok>=3.2"],
        ),
        (
            {
                "pyproject.toml": "[project]\nname = 'x'\ndynamic = ['dependencies']\n"
                "[tool.hatch.metadata.hooks.any]\ndependencies = ['a>=1', 'x-types=={{ version }}']\n"
            },
            (".",),
            ["a>=1", "pytest"],
        ),
        (
            {"setup.cfg": CONFIG, "requirements-dev.txt": "-r more.txt\ncov\n", "more.txt": "m\n"},
            (".", "-r requirements-dev.txt"),
            ["cov", "m", "pytest", "tok>=3.2"],
        ),
        (
            {"setup.py": SETUP, "tox.ini": "[testenv]\n"},
            (".[test]",),
            ["pytest", "uni>=1"],
        ),
        ({"pyproject.toml": "[tool.ruff]\n"}, (), ["pytest"]),
        ({"requirements.txt": "m\n"}, ("-r requirements.txt",), ["m", "pytest"]),
    ],
    ids=[
        *("Poetry", "a workspace", "setup.cfg", "hooks of hatch", "requirements files"),
        *("setup.py", "no project", "no project but requirements"),
    ],
)
def test_how_other_repositories_say_what_tests_need(
    files: dict[str, bytes | str], default: tuple[str, ...], needed: list[str]
) -> None:
    there = Files(files)
    assert default_requires(there) == default
    assert list(plan_of(there, TestSettings()).requirements) == needed


def test_what_a_repository_says_itself_counts() -> None:
    there = Files({"pyproject.toml": POETRY, "more.txt": "x\n-e .[jupyter]\n"})
    asked = TestSettings("python -m unittest {tests}", ("-r more.txt", "y>=1"))
    plan = plan_of(there, asked)
    assert plan.command == ("python", "-m", "unittest", "{tests}")
    assert set(plan.requirements) == {"x", "y>=1", "pygments<3,>=2.13.0", "ipywidgets<9,>=7.5.1"}
    for wrong in ("--group no", ".[no]", "-r no.txt"):
        with pytest.raises(Refused, match="test-requires"):
            plan_of(there, TestSettings(requires=(wrong,)))


def test_the_installer_is_the_forks_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose(uv=True) == "pip"
    uv = tmp_path / "uv"
    uv.touch(0o755)
    assert choose(uv=True) == "uv"
    assert choose(uv=False) == "pip"
    for files in ({"uv.lock": ""}, {"pyproject.toml": "[tool.uv]\nx = 1\n"}):
        assert plan_of(Files(dict(files)), TestSettings()).uv
    assert not plan_of(Files({"pyproject.toml": "[tool.ruff]\n"}), TestSettings()).uv


def test_a_lock_file_says_which_versions() -> None:
    lock = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {source}\n'
        for name, version, source in [
            ("a", "1.2", '{ registry = "x" }'),
            ("b", "1.0", '{ registry = "x" }'),
            ("c", "1.0", '{ registry = "x" }'),
            ("c", "2.0", '{ registry = "x" }'),
            ("my-fork", "0.1", '{ editable = "." }'),
        ]
    )
    files: dict[str, bytes | str] = {"pyproject.toml": project("a", "b>=2"), "uv.lock": lock}
    assert plan_of(Files(files), TestSettings()).constraints == ("a==1.2",)


# --- the environment


def test_nothing_is_built_for_a_fork_of_the_engine(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    plan = plan_of(Files({"pyproject.toml": "[project]\nname = 'graftbot'\n"}), TestSettings())
    assert ensure_environment(plan, cache=cache, report=print) == Path(sys.executable)
    assert not cache.exists()


def test_another_repository_gets_what_it_asks_for_and_nothing_of_the_engines(
    tmp_path: Path,
) -> None:
    python = ensure_environment(needing("packaging"), cache=tmp_path / "cache", report=print)
    look = "import packaging, pytest, importlib.util as u; print(u.find_spec('libcst'), u.find_spec('skills_engine'))"
    done = subprocess.run(
        [python, "-I", "-c", look], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.stdout, done.stderr) == ("None None\n", "")


def test_an_environment_is_built_once_and_rebuilt_if_that_was_cut_short(
    index: Path, tmp_path: Path
) -> None:
    cache, said = tmp_path / "a cache", list[str]()

    def ensure() -> Path:
        said.clear()
        return ensure_environment(needing("tiny"), cache=cache, report=said.append)

    python = ensure()
    assert said[0] == "making an environment for the tests with pip: 2 requirements"
    home = python.parent.parent
    assert home.parent == cache
    worktree = tmp_path / "work tree"
    worktree.mkdir()
    done = run_tests(python, worktree, ["x"], timeout=60, report=print)
    assert done.passed, done.output
    assert done.output == f"1.0 {worktree}\n"

    assert ensure() == python
    assert said == []

    (home / ".complete").unlink()
    left = home / "left.txt"
    left.touch()
    assert ensure() == python
    assert said
    assert not left.exists()

    for number in range(9):
        other = cache / f"other{number}"
        other.mkdir()
        (other / ".complete").touch()
        os.utime(other / ".complete", (number, number))
    (cache / "killed").mkdir()
    ensure()
    assert {p.name for p in cache.iterdir() if p.is_dir()} == {
        home.name,
        *(f"other{n}" for n in range(2, 9)),
    }


def test_a_failed_installation_says_why(index: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        ensure_environment(needing("tiny>=2"), cache=tmp_path / "cache", report=print)
    assert "tiny>=2" in caught.value.message
    assert "--no-test" in caught.value.hint
    assert [p for p in (tmp_path / "cache").iterdir() if p.is_dir()] == []


def test_a_cache_that_cannot_be_written_says_so(index: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be made"):
        ensure_environment(needing("tiny"), cache=tmp_path / "file" / "cache", report=print)


def test_two_operations_build_one_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Path
) -> None:
    built, inside = [], threading.Event()
    install = installer.install

    def slowly(*args: object, **keywords: object) -> object:
        built.append(args)
        inside.set()
        waiting.wait(10)
        return install(*args, **keywords)  # type: ignore[arg-type]

    waiting, said = threading.Event(), list[str]()

    def report(line: str) -> None:
        said.append(line)
        if line.startswith("waiting"):
            waiting.set()

    monkeypatch.setattr(environment, "install", slowly)
    found: list[Path] = []

    def ensure() -> None:
        found.append(ensure_environment(needing("tiny"), cache=tmp_path / "cache", report=report))

    threads = [threading.Thread(target=ensure) for _ in range(2)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join(60)
    assert len(built) == 1
    assert found[0] == found[1]
    assert "waiting for another operation that makes the same environment" in said


def test_an_environment_in_the_making_is_not_pruned(tmp_path: Path) -> None:
    home = tmp_path / "new"
    home.mkdir()
    with environment._locked(home, print):
        prune(tmp_path)
        assert home.exists()
    prune(tmp_path)
    assert not home.exists()


def test_the_cache_is_where_the_desktop_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "graftbot" / "environments"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "graftbot" / "environments"


# --- the tests

HERE = Path(sys.executable)


def written(folder: Path, **files: str) -> Callable[..., tuple[bool, str, str]]:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)

    def go(*tests: str, timeout: float = 60) -> tuple[bool, str, str]:
        done = run_tests(HERE, folder, tests, timeout=timeout, report=print)
        return done.passed, done.reason, done.output

    return go


def test_tests_see_the_worktree_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "s3cret")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("LC_TIME", "C")
    text = f"""
import os, pathlib, sys, mine, theirs
def test():
    assert "s3cret" not in " ".join(os.environ.values())
    home = pathlib.Path(os.environ["HOME"])
    assert home != pathlib.Path({os.environ.get("HOME", "")!r}) and not list(home.iterdir())
    assert os.environ["LC_TIME"] == "C"
    assert os.read(0, 1) == b""
    print(mine.__file__, theirs.__file__)
"""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "theirs.py").touch()
    go = written(tmp_path, test_it=text, mine="")
    passed, reason, output = go("test_it.py")
    assert passed, output
    assert reason == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.py", "src", "test_it.py"], (
        "nothing is left"
    )


def test_what_became_of_them(tmp_path: Path) -> None:
    go = written(
        tmp_path,
        test_bad="def test():\n    print('x' * 500_000 + 'end')\n    assert False\n",
        test_none="",
        test_dead="import os, signal\ndef test():\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    passed, reason, output = go("test_bad.py")
    assert (passed, reason) == (False, "tests failed")
    assert len(output) < 210_000
    assert "bytes left out" in output
    assert "1 failed" in output
    assert go("test_none.py")[:2] == (False, "pytest found no tests in them")
    assert go("test_dead.py")[:2] == (False, "the tests were ended by signal 9")
    assert go("test_missing.py")[1].startswith("pytest was called wrongly")
    assert go() == (True, "", "")


def ends(pid: int) -> bool:
    """Whether a process that was killed is gone, or only waits for its parent to notice."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        if not state.strip() or state.startswith("Z"):
            return True
    return False


STUBBORN = """
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
child.wait()
"""


def test_nothing_outlives_a_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skills_engine.check.process._GRACE", 0.2)
    done = run([HERE, "-c", STUBBORN], cwd=tmp_path, env={}, timeout=1.5)
    assert done.code is None
    assert done.seconds < 10
    assert ends(int(done.output.split()[0]))


def test_a_program_that_says_nothing_is_ended_and_one_that_does_is_not(tmp_path: Path) -> None:
    """A dot without a line end is a sign, too."""
    code = """
import time
for _ in range(6):
    print(".", end="", flush=True)
    time.sleep(0.1)
"""
    for more, silent in (("", False), ("time.sleep(600)", True)):
        done = run([HERE, "-c", code + more], cwd=tmp_path, env={}, timeout=60, silence=0.5)
        assert (done.output[:6], done.silent) == ("......", silent)
        assert (done.code is None) is silent


def test_nothing_outlives_an_interrupt(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = f"""
import signal
from pathlib import Path
from skills_engine.check.process import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has its background jobs ignore it
run(["{HERE}", "-c", {STUBBORN!r}], cwd=Path("."), env={{}}, timeout=60,
    on_line=lambda line: Path({str(pids)!r}).write_text(line + "\\n"))
"""
    with subprocess.Popen([HERE, "-c", code], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not (pids.exists() and pids.read_text().endswith("\n")):
            assert time.monotonic() < deadline
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    assert "KeyboardInterrupt" in errors
    assert ends(int(pids.read_text()))


def test_what_a_finished_program_left_running_is_ended(tmp_path: Path) -> None:
    code = STUBBORN.replace("child.wait()", "")
    done = run([HERE, "-c", code], cwd=tmp_path, env={}, timeout=30)
    assert done.code == 0
    assert done.seconds < 20
    assert ends(int(done.output.split()[0]))


# --- the fork's own environment


def test_the_forks_environment_gets_what_is_new(index: Path, tmp_path: Path) -> None:
    root = tmp_path / "fork"
    subprocess.run([HERE, "-m", "venv", "--without-pip", root / ".venv"], check=True)
    update = bring_up_to_date(root, [], ["tiny>=1"], report=print)
    assert update.installed == ("tiny>=1",), update.message
    assert update.hint == ""
    python = root / ".venv/bin/python"
    shown = subprocess.run(
        [python, "-c", "import tiny; print(tiny.VERSION)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "1.0\n"

    assert bring_up_to_date(root, ["tiny>=1"], [], report=print).message == ""
    failed = bring_up_to_date(root, [], ["tiny>=2"], report=print)
    assert failed.installed == ()
    assert "could not be installed" in failed.message
    assert "'tiny>=2'" in failed.hint


@pytest.mark.parametrize("kind", ["none", "folder", "link"])
def test_no_other_environment_is_touched(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        (tmp_path / ".venv").mkdir()
    if kind == "link":
        (tmp_path / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    update = bring_up_to_date(tmp_path, [], ["tiny"], report=print)
    assert update.installed == ()
    assert update.hint == "run `pip install tiny` in the environment that runs the bot"
