"""What agents can write is touched by descriptors, follows nothing, has bounds, and holds while the
tree changes under it.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bot.confined import Folder, Refused, Tree, WalkLimits

SECRET = b"of the host"
SWAPS = """
import ctypes, os, sys
os.chdir(sys.argv[1])
swap = ctypes.CDLL(None).renameat2
here = -100
print("swapping", flush=True)
while True:
    swap(here, b"a", here, b"b", 2)
"""
"""A process of its own, as an agent is: puts `a` and `b` in each other's place without a pause."""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder of the host's, with what must stay as it is."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/secret").write_bytes(SECRET)
    return tmp_path / "host"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "agents").mkdir()
    return Tree(tmp_path / "agents")


def shape(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """All that is to be seen of a folder: names, kinds, modes, contents."""
    return [
        (
            path.name,
            path.lstat().st_mode,
            path.lstat().st_uid,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    ]


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


ODD: dict[str, Callable[[Path, Path], object]] = {
    "a link to a file": lambda path, host: path.symlink_to(host / "secret"),
    "a link to a folder": lambda path, host: path.symlink_to(host),
    "a dangling link": lambda path, host: path.symlink_to(host / "new"),
    "a link to itself": lambda path, host: path.symlink_to(path.name),
    "a link upwards": lambda path, host: path.symlink_to("../host/secret"),
    "a pipe": lambda path, host: os.mkfifo(path),
    "a folder": lambda path, host: path.mkdir(),
    "a folder with contents": lambda path, host: (path / "x/y").mkdir(parents=True),
    "a socket": lambda path, host: socket.socket(socket.AF_UNIX).bind(str(path)),
    "a file": lambda path, host: path.write_bytes(b"of the agent"),
    "a sparse file": lambda path, host: sparse(path),
    "a file of mode 000": lambda path, host: os.close(os.open(path, os.O_CREAT, 0)),
    "a folder of mode 000": lambda path, host: path.mkdir(mode=0),
}
"""What an agent may leave under a name, by a function of its path and of a folder of the host's."""


@pytest.mark.filterwarnings("ignore:unclosed")
@pytest.mark.parametrize("odd", ODD)
def test_whatever_stands_there_nothing_of_the_host_is_read_or_changed(
    tree: Tree, host: Path, odd: str
) -> None:
    before = shape(host)
    deeds: dict[str, Callable[[Folder], object]] = {
        "read": lambda folder: folder.read("x", 100),
        "open": lambda folder: folder.open("x").close(),
        "create": lambda folder: folder.create("x").close(),
        "add": lambda folder: folder.add("x", b"new"),
        "put": lambda folder: folder.put("x", b"new"),
        "folder": lambda folder: folder.folder("x").__exit__(),
        "make": lambda folder: folder.make("x").__exit__(),
        "remove": lambda folder: folder.remove("x"),
        "move": lambda folder: folder.move("x", folder, "y"),
        "files": lambda folder: [file.read(10) for _, file in folder.files(lambda *_: None)],
        "give": lambda folder: folder.give(os.getuid(), os.getgid(), lambda *_: None),
    }
    for deed, do in deeds.items():
        here = tree.source / deed
        here.mkdir()
        ODD[odd](here / "x", host)
        said: object = None
        with Tree(here).open() as folder:
            try:
                said = do(folder)
            except OSError as error:
                said = error
        assert shape(host) == before, deed
        assert said != SECRET, deed
        assert said != [SECRET[:10]], deed
        if deed == "put":
            assert (here / "x").read_bytes() == b"new"
            assert not (here / "x").is_symlink()
        if deed == "make":
            assert stat.S_ISDIR((here / "x").lstat().st_mode)
            assert (here / "x").stat().st_mode & 0o700 == 0o700
        if deed == "add":
            assert said is False
        if deed == "remove" and odd != "a folder with contents":
            assert not os.path.lexists(here / "x")


def test_what_is_replaced_is_put_aside_and_not_lost(tree: Tree) -> None:
    (tree.source / "room").write_bytes(b"notes")
    (tree.source / "answer").mkdir()
    (tree.source / "answer/notes").write_bytes(b"more notes")
    with tree.open() as folder, folder.make("room") as room:
        assert room.names(10) == []
        folder.put("answer", b"42")
    kept = [path.read_bytes() for path in tree.source.rglob(".aside-*") if path.is_file()]
    kept += [path.read_bytes() for path in tree.source.glob(".aside-*/notes")]
    assert sorted(kept) == [b"more notes", b"notes"]
    assert (tree.source / "answer").read_bytes() == b"42"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "/etc/passwd", "a\0b"])
def test_a_name_is_one_name(tree: Tree, host: Path, name: str) -> None:
    (tree.source / "a").mkdir()
    with tree.open() as folder:
        for do in (
            lambda: folder.read(name, 9),
            lambda: folder.create(name),
            lambda: folder.add(name, b""),
            lambda: folder.put(name, b""),
            lambda: folder.folder(name),
            lambda: folder.make(name),
            lambda: folder.remove(name),
            lambda: folder.move(name, folder, "z"),
            lambda: folder.move("a", folder, name),
        ):
            with pytest.raises(Refused):
                do()


def test_a_file_is_read_up_to_its_limit_and_one_that_grows_too(tree: Tree) -> None:
    (tree.source / "file").write_bytes(b"x" * 10)
    with tree.open() as folder:
        assert folder.read("file", 10) == b"x" * 10
        with pytest.raises(Refused, match="longer than 9 bytes"):
            folder.read("file", 9)
        os.truncate(tree.source / "file", 1 << 42)
        with pytest.raises(Refused, match="longer than 1000 bytes"):
            folder.read("file", 1000)


