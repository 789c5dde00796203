"""Where skills come from: a named source, an index, what is newer there, and what is pinned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Repo, console, fork_of, upgrade_package, upstream
from harness.forks import BASE, skill

pytest_plugins = ("harness.plugin",)

QUICK = ("--no-test", "--no-install", "-q")
TRUST = ("--trust", "--no-test", "--no-install")
ADDS = 'version: {}\ncore: ">=0.1,<1"\nadds: [parrot/hat.py]'


def published(path: Path, version: str = "1.0.0", word: str = "felt") -> Repo:
    """A repository of somebody else's with one skill."""
    repo = Repo(path) if path.exists() else Repo.init(path)
    files = skill("add-hat", ADDS.format(version), "", **{"parrot/hat.py": f"HAT = {word!r}\n"})
    page = files[".claude/skills/add-hat/SKILL.md"].rpartition("What must be true.")[0]
    log = f"# Changes\n\n## {version}\n\n- the hat is of {word}\n\n## 0.9\n\n- a hat\n"
    files |= {".claude/skills/add-hat/SKILL.md": page, ".claude/skills/add-hat/CHANGELOG.md": log}
    repo.commit(f"add-hat {version}", dict(files))
    return repo


def test_a_skill_of_an_index_is_what_the_index_says(fork: Repo, tmp_path: Path) -> None:
    theirs = published(tmp_path / "theirs")
    url = f"file://{theirs.path}"
    made = console(theirs, "publish", "--source", url, "--check", "-o", "index.json")
    assert made.code == 0, made.said
    theirs.commit("Index")
    index = json.loads(theirs.read("index.json"))
    assert index["skills"][0]["asks"] == ["changes parrot/hat.py"]
    fork.git("config", "--add", "skills.index", url)
    (found,) = console(fork, "search", "add-hat", "--json").document["result"]
    assert found["source"] == f"add-hat@{url}#index.json"
    refused = console(fork, "apply", found["source"], *QUICK)
    assert refused.code == 1
    assert "is not from upstream" in refused.err
    assert console(fork, "apply", found["source"], "--trust", *QUICK).code == 0
    (same,) = console(fork, "verify", "--json").document["result"]
    assert (same["recorded"], same["at_source"], same["signed"]) == ("same", "same", False)
    published(theirs.path, word="straw")
    again = console(fork, "search", "add-hat", "--index", f"{theirs.path}/index.json", "--json")
    assert again.code == 0, again.said
    other = fork_of(upstream(tmp_path / "up"), tmp_path / "other")
    changed = console(other, "apply", f"add-hat@{theirs.path}/index.json", "--trust", *QUICK)
    assert changed.code == 1
    assert "is not what the index says" in changed.err
    assert console(other, "apply", f"add-hat@{theirs.path}", "--trust", *QUICK).code == 0
    assert "straw" in other.read("parrot/hat.py")


@pytest.mark.parametrize("where", ["{}", "file://{}"])
@pytest.mark.parametrize("folder", ["packs", ".claude/skills"])
def test_an_index_beside_its_skills_names_them_from_there(
    fork: Repo, tmp_path: Path, folder: str, where: str
) -> None:
    theirs = published(tmp_path / "the # irs" if where == "{}" else tmp_path / "theirs")
    if folder != ".claude/skills":
        theirs.git("mv", ".claude/skills", folder)
    made = console(theirs, "publish", f"{folder}/add-hat", "-o", f"{folder}/index.json")
    assert made.code == 0, made.said
    assert json.loads(theirs.read(f"{folder}/index.json"))["skills"][0]["source"] == "add-hat"
    theirs.commit("Index")
    place = where.format(theirs.path)
    if folder != ".claude/skills":  # a repository has its index at its root, or beside its skills
        place += f"{'#' if '://' in where else '/'}{folder}/index.json"
    (found,) = console(fork, "search", "add-hat", "--index", place, "--json").document["result"]
    ran = console(fork, "apply", found["source"], "--trust", *QUICK)
    assert ran.code == 0, ran.said
    assert "HAT" in fork.read("parrot/hat.py")


