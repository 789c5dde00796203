"""The recipes of fixtures/forks: that they are all there, readable, and put through every verb."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from forkkit import Recipe, Workshop, recipes, skills, whole
from forkkit.matrix import ANY_CHANGE, CHANGING, LOOKING, changes, looks
from forkkit.recipe import FIXTURES
from harness import Repo

pytest_plugins = ("forkkit.plugin",)

MANAGED = [recipe for recipe in recipes() if recipe.managed]


def test_the_forks_that_people_have_are_all_there() -> None:
    """The ten of the first list by name; more are welcome."""
    asked = {
        *("untouched", "own-element", "class-renamed", "reformatted", "thirty-behind"),
        *("pulled-by-hand", "squashed", "inside-skill-code", "loose-ends", "conflict"),
    }
    assert asked <= {recipe.name for recipe in recipes()}


@pytest.mark.parametrize("recipe", recipes(), ids=str)
def test_a_recipe_says_what_it_is_and_what_must_come_out(recipe: Recipe) -> None:
    assert recipe.about.endswith(".")
    assert len(recipe.about) > 30
    assert recipe.verbs
    known = {*LOOKING, *CHANGING, ANY_CHANGE.split(maxsplit=1)[0]}
    assert {line.split(maxsplit=1)[0] for line in recipe.verbs} <= known


@pytest.mark.parametrize("recipe", MANAGED, ids=str)
def test_a_fork_is_put_through_every_verb(recipe: Recipe) -> None:
    """`doctor` is below, and in test_verbs_care.py."""
    tried = {line.split(maxsplit=1)[0] for line in [*looks(recipe), *changes(recipe)]}
    assert {*LOOKING, *CHANGING} - {"doctor"} - tried <= {"apply", "uninstall"}


def test_a_newcomer_finds_the_page_that_explains_recipes() -> None:
    page = (FIXTURES / "README.md").read_text(encoding="utf-8")
    for recipe in recipes():
        assert f"`{recipe.name}`" in page


@pytest.mark.parametrize("recipe", MANAGED, ids=str)
def test_a_fork_comes_out_of_its_manifests_on_any_machine(
    workshop: Workshop, tmp_path: Path, recipe: Recipe
) -> None:
    """Law 4: another clone, which has no cached graft, gives the same tree; what HEAD has beyond it
    is the owner's.
    """
    fork = workshop.fork(recipe)
    here = skills(fork, "replay", "--json").document["result"]
    other = Repo(tmp_path / "other")
    url = str(workshop.upstream().path.parent / recipe.name / "upstream")
    fork.git("clone", "--quiet", "--no-hardlinks", str(fork.path), str(other.path))
    other.git("remote", "add", "upstream", url)
    other.git(
        "fetch",
        "--quiet",
        "upstream",
        "+refs/heads/*:refs/remotes/upstream/*",
        "+refs/tags/*:refs/tags/*",
    )
    there = skills(other, "replay", "--json", "--into", str(tmp_path / "graft")).document["result"]
    if "upstream/main" in fork.git("branch", "-r") and recipe.name != "pulled-by-hand":
        assert there["graft"] == here["graft"]
        assert there["edits"] == here["edits"]
    written = {name: file for name, file in whole(tmp_path / "graft").items() if file[1]}
    edited = {edit["path"] for edit in there["edits"]}
    for path, (_, data) in written.items():
        if path not in edited:
            assert (
                subprocess.run(
                    ["git", "show", f"HEAD:{path}"], cwd=other.path, capture_output=True, check=True
                ).stdout
                == data
            )


@pytest.mark.parametrize("recipe", recipes(), ids=str)
def test_the_doctor_finds_every_fork_well(
    workshop: Workshop, tmp_path: Path, recipe: Recipe
) -> None:
    fork = workshop.copy(recipe, tmp_path)
    before = whole(fork.path)
    found = skills(fork, "doctor", "--json")
    wrong = [check for check in found.document["result"]["checks"] if not check["ok"]]
    if recipe.managed:
        assert (found.code, wrong) == (0, [])
    else:
        assert found.code == 1
        assert {check["hint"] for check in wrong} == {"run: skills init"}
    after = whole(fork.path)
    changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)}
    assert {n for n in changed if not n.startswith(".git/skills")} == set()
