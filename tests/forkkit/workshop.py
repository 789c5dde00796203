"""Where forks are made: each once in a session, and copied for each test that changes it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness import Repo

from forkkit.program import surroundings
from forkkit.recipe import FIXTURES, Recipe, upstream_versions
from forkkit.steps import perform
from forkkit.whole import whole

__all__ = ["Workshop"]


@dataclass
class Workshop:
    """A folder in which upstream and forks are made when they are first asked for."""

    folder: Path
    _made: dict[str, Repo] = field(default_factory=dict)
    _bytes: dict[str, dict[str, tuple[int, bytes]]] = field(default_factory=dict)

    def upstream(self) -> Repo:
        """Upstream with a tag for each of its versions, at the first."""
        if "" not in self._made:
            path = self.folder / "versions"
            shutil.copytree(FIXTURES / "upstream", path)
            repo = Repo.init(path)
            repo.commit("Version 0.1.0")
            repo.git("tag", "v1")
            for number, (title, steps) in enumerate(upstream_versions(), 2):
                perform(repo, steps)
                repo.commit(title)
                repo.git("tag", f"v{number}")
            repo.git("repack", "-a", "-d", "--quiet")
            self._made[""] = repo
        return self._made[""]

    def fork(self, recipe: Recipe) -> Repo:
        """The fork itself. Only for verbs that write nothing; `untouched` says whether they kept to
        it.
        """
        if recipe.name not in self._made:
            place = self.folder / recipe.name
            there = Repo(place / "upstream")
            shutil.copytree(self.upstream().path, there.path)
            there.git("reset", "--quiet", "--hard", recipe.at)
            fork = (
                _clone(there, place / "fork") if recipe.history else _archive(there, place / "fork")
            )
            with surroundings(place / "home"):
                perform(fork, recipe.steps)
            self._made[recipe.name] = fork
        return self._made[recipe.name]

    def before(self, recipe: Recipe) -> dict[str, tuple[int, bytes]]:
        """Every byte of the fork as it was made."""
        if recipe.name not in self._bytes:
            self._bytes[recipe.name] = whole(self.fork(recipe).path)
        return self._bytes[recipe.name]

    def copy(self, recipe: Recipe, place: Path) -> Repo:
        """The fork again, with a home of its own, for a test to do with as it likes."""
        made = self.fork(recipe).path.parent
        subprocess.run(
            ["cp", "-a", *(str(made / name) for name in ("fork", "home")), str(place)], check=True
        )
        fork = Repo(place / "fork")
        fork.git("update-index", "-q", "--refresh", ok=(0, 1))
        return fork


def _clone(there: Repo, path: Path) -> Repo:
    there.git("clone", "--quiet", "--no-tags", "--origin", "upstream", str(there.path), str(path))
    return Repo(path).known()


def _archive(there: Repo, path: Path) -> Repo:
    """Upstream's files without its history, as a download has them."""
    fork = Repo.init(path)
    there.git("archive", "--output", str(path.parent / "archive.tar"), "HEAD")
    subprocess.run(
        ["tar", "--no-same-permissions", "-xf", str(path.parent / "archive.tar"), "-C", str(path)],
        check=True,
    )
    fork.commit("Minibot, as downloaded")
    fork.git("remote", "add", "upstream", str(there.path))
    return fork
