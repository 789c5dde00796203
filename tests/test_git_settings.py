"""Settings are what `git config` says, in every way in which people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo

from skills_engine.git import Git

VALUES = ["true", "yes", "on", "1", "TRUE", "Yes", "2", "false", "no", "off", "0", ""]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo.init(tmp_path / "repo")


@pytest.mark.parametrize("value", VALUES)
def test_what_git_takes_for_true_is_on(repo: Repo, value: str) -> None:
    repo.git("config", "commit.gpgSign", value)
    said = repo.git("config", "--type=bool", "--get", "commit.gpgsign").strip()
    assert Git(repo.path).settings.is_on("commit.gpgSign") is (said == "true")


def test_a_key_alone_is_on(repo: Repo) -> None:
    with (repo.path / ".git/config").open("a") as file:
        file.write("[Commit]\n\tgpgSign\n")
    assert Git(repo.path).settings.is_on("commit.gpgSign")
    assert not Git(repo.path).settings.is_on("tag.gpgSign")


def test_the_last_value_counts_and_all_are_there(repo: Repo) -> None:
    for value in ("one", "two\nlines", " three "):
        repo.git("config", "--add", "skills.Odd Name.path", value)
    settings = Git(repo.path).settings
    assert settings.values("skills.Odd Name.path") == ("one", "two\nlines", " three ")
    assert settings.value("SKILLS.Odd Name.PATH") == " three "
    assert settings.value("skills.odd name.path") is None


def test_what_is_configured_is_read_again(repo: Repo) -> None:
    git = Git(repo.path)
    assert git.settings.value("skills.assistant") is None
    git.configure("skills.assistant", "one")
    assert git.settings.value("skills.assistant") == "one"
    for _ in range(2):  # what is not there can be taken away
        git.configure("--unset", "skills.assistant")
    assert git.settings.value("skills.assistant") is None


def test_the_branch_is_what_git_says(repo: Repo) -> None:
    repo.commit("Base", {"a": "a\n"})
    git = Git(repo.path)
    for words in (("checkout", "-qb", "odd/näme"), ("checkout", "-q", "--detach")):
        repo.git(*words)
        said = repo.git("symbolic-ref", "-q", "HEAD", ok=(0, 1)).strip()
        assert git.branch() == (said or None)
    worktree = repo.path.parent / "tree"
    repo.git("worktree", "add", "-q", "-b", "other", str(worktree))
    assert Git(worktree).branch() == "refs/heads/other"
