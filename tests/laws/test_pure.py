"""The laws, on what the engine computes: every verb up to the moment of publication, in memory.

`GRAFTBOT_LAW_EXAMPLES` says how many examples a law gets (50 if unset). In CI
they are the same in every run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings

from laws.edits import Edit, Files, Impossible, edit, edited
from laws.generate import PACKAGES, Repository, Skill, Tape, repository, skill, tapes
from laws.memory import Memory
from laws.patch import patched
from laws.verbs import Line
from skills_engine.errors import CannotEnsure, Refused
from skills_engine.graft.fold import SkillRefused, fold
from skills_engine.graft.fork import Fork
from skills_engine.graft.operation import Computed, publish_computed
from skills_engine.manifest import read_core, read_pins
from skills_engine.types import Outcome, result
from skills_engine.verbs.describe import describe, diff_of

pytestmark = pytest.mark.law

laws = settings(
    max_examples=int(os.environ.get("GRAFTBOT_LAW_EXAMPLES", "50")),
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
        Phase.shrink,
    ],  # to explain takes longer than to understand
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TAPE = 260


def scene(tape: Tape, *marks: str) -> tuple[Repository, list[Skill], Line]:
    """A fork without skills, and skills for it."""
    where = repository(tape)
    skills = [skill(tape, where, mark, most=2) for mark in marks]
    files = dict(where.files)
    for each in skills:
        files |= each.files
        note(f"{each.name}: {each.entries}")
    return where, skills, Line(files)


def edits(tape: Tape, files: Files, mark: str, most: int = 2) -> tuple[list[Edit], Files]:
    """What an owner does to the files, and what they are then."""
    made = []
    for n in range(tape.number(0, most)):
        try:
            one = edit(tape, files, f"{mark}{n}")
            files = edited(files, one)
        except Impossible:
            continue
        note(f"{mark}: {one[0]}")
        made.append(one)
    return made, files


def lived_in(tape: Tape, line: Line, most: int = 2) -> None:
    made, files = edits(tape, line.files, "mine", most)
    if made:
        line.edit(files)


def code(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        path: data for path, data in files.items() if not path.startswith(("manifests/", PACKAGES))
    }


def clean(computed: Computed) -> Computed:
    """What was computed, where it may be published."""
    if not computed.clean:
        event("stopped at a conflict")
        note(f"{computed.merge.conflicts} {computed.findings}")
    assume(computed.clean)
    return computed


# --- 1: apply, then uninstall, gives back the tree, whatever else the owner edited


@laws
@given(tapes(TAPE))
def test_1_uninstalled_at_once(tape: Tape) -> None:
    _, (one,), line = scene(tape, "Alpha")
    lived_in(tape, line, 3)
    before = line.files
    line.take(clean(line.apply(one.name)))
    back = line.uninstall(one.name)
    assert back.clean, (back.merge.conflicts, back.findings)
    assert line.git.files(back.tree) == before


def test_1_uninstalled_after_more_edits() -> None:
    """It gives back the owner's tree, or (rarely) stops at a conflict; never anything else."""
    ends: Counter[bool] = Counter()

    @laws
    @given(tapes(TAPE))
    def law(tape: Tape) -> None:
        _, (one,), line = scene(tape, "Alpha")
        lived_in(tape, line)
        before = line.files
        line.take(clean(line.apply(one.name)))
        made, wanted = edits(tape, before, "later")
        try:
            line.edit(edited(line.files, *made))
        except Impossible:
            assume(False)
        back = line.uninstall(one.name)
        ends[back.clean] += 1
        assert line.git.files(clean(back).tree) == wanted

    law()
    assert ends[False] < 0.02 * ends.total(), (
        f"{ends[False]} of {ends.total()} stopped at a conflict"
    )


