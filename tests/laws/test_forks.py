"""The laws, through the command line, on real repositories.

`GRAFTBOT_FORK_EXAMPLES` says how many examples a law gets (5 if unset). One
command in sixteen runs as a process of its own, the others in this one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import forkkit
import harness
import pytest
from forkkit import whole
from harness import Ran, Repo, state
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings

from laws.edits import Files, Impossible, edit, edited
from laws.generate import Skill, Tape, repository, skill, tapes

pytestmark = pytest.mark.law

laws = settings(
    max_examples=int(os.environ.get("GRAFTBOT_FORK_EXAMPLES", "5")),
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TAPE = 260
QUICK = ("--no-test", "--no-install", "--json")


@dataclass
class World:
    """An upstream, a fork of it, skills, and the choices that are still to be made."""

    tape: Tape
    upstream: Repo
    fork: Repo
    skills: list[Skill]

    def run(self, *args: str, on: Repo | None = None) -> Ran:
        program = harness.skills if self.tape.number(0, 15) == 15 else forkkit.skills
        ran = program(on or self.fork, *args)
        note(f"skills {' '.join(args)}: {ran.code} {ran.err.strip()}")
        return ran

    def applied(self, *names: str, on: Repo | None = None) -> None:
        """Apply; an example where that stops at a conflict with the owner's edits says nothing."""
        ran = self.run("apply", *names, *QUICK, on=on)
        assert ran.code in {0, 3}, ran.said
        assume(ran.code == 0)

    def edit(self, files: Files, mark: str, most: int = 2) -> Callable[[Files], Files]:
        """Edits of these files, as a function."""
        made = []
        for n in range(self.tape.number(0, most)):
            try:
                one = edit(self.tape, files, f"{mark}{n}")
                files = edited(files, one)
            except Impossible:
                continue
            note(f"{mark}: {one[0]}")
            made.append(one)
        return lambda of: edited(of, *made)

    def elsewhere(self) -> Repo:
        """A clone of the fork, as on another machine."""
        other = clone(self.fork, self.fork.path.parent / "other")
        other.git("remote", "set-url", "upstream", str(self.upstream.path))
        other.git("fetch", "--quiet", "upstream")
        return other

    def live(self, mark: str = "mine", most: int = 2) -> None:
        """An owner's edits, committed."""
        change(self.fork, self.edit(files(self.fork), mark, most))
        self.fork.commit("Mine")


def files(repo: Repo) -> dict[str, bytes]:
    """What is in the working tree."""
    found = whole(repo.path).items()
    return {
        path: data
        for path, (mode, data) in found
        if not path.startswith(".git/") and mode & 0o100000
    }


def change(repo: Repo, how: Callable[[Files], Files]) -> None:
    """Edit the working tree."""
    before = files(repo)
    after = how(before)
    gone: Mapping[str, None] = dict.fromkeys(before.keys() - after.keys())
    repo.write({**gone, **{path: data for path, data in after.items() if before.get(path) != data}})


def clone(upstream: Repo, path: Path) -> Repo:
    upstream.git("clone", "--quiet", "--origin", "upstream", str(upstream.path), str(path))
    return Repo(path).known()


@contextmanager
def world(tape: Tape, *marks: str) -> Iterator[World]:
    """A fork under management, in a directory of its own."""
    where = repository(tape)
    skills = [skill(tape, where, mark, most=2) for mark in marks]
    for each in skills:
        note(f"{each.name}: {each.entries}")
    with tempfile.TemporaryDirectory(prefix="laws-") as folder:
        upstream = Repo.init(Path(folder, "upstream"))
        upstream.git("config", "core.autocrlf", "false")
        contents = dict(where.files)
        for each in skills:
            contents |= each.files
        upstream.commit("Version 0.1.0", contents)
        made = World(tape, upstream, clone(upstream, Path(folder, "fork")), skills)
        ran = made.run("init", "--json")
        assert ran.code == 0, ran.said
        yield made


def kept(repo: Repo) -> dict[str, tuple[int, bytes]]:
    """All bytes but the lock's file and what a fetch notes."""
    found = whole(repo.path).items()
    noise = {".git", ".git/FETCH_HEAD"}
    return {
        path: file
        for path, file in found
        if path not in noise and not path.startswith(".git/skills")
    }


@laws
@given(tapes(TAPE))
def test_1_apply_and_uninstall(tape: Tape) -> None:
    """Further edits are committed, or not: then the fork may also refuse, and stays as it is."""
    with world(tape, "Alpha") as w:
        w.live()
        before = files(w.fork)
        w.applied(w.skills[0].name)
        later = w.edit(before, "later")
        try:
            wanted = later(before)
            change(w.fork, later)
        except Impossible:
            assume(False)
        committed = bool(tape.number(0, 1))
        if committed:
            w.fork.commit("Later")
        there = state(w.fork)
        ran = w.run("uninstall", w.skills[0].name, *QUICK)
        event(f"uninstall: {ran.code}")
        if ran.code:
            assert ran.code == 3 or not committed, ran.said
            assert state(w.fork) == there, state(w.fork).differences(there)
            return
        assert files(w.fork) == wanted
        if committed:
            assert w.fork.git("status", "--porcelain") == ""


