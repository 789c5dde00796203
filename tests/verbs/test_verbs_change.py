"""Verbs that change a fork, on every fork: what the recipe says, and the laws of the design."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from forkkit import Expected, Recipe, Workshop, recipes, skills, whole
from forkkit.expect import NAMED, Before, check, check_recipe, installed, look
from forkkit.matrix import changes, expected
from forkkit.steps import perform, verb
from harness import Ran, Repo, state

pytest_plugins = ("forkkit.plugin",)

CASES = [
    pytest.param(r, line, id=f"{r}: {line}")
    for r in recipes()
    for line in dict.fromkeys(changes(r))
]


@pytest.mark.parametrize(("recipe", "line"), CASES)
def test_changing(workshop: Workshop, tmp_path: Path, recipe: Recipe, line: str) -> None:
    fork = workshop.copy(recipe, tmp_path)
    wanted, before = expected(recipe, line), look(fork)
    foretold = _dry_run(fork, line)
    ran = skills(fork, *verb(fork, line), "--json")
    assert ran.code == wanted.exit, ran.said
    for text in wanted.says:
        assert text in _text(ran), ran.said
    if ran.code == 0 and line != "abort":
        _published(fork, recipe, line, wanted, before, ran, foretold)
    else:
        assert state(fork) == before.state, state(fork).differences(before.state)
    if ran.code == 3:
        _stopped(fork, recipe, line, wanted, before)


def _published(
    fork: Repo,
    recipe: Recipe,
    line: str,
    wanted: Expected,
    before: Before,
    ran: Ran,
    foretold: Ran | None,
) -> None:
    may = _may_change(fork, recipe, ran, before)
    check(fork, recipe, wanted, before, ran, may=may)
    if foretold is not None and foretold.code == 0:
        told, done = foretold.document["result"], ran.document["result"]
        for key in ("title", "skills", "files", "merged", "conflicts", "base"):
            assert told[key] == done[key], f"the dry run showed another {key}"
    word = line.split(maxsplit=1)[0]
    if word == "undo":
        return
    again = whole(fork.path)
    assert skills(fork, *verb(fork, line), "--json").code in {0, 1}
    assert _kept(whole(fork.path)) == _kept(again), "a second time, it changed something"
    if fork.head != before.head:
        standing = skills(fork, "status", "--json").document["result"]
        assert not standing["pulled"], (
            "what the fork stands on is not what manifests/core.yaml says"
        )
    if wanted.then:
        perform(fork, wanted.then)
        check_recipe(fork, recipe, wanted.finally_ or Expected())
        return
    if fork.head == before.head or word == "init":
        return
    after = look(fork)
    if word == "apply":
        came = [skill["name"] for skill in ran.document["result"]["skills"]]
        off = skills(fork, "uninstall", *came, "--no-test", "--no-install", "--json")
        assert off.code == 0, off.said
        if not _pulled(recipe) and recipe.managed:
            assert fork.git("rev-parse", "HEAD^{tree}") == before.tree
            assert state(fork).files == before.state.files
            assert state(fork).index == before.state.index
        undone = skills(fork, "undo", "--no-test", "--no-install", "--json")
        assert undone.code == 0, undone.said
        assert fork.git("rev-parse", "HEAD^{tree}") == after.tree
        return
    undone = skills(fork, "undo", "--no-test", "--no-install", "--json")
    assert undone.code == 0, undone.said
    if not _pulled(recipe) or word == "rebase":
        assert fork.git("rev-parse", "HEAD^{tree}") == before.tree
        assert state(fork).files == before.state.files


def _stopped(fork: Repo, recipe: Recipe, line: str, wanted: Expected, before: Before) -> None:
    """Stopped at a conflict: nothing of the owner's changed, and the way out leads back or on."""
    assert skills(fork, "status", "--json").document["result"]["pending"]
    assert skills(fork, *verb(fork, "apply add-metrics")).code == 1
    if wanted.then:
        perform(fork, wanted.then)
        check_recipe(fork, recipe, wanted.finally_ or Expected())
        return
    assert skills(fork, "abort").code == 0
    assert state(fork) == before.state
    assert fork.git("worktree", "list").count("\n") == 0
    assert skills(fork, "abort").code == 1


def _dry_run(fork: Repo, line: str) -> Ran | None:
    """What `--dry-run` shows; every byte stays, `.git` included."""
    if line.split(maxsplit=1)[0] not in {"init", "apply", "uninstall", "upgrade", "rebase", "undo"}:
        return None
    bytes_before = whole(fork.path)
    foretold = skills(fork, *shlex.split(line), "--dry-run", "--json")
    bytes_after = whole(fork.path)
    differ = {
        n
        for n in bytes_before.keys() | bytes_after.keys()
        if bytes_before.get(n) != bytes_after.get(n)
    }
    assert differ == set(), f"the dry run wrote {sorted(differ)}"
    return foretold


def _text(ran: Ran) -> str:
    """Everything that was said, with JSON's escapes undone."""
    return ran.said + str(ran.document)


def _kept(found: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    """What a verb that did nothing must leave: all but the lock's file and what a fetch notes."""
    return {
        name: file
        for name, file in found.items()
        if not name.startswith(".git/skills") and name not in {".git/FETCH_HEAD", ".git"}
    }


def _pulled(recipe: Recipe) -> bool:
    """The first operation after a pull by hand also writes down what the fork stands on."""
    return recipe.name == "pulled-by-hand"


def _may_change(fork: Repo, recipe: Recipe, ran: Ran, before: Before) -> set[str]:
    """The files that the skills of an operation name, and what upstream changed between two bases."""
    result = ran.document["result"]
    names = (
        {skill["name"] for skill in result["skills"]} | set(installed(fork)) | set(recipe.installed)
    )
    may = {path for name in names for path in NAMED.get(name, ())}
    for name in names:
        may |= set(
            fork.git("ls-tree", "-r", "--name-only", "HEAD", f".claude/skills/{name}").splitlines()
        )
    old = fork.git("show", f"{before.head}:manifests/core.yaml", ok=(0, 128))
    base = next(
        (line.removeprefix("base: ").strip('"') for line in old.splitlines() if "base:" in line),
        None,
    )
    if base and result["base"] != base:
        may |= set(
            fork.git("diff", "--name-only", "--no-renames", base, result["base"]).splitlines()
        )
    for skill in result["skills"]:
        may |= {line.partition("/")[0] for line in skill["operations"] if line.startswith("add ")}
    if recipe.name == "file-moved-by-owner":
        may.add("bot/config/settings.py")
    if recipe.name == "own-skill":
        may.add("bot/commands.py")
    if recipe.name == "file-renamed" or result["verb"] in {"rebase", "undo"}:
        may.add("bot/assistant.py")
    return may
