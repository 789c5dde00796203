"""A request is served wherever the data are, whatever stands beside it, and without a watcher too."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.confined import Tree
from bot.watching import Inotify, Watch

HERE = Path(__file__).parents[2]
BOT = Path(sys.executable).with_name("bot")
LOST = Path("/proc/sys/fs/inotify/max_queued_events")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ada", "bob"):
        (tmp_path / name / "requests").mkdir(parents=True)
    return tmp_path


@contextmanager
def watch(root: Path, sweep: float = 3_600.0, poll: float = 3_600.0) -> Iterator[Watch]:
    """A watch of ada, bob and eve, of whom the last has no folder, which tells by events alone."""
    trees = {name: Tree(root / name) for name in ("ada", "bob", "eve")}
    with closing(Watch(lambda: trees, Tree(root), "requests", sweep=sweep, poll=poll)) as made:
        yield made


def watches(one: Watch) -> int:
    """How many folders the kernel watches for it."""
    assert one._inotify is not None
    text = Path(f"/proc/self/fdinfo/{one._inotify.number}").read_text()
    return text.count("inotify wd:")


@LINUX
async def test_the_folder_in_which_something_happened_is_named_and_no_other(root: Path) -> None:
    with watch(root) as one:
        assert await one.changed(0) == {"ada", "bob", "eve"}, "at first all are looked into"
        assert await one.changed(0) == set()
        (root / "bob/requests/1.json").write_text("{}")
        assert await one.changed(600) == {"bob"}
        (root / "eve/requests").mkdir(parents=True)
        assert await one.changed(600) == {"ada", "bob", "eve"}, "a new one: it may be any"
        (root / "eve/requests/1.json").write_text("{}")
        assert await one.changed(600) == {"eve"}


@LINUX
@pytest.mark.parametrize("there", ["before", "while it watches"])
async def test_links_and_depth_are_not_followed(root: Path, tmp_path: Path, there: str) -> None:
    def plant() -> None:
        (root / "ada/all").symlink_to("/")
        (root / "ada/requests/all").symlink_to("/")
        (root / "ada/a/b/c/d").mkdir(parents=True)
        (root / "ada/requests/a/b/c/d").mkdir(parents=True)
        (root / "ada/itself").symlink_to(root / "ada")

    if there == "before":
        plant()
    with watch(root) as one:
        await one.changed(0)
        if there != "before":
            plant()
            assert await one.changed(600) == {"ada"}
        assert watches(one) == 1 + 2 + 2, "the root, and of each its folder and its requests"
        (root / "ada/requests/a/b/c/d/x").write_text("x")
        (root / "bob/requests/1.json").write_text("{}")
        assert await one.changed(600) == {"bob"}


@LINUX
@pytest.mark.parametrize("odd", ["a link", "a file", "nothing", "a pipe", "another folder"])
async def test_what_stands_in_the_place_of_the_requests_is_another_one_s_matter(
    root: Path, odd: str
) -> None:
    with watch(root) as one:
        await one.changed(0)
        (root / "ada/requests").rename(root / "ada/old")
        if odd == "a link":
            (root / "ada/requests").symlink_to(root / "bob/requests")
        elif odd == "a file":
            (root / "ada/requests").touch()
        elif odd == "a pipe":
            os.mkfifo(root / "ada/requests")
        elif odd == "another folder":
            (root / "ada/requests").mkdir()
        assert await one.changed(600) == {"ada"}
        (root / "bob/requests/1.json").write_text("{}")
        assert "bob" in await one.changed(600)
        if odd == "nothing":
            (root / "ada/requests").mkdir()
            assert "ada" in await one.changed(600)
        if odd in {"nothing", "another folder"}:
            (root / "ada/requests/1.json").write_text("{}")
            assert await one.changed(600) == {"ada"}
        assert watches(one) <= 5


@LINUX
async def test_folders_that_take_turns_leave_no_watches_behind(root: Path) -> None:
    with watch(root) as one:
        await one.changed(0)
        for number in range(50):
            (root / "ada/requests").rename(root / f"ada/old {number}")
            (root / "ada/requests").mkdir()
            assert await one.changed(600) == {"ada"}
        assert watches(one) == 5


@LINUX
async def test_where_events_were_lost_all_are_looked_into(root: Path) -> None:
    most = int(LOST.read_text())  # noqa: ASYNC240
    with watch(root) as one:
        await one.changed(0)
        for number in range(most // 2 + 10):  # each is made and closed: two events
            os.close(os.open(root / f"ada/requests/{number}", os.O_CREAT | os.O_WRONLY))
        assert await one.changed(600) == {"ada", "bob", "eve"}


@pytest.mark.parametrize("why", [errno.EMFILE, errno.ENOSPC, errno.ENOSYS])
async def test_without_a_watcher_all_are_polled_and_one_that_is_back_is_used(
    root: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    """Another process of the same user may take all that there are."""

    def none_left(*_: object) -> None:
        raise OSError(why, os.strerror(why))

    broken = "add" if why == errno.ENOSPC else "__init__"
    with watch(root, poll=0.01) as one:
        with monkeypatch.context() as patched:
            patched.setattr(Inotify, broken, none_left)
            await one.changed(0)
            begun = time.monotonic()
            for _ in range(10):
                assert await one.changed(600) == {"ada", "bob", "eve"}
            assert time.monotonic() - begun >= 0.1
        if sys.platform == "linux":
            while one._blind:
                await one.changed(600)
            (root / "bob/requests/1.json").write_text("{}")
            assert "bob" in await one.changed(600)


async def test_of_many_some_are_looked_into_at_a_time(tmp_path: Path) -> None:
    trees = {f"group-{number}": Tree(tmp_path / f"group-{number}") for number in range(120)}
    with closing(Watch(lambda: trees, Tree(tmp_path), "requests", sweep=0.05)) as one:
        assert await one.changed(0) == trees.keys(), "at first all"
        seen: list[set[str]] = []
        while set().union(*seen) != trees.keys():
            seen.append(await one.changed(600))
        assert max(map(len, seen)) <= 50
        trees = {**trees, "new": Tree(tmp_path / "new")}
        assert "new" in await one.changed(0), "whoever is new is looked into at once"


@LINUX
async def test_a_second_without_news_costs_nothing_for_those_who_are_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watch(root) as one:
        await one.changed(0)
        monkeypatch.setattr(Tree, "open", None)
        for _ in range(3):
            assert await one.changed(0) == set()


async def test_silence_is_not_trusted_for_long(root: Path) -> None:
    with watch(root, sweep=0.05) as one:
        await one.changed(0)
        seen = [await one.changed(600) for _ in range(3)]
    assert {"ada", "bob", "eve"} in seen


PLACES = {
    "the default": ("data", None),
    "with a dot": ("data", "./data"),
    "with a way up": ("data", "../{here}/x/../data"),
    "absolute": ("data", "{cwd}/data"),
    "with a slash": ("data", "data/"),
    "not ASCII": ("dätä ñ 数据", "dätä ñ 数据"),
    "a link": ("real", "link"),
    "below a link": ("real/below", "link/below"),
    "in .env": ("elsewhere/my data", ".env"),
}
"""By how it is said: where the data are below the directory in which `bot run` is typed, and what
GRAFTBOT_DATA is.
"""


@pytest.mark.parametrize("said", PLACES)
def test_bot_run_serves_a_request_wherever_its_data_are(tmp_path: Path, said: str) -> None:
    where, data = PLACES[said]
    home = tmp_path / "a fresh directory"
    (home / "x").mkdir(parents=True)
    (home / "real").mkdir()
    (home / "link").symlink_to("real")
    environment = {key: value for key, value in os.environ.items() if key != "GRAFTBOT_DATA"}
    if data == ".env":
        (home / ".env").write_text(f"GRAFTBOT_DATA={where}\n")
    elif data:
        environment["GRAFTBOT_DATA"] = data.format(here=home.name, cwd=home)
    ipc = home / where / "ipc/main"
    with subprocess.Popen(
        [BOT, "run"],
        cwd=home,
        env=environment | {"PYTHONPATH": str(HERE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert any(b"ready" in line for line in process.stderr)
        for number in range(3):
            request = {"id": f"{number}", "tool": "send_message"}
            request["arguments"] = {"text": f"hello {number}"}  # type: ignore[assignment]
            (ipc / "requests/draft.tmp").write_text(json.dumps(request))
            (ipc / "requests/draft.tmp").rename(ipc / f"requests/{number}.json")
            assert process.stdout.readline() == f"hello {number}\n".encode()
            answer = ipc / f"replies/{number}.json"
            while not answer.exists():
                time.sleep(0.01)
        process.stdin.close()
        process.stderr.read()
    assert process.returncode == 0
    assert not list((ipc / "requests").iterdir())
