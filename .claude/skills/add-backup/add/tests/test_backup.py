"""A backup is whole, verified, and put back with the old data kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from bot.backup import backup, restore
from bot.errors import BotError

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""


def bot(*arguments: str, given: str = "", cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", *arguments]
    environment = {**os.environ, "PYTHONPATH": HERE, "GRAFTBOT_DATA": ""}
    return subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=cwd,
        env=environment,
    )


@contextmanager
def running(data: Path) -> Iterator[None]:
    """A bot that has answered, and is at work."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "run", "--data", str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": HERE, "GRAFTBOT_DATA": ""},
        bufsize=0,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"hello\n")
        assert process.stdout.readline()  # whatever this fork's agent says
        yield
        process.send_signal(signal.SIGTERM)


def said(data: Path) -> list[str]:
    """What was said to the bot whose data these are."""
    with closing(sqlite3.connect(data / "bot.db")) as db:
        return [text for (text,) in db.execute("SELECT text FROM inbox ORDER BY seq")]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a bot that has answered."""
    data = tmp_path_factory.mktemp("answered") / "data"
    ended = bot("run", "--data", str(data), given="hello\n", cwd=data.parent)
    assert ended.returncode == 0, ended.stderr
    assert said(data) == ["hello"]
    (data / "groups/main/notes.txt").write_text("remember")
    return data


@pytest.fixture
def used(answered: Path, tmp_path: Path) -> Path:
    """A copy of them, for each test its own."""
    socket = shutil.ignore_patterns("control.sock")
    return shutil.copytree(answered, tmp_path / "data", symlinks=True, ignore=socket)


def test_a_backup_of_a_running_bot_is_restored_and_the_old_data_are_kept(
    used: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar.gz"
    with running(used):
        made = bot("backup", str(target), "--data", str(used), cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        refused = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
        assert refused.returncode == 1
        assert "a bot is running" in refused.stderr
    (used / "groups/main/notes.txt").write_text("forgotten")
    back = bot("restore", str(target), "--data", str(used), cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert (used / "groups/main/notes.txt").read_text() == "remember"
    (old,) = tmp_path.glob("data.before-*")
    assert (old / "groups/main/notes.txt").read_text() == "forgotten"
    assert said(used) == ["hello", "hello"]


@pytest.mark.parametrize("damage", ["cut", "changed", "outside", "other"])
def test_a_backup_that_is_not_as_it_was_made_is_refused_and_the_data_stay(
    used: Path, tmp_path: Path, damage: str
) -> None:
    target = tmp_path / "backup.tar.gz"
    backup(used, target)
    if damage == "cut":
        target.write_bytes(target.read_bytes()[:-200])
    elif damage == "other":
        target.write_bytes(b"nothing of the kind")
    else:
        with tarfile.open(target) as archive:
            archive.extractall(tmp_path / "open", filter="data")
        (tmp_path / "open/groups/main/notes.txt").write_text("changed")
        with tarfile.open(target, "w:gz") as archive:
            for path in (tmp_path / "open").rglob("*"):
                if path.is_file():
                    archive.add(path, path.relative_to(tmp_path / "open"))
            if damage == "outside":
                archive.add(tmp_path / "open/groups/main/notes.txt", "../escaped.txt")
    with pytest.raises(BotError):
        restore(target, used)
    assert (used / "groups/main/notes.txt").read_text() == "remember"
    assert not (tmp_path / "escaped.txt").exists()
    assert not list(tmp_path.glob("data.before-*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("target", ["groups/main/notes.txt", "groups/main/x"])
def test_what_is_no_file_is_no_part_of_a_backup(
    used: Path, tmp_path: Path, kind: bytes, target: str
) -> None:
    """Also a link to a file that is in it, and one to itself; the rest is as it was packed."""
    backup(used, tmp_path / "good.tar.gz")
    with (
        tarfile.open(tmp_path / "good.tar.gz") as good,
        tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as bad,
    ):
        for member in good:
            bad.addfile(member, good.extractfile(member))
        link = tarfile.TarInfo("groups/main/x")
        link.type, link.linkname = kind, target
        bad.addfile(link)
    with pytest.raises(BotError, match="'groups/main/x' is no file"):
        restore(tmp_path / "bad.tar.gz", used)
    restore(tmp_path / "good.tar.gz", used)


def test_what_agents_left_is_read_without_following_it_and_what_cannot_be_is_named(
    used: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("of the host")
    folder = used / "groups/main"
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "links").symlink_to(tmp_path)
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    (folder / "a\x1b[2Kname \udcff").write_text("odd")
    (folder / "program").write_text("#!/bin/sh")
    (folder / "program").chmod(0o755)
    long = folder / "/".join(["d" * 200] * 4)
    long.mkdir(parents=True)
    (long / ("x" * 200)).write_text("its path has more than 1,000 bytes")
    place = os.open(folder, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("deep", dir_fd=place)
        place, above = os.open("deep", os.O_RDONLY, dir_fd=place), place
        os.close(above)
    os.close(place)
    target = tmp_path / "backup.tar.gz"
    made = bot("backup", str(target), "--data", str(used), cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    for name, why in {
        "link": "it is a link",
        "links": "it is a link",
        "dangling": "it is a link",
        "pipe": "it is no file",
        "x" * 200: "its path is longer",
        "deep": "it is below 64 folders",
    }.items():
        (line,) = [
            one for one in made.stderr.splitlines() if f"{name}'" in one.partition(": it")[0]
        ]
        assert why in line
    assert "\x1b" not in made.stdout + made.stderr
    assert "6 were left out" in made.stdout
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as archive:
        assert all(member.isreg() for member in archive)
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert file.read() != b"of the host"
    restore(target, tmp_path / "new")
    assert (tmp_path / "new/groups/main/a\x1b[2Kname \udcff").read_text() == "odd"
    assert (tmp_path / "new/groups/main/program").stat().st_mode & 0o100
    assert not (tmp_path / "new/groups/main/link").exists()
    subprocess.run(["rm", "-rf", folder], check=True)  # Python cannot


def test_a_file_with_holes_costs_what_it_holds(used: Path, tmp_path: Path) -> None:
    folder, size = used / "groups/main", 20 << 30
    with (folder / "holes").open("wb") as file:
        for offset in (0, 5_000_000, size - 10):
            file.seek(offset)
            file.write(b"1234567890")
    (folder / "empty").touch()
    os.truncate(folder / "empty", size)
    (folder / "zeros").write_bytes(bytes(3_000_000))
    (folder / "boundless").touch()
    os.truncate(folder / "boundless", 3 << 40)
    target = tmp_path / "backup.tar.gz"
    made = backup(used, target)
    assert made.left_out == [
        ("groups/main/boundless", f"it claims to have {3 << 40} bytes"),
    ]
    assert target.stat().st_size < 1_000_000
    restore(target, tmp_path / "new")
    for name in ("holes", "empty"):
        back = tmp_path / "new/groups/main" / name
        assert back.stat().st_size == size
        assert back.stat().st_blocks < 2_000
    with (tmp_path / "new/groups/main/holes").open("rb") as file:
        assert file.read(12) == b"1234567890\0\0"
        file.seek(5_000_000)
        assert file.read(10) == b"1234567890"
        file.seek(-12, os.SEEK_END)
        assert file.read() == b"\0\x001234567890"
    assert (tmp_path / "new/groups/main/zeros").read_bytes() == bytes(3_000_000)


SWAPS = """
import ctypes, os, sys
os.chdir(sys.argv[1])
swap = ctypes.CDLL(None).renameat2
print("swapping", flush=True)
while True:
    swap(-100, b"a", -100, b"b", 2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges by Linux's renameat2")
def test_a_link_that_is_swapped_in_is_never_packed(used: Path, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host/inner").write_text("of the host")
    folder = used / "groups/main"
    (folder / "a").mkdir()
    (folder / "a/inner").write_text("of the agent")
    (folder / "b").symlink_to(tmp_path / "host")
    with subprocess.Popen(
        [sys.executable, "-c", SWAPS, str(folder)], stdout=subprocess.PIPE
    ) as swaps:
        assert swaps.stdout is not None
        swaps.stdout.readline()
        for number in range(20):
            backup(used, tmp_path / f"{number}.tar.gz")
        swaps.kill()
    for number in range(20):
        with tarfile.open(tmp_path / f"{number}.tar.gz") as archive:
            for member in archive:
                file = archive.extractfile(member)
                assert file is not None
                assert file.read() != b"of the host"


def test_nothing_is_left_of_one_that_fails(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bot.backup._add", full)
    with pytest.raises(BotError, match="No space left"):
        backup(used, tmp_path / "backup.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    (tmp_path / "backup.tar.gz").symlink_to("nowhere")
    with pytest.raises(BotError, match="is there already"):
        backup(used, tmp_path / "backup.tar.gz")
    with pytest.raises(BotError, match="there is no store in"):
        backup(tmp_path, tmp_path / "backup.tar.gz")


def test_a_store_that_cannot_be_copied_is_said(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, hint in ((sqlite3.SQLITE_FULL, "make room"), (sqlite3.SQLITE_ERROR, "bot run")):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = number

        def fails(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr("bot.backup._pack", fails)
        with pytest.raises(BotError, match="the store cannot be copied") as caught:
            backup(used, tmp_path / "backup.tar.gz")
        assert hint in caught.value.hint


def test_a_backup_of_a_newer_bot_is_refused_and_the_data_stay(used: Path, tmp_path: Path) -> None:
    newer = shutil.copytree(used, tmp_path / "newer")
    with closing(sqlite3.connect(newer / "bot.db")) as db:
        db.execute("PRAGMA user_version = 999")
    backup(newer, tmp_path / "backup.tar.gz")
    with pytest.raises(BotError, match="made by a newer bot"):
        restore(tmp_path / "backup.tar.gz", used)
    assert said(used) == ["hello"]
    assert not list(tmp_path.glob("data.before-*"))


@pytest.mark.parametrize("fails", [1, 3, 4])
def test_data_that_cannot_be_put_back_are_where_they_were(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: int
) -> None:
    """A mount, say, has no other name; or the new data cannot take its place."""
    monkeypatch.setattr("bot.backup._exchanged", lambda *_: False)
    target, rename, times = tmp_path / "backup.tar.gz", Path.rename, 0
    backup(used, target)

    def busy(path: Path, to: Path) -> Path:
        nonlocal times
        times += 1
        if times == fails:
            raise OSError(16, "Device or resource busy")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(BotError, match="cannot be put back: Device or resource busy"):
        restore(target, used)
    assert said(used) == ["hello"]
    assert not list(tmp_path.glob("data.before-*"))
    monkeypatch.undo()
    assert len({restore(target, used) for _ in range(3)}) == 3, "in one second"


@pytest.mark.skipif(sys.platform != "linux", reason="its system exchanges two paths in one step")
def test_there_are_data_at_every_moment_of_a_restore(
    used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, rename, moved = tmp_path / "backup.tar.gz", Path.rename, []
    backup(used, target)

    def watched(path: Path, to: Path) -> Path:
        moved.append(path)
        there = rename(path, to)
        assert said(used) == ["hello"]
        return there

    monkeypatch.setattr(Path, "rename", watched)
    (used / "later").touch()
    old = restore(target, used)
    assert used not in moved
    assert old is not None
    assert (old / "later").exists()
    assert not (used / "later").exists()


def test_a_backup_of_the_first_format_is_restored(used: Path, tmp_path: Path) -> None:
    new, old = tmp_path / "new.tar.gz", tmp_path / "old.tar.gz"
    backup(used, new)
    with tarfile.open(new) as archive:
        archive.extractall(tmp_path / "open", filter="data")
    (tmp_path / "open/manifest.json").unlink()
    files = [path for path in (tmp_path / "open").rglob("*") if path.is_file()]
    digests = {
        path.relative_to(tmp_path / "open").as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    (tmp_path / "open/manifest.json").write_text(json.dumps(digests))
    with tarfile.open(old, "w:gz") as archive:
        for path in [*files, tmp_path / "open/manifest.json"]:
            archive.add(path, path.relative_to(tmp_path / "open"))
    restore(old, tmp_path / "back")
    assert (tmp_path / "back/groups/main/notes.txt").read_text() == "remember"
