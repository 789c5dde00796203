"""What stands between a skill and the fork: its own tests, in a scratch worktree; and the verbs of
skill authors.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from forkkit import Recipe, Workshop, recipes, skills
from harness import Repo, console, state

pytest_plugins = ("forkkit.plugin",)

BY_NAME: dict[str, Recipe] = {recipe.name: recipe for recipe in recipes()}
ADDED = ".claude/skills/add-metrics/add/tests/test_metrics.py"


@pytest.fixture
def fork(workshop: Workshop, tmp_path: Path) -> Repo:
    return workshop.copy(BY_NAME["untouched"], tmp_path)


def test_a_skill_is_applied_when_its_tests_pass(fork: Repo) -> None:
    ran = skills(fork, "apply", "add-metrics", "--no-install", "--json")
    assert ran.code == 0, ran.said
    assert ran.document["result"]["tests"] == ["tests/test_metrics.py"]
    assert not list(fork.path.glob("**/__pycache__"))


def test_tests_that_fail_leave_nothing(fork: Repo) -> None:
    """The owner's own code breaks what the skill's test relies on: exit 4, with what pytest
    printed, and no trace.
    """
    fork.edit(
        "bot/settings.py",
        "import dataclass\n",
        "import dataclass\n\nraise SystemExit('not today')\n",
    )
    fork.edit(
        ADDED,
        "import SECONDS, timed\n",
        "import SECONDS, timed\nfrom bot.settings import Settings  # noqa: F401\n",
    )
    fork.commit("Not today")
    before = state(fork)
    ran = skills(fork, "apply", "add-metrics", "--trust", "--yes", "--no-install", "--json")
    assert ran.code == 4, ran.said
    assert ran.document["error"]["kind"] == "TestsFailed"
    assert "not today" in ran.document["error"]["output"]
    assert state(fork) == before
    assert not any((fork.path / ".git/skills").glob("scratch/*"))
    assert skills(fork, "status", "--json").document["result"]["pending"] is None
    assert (
        skills(fork, "apply", "add-metrics", "--trust", "--yes", "--no-install", "--no-test").code
        == 0
    )


def test_tests_see_the_merged_tree_and_not_what_lies_about(fork: Repo) -> None:
    """Files that are not tracked, and uncommitted edits, are the owner's: tests run on what would
    be committed.
    """
    fork.edit(
        "bot/settings.py",
        "import dataclass\n",
        "import dataclass\n\nraise SystemExit('uncommitted')\n",
    )
    fork.write({"yaml.py": "raise SystemExit('in the way')\n"})
    before = state(fork)
    ran = skills(fork, "apply", "add-pager", "--no-install")
    assert ran.code == 0, ran.said
    assert state(fork).files["yaml.py"] == before.files["yaml.py"]


def test_skills_are_tried_alone_and_in_pairs(fork: Repo) -> None:
    ran = skills(fork, "test", "--all", "--pairs", "--no-test", "--json")
    tried = {tuple(trial["skills"]): trial for trial in ran.document["result"]}
    assert ("add-metrics",) in tried
    assert ("add-metrics", "add-pager") in tried
    assert ("add-pager", "pager-receipts") in tried
    assert [trial for trial in tried.values() if not trial["ok"]] == []


def test_lint_reads_what_is_on_disk_and_says_all(fork: Repo) -> None:
    page = ".claude/skills/add-metrics/SKILL.md"
    fork.edit(page, "of: App.handle", "off: App.handle")
    fork.edit(page, "  - bot/metrics.py\n", "  - bot/metrics.py\n  - bot/nothing.py\n")
    ran = skills(fork, "lint", "--json")
    assert ran.code == 1
    found = ran.document["result"]
    assert len(found) >= 2
    assert {problem["path"] for problem in found} == {page}
    for problem in found:
        assert problem["line"] > 1
        assert problem["message"]


def test_a_changelog_and_a_lock_file_are_recorded_when_asked_for(fork: Repo) -> None:
    fork.commit("Log", {"CHANGELOG.md": "# Changes\n", "uv.lock": "a\n"})
    more = {"CHANGELOG.md": "# Changes\n\n- x\n", "uv.lock": "b\n"}
    fork.commit("Mine", {**more, "parrot/x.py": "X = 1\n"})
    words = ("record", "add-x", "HEAD^..HEAD", "--json", "-o")
    some = console(fork, *words, "../some").document["result"]
    assert some["left"] == ["CHANGELOG.md", "uv.lock"]
    assert not [line for line in some["operations"] if "CHANGELOG" in line]
    every = console(fork, *words, "../every", "--every").document["result"]
    assert every["left"] == []
    assert [line for line in every["operations"] if "CHANGELOG" in line]