def test_a_walk_has_bounds_and_names_what_it_leaves_out(tree: Tree, host: Path) -> None:
    place = os.open(tree.source, os.O_RDONLY)
    for _ in range(1_200):  # deeper than Python's stack, and longer than any path
        os.mkdir("d" * 50, dir_fd=place)
        place, old = os.open("d" * 50, os.O_RDONLY, dir_fd=place), place
        os.close(old)
    os.close(place)
    for name, odd in ODD.items():
        if "socket" not in name and "folder" not in name:
            odd(tree.source / name, host)
    (tree.source / "not \udcff text").write_bytes(b"named")
    skipped: dict[str, str] = {}
    with tree.open() as folder:
        found = {
            path: file.read(20)
            for path, file in folder.files(skipped.__setitem__, WalkLimits(depth=9))
        }
    shut = {"a file of mode 000": b""} if os.getuid() == 0 else {}
    sparse = {"a sparse file": bytes(20)}
    assert found == {"a file": b"of the agent", "not \udcff text": b"named"} | sparse | shut
    assert skipped["/".join(["d" * 50] * 10)] == "it is below 9 folders"
    assert skipped["a dangling link"] == "it is a link"
    assert skipped["a pipe"] == "it is no file"
    assert set(skipped) >= {name for name in ODD if "link" in name and "folder" not in name}
    skipped.clear()
    with tree.open() as folder:
        list(folder.files(skipped.__setitem__))
        folder.give(os.getuid(), os.getgid(), skipped.__setitem__)
    assert "its path is longer than 1000 bytes" in skipped.values()
    subprocess.run(["rm", "-rf", tree.source], check=True)  # Python cannot


def test_a_walk_ends_at_its_number(tree: Tree) -> None:
    for number in range(50):
        (tree.source / f"{number:02}").touch()
    skipped: dict[str, str] = {}
    with tree.open() as folder:
        found = list(folder.files(skipped.__setitem__, WalkLimits(entries=20)))
    assert len(found) == 20
    assert list(skipped.values()) == ["it is beyond 20 entries, as all that follows"]


@contextmanager
def swapping(folder: Path) -> Iterator[None]:
    """Another process exchanges `a` and `b` in it."""
    with subprocess.Popen(
        [sys.executable, "-c", SWAPS, str(folder)], stdout=subprocess.PIPE
    ) as swaps:
        assert swaps.stdout is not None
        swaps.stdout.readline()
        try:
            yield
        finally:
            swaps.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges by Linux's renameat2")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_changes_places_under_us_never_leads_out(tree: Tree, host: Path, kind: str) -> None:
    """`a` and `b` are the agent's own and a link to the host's, thousands of times a second."""
    before = shape(host)
    if kind == "file":
        (tree.source / "a").write_bytes(b"of the agent")
        (tree.source / "b").symlink_to(host / "secret")
    else:
        (tree.source / "a").mkdir()
        (tree.source / "a/secret").write_bytes(b"of the agent")
        (tree.source / "b").symlink_to(host)
    seen: set[bytes] = set()
    refused = 0
    with swapping(tree.source), tree.open() as folder:
        for number in range(3_000):
            try:
                if kind == "file":
                    seen.add(folder.read("a", 100))
                else:
                    with folder.folder("a") as inner:
                        seen.add(inner.read("secret", 100))
                        inner.put(f"new {number % 7}", b"by us")
            except OSError:
                refused += 1
            if number % 10 == 0:
                seen |= {file.read() for _, file in folder.files(lambda *_: None)}
                folder.give(os.getuid(), os.getgid(), lambda *_: None)
    assert seen <= {b"of the agent", b"by us"}
    assert seen
    assert refused > 10, "nothing was swapped in time"
    assert shape(host) == before


@pytest.mark.skipif(sys.platform != "linux", reason="exchanges by Linux's renameat2")
def test_a_folder_is_made_and_a_file_put_while_links_are_swapped_in(tree: Tree, host: Path) -> None:
    before = shape(host)
    (tree.source / "a").write_bytes(b"in the way")
    (tree.source / "b").symlink_to(host)
    with swapping(tree.source), tree.open() as folder:
        for number in range(500):
            with suppress(OSError), folder.make("a") as made:
                made.add("x", b"1")
            with suppress(OSError):
                folder.put("a" if number % 2 else "b", b"2")
            with suppress(FileExistsError):
                (tree.source / "b").symlink_to(host)
    assert shape(host) == before


SHUT = """
import os, sys
from pathlib import Path
from bot.confined import Tree
tree = Tree(Path(sys.argv[1]))
os.setuid(int(sys.argv[2]))
(tree.source / "room").mkdir(mode=0)
(tree.source / "odd").mkdir(mode=0o500)
(tree.source / "file").write_bytes(b"shut")
(tree.source / "file").chmod(0)
skipped = {}
with tree.open() as folder:
    assert not list(folder.files(skipped.__setitem__)), "a walk changes nothing"
assert skipped == {"room": "Permission denied", "file": "Permission denied"}, skipped
tree.source.chmod(0)
with tree.make() as folder, folder.make("room") as room, folder.make("odd") as odd:
    assert room.add("file", b"")
    assert odd.add("file", b"")
"""


def test_what_an_agent_shut_is_named_by_a_walk_and_opened_where_it_is_needed() -> None:
    """As somebody who is not root, for nothing is shut to root."""
    user = 65534 if os.getuid() == 0 else os.getuid()
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, user, -1)
        command = [sys.executable, "-c", SHUT, place, str(user)]
        here = Path(__file__).parents[2]
        ended = subprocess.run(command, check=False, cwd=here, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
