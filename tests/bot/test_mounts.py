"""The allowlist: what an agent may see of the host, and by which tricks it may not see more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.errors import BotError
from bot.mcp import granted
from bot.mounts import allowed
from bot.runtimes import Mount


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in (
        "work/notes",
        "work/code/.git",
        "work/.ssh",
        "read/books",
        "outside",
        "bot/data",
        "work/app",
    ):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work/app/.env").write_text("KEY=1")
    (tmp_path / "work/link").symlink_to(tmp_path / "outside")
    (tmp_path / "work/inner").symlink_to(tmp_path / "work/notes")
    for name in ("app/Private", "app/private", "app/Passwords.kdbx"):
        (tmp_path / "work" / name).mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/mounts.toml").write_text(
        f'blocked = ["*.KDBX", "Private"]\n[[roots]]\npath = "{tmp_path}/work"\nwrite = true\n'
        f'[[roots]]\npath = "{tmp_path}/read"\n[[roots]]\npath = "{tmp_path}/bot"\n[[roots]]\npath = "{tmp_path}/config"\n'
    )
    return tmp_path


def ask(home: Path, *wanted: dict[str, Any], main: bool = True) -> list[Mount]:
    never = [home / "bot/data"]
    return allowed(wanted, main=main, never=never, allowlist=home / "config/mounts.toml")


def test_what_a_root_allows_is_mounted_and_written_only_by_main_where_the_root_says_so(
    home: Path,
) -> None:
    notes, books = (
        {"host": f"{home}/work/notes", "name": "n", "write": True},
        {"host": f"{home}/read/books", "name": "b"},
    )
    assert ask(home, notes, {**books, "write": True}) == [
        Mount(home / "work/notes", "/workspace/extra/n", write=True),
        Mount(home / "read/books", "/workspace/extra/b"),
    ]
    assert ask(home, notes, main=False) == [Mount(home / "work/notes", "/workspace/extra/n")]
    assert ask(home, {**notes, "write": "true"}) == [
        Mount(home / "work/notes", "/workspace/extra/n")
    ]
    link = {"host": f"{home}/work/inner", "name": "n"}
    assert ask(home, link) == [Mount(home / "work/notes", "/workspace/extra/n")]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("outside", "no root"),
        ("work/../outside", "no root"),
        ("work/link", "no root"),
        ("", "own data"),  # it is around them
        ("worker", "no such path"),
        ("work/.ssh", "blocked"),
        ("work", "blocked"),  # .ssh is right inside
        ("work/app", "blocked"),
        ("work/app/.env", "blocked"),
        ("work/app/Private", "blocked"),  # whatever the case of the pattern, or of the name
        ("work/app/private", "blocked"),
        ("work/app/Passwords.kdbx", "blocked"),
        ("bot/data", "own data"),
        ("bot", "own data"),
        ("config", "own data"),
        ("config/mounts.toml", "own data"),
    ],
)
def test_what_it_does_not_allow_is_refused_with_the_reason(
    home: Path, path: str, reason: str
) -> None:
    with pytest.raises(BotError, match=reason):
        ask(home, {"host": f"{home}/{path}", "name": "x"})


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "x" * 65, "n\n"])
def test_a_name_cannot_lead_out_of_the_place_for_mounts(home: Path, name: str) -> None:
    with pytest.raises(BotError, match="no name"):
        ask(home, {"host": f"{home}/work/notes", "name": name})


def test_without_a_file_or_with_a_broken_one_nothing_is_allowed(home: Path) -> None:
    wanted = {"host": f"{home}/work/notes", "name": "n"}
    root = f'[[roots]]\npath = "{home}/work"\n'
    for text in (
        "roots = 3",
        f'{root}blocked = ["private"]',  # of the root, as TOML reads it
        f'blocked = "private"\n{root}',
        f'block = ["private"]\n{root}',
        *(f"blocked = [{name}]\n{root}" for name in ('"work/private"', '"private/"', '""', "1")),
        *(f"{root}write = {word}" for word in ('"yes"', "1")),
        *(
            f'{root}[[roots]]\npath = "{path}"'
            for path in ("work", "", ".", "~nobody-at-all", "a\\u0000")
        ),
    ):
        (home / "config/mounts.toml").write_text(text)
        with pytest.raises(BotError, match="cannot be read"):
            ask(home, wanted)
        assert ask(home) == []  # who asks for nothing is answered all the same
    (home / "config/mounts.toml").unlink()
    with pytest.raises(BotError, match="no root"):
        ask(home, wanted)
    assert ask(home) == []


def test_a_relative_path_is_not_guessed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    with pytest.raises(BotError, match="no such path"):
        ask(home, {"host": "work/notes", "name": "n"})


@pytest.mark.parametrize(
    "path", ["", "~nobody-at-all/x", "{}/a\0b", "{}/" + "a" * 300, "{}/loop", "{}/file/x"]
)
def test_a_path_that_nothing_can_have_is_refused_like_any_other(home: Path, path: str) -> None:
    (home / "loop").symlink_to(home / "pool")
    (home / "pool").symlink_to(home / "loop")
    (home / "file").touch()
    with pytest.raises(BotError, match="is not mounted: no such path"):
        ask(home, {"host": path.format(home), "name": "n"})


def test_without_a_home_there_is_no_allowlist_and_who_asks_for_nothing_does_not_need_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert allowed([], main=True, never=[]) == []
    with pytest.raises(BotError, match="cannot be read"):
        allowed([{"host": "/", "name": "n"}], main=True, never=[])
    with pytest.raises(BotError, match="cannot be read"):
        granted(["notes"])


@pytest.mark.parametrize(
    ("pattern", "name"), [("Cafe\u0301*", "CAF\u00c9 2"), ("CAF\u00c9*", "cafe\u0301")]
)
def test_a_blocked_name_is_blocked_in_either_form_of_its_accents(
    home: Path, pattern: str, name: str
) -> None:
    text = f'blocked = ["{pattern}"]\n[[roots]]\npath = "{home}/work"\n'
    (home / "config/mounts.toml").write_text(text, "utf-8")
    (home / "work" / name).mkdir()
    with pytest.raises(BotError, match="blocked"):
        ask(home, {"host": f"{home}/work/{name}", "name": "x"})