@laws
@given(tapes(TAPE))
def test_1_uninstalled_beside_others(tape: Tape) -> None:
    """The other skill was applied before or after, and stays as if it had been alone."""
    _, (one, other), line = scene(tape, "Alpha", "Beta")
    first = tape.number(0, 1)
    lived_in(tape, line, 1)
    alone = clean(line.apply(other.name))
    for each in (one, other) if first else (other, one):
        line.take(clean(line.apply(each.name)))
    back = clean(line.uninstall(one.name))
    assert line.git.files(back.tree) == line.git.files(alone.tree)


# --- 2: what is so already stays


@laws
@given(tapes(TAPE))
def test_2_applied_twice(tape: Tape) -> None:
    _, (one,), line = scene(tape, "Alpha")
    lived_in(tape, line, 1)
    line.take(clean(line.apply(one.name)))
    fork = line.fork
    again = line.apply(one.name)
    assert again.changes_nothing
    twice = result(fold(fork.git, fork.goal, fork.applicable, cached=False, twice=True))
    assert twice.tree == again.wanted.tree
    assert {change.outcome for _, done in twice.changes[1:] for change in done} <= {Outcome.ALREADY}


@laws
@given(tapes(TAPE))
def test_2_rebased_onto_what_is_the_same(tape: Tape) -> None:
    """The same base changes nothing; another commit with the same files, only which base is
    recorded.
    """
    where, (one,), line = scene(tape, "Alpha")
    lived_in(tape, line, 1)
    line.take(clean(line.apply(one.name)))
    before = line.files
    assert line.rebase(line.base).changes_nothing
    moved = line.rebase(line.upstream({**where.files, **one.files}))
    assert moved.clean
    after = line.git.files(moved.tree)
    assert {path for path in before | after if before.get(path) != after.get(path)} <= {
        "manifests/core.yaml"
    }


# --- 3: skills commute


@laws
@given(tapes(TAPE))
def test_3_in_any_order(tape: Tape) -> None:
    """In a fork with edits: the same bytes, manifests included."""
    _, skills, line = scene(tape, "Alpha", "Beta")
    lived_in(tape, line, 1)
    start = line.git.refs["HEAD"]
    trees = set()
    for order in permutations(skills):
        line.git.refs["HEAD"] = start
        for each in order:
            line.take(clean(line.apply(each.name)))
        trees.add(line.tree)
    assert len(trees) == 1


@laws
@given(tapes(TAPE))
def test_3_different_definitions_fold_in_any_order(tape: Tape) -> None:
    _, (one, other), line = scene(tape, "Alpha", "Beta")
    assume(not {place for place in one.places & other.places})
    assume(not {"dependencies", "environment", "services"} & one.shares & other.shares)
    both = line.apply(one.name, other.name)
    fork = line.fork
    backwards = result(
        fold(
            fork.git, both.intent.after, fork.applicable, cached=False, order=(other.name, one.name)
        )
    )
    assert backwards.tree == both.wanted.tree


# --- 4: the manifests say it all


@laws
@given(tapes(TAPE))
def test_4_replayed_elsewhere(tape: Tape) -> None:
    """On another machine, with nothing but what HEAD and the base have."""
    _, (one, other), line = scene(tape, "Alpha", "Beta")
    lived_in(tape, line, 1)
    line.take(clean(line.apply(one.name)))
    line.take(clean(line.apply(other.name)))
    there = Memory()
    base = there.record(there.store(line.git.files(line.git.tree_of(line.base))))
    head = there.record(there.store(line.files), base)
    assert there.tree_of(head) == line.tree
    fork = Fork(there)
    assert read_pins(fork.tree) == line.fork.pins
    assert read_core(fork.tree) == line.fork.recorded
    known = result(fold(line.git, line.fork.goal, line.fork.applicable))
    replayed = result(fold(there, fork.goal, fork.applicable))
    assert known.changes == ()
    assert replayed.tree == known.tree
    diff = diff_of(fork, replayed.tree, fork.tree_oid)
    assert patched(there.files(replayed.tree), diff) == line.files


# --- 5: what fails or is refused leaves everything as it was


