"""Folders that travel: what goes comes back the same, what no folder can hold is refused, and those at
home change places whole.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.confined import Refused, Tree
from bot.groups import Group
from bot.homes import Homes
from bot.messages import Turn
from bot.paths import Paths
from bot.store import open_store
from bot.travel import Left, follow_home, pack, seen, unpack

FAMILY = Group("family", "memory:family", "Family", options={"machine": "h1"})
TARGET = "/workspace/group"


def archive(*entries: tuple[str, Any], **more: Any) -> list[bytes]:
    """A folder `group` as an engine gives it; an entry is a path with bytes, or what is set."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path, what in (("group", {"type": tarfile.DIRTYPE}), *entries):
            entry = tarfile.TarInfo(path)
            data = what if isinstance(what, bytes) else b""
            entry.size = len(data)
            for name, value in ({} if isinstance(what, bytes) else what).items():
                setattr(entry, name, value)
            tar.addfile(entry, io.BytesIO(data) if data else None)
    return [file.getvalue()]


def sent(tree: Tree, left: Left | None = None) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        pack(tar, tree, TARGET, (7, 8), left or Left(), lambda *_: None, {})
    return file.getvalue()


def arrived(place: Path, pieces: list[bytes], left: Left | None = None) -> list[str]:
    place.mkdir()
    skipped: list[str] = []
    with Tree(place).open() as into:
        unpack(pieces, TARGET, into, left or Left(), lambda path, why: skipped.append(path))
    return skipped


def test_a_folder_comes_back_as_it_went(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "a/b").mkdir(parents=True)
    (home / "a/empty").mkdir()
    (home / "a/b/text").write_text("ä" * 1_000)
    (home / "run").write_text("#!/bin/sh")
    (home / "run").chmod(0o755)
    (home / "link").symlink_to("a/b/text")
    os.mkfifo(home / "pipe")
    gone = sent(Tree(home))
    with tarfile.open(fileobj=io.BytesIO(gone)) as tar:
        assert {(one.uid, one.gid) for one in tar} == {(7, 8)}
        names = [one.name for one in tar]
    assert names[0] == "workspace/group"
    renamed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(gone)) as old,
        tarfile.open(fileobj=renamed, mode="w") as new,
    ):
        for one in old:
            data = old.extractfile(one) if one.isreg() else None
            one.name = one.name.removeprefix("workspace/")
            new.addfile(one, data)
    back = tmp_path / "back"
    assert arrived(back, [renamed.getvalue()]) == []
    (home / "pipe").unlink()
    for one in home.rglob("*"):
        same = back / one.relative_to(home)
        assert (same.is_symlink(), same.is_dir()) == (one.is_symlink(), one.is_dir())
        if one.is_file():
            assert same.read_bytes() == one.read_bytes()
            assert same.stat().st_mode == one.stat().st_mode


