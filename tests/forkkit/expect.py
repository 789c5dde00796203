"""What must come out of a verb that changed a fork: what the recipe says, and what holds for every
fork.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from harness import Ran, Repo, State, state

from forkkit.recipe import FIXTURES, Expected, Recipe

__all__ = ["NAMED", "Before", "check", "check_recipe", "installed", "look"]

NAMED: Mapping[str, tuple[str, ...]] = {
    name: tuple(paths)
    for name, paths in yaml.safe_load((FIXTURES / "skills.yaml").read_text("utf-8")).items()
}
"""The files that each skill of upstream names."""


@dataclass(frozen=True)
class Before:
    """A fork before a verb."""

    state: State
    tree: str

    @property
    def head(self) -> str:
        return self.state.head[1]


def look(fork: Repo) -> Before:
    return Before(state(fork), fork.git("rev-parse", "HEAD^{tree}"))


def installed(fork: Repo) -> tuple[str, ...]:
    """The skills whose manifests HEAD has."""
    names = fork.git("ls-tree", "--name-only", "HEAD", "manifests/").split("\n")
    stems = {Path(name).stem for name in names if name}
    return tuple(sorted(stems - {"core", "migrations"}))


def check(
    fork: Repo, recipe: Recipe, expected: Expected, before: Before, ran: Ran, *, may: Iterable[str]
) -> None:
    """Hold a verb that succeeded to its recipe, and to this: what it does not name keeps its bytes."""
    document = ran.document["result"]
    reported = sorted(file["path"] for file in document["files"])
    done = fork.git("diff", "--name-only", "--no-renames", "-z", before.head, "HEAD").split("\0")
    changed = sorted(name for name in done if name)
    assert changed == reported, "what was reported is not what was committed"
    strange = [
        path for path in changed if not path.startswith("manifests/") and path not in set(may)
    ]
    assert strange == [], f"it changed files that it does not name: {strange}"
    after = state(fork)
    others = {
        name: file
        for name, file in after.files.items()
        if name not in changed and not name.endswith("/")
    }
    for name, file in others.items():
        assert before.state.files.get(name) == file, f"{name} is not named, and is not what it was"
    lost = [
        n
        for n in before.state.files
        if n not in after.files and n not in changed and not n.endswith("/")
    ]
    assert lost == []
    assert _dirty(before.state) == _dirty(after), (
        "what is committed, staged and edited was mixed up"
    )
    if expected.changes is not None:
        assert changed == sorted(expected.changes)
    check_recipe(fork, recipe, expected)


def check_recipe(fork: Repo, recipe: Recipe, expected: Expected) -> None:
    """The texts of a recipe, in the working tree."""
    for path, texts in recipe.mine.items():
        text = fork.read(expected.moved.get(path, path))
        for mine in texts:
            assert mine in text, f"the owner's {mine!r} is gone from {path}:\n{text}"
    for path, texts in expected.has.items():
        for wanted in texts:
            assert wanted in fork.read(path), f"{path} does not have {wanted!r}:\n{fork.read(path)}"
    for path, texts in expected.lacks.items():
        for unwanted in texts:
            assert unwanted not in fork.read(path), f"{path} has {unwanted!r}:\n{fork.read(path)}"
    for path, text in expected.equal.items():
        assert fork.read(path) == text
    for path in expected.gone:
        assert not (fork.path / path).exists(), f"{path} is still there"
    if expected.installed is not None:
        assert installed(fork) == tuple(sorted(expected.installed))


def _dirty(found: State) -> list[str]:
    """What `git status` says, line by line."""
    return sorted(found.status.split("\0"))