def test_what_is_newer_is_said_and_what_is_pinned_stays(fork: Repo, tmp_path: Path) -> None:
    theirs = published(tmp_path / "theirs")
    ran = console(fork, "apply", f"add-hat@{theirs.path}", "--trust", *QUICK)
    assert ran.code == 0, ran.said
    assert console(fork, "pin", "add-hat").code == 0
    assert "add-hat 1.0.0, pinned" in console(fork, "status").out
    published(theirs.path, "1.1.0", "straw")
    (newer,) = console(fork, "outdated", "--json").document["result"]
    assert (newer["installed"], newer["newest"], newer["pinned"]) == ("1.0.0", "1.1.0", True)
    assert newer["changes"] == ["add-hat 1.1.0: the hat is of straw"]
    assert "is pinned" in console(fork, "upgrade", "--trust", *QUICK[:2]).out
    assert console(fork, "upgrade", "add-hat", "--trust", *QUICK).code == 1
    assert "felt" in fork.read("parrot/hat.py")
    assert console(fork, "unpin", "add-hat").code == 0
    ran = console(fork, "upgrade", "--trust", *QUICK[:2])
    assert "add-hat 1.1.0: the hat is of straw" in ran.out
    assert "straw" in fork.read("parrot/hat.py")
    assert console(fork, "replay").code == 0
    assert console(fork, "outdated", "--json").document["result"] == []


def test_a_rebase_leaves_what_is_pinned(fork: Repo, tmp_path: Path) -> None:
    up = upstream(tmp_path / "up")
    one = fork_of(up, tmp_path / "one", "add-dice")
    assert console(one, "pin", "add-dice").code == 0
    upgrade_package(up)
    ran = console(one, "rebase", *QUICK[:2])
    assert "add-dice 1.0.0 is pinned" in ran.out
    assert not one.path.joinpath("parrot/coin.py").exists()
    assert console(one, "replay").code == 0


@pytest.mark.parametrize("committed", [True, False])
def test_an_edited_package_is_what_an_upgrade_takes(
    fork: Repo, tmp_path: Path, committed: bool
) -> None:
    one = fork_of(upstream(tmp_path / "up"), tmp_path / "one", "add-dice")
    one.edit(".claude/skills/add-dice/add/parrot/dice.py", "A die.", "My die.")
    if committed:
        one.commit("Mine")
    assert console(one, "upgrade", "--trust", "--yes", *QUICK).code == 0
    assert "My die." in one.read("parrot/dice.py")
    assert one.git("status", "--short") == ""
    assert "My die." in one.git("show", "HEAD:.claude/skills/add-dice/add/parrot/dice.py")
    assert console(one, "replay").code == 0
    (same,) = console(one, "verify", "--json").document["result"]
    assert (same["recorded"], same["edited"]) == ("same", False)


def test_what_cannot_be_an_index_is_refused(fork: Repo, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    for text in ("{", "[]", '{"format": 2, "skills": []}', '{"format": 1, "skills": [{}]}'):
        bad.write_text(text)
        ran = console(fork, "search", "x", "--index", str(bad))
        assert ran.code == 1, text
        assert str(bad) in ran.err


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("add-hat@/nowhere", "there is no index or folder /nowhere"),
        ("add-hat@./nowhere", "there is no index or folder ./nowhere"),
        ("/nowhere/add-hat", "there is no folder /nowhere/add-hat"),
        ("./add-hat", "there is no folder ./add-hat"),
        ("add-hat", "there is no skill add-hat"),
    ],
)
def test_a_source_that_is_not_there_is_what_is_missing(fork: Repo, wanted: str, said: str) -> None:
    ran = console(fork, "apply", wanted, *QUICK)
    assert ran.code == 1
    assert said in ran.err
    assert "→" in ran.err