HOSTILE: dict[str, tuple[tuple[str, Any], ...]] = {
    "above": (("group/../../evil", b"x"),),
    "elsewhere": (("/etc/evil", b"x"),),
    "another folder": (("other/evil", b"x"),),
    "nothing in between": (("group//evil", b"x"),),
    "here": (("group/./evil", b"x"),),
    "a block device": (("group/disk", {"type": tarfile.BLKTYPE}),),
    "a character device": (("group/tty", {"type": tarfile.CHRTYPE}),),
    "twice": (("group/a", b"x"), ("group/a", b"y")),
    "by a link": (("group/in", {"type": tarfile.SYMTYPE, "linkname": "."}), ("group/in/a", b"x")),
    "over a link": (("group/a", {"type": tarfile.SYMTYPE, "linkname": "b"}), ("group/a", b"x")),
    "a name to above": (("group/a", {"type": tarfile.LNKTYPE, "linkname": "../secret"}),),
    "a name of root's": (("group/a", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),),
    "a name of what is not there": (("group/a", {"type": tarfile.LNKTYPE, "linkname": "group/b"}),),
    "too deep": (("group" + "/d" * 65, {"type": tarfile.DIRTYPE}),),
    "too long": (("group/" + "n" * 1_000, b"x"),),
    "no folder there": (("group/a/b", b"x"),),
    "a file as a folder": (("group/a", b"x"), ("group/a/b", b"x")),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_folder_can_hold_is_refused(what: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    with pytest.raises(OSError) as caught:  # noqa: PT011  # each has its own words
        arrived(tmp_path / "came", archive(*HOSTILE[what]))
    assert not isinstance(caught.value, IsADirectoryError)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["came", "secret"]
    assert not Path("/etc/evil").exists()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    whole = archive(("group/a", b"x" * 5_000))[0]
    for number, pieces in enumerate(
        ([b"x" * 10_000], [whole[:2_000]], [whole[:300], b"\xff" * 700])
    ):
        with pytest.raises(OSError, match=r"archive|data"):
            arrived(tmp_path / str(number), pieces)


def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    links = {
        "in": "a",
        "root": f"{TARGET}/a",
        "up": "../x",
        "out": "/etc/passwd",
        "to": f"{TARGET}/../x",
    }
    made = [
        (f"group/{name}", {"type": tarfile.SYMTYPE, "linkname": to}) for name, to in links.items()
    ]
    skipped = arrived(tmp_path / "came", archive(*made, ("group/p", {"type": tarfile.FIFOTYPE})))
    assert skipped == ["up", "out", "to", "p"]
    assert sorted(one.name for one in (tmp_path / "came").iterdir()) == ["in", "root"]


def endless() -> Iterator[bytes]:
    """A file of a terabyte, as an archive says that there is one."""
    entry = tarfile.TarInfo("group/big")
    entry.size = 1 << 40
    yield entry.tobuf()
    while True:
        yield bytes(1 << 20)


def test_no_more_comes_or_goes_than_may(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="256 MB, or 20,000 entries"):
        arrived(tmp_path / "big", endless())  # type: ignore[arg-type]
    assert (tmp_path / "big").stat().st_size < 9_000
    many = archive(*((f"group/{one}", b"") for one in range(20_000)))
    with pytest.raises(Refused, match="20,000"):
        arrived(tmp_path / "many", many)
    again = {"type": tarfile.LNKTYPE, "linkname": "group/a"}
    links = archive(("group/a", bytes(4_000)), ("group/b", again), ("group/c", again))
    with pytest.raises(Refused, match="256 MB"):
        arrived(tmp_path / "links", links, Left(size=10_000))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/a").write_bytes(bytes(20_000))
    with pytest.raises(Refused, match="256 MB"):
        sent(Tree(tmp_path / "home"), Left(size=10_000))


def test_what_changed_at_home_meanwhile_stays_so(tmp_path: Path) -> None:
    home, came = tmp_path / "home", tmp_path / "came"
    for place in (home, came):
        (place / "attachments").mkdir(parents=True)
        for name in ("kept", "undone", "old"):
            (place / name).write_text("before")
    known = seen(Tree(home))
    (home / "attachments/1.0-photo").write_text("new")
    (home / "undone").unlink()
    (home / "undone").write_text("by the owner")
    (home / "old").unlink()
    (came / "kept").write_text("by the agent")
    gone: set[str] = set()
    with Tree(came).open() as into:
        follow_home(Tree(home), into, known, gone)
    assert gone == {"old"}
    assert {one.name: one.read_text() for one in came.rglob("*") if one.is_file()} == {
        "kept": "by the agent", "undone": "by the owner", "1.0-photo": "new",
    }  # fmt: skip


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("renames", [0, 1, 2, 3])
async def test_a_kill_while_folders_change_places_leaves_them_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int, stored: bool
) -> None:
    async with open_store(tmp_path) as store:
        await store.register(FAMILY)
    paths, left, rename = Paths(tmp_path), [renames], Path.rename
    homes, trees = Homes(paths), [paths.group("family"), paths.session("family")]
    for tree in trees:
        tree.source.mkdir(parents=True)
        (tree.source / "count").write_text("old")
    came = []
    room = homes.arriving("family")
    for number, tree in enumerate(trees):
        (place := room / str(number)).mkdir()
        (place / "count").write_text("new")
        came.append((tree, place))

    def killed(self: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        homes.replace("family", came, _turn(7), None)
    monkeypatch.setattr(Path, "rename", rename)
    async with open_store(tmp_path) as store:
        await Homes(paths).settle("family", store)
        assert [(tree.source / "count").read_text() for tree in trees] == ["old", "old"]
        homes.replace("family", [], _turn(8), None)
        if stored:
            await store.answered(_turn(8), [])
        assert not await Homes(paths).settle("family", store)
        assert not await Homes(paths).settle("family", store)


def _turn(number: int) -> Turn:
    return Turn(FAMILY.chat, (), (), number, FAMILY, "p")
