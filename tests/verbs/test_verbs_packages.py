"""Whose a package is: upstream's, a copy that comes and goes with the skill, or the owner's own,
which stays.
"""

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
def test_a_package_from_elsewhere_comes_and_goes_with_the_skill(
    fork: Repo, tmp_path: Path, form: str
) -> None:
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


def test_an_upgrade_to_the_owners_own_version_is_kept_when_the_skill_goes(
    workshop: Workshop, tmp_path: Path
) -> None:
    fork = workshop.copy(BY_NAME["package-edited"], tmp_path)
    edited = fork.read(".claude/skills/add-pager/add/bot/channels/pager.py")
    ran = skills(fork, "upgrade", "--trust", "--yes", *QUICK)
    assert ran.code == 0
    assert [skill["how"] for skill in ran.document["result"]["skills"]] == ["renewed"], (
        "its version is what it was"
    )
    assert "text[:60]" in fork.read("bot/channels/pager.py")
    assert skills(fork, "uninstall", "add-pager", *QUICK).code == 0
    assert not (fork.path / "bot/channels/pager.py").exists()
    assert fork.read(".claude/skills/add-pager/add/bot/channels/pager.py") == edited


def test_what_a_package_asks_for_is_asked_before_anything_happens(
    workshop: Workshop, tmp_path: Path
) -> None:
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
    page = (
        fork.read(f"{OWN}/SKILL.md")
        .replace("name: add-echo", "name: add-bad")
        .replace("version:", "versoin:")
    )
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


def test_a_copy_that_the_owner_edited_is_upgraded_and_leaves_with_the_skill(
    fork: Repo, tmp_path: Path
) -> None:
    skills(fork, "uninstall", "add-echo", *QUICK)
    elsewhere = tmp_path / "add-echo"
    shutil.copytree(fork.path / OWN, elsewhere)
    shutil.rmtree(fork.path / OWN)
    fork.commit("No echo")
    before = state(fork)
    assert skills(fork, "apply", str(elsewhere), *QUICK).code == 0
    fork.edit(f"{OWN}/SKILL.md", '"echo"', '"ECHO"')
    fork.commit("Louder")
    ran = skills(fork, "upgrade", "add-echo", *QUICK)
    assert ran.code == 0, ran.said
    assert '"ECHO"' in fork.read("bot/commands.py")
    assert skills(fork, "replay").code == 0
    assert skills(fork, "undo", *QUICK).code == 0
    assert '"echo"' in fork.read("bot/commands.py")
    assert skills(fork, "redo", *QUICK).code == 0
    assert skills(fork, "uninstall", "add-echo", *QUICK).code == 0
    assert state(fork).files == before.files


def test_a_refused_package_can_be_read_as_the_refusal_says(fork: Repo, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(fork.path / OWN, elsewhere)
    page = elsewhere / "SKILL.md"
    page.write_text(
        page.read_text()
        .replace("name: add-echo", "name: add-shout")
        .replace('core: ">=0.1"', 'core: ">=0.1"\ndependencies: [idna]')
    )
    ran = skills(fork, "apply", str(elsewhere), *QUICK)
    assert ran.code == 1
    assert ran.document["error"]["kind"] == "Untrusted"
    words = ran.document["error"]["hint"].partition("(")[2].partition(")")[0].split()
    assert skills(fork, *words[1:], "--json").document["result"]["name"] == "add-shout"


def test_a_plan_runs_a_packages_own_code_only_when_it_is_trusted(
    fork: Repo, tmp_path: Path
) -> None:
    package = tmp_path / "add-shout"
    shutil.copytree(fork.path / OWN, package)
    page = (
        (package / "SKILL.md")
        .read_text()
        .replace("name: add-echo", "name: add-shout")
        .partition("- ensure")[0]
    )
    entry = "- {ensure: custom, class: 'codemods/shout.py:Shout', in: bot/commands.py}\n```\n"
    (package / "SKILL.md").write_text(page + entry)
    (package / "codemods").mkdir()
    (package / "codemods/shout.py").write_text(
        "import libcst as cst\nfrom libcst.codemod import Codemod\n\n\nclass Shout(Codemod):\n"
        "    def transform_module_impl(self, tree):\n"
        '        return tree if "# loud" in tree.code else cst.parse_module(tree.code + "# loud\\n")\n'
    )
    before = state(fork)
    ran = skills(fork, "plan", str(package), "--json")
    assert ran.code == 1
    assert "--trust" in ran.document["error"]["hint"]
    ran = skills(fork, "plan", str(package), "--trust", "--json")
    assert ran.code == 0, ran.said
    assert "+# loud" in ran.document["result"]["report"]["diff"]
    assert state(fork) == before
    assert skills(fork, "plan", str(package), "--json").code == 1, (
        "a plan does not remember what it was told"
    )


def test_an_address_that_cannot_be_cloned_is_named_without_its_password(fork: Repo) -> None:
    ran = skills(fork, "apply", "http://me:secret@127.0.0.1:9/x.git@v1#y", *QUICK)
    error = ran.document["error"]
    assert ran.code == 1
    assert "http://127.0.0.1:9/x.git cannot be fetched" in error["message"]
    assert error["hint"]
    assert "secret" not in ran.said


def test_a_file_that_skills_share_stays_as_far_as_it_is_the_owners(
    fork: Repo, tmp_path: Path
) -> None:
    upstream = Repo.init(tmp_path / "bare-core")
    upstream.commit("Core", {"bot.py": "x = 1\n"})
    package = tmp_path / "add-cache"
    package.mkdir()
    page = (
        fork.read(f"{OWN}/SKILL.md")
        .replace("name: add-echo", "name: add-cache")
        .partition("version:")[0]
    )
    (package / "SKILL.md").write_text(
        page
        + 'version: 1.0.0\ncore: ">=0"\nenvironment: {CACHE: {comment: where, default: here}}\n'
        "services: {cache: {image: redis}}\n```\n"
    )
    upstream.git("clone", "-q", str(upstream.path), str(tmp_path / "mine"))
    mine = Repo(tmp_path / "mine").known()
    assert skills(mine, "init", "--json").code == 0
    before = state(mine).files
    for given, missing in (((), "--trust --yes"), (("--yes",), "--trust"), (("--trust",), "--yes")):
        ran = skills(mine, "apply", str(package), *given, *QUICK)
        assert ran.code == 1
        assert ran.document["error"]["hint"].endswith(f"accept it with {missing}")
    assert skills(mine, "apply", str(package), "--trust", "--yes", *QUICK).code == 0
    assert skills(mine, "uninstall", "add-cache", *QUICK).code == 0
    assert state(mine).files == before, "untouched, they go with the last skill"
    assert skills(mine, "apply", str(package), *QUICK).code == 0
    mine.edit(".env.example", "CACHE=here\n", "CACHE=here\n\nMINE=1\n")
    mine.edit("compose.yaml", "redis", "redis:8")
    mine.commit("My own")
    ran = skills(mine, "uninstall", "add-cache", *QUICK)
    assert ran.code == 0, ran.said
    assert mine.read(".env.example") == "MINE=1\n"
    assert "redis:8" in mine.read("compose.yaml")
    assert any("kept your change" in note for note in ran.document["result"]["notes"])