@laws
@given(tapes(TAPE))
def test_5_a_refusal_is_one_of_ours_and_leaves_no_trace(tape: Tape) -> None:
    """Upstream moves away under a skill, the owner edits the same: done, stopped or refused, and
    nothing else.
    """
    where, (one,), line = scene(tape, "Alpha")
    line.take(clean(line.apply(one.name)))
    lived_in(tape, line, 2)
    _, moved = edits(tape, {**where.files, **one.files}, "upstream", 3)
    onto = line.upstream(moved)
    before, head = line.files, line.git.refs["HEAD"]
    try:
        computed = line.rebase(onto)
    except SkillRefused as refused:
        event("refused")
        assert refused.skill == one.name
        assert isinstance(refused, CannotEnsure)
        assert refused.outcome in {Outcome.MISSING, Outcome.AMBIGUOUS, Outcome.DRIFTED}
    else:
        event("clean" if computed.clean else "stopped")
        if not computed.clean:
            with pytest.raises(Refused):
                publish_computed(line.fork, computed)
            assert describe(line.fork, computed).conflicts
    assert (line.files, line.git.refs["HEAD"]) == (before, head)


# --- 6: what is shown is what happens


@laws
@given(tapes(TAPE))
def test_6_the_plan_is_what_happens(tape: Tape) -> None:
    _, (one,), line = scene(tape, "Alpha")
    lived_in(tape, line)
    fork, before = line.fork, line.files
    shown = clean(line.apply(one.name))
    report, diff = describe(fork, shown), diff_of(fork, shown.head_tree, shown.tree)
    assert line.files == before
    line.take(clean(line.apply(one.name)))
    after = line.files
    assert patched(before, diff) == after
    assert {change.path for change in report.files} == {
        p for p in before | after if before.get(p) != after.get(p)
    }
    assert [each.name for each in report.skills] == [one.name]


# --- 7: what a skill does not name keeps its bytes


@laws
@given(tapes(TAPE))
def test_7_a_graft_only_adds(tape: Tape) -> None:
    """Operations that add take no byte away, and write in the file's own style."""
    _, (one,), line = scene(tape, "Alpha")
    before = line.files
    after = line.git.files(line.apply(one.name).wanted.tree)
    adds = all(entry["ensure"] not in {"value", "wrap"} for entry in one.entries)
    for path, data in before.items():
        if path == "manifests/core.yaml":
            continue
        if path not in one.touched:
            assert after[path] == data, path
            continue
        lost = unmatched(
            data.replace(b",)", b")"), after[path]
        )  # a tuple of two needs no comma to be one
        if b"pass" not in data and adds:
            assert lost == b"", (path, lost)
        if b"\r\n" in data:
            assert after[path].count(b"\n") == after[path].count(b"\r\n"), path
        elif data:
            assert b"\r" not in after[path], path


@laws
@given(tapes(TAPE))
def test_7_an_owners_lines_stay(tape: Tape) -> None:
    """Of a file that a skill changes, an operation changes a line or two; of others, none."""
    _, (one,), line = scene(tape, "Alpha")
    lived_in(tape, line, 3)
    before = line.files
    shown = clean(line.apply(one.name))
    after = line.git.files(shown.tree)
    for path, data in code(before).items():
        if path not in one.touched:
            moved = {"app/tools.py": "app/helpers.py"}.get(path)
            assert (
                data in {after.get(path), after.get(moved or path)} or path == "app/helpers.py"
            ), path
            continue
        there = after[path].splitlines()
        lost = [each for each in data.splitlines() if each not in there]
        assert len(lost) <= 2 * len(one.entries), (path, lost)


def unmatched(part: bytes, whole: bytes) -> bytes:
    """What of `part` is left when `whole` has been read from its start, byte for byte in order."""
    at = 0
    for n, byte in enumerate(part):
        at = whole.find(byte, at) + 1
        if at == 0:
            return part[n:]
    return b""
