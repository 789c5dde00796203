"""The skills of this repository in whatever order: the same bytes, and off again without a trace.

    python benchmarks/orders.py [--pairs] [--orders 20] [--seed 1] [--state FILE] [--most N]

Each skill with code is applied to a fork by the command line as people run it, without its tests
(`skills test --pairs` runs them).

    pair     one after another: the same bytes whichever came first; the second off again leaves
             what was there before it
    order    all of them, one at a time, in a random order: the same bytes as in any other; off
             again one at a time in another random order, what needs another before it: what is
             left is the fork as it was

With `--state` it goes on where it was ended; `--most` ends it after so many cases.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/skills"))

from forks import ROOT, SKILLS, package

QUIETLY = ("--no-test", "--no-install", "--yes", "--quiet")


def needs(name: str) -> set[str]:
    """A skill and all that it needs."""
    manifest = package(name).manifest
    before = [one for one, _ in manifest.depends] if manifest else []
    return {name, *(needed for one in before for needed in needs(one))}


def with_code() -> list[str]:
    names = sorted(path.name for path in SKILLS.iterdir() if (path / "SKILL.md").exists())
    return [name for name in names if (it := package(name).manifest) and it.adds]


class Fork:
    """A fork of this repository as it is committed."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "fork"
        up = folder / "up"
        _run("git", "clone", "-q", str(ROOT), str(up))
        _run("git", "-C", str(up), "checkout", "-q", "-B", "main")
        _run("git", "clone", "-q", str(up), str(self.place))
        for key, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
            _run("git", "-C", str(self.place), "config", key, value)
        self.skills("init")
        core = self.place / "manifests/core.yaml"  # the same in every run, wherever that is
        core.write_text(core.read_text("utf-8").replace(str(up), "/upstream"), "utf-8")
        _run("git", "-C", str(self.place), "commit", "-qam", "Upstream is elsewhere")
        self.start = self.tree

    @property
    def tree(self) -> str:
        return _run("git", "-C", str(self.place), "rev-parse", "HEAD^{tree}")

    def skills(self, verb: str, *names: str) -> None:
        program = Path(sys.executable).with_name("skills")
        options = QUIETLY if names else ()
        _run(str(program), verb, *names, *options, "-C", str(self.place))

    def back(self) -> None:
        """As it was at the beginning, whatever has happened."""
        _run("git", "-C", str(self.place), "reset", "-q", "--hard", "HEAD")
        manifests = self.place / "manifests"
        if left := [name for name in with_code() if (manifests / f"{name}.yaml").exists()]:
            self.skills("uninstall", *left)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


@dataclass
class Tried:
    """What came of each case, kept in a file from one run to the next."""

    state: Path | None
    trees: dict[str, str] = field(default_factory=dict)
    """Of a set of skills: the bytes that it gave first."""
    done: dict[str, str] = field(default_factory=dict)
    """Of a case: what was wrong, or nothing."""

    def read(self) -> None:
        if self.state is None or not self.state.exists():
            return
        for line in self.state.read_text("utf-8").splitlines():
            found = json.loads(line)
            self.done[found["case"]] = found["wrong"]
            self.trees.setdefault(found["set"], found["tree"])

    def note(self, case: str, skills: set[str], tree: str, wrong: str) -> None:
        key = " ".join(sorted(skills))
        if self.trees.setdefault(key, tree) != tree:
            wrong = wrong or "other bytes than in another order"
        self.done[case] = wrong
        if wrong:
            print(f"wrong: {case}: {wrong}", flush=True)
        if self.state is not None:
            line = {"case": case, "set": key, "tree": tree, "wrong": wrong}
            with self.state.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def pairs(fork: Fork, tried: Tried, names: list[str], most: int) -> None:
    """Each skill after each other one, where neither brings the other along."""
    for first in names:
        seconds = [one for one in names if one not in needs(first) and first not in needs(one)]
        left = [one for one in seconds if f"{first}, {one}" not in tried.done]
        if not left or len(tried.done) >= most:
            continue
        fork.back()
        fork.skills("apply", first)
        before = fork.tree
        for second in left[: most - len(tried.done)]:
            case, tree, wrong = f"{first}, {second}", "", ""
            try:
                fork.skills("apply", second)
                tree = fork.tree
                fork.skills("uninstall", *sorted(needs(second) - needs(first)))
                wrong = "" if fork.tree == before else "off again, it leaves a trace"
            except RuntimeError as error:
                wrong = str(error)
            tried.note(case, needs(first) | needs(second), tree, wrong)
            if wrong:
                fork.back()
                fork.skills("apply", first)


def orders(fork: Fork, tried: Tried, names: list[str], numbers: range, most: int) -> None:
    """All of them, in a random order on and in another off."""
    for number in numbers:
        if (case := f"order {number}") in tried.done or len(tried.done) >= most:
            continue
        fork.back()
        chance, tree, wrong = random.Random(number), "", ""  # noqa: S311  # no secret
        on, off = chance.sample(names, len(names)), chance.sample(names, len(names))
        try:
            there: set[str] = set()
            for name in on:
                if name not in there:
                    fork.skills("apply", name)
                    there |= needs(name)
            tree = fork.tree
            while off:
                name = next(
                    one for one in off if not any(one in needs(other) - {other} for other in off)
                )
                off.remove(name)
                fork.skills("uninstall", name)
            wrong = "" if fork.tree == fork.start else "off again, they leave a trace"
        except RuntimeError as error:
            wrong = str(error)
        tried.note(case, set(names), tree, wrong)


def main() -> int:
    """Says what was wrong, and how many were tried."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--orders", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--most", type=int, default=1_000_000)
    asked = parser.parse_args()
    names, tried, began = with_code(), Tried(asked.state), time.perf_counter()
    tried.read()
    with tempfile.TemporaryDirectory() as folder:
        fork = Fork(Path(folder))
        numbers = range(asked.seed, asked.seed + asked.orders)
        orders(fork, tried, names, numbers, asked.most)
        if asked.pairs:
            pairs(fork, tried, names, asked.most)
    kinds = [case.startswith("order ") for case in tried.done]
    wrong = sum(1 for one in tried.done.values() if one)
    print(
        f"{len(names)} skills: {sum(kinds)} orders, {len(kinds) - sum(kinds)} ordered pairs, "
        f"{wrong} wrong; {time.perf_counter() - began:.0f} s this time"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