@laws
@given(tapes(TAPE))
def test_2_what_is_so_already_stays(tape: Tape) -> None:
    with world(tape, "Alpha") as w:
        w.live()
        w.applied(w.skills[0].name)
        before = kept(w.fork)
        assert w.run("apply", w.skills[0].name, *QUICK).code == 0
        assert kept(w.fork) == before
        assert w.run("rebase", *QUICK).code == 0
        assert kept(w.fork) == before


@laws
@given(tapes(TAPE))
def test_3_any_order(tape: Tape) -> None:
    with world(tape, "Alpha", "Beta") as w:
        w.live(most=1)
        other = w.elsewhere()
        names = [each.name for each in w.skills]
        for name in names:
            w.applied(name)
        for name in reversed(names):
            w.applied(name, on=other)
        assert w.fork.tree() == other.tree()


@laws
@given(tapes(TAPE))
def test_4_replay(tape: Tape) -> None:
    """What the manifests give, and the diff of the owner's edits on top by git itself, is HEAD."""
    with world(tape, "Alpha", "Beta") as w:
        w.live()
        w.applied(*(each.name for each in w.skills))
        other = w.elsewhere()
        into = w.fork.path.parent / "graft"
        assert w.run("replay", "--into", str(into), "--json", on=other).code == 0
        ran = w.run("diff", "--json")
        assert ran.code == 0, ran.said
        graft = Repo.init(into)
        graft.commit("G")
        diff = ran.document["result"]["diff"]
        if diff:
            graft.git("apply", "--index", "--whitespace=nowarn", "-", stdin=diff.encode())
        assert graft.git("write-tree") == w.fork.git("rev-parse", "HEAD^{tree}")


@laws
@given(tapes(TAPE))
def test_5_what_stops_leaves_everything(tape: Tape) -> None:
    """Upstream and the owner move; what is not done leaves the fork as it was, and abort brings
    back even the rest.
    """
    with world(tape, "Alpha") as w:
        w.applied(w.skills[0].name)
        w.live()
        change(w.upstream, w.edit(files(w.upstream), "upstream", 3))
        w.upstream.commit("Version 0.1.1")
        try:
            change(w.fork, w.edit(files(w.fork), "draft", 1))
        except Impossible:
            assume(False)
        w.fork.write({"notes.txt": "not tracked\n"})
        before = state(w.fork)
        ran = w.run("rebase", *QUICK)
        event(f"rebase: {ran.code}")
        assert ran.code in {0, 1, 3}, ran.said
        if ran.code == 0:
            assert w.run("undo", *QUICK).code in {0, 1}
            return
        assert state(w.fork) == before, state(w.fork).differences(before)
        if ran.code == 3:
            assert w.run("abort", "--json").code == 0
            assert state(w.fork) == before, state(w.fork).differences(before)
        assert w.run("doctor", "--json").code == 0


@laws
@given(tapes(TAPE))
def test_6_a_dry_run_writes_nothing_and_is_right(tape: Tape) -> None:
    with world(tape, "Alpha") as w:
        w.live()
        name, plan = w.skills[0].name, w.fork.path.parent / "plan.json"
        before = whole(w.fork.path)
        shown = w.run("apply", name, "--dry-run", *QUICK)
        assert w.run("plan", name, "-o", str(plan), "--json").code in {0, 3}
        assert whole(w.fork.path) == before
        assert shown.code in {0, 3}, shown.said
        assume(shown.code == 0)
        told = shown.document["result"]
        assume(not told["conflicts"])
        head = w.fork.head
        done = w.run("apply", str(plan), *QUICK)
        assert done.code == 0, done.said
        report = done.document["result"]
        assert {key: told[key] for key in ("title", "skills", "files")} == {
            key: report[key] for key in ("title", "skills", "files")
        }
        named = w.fork.git("diff", "--name-only", "-z", "--no-renames", head, "HEAD").split("\0")
        assert sorted(each["path"] for each in told["files"]) == sorted(filter(None, named))


@laws
@given(tapes(TAPE))
def test_7_other_files_stay(tape: Tape) -> None:
    """Committed, edited or untracked: what no skill names keeps its bytes and its mode."""
    with world(tape, "Alpha") as w:
        w.live()
        w.fork.write({"notes.txt": "not tracked\r\n", "app/draft.py": "\tnot python"})
        before = state(w.fork).files
        w.applied(w.skills[0].name)
        after = state(w.fork).files
        moved = {"app/helpers.py"} if "app/tools.py" in w.skills[0].touched else set()
        may = w.skills[0].touched | moved | {f"manifests/{w.skills[0].name}.yaml"}
        for path in before.keys() | after.keys():
            if path not in may and not path.endswith("/"):
                assert after.get(path) == before.get(path), path
