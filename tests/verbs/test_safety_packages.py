"""A package may not touch anything outside the repository, nor `.git`, by any path or link.

Each is applied with everything accepted that can be.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Repo, skills, state
from harness.cli import QUICK

pytest_plugins = ("harness.plugin",)

OUTSIDE = [
    "../outside.py",
    "/outside.py",
    "a/../../outside.py",
    "./x.py",
    "a//b.py",
    "C:\\x.py",
    "..\\x.py",
]
OF_GIT = [
    ".git/hooks/post-commit",
    ".GIT/config",
    "sub/.git/config",
    ".git",
    "parrot/.Git/x",
    ".git /config",
    "git~1/x",
]
OF_THE_ENGINE = [
    "manifests/core.yaml",
    "manifests/x.yaml",
    ".claude/skills/add-dice/SKILL.md",
    ".Claude/skills/x/y",
]
FORBIDDEN = [*OUTSIDE, *OF_GIT, *OF_THE_ENGINE]

OPERATIONS = {
    "import": "- ensure: import\n  in: {path}\n  import: import os\n",
    "file": "- ensure: file\n  path: {path}\n  content: harm\n",
    "no-file": "- ensure: no-file\n  path: {path}\n",
    "move-file": "- ensure: move-file\n  path: parrot/help.py\n  to: {path}\n",
    "text": "- ensure: text\n  in: {path}\n  before: a\n  after: b\n",
    "toml": "- ensure: toml\n  in: {path}\n  path: a.b\n  value: 1\n",
    "yaml": "- ensure: yaml\n  in: {path}\n  path: a.b\n  value: 1\n",
    "json": "- ensure: json\n  in: {path}\n  path: a.b\n  value: 1\n",
    "module": "- ensure: move\n  of: parrot.help:show_help\n  to: {path}\n",
}


def package(fork: Repo, *, adds: tuple[str, ...] = (), codemod: str = "") -> Path:
    """The package `harm` of the fork's own, committed."""
    folder = fork.path / ".claude/skills/harm"
    listed = "".join(f"  - '{path}'\n" for path in adds)
    page = "---\nname: harm\ndescription: Harm. Use never.\n---\n# Harm\n\n```yaml manifest\nversion: 1.0.0\n"
    page += 'core: ">=0.1,<1"\n' + (f"adds:\n{listed}" if listed else "") + "```\n"
    page += (
        f"\n## The change\n\nIt does harm to what it touches.\n\n```yaml codemod\n{codemod}\n```\n"
        if codemod
        else ""
    )
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(page)
    for path in adds:
        if path not in FORBIDDEN:
            target = folder / "add" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("harm\n")
    fork.commit("Harm")
    return folder


def harmless(fork: Repo) -> str:
    """Apply it: refused, nothing changed in the fork, in its git directory or around it. What was
    said.
    """
    config, hooks = (
        (fork.git_dir / "config").read_bytes(),
        sorted((fork.git_dir / "hooks").glob("*")),
    )
    skills(fork, "--version")  # the home is there
    before, around = state(fork), sorted(fork.path.parent.iterdir())
    ran = skills(fork, "apply", *QUICK, "--yes", "--trust", "harm")
    assert ran.code == 1, ran.said
    assert "Traceback" not in ran.err
    assert state(fork) == before, state(fork).differences(before)
    assert ((fork.git_dir / "config").read_bytes(), sorted((fork.git_dir / "hooks").glob("*"))) == (
        config,
        hooks,
    )
    assert sorted(fork.path.parent.iterdir()) == around
    assert not Path("/outside.py").exists()
    return ran.err


def test_a_package_adds_only_inside(fork: Repo) -> None:
    package(fork, adds=tuple(FORBIDDEN))
    said = harmless(fork)
    assert [path for path in FORBIDDEN if path not in said and repr(path) not in said] == [], said


@pytest.mark.parametrize(
    "path", [".git/hooks/post-commit", ".GIT/config", "manifests/x.yaml", "../outside.py"]
)
def test_a_single_wrong_path_is_enough(fork: Repo, path: str) -> None:
    package(fork, adds=("parrot/fine.py", path))
    assert path in harmless(fork)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_writes_only_inside(fork: Repo, name: str) -> None:
    """Every path is refused for itself: the package is tried with each, and lint says what is wrong
    with all.
    """
    codemod = "".join(OPERATIONS[name].format(path=f"'{path}'") for path in FORBIDDEN)
    package(fork, codemod=codemod)
    harmless(fork)
    said = skills(fork, "lint", "harm").said
    lines = [line for line in said.splitlines() if "SKILL.md:" in line]
    missing = [
        path
        for path in [*OUTSIDE, *OF_GIT]
        if not any(path in line or repr(path) in line for line in lines)
    ]
    assert missing == [], said


@pytest.mark.parametrize(
    "path", ["manifests/core.yaml", ".claude/skills/add-dice/SKILL.md", ".git/config"]
)
@pytest.mark.parametrize("name", ["text", "yaml", "file", "no-file", "move-file"])
def test_an_operation_leaves_what_is_the_engines(fork: Repo, name: str, path: str) -> None:
    package(fork, codemod=OPERATIONS[name].format(path=path))
    assert path in harmless(fork)


def test_a_link_in_a_package(fork: Repo) -> None:
    folder = package(fork, adds=("parrot/x.py",))
    (folder / "add/parrot/x.py").unlink()
    (folder / "add/parrot/x.py").symlink_to("/etc/passwd")
    fork.commit("Link")
    assert "add/parrot/x.py" in harmless(fork)


def test_a_package_that_is_a_link(fork: Repo, tmp_path: Path) -> None:
    folder = package(fork, adds=("parrot/x.py",))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    fork.commit("Link")
    before = state(fork)
    assert skills(fork, "apply", *QUICK, "--yes", "--trust", "harm").code in {1, 3}
    assert state(fork) == before


@pytest.mark.parametrize("tracked", [True, False])
def test_a_link_of_the_repository_is_no_way_out(fork: Repo, tmp_path: Path, tracked: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "there.py").write_text("x = 1\n")
    (fork.path / "evil").symlink_to(outside)
    if tracked:
        fork.commit("Link")
    package(fork, adds=("evil/x.py",))
    if not tracked:
        fork.git("rm", "--quiet", "--cached", "evil")
        fork.git("commit", "--quiet", "--amend", "--no-edit")
    before = state(fork)
    ran = skills(fork, "apply", *QUICK, "--yes", "--trust", "harm")
    assert ran.code in {1, 3}, ran.said
    assert state(fork) == before
    skills(fork, "abort", "-q")
    assert state(fork) == before
    assert [path.name for path in outside.iterdir()] == ["there.py"]


def test_an_edit_below_a_link(fork: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "there.py").write_text("x = 1\n")
    (fork.path / "evil").symlink_to(outside)
    fork.commit("Link")
    package(fork, codemod="- ensure: import\n  in: evil/there.py\n  import: import os\n")
    harmless(fork)
    assert (outside / "there.py").read_text() == "x = 1\n"
