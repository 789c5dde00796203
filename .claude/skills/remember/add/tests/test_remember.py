"""Memory: what an agent notes is committed, found, compared and taken back; real git, real files."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doubles import register

from bot.errors import BotError
from bot.groups import Group
from bot.memory import VERBS, opened
from bot.memory_daily import DailyMemory
from bot.memory_search import search
from bot.paths import Paths
from bot.run import SERVICES
from bot.settings import Settings
from bot.store import open_store
from bot.tools import Host, call

HERE = str(Path(__file__).resolve().parents[1])
"""The fork that is tested, wherever another bot is installed."""
MAIN, FAMILY = Group("main", "memory:me", "Me"), Group("family", "memory:us", "Us")
NOTHING: Any = None


def bot(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bot", "memory", *arguments]
    environment = {**os.environ, "PYTHONPATH": HERE, "GRAFTBOT_DATA": "data"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=cwd, env=environment
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "data")
    for group in (MAIN, FAMILY):
        paths.prepare(group)
    return paths


@pytest.fixture
def host(paths: Paths) -> Host:
    return Host(NOTHING, NOTHING, paths, Settings(graftbot_data=paths.data))


async def told(host: Host, group: Group, tool: str, **arguments: str) -> Any:
    return (await call(host, group, tool, arguments)).result


async def test_what_is_noted_is_committed_found_compared_and_taken_back(
    host: Host, paths: Paths, tmp_path: Path
) -> None:
    folder = paths.group("main").source
    (folder / "notes").mkdir()
    VERBS["log"](paths, "main", "")
    (folder / "CLAUDE.md").write_text("# Me\n\nI like tea.\n")
    said = await told(host, MAIN, "commit_memory", message="What I drink")
    assert "What I drink" in said
    assert "CLAUDE.md" in said
    (folder / "CLAUDE.md").write_text("# Me\n\nI like coffee.\nMy cat is called Möhre.\n")
    (folder / "notes/garden.md").write_text("The plants want water on Mondays.\n")
    await told(host, MAIN, "commit_memory", message="Coffee now\nand a cat")
    said = await told(host, MAIN, "commit_memory", message="Nothing new")
    assert said == "nothing has changed since the last commit"
    assert await told(host, MAIN, "search_memory", query="mohre?") == [
        {"path": "CLAUDE.md", "text": "# Me\n\nI like coffee.\nMy cat is called Möhre.\n"}
    ]
    found = await told(host, MAIN, "search_memory", query='"plant" AND water')
    assert [one["path"] for one in found] == ["notes/garden.md"]
    assert await told(host, FAMILY, "search_memory", query="plant") == "nothing was found"

    log = VERBS["log"](paths, "main", "")
    assert log.index("the agent: Coffee now and a cat") < log.index("the agent: What I drink")
    assert "-I like tea.\n+I like coffee." in VERBS["diff"](paths, "main", "")
    assert "I like coffee." in VERBS["blame"](paths, "main", "CLAUDE.md")
    assert "notes/garden.md: The plants" in VERBS["search"](paths, "main", "plants")
    undone = bot("undo", cwd=tmp_path)
    assert undone.returncode == 0, undone.stderr
    assert (folder / "CLAUDE.md").read_text() == "# Me\n\nI like tea.\n"
    assert not (folder / "notes/garden.md").exists()
    assert "the owner: Revert" in VERBS["log"](paths, "main", "")
    assert await told(host, MAIN, "search_memory", query="coffee") == "nothing was found"


def test_what_is_said_where_something_cannot_be_done(paths: Paths, tmp_path: Path) -> None:
    page = paths.group("main").source / "CLAUDE.md"
    first = VERBS["log"](paths, "main", "").split(maxsplit=1)[0]
    page.write_text("one\ntwo\n")
    second = VERBS["log"](paths, "main", "").split(maxsplit=1)[0]
    page.write_text("one\nthree\n")
    with pytest.raises(BotError, match="changed since"):
        VERBS["undo"](paths, "main", second)
    with pytest.raises(BotError, match="is the first commit"):
        VERBS["undo"](paths, "main", first)
    assert page.read_text() == "one\nthree\n"
    assert "-three" in VERBS["undo"](paths, "main", "") + VERBS["diff"](paths, "main", "")
    assert page.read_text() == "one\ntwo\n", "one that was refused leaves no trace"
    for what, which, why in (
        ("undo", "--all", "no commit"),
        ("diff", "0123abc", "no commit"),
        ("blame", "", "needs a file"),
        ("blame", "../bot.db", "git blame failed"),
        ("search", "?!", "no word"),
    ):
        with pytest.raises(BotError, match=why):
            VERBS[what](paths, "main", which)
    assert first in VERBS["diff"](paths, "main", first) + first
    unknown = bot("log", "--group", "nobody", cwd=tmp_path)
    assert unknown.returncode == 1
    assert "no group has the folder 'nobody'" in unknown.stderr
    assert not (paths.data / "memory/nobody.git").exists()


async def test_main_commits_what_all_share_and_others_do_not(host: Host, paths: Paths) -> None:
    (paths.group("global").source / "CLAUDE.md").write_text("We all speak Esperanto.\n")
    await told(host, FAMILY, "commit_memory", message="Theirs")
    assert not (paths.data / "memory/global.git").exists()
    await told(host, MAIN, "commit_memory", message="A language")
    assert "A language" in VERBS["log"](paths, "global", "")


def test_an_agent_s_folder_may_hold_what_it_likes(paths: Paths, tmp_path: Path) -> None:
    """Links, hooks, filters, names: nothing of the host is read or run, and pages are kept."""
    folder, outside = paths.group("main").source, tmp_path / "outside.md"
    outside.write_text("a secret of the host\n")
    ran = tmp_path / "ran"
    git = ("git", "-C", str(folder))
    subprocess.run((*git, "init", "--quiet"), check=True)
    subprocess.run((*git, "config", "core.fsmonitor", f"touch {ran}"), check=True)
    subprocess.run((*git, "config", "filter.x.clean", f"touch {ran}; cat"), check=True)
    (folder / ".gitattributes").write_text("*.md filter=x\n")
    (folder / ".gitignore").write_text("*\n")
    (folder / "link.md").symlink_to(outside)
    (folder / "pipe.md").mkdir()
    os.mkfifo(folder / "fifo.md")
    (folder / "huge.md").write_bytes(b"x" * (1 << 19))
    (folder / "--help.md").write_text("a strange name\n")
    (folder / os.fsdecode(b"\xff.md")).write_text("stranger\n")
    (folder / "attachments").mkdir()
    (folder / "attachments/mail.md").write_text("an attachment\n")
    with opened(paths, "main") as memory:
        said = memory.commit("\x1b[2J" * 9, "the agent")
        kept = memory.git("ls-tree", "-r", "--name-only", "HEAD")
    assert "CLAUDE.md" in said
    assert "--help.md" in kept
    assert not any(name in kept for name in ("link", "pipe", "fifo", "huge", "mail", "git"))
    assert "\x1b" not in VERBS["log"](paths, "main", "")
    assert search(paths, "main", "strange") != []
    assert search(paths, "main", "secret attachment") == []
    assert not ran.exists()


def test_a_page_that_is_replaced_by_a_link_is_not_written_through(
    paths: Paths, tmp_path: Path
) -> None:
    folder, outside = paths.group("main").source, tmp_path / "outside.md"
    VERBS["log"](paths, "main", "")
    (folder / "CLAUDE.md").write_text("mine\n")
    VERBS["log"](paths, "main", "")
    outside.write_text("the host's\n")
    (folder / "CLAUDE.md").unlink()
    (folder / "CLAUDE.md").symlink_to(outside)
    with pytest.raises(BotError, match="is being written"):
        VERBS["undo"](paths, "main", "")
    assert outside.read_text() == "the host's\n"


async def test_what_nobody_commits_is_committed_once_a_day(paths: Paths) -> None:
    assert DailyMemory in SERVICES
    (paths.group("main").source / "CLAUDE.md").write_text("Nobody told you.\n")
    async with open_store(paths.data / "store") as store:
        await register(store, "memory:me", "memory:you")  # the second has no folder yet
        await DailyMemory(Host(store, NOTHING, paths, Settings())).commit()
    assert "Nobody told you." in VERBS["diff"](paths, "main", "")


async def test_without_git_it_is_said_and_the_service_goes_on(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PATH", str(paths.data))
        with pytest.raises(BotError, match="git cannot be run"):
            VERBS["log"](paths, "main", "")
    async with open_store(paths.data / "store") as store:
        await register(store, "memory:me")
        with monkeypatch.context() as without:
            without.setenv("PATH", str(paths.data))
            await DailyMemory(Host(store, NOTHING, paths, Settings())).commit()
    assert VERBS["log"](paths, "main", "")


def test_the_agent_is_told_of_both() -> None:
    """The agent's half needs a library that is in the image alone, so it is read here."""
    source = (Path(HERE) / "container/runner/tools.py").read_text()
    tools = {
        ast.literal_eval(key): ast.literal_eval(value.elts[2])
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "TOOLS"
        for key, value in zip(node.value.keys, node.value.values, strict=True)
        if key is not None
    }
    assert tools["commit_memory"] == ["message"]
    assert tools["search_memory"] == ["query"]