def test_a_folder_that_is_gone_has_nothing_newer_and_says_so(fork: Repo, tmp_path: Path) -> None:
    place = published(tmp_path / "theirs").path / ".claude/skills/add-hat"
    assert console(fork, "apply", str(place), "--trust", *QUICK).code == 0
    place.rename(tmp_path / "elsewhere")
    every = console(fork, "upgrade", *QUICK[:2])
    assert (every.code, f"add-hat 1.0.0 stays: {place} is not there any more" in every.out) == (
        0,
        True,
    )
    one = console(fork, "upgrade", "add-hat", *QUICK)
    assert one.code == 1
    assert f"there is no folder {place}" in one.err
    (asked,) = console(fork, "outdated", "--json").document["result"]
    assert (asked["newest"], asked["problem"]) == ("", f"there is no folder {place}")


def test_what_became_of_a_skill_is_said_as_it_is(fork: Repo, tmp_path: Path) -> None:
    """A pin changes no package, and what goes back is no upgrade."""

    def done(*words: str) -> tuple[str, int]:
        ran = console(fork, *words, "--json")
        assert ran.code == 0, ran.said
        (change,) = ran.document["result"]["skills"]
        return change["how"], len(change["operations"])

    theirs = published(tmp_path / "theirs")
    assert done("apply", f"file://{theirs.path}", *TRUST) == ("applied", 1)
    assert done("pin", "add-hat") == ("pinned", 0)
    assert done("unpin", "add-hat") == ("unpinned", 0)
    published(theirs.path, "1.1.0", "straw")
    assert done("upgrade", "add-hat", *TRUST) == ("upgraded from 1.0.0", 1)
    assert done("undo", *QUICK[:2])[0] == "downgraded from 1.1.0"


@pytest.mark.parametrize("link", ["each", "whole", "none"])
def test_a_skill_that_another_tool_brought_is_one_like_any_other(
    fork: Repo, tmp_path: Path, link: str
) -> None:
    files = skill("add-hat", ADDS.format("1.0.0"), "", **{"parrot/hat.py": "HAT = 1\n"})
    page = files[".claude/skills/add-hat/SKILL.md"].rpartition("What must be true.")[0]
    files |= {".claude/skills/add-hat/SKILL.md": page}
    up = Repo.init(tmp_path / "up")
    up.write({**BASE, **{path.replace(".claude", ".agents"): text for path, text in files.items()}})
    claude = up.path / ".claude"
    if link == "whole":
        claude.mkdir()
        (claude / "skills").symlink_to("../.agents/skills")
    if link == "each":
        (claude / "skills").mkdir(parents=True)
        (claude / "skills/add-hat").symlink_to("../../.agents/skills/add-hat")
    up.commit("Theirs")
    one = fork_of(up, tmp_path / "one", managed=False)
    start = one.git("rev-parse", "HEAD^{tree}")
    (listed,) = console(one, "list", "--json").document["result"]
    assert (listed["name"], listed["version"]) == ("add-hat", "1.0.0")
    assert console(one, "show", "add-hat").code == 0
    assert console(one, "lint", "add-hat").code == 0
    ran = console(one, "apply", "add-hat", *QUICK)
    assert ran.code == 0, ran.said
    assert one.read("parrot/hat.py") == "HAT = 1\n"
    one.edit(".agents/skills/add-hat/add/parrot/hat.py", "1", "2")
    ran = console(one, "upgrade", "--yes", "--trust", *QUICK)
    assert ran.code == 0, ran.said
    assert (one.read("parrot/hat.py"), one.git("status", "--short")) == ("HAT = 2\n", "")
    assert console(one, "replay").code == 0
    assert console(one, "undo", *QUICK).code == 0
    assert console(one, "uninstall", "add-hat", *QUICK).code == 0
    one.git("rm", "-rq", "manifests")
    assert one.git("write-tree") == start
