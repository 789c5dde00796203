"""`skills new`: a package of every kind passes lint and test as it comes, in a fresh clone."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Ran, Repo, console, skills

pytest_plugins = ("harness.plugin",)

ROOT = Path(__file__).parents[2]
KINDS = sorted(path.parent.name for path in ROOT.glob(".claude/templates/*/SKILL.md"))


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """This repository, as somebody has it who has just cloned it."""
    folder = tmp_path_factory.mktemp("clone")
    Repo.init(folder / "nowhere").git("clone", "-q", str(ROOT), str(folder / "clone"))
    clone = Repo(folder / "clone").known()
    for kind in KINDS:  # also where this repository has them uncommitted
        for path in (ROOT / ".claude/templates" / kind).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                clone.write({path.relative_to(ROOT).as_posix(): path.read_bytes()})
    clone.commit("Templates")
    return clone


def new(clone: Repo, *words: str) -> Ran:
    return console(clone, "new", *words)


@pytest.mark.slow
def test_every_kind_passes_lint_and_test_as_it_comes(clone: Repo) -> None:
    assert KINDS == ["ability", "channel", "command", "plain", "runtime", "service", "tool"]
    names = [f"add-odd-{kind}" for kind in KINDS]
    for kind, name in zip(KINDS, names, strict=True):
        made = new(clone, kind, name)
        assert made.code == 0, made.said
        assert "to write: SKILL.md:" in made.out
    assert console(clone, "lint", *names).code == 0
    tried = console(clone, "test", *names)
    assert tried.code == 0, tried.said
    assert all(f"✓ {name}:" in tried.out for name in names)
    left = [
        path
        for name in names
        for path in (clone.path / ".claude/skills" / name).rglob("*")
        if path.is_file() and ("ample" in path.read_text() or "sample" in str(path))
    ]
    assert left == []


@pytest.mark.parametrize("folder", ["parrot", "src/parrot", ""])
def test_a_plain_skill_is_there_in_any_repository(fork: Repo, folder: str) -> None:
    if folder != "parrot":
        (fork.path / "src").mkdir()
        fork.git("mv", "parrot", folder or "lib")
        fork.commit("Elsewhere", None if folder else {"lib/__init__.py": None})
    assert new(fork, "plain", "add-grey-hair").code == 0
    module = f"{folder}/grey_hair.py".lstrip("/")
    assert f"  - {module}\n" in fork.read(".claude/skills/add-grey-hair/SKILL.md")
    assert skills(fork, "lint", "add-grey-hair").code == 0
    tried = skills(fork, "test", "add-grey-hair", "--core", "HEAD")
    assert tried.code == 0, tried.said
    assert "test files run: 1" in tried.out


def test_a_fork_of_another_project_brings_its_own_kinds(fork: Repo) -> None:
    assert "there are: plain" in new(fork, "channel", "x").err
    page = "---\nname: sample-name\ndescription: Adds Sample name.\n---\n# Sample name\n\nSay it.\n"
    table = '\n[tool.skills]\ntemplates = "kinds"\n'
    pyproject = fork.read("pyproject.toml") + table
    fork.commit("Kinds", {"pyproject.toml": pyproject, "kinds/parrot/SKILL.md": page})
    assert "there are: parrot, plain" in new(fork, "channel", "x").err
    made = new(fork, "parrot", "old-grey")
    assert made.code == 0
    assert made.out.startswith(".claude/skills/old-grey: 1 file\n"), (
        "as one who stands here says it"
    )
    assert "# Old grey" in fork.read(".claude/skills/old-grey/SKILL.md")
    assert "name: old-grey" in fork.read(".claude/skills/old-grey/SKILL.md")


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("channel", "Add-It", "is no name of a skill"),
        ("channel", "add-class", "class cannot be the name of a module"),
        ("channel", "add-3d", "3d cannot be the name of a module"),
        ("channel", "add-console", "bot/channels/console.py is there already"),
        ("channel", "add-telegram", "add-telegram is there already"),
        ("channels", "add-it", "there are: ability, channel"),
    ],
)
def test_what_cannot_be_begun_is_refused(clone: Repo, kind: str, name: str, says: str) -> None:
    before = clone.git("status", "--porcelain")
    refused = new(clone, kind, name)
    assert refused.code == 1
    assert says in refused.err
    assert clone.git("status", "--porcelain") == before
