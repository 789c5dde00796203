"""Live through a repository's real history with a skill and an owner: `python benchmarks/history.py
GIT_DIR FOLDER`.

Each life begins at a random commit. A later commit that changes Python files below FOLDER is
recorded as a skill and applied, the next such one is committed as the owner's own edits, the fork
follows upstream to a commit that has neither, and the skill is taken off. Then the fork must be
upstream with the owner's edits, line for line, in every life: what was refused must have changed
nothing either. Prints each life that ends otherwise, and how many there were.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

QUICK = ("--no-test", "--no-install")
WHO = {
    f"GIT_{role}_{what}": "me@example.org"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
FARTHEST = 30
"""Commits of upstream at most between the beginning of a life and the change that is recorded."""


@dataclass(frozen=True)
class Life:
    """Four commits: where it begins, where upstream goes, what becomes the skill, and what the
    owner does.
    """

    base: str
    upstream: str
    skill: str
    owner: str

    def __str__(self) -> str:
        base, upstream, skill, owner = (
            commit[:10] for commit in (self.base, self.upstream, self.skill, self.owner)
        )
        return f"{base} to {upstream} with {skill} as the skill, {owner} as edits"


class Fork:
    """A clone in `place` with an upstream beside it, both of which share the objects of
    `source`.
    """

    def __init__(self, source: str, place: Path, base: str) -> None:
        self.core, self.path = place / "core", place / "fork"
        self.environment = {
            **os.environ,
            **WHO,
            "HOME": str(place),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        self.run(
            "git", "clone", "-q", "--shared", "--no-checkout", source, str(self.core), at=place
        )
        self.move_upstream(base)
        self.run("git", "clone", "-q", "--shared", str(self.core), str(self.path), at=place)

    def move_upstream(self, commit: str) -> None:
        self.run("git", "update-ref", "refs/heads/work", commit, at=self.core)
        self.run("git", "symbolic-ref", "HEAD", "refs/heads/work", at=self.core)

    def run(self, *words: str, at: Path | None = None, ok: bool = True) -> str:
        ran = subprocess.run(
            words, cwd=at or self.path, env=self.environment, capture_output=True, check=False
        )
        if ok and ran.returncode:
            raise RuntimeError(f"{' '.join(words[:4])}: {ran.stderr[-300:]!r}")
        return ran.stdout.decode("utf-8", "replace")

    def skills(self, *words: str) -> int:
        """Run a verb; what is no outcome of ours ends the program."""
        command = [sys.executable, "-P", "-m", "skills_engine", *words]
        ran = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode not in range(6) or "Traceback" in ran.stderr:
            raise SystemExit(f"{' '.join(words)} ended with {ran.returncode}: {ran.stderr[-3000:]}")
        if ran.returncode == 3:  # a conflict; nobody is here to solve it
            self.skills("abort")
        return ran.returncode


def lives(source: str, folder: str, seed: int) -> Iterator[Life]:
    def log(*words: str) -> list[str]:
        command = ["git", "--git-dir", source, "log", "--first-parent", "--format=%H", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    everything = log()
    at = {commit: number for number, commit in enumerate(everything)}
    changes = log("--", f"{folder}/*.py")
    chance = random.Random(seed)  # noqa: S311
    while True:
        number = chance.randrange(1, len(changes))
        back = chance.randint(1, FARTHEST)
        base = at[changes[number]] + 1 + back
        if base < len(everything):
            upstream = everything[base - chance.randint(1, back)]
            yield Life(everything[base], upstream, changes[number], changes[number - 1])


def lived(fork: Fork, life: Life, seen: Counter[str]) -> str:
    """What is wrong at the end, or ''. `seen` counts what happened on the way."""
    if fork.skills("init", "--branch", "work"):
        return "it cannot be begun"
    recorded = fork.skills("record", "change", f"{life.skill}^..{life.skill}") == 0
    applied = recorded and fork.skills("apply", "change", "--yes", "--trust", *QUICK) == 0
    seen["applied" if applied else "no place for the skill"] += 1
    if not applied:
        fork.run("git", "clean", "-q", "-f", "-d", ".claude/skills/change")
    edits: Counter[str] = Counter()
    before = fork.run("git", "rev-parse", "HEAD").strip()
    fork.run("git", "cherry-pick", "--no-commit", life.owner, ok=False)
    if fork.run("git", "ls-files", "--unmerged"):
        fork.run("git", "reset", "-q", "--hard")
    else:
        fork.run("git", "commit", "-q", "--allow-empty", "-m", "Mine")
        edits = _lines(fork.run("git", "diff", before, "HEAD"))
        seen["edits"] += 1
    fork.move_upstream(life.upstream)
    if fork.skills("rebase", "--yes", "--trust", *QUICK) == 0:
        seen["rebased"] += 1
        stands_on = life.upstream
    else:
        seen["rebase stopped"] += 1
        stands_on = life.base
    if applied and fork.skills("uninstall", "change", *QUICK):
        seen["uninstall stopped"] += 1
        return ""
    left = _lines(fork.run("git", "diff", stands_on, "HEAD", "--", ".", ":!manifests/core.yaml"))
    wrong = [f"lost {line}" for line in edits - left] + [f"left {line}" for line in left - edits]
    wrong += fork.run("git", "status", "--porcelain").splitlines()
    return "\n  ".join(wrong[:8])


def _lines(diff: str) -> Counter[str]:
    return Counter(
        line
        for line in diff.splitlines()
        if re.match(r"[+-](?!\+\+|--)", line) and line[1:].strip()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("git_dir", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("folder", help="where the package lies in the repository: src/thing")
    parser.add_argument("--lives", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    seen: Counter[str] = Counter()
    wrong = 0
    for number, life in enumerate(lives(args.git_dir, args.folder, args.seed)):
        if number == args.lives:
            break
        with tempfile.TemporaryDirectory() as place:
            try:
                fork = Fork(args.git_dir, Path(place), life.base)
            except RuntimeError as error:
                seen[f"not there ({str(error)[:30]})"] += 1
                continue
            if found := lived(fork, life, seen):
                wrong += 1
                print(f"{life}\n  {found}", flush=True)
    happened = ", ".join(f"{times} {what}" for what, times in sorted(seen.items()))
    print(f"{args.lives} lives, {wrong} ended otherwise; {happened}")


if __name__ == "__main__":
    main()
