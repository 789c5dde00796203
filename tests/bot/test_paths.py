"""A group's folders are made whatever its agent has left there, at nobody else's cost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.groups import Group
from bot.paths import ROOMS, Paths

HERE = Path(__file__).parents[2]
BOT = Path(sys.executable).with_name("bot")
ADA = Group("ada", "memory:ada", "Ada")


def instead_of_rooms(data: Path, make: Callable[[Path], object]) -> None:
    for room in ROOMS:
        shutil.rmtree(data / "ipc/ada" / room)
        make(data / "ipc/ada" / room)


def shut(data: Path) -> None:
    for path in data.glob("*/ada"):
        path.chmod(0)


BREAKS: dict[str, Callable[[Path], object]] = {
    "a dangling memory": lambda data: (data / "groups/ada/CLAUDE.md").symlink_to("../../../made"),
    "a memory that is itself": lambda data: (data / "groups/ada/CLAUDE.md").symlink_to("CLAUDE.md"),
    "a memory in no folder": lambda data: (data / "groups/ada/CLAUDE.md").symlink_to("no/such"),
    "a folder for a memory": lambda data: (data / "groups/ada/CLAUDE.md").mkdir(),
    "a pipe for a memory": lambda data: os.mkfifo(data / "groups/ada/CLAUDE.md"),
    "a dangling shared memory": lambda data: (data / "groups/global/CLAUDE.md").symlink_to(
        "../../../made"
    ),
    "files for rooms": lambda data: instead_of_rooms(data, lambda room: room.touch()),
    "links for rooms": lambda data: instead_of_rooms(data, lambda room: room.symlink_to("../main")),
    "dangling rooms": lambda data: instead_of_rooms(
        data, lambda room: room.symlink_to("../../made")
    ),
    "shut rooms": lambda data: instead_of_rooms(data, lambda room: room.mkdir(mode=0)),
    "all shut": shut,
}
"""What an agent did to its folders, whose memory it had removed."""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "data")
    made.prepare(ADA)
    for folder in ("ada", "global"):
        (made.data / "groups" / folder / "CLAUDE.md").unlink()
    return made


@pytest.mark.parametrize("how", BREAKS)
def test_what_an_agent_left_is_neither_followed_nor_in_the_way(
    paths: Paths, tmp_path: Path, how: str
) -> None:
    BREAKS[how](paths.data)
    paths.prepare(ADA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"], "nothing was made outside"
    for room in ROOMS:
        path = paths.data / "ipc/ada" / room
        assert path.is_dir()
        assert not path.is_symlink()
    other = Group("bob", "memory:bob", "Bob")
    paths.prepare(other)
    assert (paths.data / "groups/bob/CLAUDE.md").read_text().startswith("# Bob\n")


def test_a_broken_place_is_named_and_the_rest_is_made(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(paths.data / "sessions")
    (paths.data / "sessions").touch()  # the host's own trouble: a folder that cannot be made
    paths.prepare(ADA)
    assert (paths.data / "groups/ada/CLAUDE.md").exists()
    assert (paths.data / "ipc/ada/requests").is_dir()


@pytest.mark.parametrize(
    "name",
    [
        "a\nimport os",
        "a\r\nimport os",
        "a\x0bimport os",
        "a\u2028import os",
        "a\x85\x00\x1b[2K import os",
    ],
)
def test_a_group_s_name_is_one_line_wherever_it_is_written(tmp_path: Path, name: str) -> None:
    group = Group("ada", "memory:ada", name)
    assert len(group.name.splitlines()) == 1
    assert group.name.isprintable()
    Paths(tmp_path).prepare(group)
    lines = (tmp_path / "groups/ada/CLAUDE.md").read_text().splitlines()
    assert not [line for line in lines if line.startswith("import")]
    assert len(Group("ada", "memory:ada", "x" * 10_000).name) == 200


def test_a_code_file_on_the_host_cannot_be_made_by_a_link(tmp_path: Path) -> None:
    """As main could: a name of several lines, a dangling link to a .pth file, a new start."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    for attempt in range(2):
        ended = subprocess.run(
            [BOT, "run"],
            input="hello\n",
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(HERE), "GRAFTBOT_DATA": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        memory = home / "data/groups/main/CLAUDE.md"
        if attempt == 0:
            memory.unlink()
            memory.symlink_to("../../../../site-packages/zz.pth")
            refused = home / "data/ipc/main/refused"
            refused.rmdir()
            refused.touch()
    assert list(packages.iterdir()) == []
