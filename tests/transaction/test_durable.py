"""What an operation publishes is on the disk when it says so, told from its system calls: a power
cut loses what was not synced.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest
from harness import Repo, environment
from killpoints.points import run_skills, warm_up
from killpoints.scenarios import SCENARIOS, Scenario
from killpoints.tracer import Step, trace, why_not

WRITES = {"write", "pwrite64", "writev", "sendfile", "copy_file_range", "truncate", "ftruncate"}
NAMES = {"mkdir", "mkdirat", "symlink", "symlinkat", "link", "linkat"}
RENAMES = {"rename", "renameat", "renameat2"}


@dataclass
class Disk:
    """What a power cut would lose: files whose bytes were not synced, and names whose folders were
    not.
    """

    files: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def take(self, step: Step) -> None:
        call, path = step.call, step.what
        if call in WRITES:
            self.files.add(path)
        elif call in {"fsync", "fdatasync"}:
            self.files.discard(path)
            self.names = {name for name in self.names if str(PurePosixPath(name).parent) != path}
        elif ("open" in call and not step.there) or call in NAMES:
            self.names.add(path)
            if step.source in self.files:
                self.files.add(path)
        elif call in RENAMES:
            self.names |= {path, step.source}
            self.files.discard(path)
            if step.source in self.files:
                self.files ^= {step.source, path}
        elif call in {"unlink", "unlinkat", "rmdir"}:
            self.files.discard(path)
            self.names.add(path)


def needed(fork: Repo, name: str) -> bool:
    """Whether a published fork stands on a file, or on its being gone."""
    if not name.startswith(".git/"):
        return "/" in name  # the top itself is no path below it: when it is synced is not seen here
    if name.startswith(".git/objects/"):
        oid = name.removeprefix(".git/objects/").replace("/", "")
        listed = fork.git("rev-list", "--objects", "--no-object-names", "HEAD").split()
        return oid in {
            *listed,
            *(line.split()[1] for line in fork.git("ls-files", "-s").splitlines()),
        }
    return name in {".git/index", ".git/refs/heads/main"} or name.startswith(
        ".git/refs/skills/backup/"
    )


def after_each(steps: list[Step]) -> Iterator[tuple[Step, Disk]]:
    disk = Disk()
    for step in steps:
        yield step, disk
        disk.take(step)


@pytest.fixture(scope="module", params=["apply", "uninstall", "rebase"])
def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Repo, list[Step]]:
    """A fork after a verb, and every call with which the verb changed a file below it."""
    if why := why_not():
        pytest.skip(f"system calls cannot be traced here: {why}")
    warm_up()
    scenario: Scenario = next(each for each in SCENARIOS if each.name == request.param)
    folder = tmp_path_factory.mktemp("durable")
    fork = scenario.prepare(folder)
    env = environment(folder / "home")
    found = trace(lambda: run_skills(fork.path, scenario.command, env, None), fork.path)
    assert found.code == 0
    return fork, found.steps


def at(steps: list[Step], call: str, path: str) -> Disk:
    """What a power cut would lose right before a call."""
    (found,) = [
        Disk({*disk.files}, {*disk.names})
        for step, disk in after_each(steps)
        if call in step.call and step.what == path
    ]
    return found


def test_all_that_a_branch_stands_for_is_there_before_it_moves(
    traced: tuple[Repo, list[Step]],
) -> None:
    fork, steps = traced
    disk = at(steps, "rename", ".git/refs/heads/main")
    for lost in (disk.files, disk.names):
        assert not [
            name for name in lost if name.startswith(".git/objects/") and needed(fork, name)
        ]
        assert not [name for name in lost if name.startswith(".git/skills/staging/")]
        assert ".git/skills/journal.json" not in lost


def test_all_is_in_its_place_before_the_journal_goes(traced: tuple[Repo, list[Step]]) -> None:
    fork, steps = traced
    disk = at(steps, "unlink", ".git/skills/journal.json")
    assert not [name for name in (*disk.files, *disk.names) if needed(fork, name)]


def test_a_power_cut_after_it_said_so_loses_nothing(traced: tuple[Repo, list[Step]]) -> None:
    """Whatever was not synced is emptied, as file systems leave it."""
    fork, steps = traced
    disk = Disk()
    for step in steps:
        disk.take(step)
    head, status = fork.head, fork.git("status", "--porcelain")
    for name in disk.files:
        if (fork.path / name).is_file():
            (fork.path / name).write_bytes(b"")
    assert fork.head == head
    assert fork.git("status", "--porcelain") == status
    assert "missing" not in fork.git("fsck", "--no-dangling", ok=(0, 2, 4))
    assert fork.git("show", "--stat", "HEAD")
    assert Path(fork.path / ".git/index").stat().st_size
