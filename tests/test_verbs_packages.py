"""Whose a package is: upstream's, a copy that comes and goes with the skill, or the owner's own, which stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from forkkit import Recipe, Workshop, recipes, skills
from harness import Repo, state

pytest_plugins = ("forkkit.plugin",)

BY_NAME: dict[str, Recipe] = {recipe.name: recipe for recipe in recipes()}
QUICK = ("--no-test", "--no-install", "--json")
OWN = ".claude/skills/add-echo"


@pytest.fixture
def fork(workshop: Workshop, tmp_path: Path) -> Repo:
    """With a skill that the owner wrote, committed and applied."""
    return workshop.copy(BY_NAME["own-skill"], tmp_path)


def test_a_package_that_the_owner_wrote_stays_when_the_skill_goes(fork: Repo) -> None:
    page = fork.read(f"{OWN}/SKILL.md")
    assert "  kind: fork\n" in fork.read("manifests/add-echo.yaml")
    assert skills(fork, "uninstall", "add-echo", *QUICK).code == 0
    assert fork.read(f"{OWN}/SKILL.md") == page
    assert skills(fork, "apply", "add-echo", *QUICK).code == 0


@pytest.mark.parametrize("form", ["path", "git"])
def test_a_package_from_elsewhere_comes_and_goes_with_the_skill(fork: Repo, tmp_path: Path, form: str) -> None:
    skills(fork, "uninstall", "add-echo", *QUICK)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(fork.path / OWN, elsewhere / "add-echo")
    shutil.rmtree(fork.path / OWN)
    fork.commit("No echo")
    source = Repo.init(elsewhere)
    source.commit("Echo")
    before = state(fork)
    wanted = str(elsewhere / "add-echo") if form == "path" else f"file://{elsewhere}#add-echo"
    ran = skills(fork, "apply", wanted, *QUICK)
    assert ran.code == 0, ran.said
    assert (fork.path / OWN / "SKILL.md").exists()
    assert skills(fork, "replay").code == 0
    assert skills(fork, "uninstall", "add-echo", *QUICK).code == 0
    assert state(fork).files == before.files
    assert state(fork).index == before.index


def test_an_upgrade_to_the_owners_own_version_is_kept_when_the_skill_goes(workshop: Workshop, tmp_path: Path) -> None:
    fork = workshop.copy(BY_NAME["package-edited"], tmp_path)
    edited = fork.read(".claude/skills/add-pager/add/bot/channels/pager.py")
    assert skills(fork, "upgrade", "--trust", "--yes", *QUICK).code == 0
    assert "text[:60]" in fork.read("bot/channels/pager.py")
    assert skills(fork, "uninstall", "add-pager", *QUICK).code == 0
    assert not (fork.path / "bot/channels/pager.py").exists()
    assert fork.read(".claude/skills/add-pager/add/bot/channels/pager.py") == edited


def test_what_a_package_asks_for_is_asked_before_anything_happens(workshop: Workshop, tmp_path: Path) -> None:
    fork = workshop.copy(BY_NAME["package-edited"], tmp_path)
    before = state(fork)
    ran = skills(fork, "upgrade", *QUICK)
    assert ran.code == 1
    assert ran.document["error"]["kind"] == "Untrusted"
    assert state(fork) == before


def test_a_saved_plan_is_what_happens_or_nothing(workshop: Workshop, tmp_path: Path) -> None:
    fork = workshop.copy(BY_NAME["untouched"], tmp_path)
    saved = tmp_path / "plan.json"
    planned = skills(fork, "plan", "pager-receipts", "-o", str(saved), "--json").document["result"]
    stale = workshop.copy(BY_NAME["untouched"], _folder(tmp_path / "stale"))
    ran = skills(fork, "apply", str(saved), *QUICK)
    assert ran.code == 0, ran.said
    assert fork.git("rev-parse", "HEAD^{tree}") == planned["tree"]
    assert ran.document["result"]["files"] == planned["report"]["files"]
    stale.write({"README.md": "Mine.\n"})
    stale.commit("Mine")
    before = state(stale)
    refused = skills(stale, "apply", str(saved), *QUICK)
    assert refused.code == 1
    assert refused.document["error"]["kind"] == "Stale"
    assert state(stale) == before


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_mistakes_are_shown_where_the_package_lies(fork: Repo, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    bad = Path("add-bad/SKILL.md")
    page = fork.read(f"{OWN}/SKILL.md").replace("name: add-echo", "name: add-bad").replace("version:", "versoin:")
    (elsewhere / bad).parent.mkdir(parents=True)
    (elsewhere / bad).write_text(page)
    source = Repo.init(elsewhere)
    source.commit("Bad")
    ran = skills(fork, "apply", str(elsewhere / "add-bad"), *QUICK)
    assert {p["path"] for p in ran.document["error"]["problems"]} >= {str(elsewhere / bad)}
    words = ran.document["error"]["hint"].split("`")[1].split()
    linted = skills(fork, *words[1:], "--json")
    assert linted.code == 1
    assert {p["path"] for p in linted.document["result"]} >= {str(elsewhere / bad)}
    ran = skills(fork, "apply", f"file://{elsewhere}#add-bad", *QUICK)
    assert f"file://{elsewhere}#add-bad/SKILL.md:" in ran.document["error"]["message"]
    assert "lint" not in ran.document["error"]["hint"]
