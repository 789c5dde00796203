"""Two at once: at one step of a verb somebody else does something whole, then the verb goes on.

It must be as if one had come after the other, or as if one had not come at all, and then its exit
code says so: nothing of the owner's is lost, and nothing is half there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Repo, environment, state
from harness.cli import QUICK

from killpoints.points import Bench, Point, Verdict, damage, leftovers
from killpoints.scenarios import Scenario
from killpoints.tracer import trace

__all__ = ["OTHERS", "Pairs"]

MINE = b"\n# mine, meanwhile\n"
COMMITTED = "run.sh"
"""A file of the owner's that no verb changes, and a plain commit does."""
_VERBS = {
    "apply": ("apply", *QUICK, "add-dice"),
    "uninstall": ("uninstall", *QUICK, "add-clock"),
    "upgrade": ("apply", *QUICK, "add-clock"),
    "rebase": ("uninstall", *QUICK, "add-clock"),
    "undo": ("apply", *QUICK, "add-clock"),
    "redo": ("apply", *QUICK, "add-clock"),
    "restore": ("uninstall", *QUICK, "add-clock"),
    "continue": ("abort", "-q"),
    "conflict": ("uninstall", *QUICK, "add-clock"),
}
"""What is run beside the verb of each scenario."""
Look = tuple[dict[str, str], tuple[str, ...], dict[str, tuple[int, bytes]]]


class Pairs(Bench):
    """A scenario, and what others do at each of its steps."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        super().__init__(scenario, folder)
        self._known: dict[str, list[tuple[bool, bool, Look]]] = {}
        both = self.before.files.keys() & self.after.files.keys()
        changed = [path for path in both if self.before.files[path] != self.after.files[path]]
        self.shared = min((path for path in changed if path.endswith(".py")), default="")
        """A file that the verb changes."""

    def pairs(self) -> Iterator[Point]:
        for number in range(len(self.steps)):
            for name in OTHERS:
                if self.shared or name not in {"edit", "append"}:
                    yield Point(self.scenario.name, number, name)

    def judge(self, point: Point) -> Verdict:
        fork = self._copy(str(point))
        said = self.folder / f"said-{os.getpid()}"
        codes: list[int] = []
        traced = trace(
            self._program(fork, *self.scenario.command, said=said),
            fork.path,
            pause_at=point.step,
            meanwhile=lambda: codes.append(OTHERS[point.how](self, fork)),
        )
        if not codes:  # it came to fewer steps than the first time
            shutil.rmtree(fork.path)
            return Verdict(point, "before", "(past the end)")
        why = self._wrong(fork, point, traced.code, codes[0], said.read_text(encoding="utf-8"))
        if not why:
            shutil.rmtree(fork.path)
        ended = "after" if traced.code == self.scenario.code else "before"
        return Verdict(point, "neither" if why else ended, str(traced.steps[point.step]), why)

    def _wrong(self, fork: Repo, point: Point, code: int, other: int, said: str) -> str:
        """What must not be, or nothing."""
        did = code == self.scenario.code
        if "Traceback" in said or not (did or code in {1, 5}):
            return f"it ended with {code}: {said}"
        told = f"they ended with {code} and {other} ({said.strip()})"
        wanted = [
            look
            for one, two, look in self._references(point.how)
            if (one, two) == (did, other == 0)
        ]
        if not wanted:
            return told
        found = _look(fork)
        if found not in wanted:
            parts = zip(("HEAD", "index"), found[:2], wanted[0][:2], strict=True)
            names = [name for name, one, two in parts if one != two]
            files = wanted[0][2]
            names += [p for p in found[2].keys() | files if found[2].get(p) != files.get(p)]
            return f"{told}, and these are others: {', '.join(sorted(names))}"
        pending = (fork.git_dir / "skills/pending.json").exists()
        if left := [*leftovers(fork, pending=pending)]:
            return f"left over: {', '.join(left)}"
        doctored, text = self._run(fork, "doctor", "--json")
        if doctored != (1 if pending else 0) or json.loads(text)["result"]["recovered"]:
            return f"doctor ended with {doctored}: {text}"
        return damage(fork)

    def _references(self, name: str) -> list[tuple[bool, bool, Look]]:
        """How a fork is after the first alone, the second alone, and both in either order."""
        if name not in self._known:
            mine = f"{name}-{os.getpid()}"  # other processes have theirs
            forks = [self._copy(f"{mine}-{order}") for order in ("alone", "after", "before")]
            alone, after, before = forks
            assert self._run(after, *self.scenario.command)[0] == self.scenario.code
            codes = [OTHERS[name](self, fork) == 0 for fork in forks]
            did = self._run(before, *self.scenario.command)[0] == self.scenario.code
            first = self._copy(f"{mine}-first")
            known = [(False, codes[0], _look(alone)), (True, codes[1], _look(after))]
            known.append((did, codes[2], _look(before)))
            assert self._run(first, *self.scenario.command)[0] == self.scenario.code
            for fork, done in ((self._copy(f"{mine}-none"), False), (first, True)):
                if name in _TRACES:  # what did not succeed has left this
                    _TRACES[name](self, fork)
                known.append((done, False, _look(fork)))
            self._known[name] = known
        return self._known[name]

    def verb(self, fork: Repo, *words: str) -> int:
        return self._run(fork, *words)[0]

    def git(self, fork: Repo, *words: str) -> int:
        env = environment(self.folder / "home")
        return subprocess.run(
            ["git", *words], cwd=fork.path, env=env, capture_output=True, check=False
        ).returncode


def _look(fork: Repo) -> Look:
    """What counts of a fork; not the ids of commits, which tell in which order they were made."""
    found = state(fork)
    return fork.tree(), found.index, found.files


def _edit(bench: Pairs, fork: Repo) -> int:
    """A file that the verb changes is edited, as editors do it: a new file takes its place."""
    path = fork.path / bench.shared
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(path.read_bytes() + MINE)
    fresh.chmod(path.stat().st_mode)
    fresh.replace(path)
    return 0


def _append(bench: Pairs, fork: Repo) -> int:
    """The same, within the file."""
    with (fork.path / bench.shared).open("ab") as file:
        file.write(MINE)
    return 0


def _touch(bench: Pairs, fork: Repo) -> None:
    with (fork.path / COMMITTED).open("ab") as file:
        file.write(MINE)


def _commit(bench: Pairs, fork: Repo) -> int:
    """A plain commit of another file; git refuses while the index is locked."""
    _touch(bench, fork)
    return bench.git(fork, "commit", "-q", "-m", "Mine", "--", COMMITTED)


OTHERS: dict[str, Callable[[Pairs, Repo], int]] = {
    "edit": _edit,
    "append": _append,
    "commit": _commit,
    "verb": lambda bench, fork: bench.verb(fork, *_VERBS[bench.scenario.name]),
    "doctor": lambda bench, fork: bench.verb(fork, "doctor", "-q"),
}
_TRACES: dict[str, Callable[[Pairs, Repo], None]] = {"commit": _touch}
