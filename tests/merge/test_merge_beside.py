"""What a merge joined beside its conflicts: nothing of a side is lost there, whichever side the
conflicts are decided for.
"""

from __future__ import annotations

import os

import pytest
from pairs.conflicts import contradictions
from pairs.run import merged

from skills_engine.merge import Merged
from skills_engine.merge.markers import filled

COUNT = int(os.environ.get("GRAFTBOT_CONTRADICTIONS", "80"))
SEED = int(os.environ.get("GRAFTBOT_CONTRADICTIONS_SEED", "1"))


def taken(answer: Merged, side: str) -> str:
    return filled(answer.data, answer.regions, lambda region: getattr(region, side)).decode()


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.split("\n")}


@pytest.mark.law
def test_a_conflict_decided_for_a_side_has_all_edits_of_that_side() -> None:
    found = 0
    for each in contradictions(SEED, COUNT):
        answer = merged(*each.texts)
        found += not answer.clean
        assert answer.clean or not each.lost(answer), (each.kinds, *each.texts)
    assert found > 0.9 * COUNT


ASKED = """\
def change(user):
    if user.name == name or user.is_admin:
        data = load()
        check(data)
"""


def body(*statements: str) -> str:
    return "def f(x):\n" + "".join(
        f"    {line}\n" for each in statements for line in each.split("|")
    )


TRIED = "try:|    {}|except OSError:|    stop()"
CASES: dict[str, tuple[str, str, str]] = {
    "both rewrote one condition, and add beside it": (
        ASKED,
        ASKED.replace("user.is_admin", "user.may(EDIT)").replace(
            "        check", "        if not user.may(EDIT):\n            stop(data)\n        check"
        ),
        ASKED.replace("user.is_admin", "user.may(ADMIN)").replace(
            "        check", "        if not user.may(ADMIN):\n            stop(data)\n        check"
        ),
    ),
    "replaced beside what was moved": (
        body("key(x)", "white(x)", "point(x)", "last(x)"),
        body("key(x)", "white(x)", "one(x)", "last(x)"),
        body("white(x)", "key(x)", "other(x)", "last(x)"),
    ),
    "replaced beside what was wrapped": (
        body("x.code = 1", "x.start(2)"),
        body("x.code = 1", TRIED.format("one(0)")),
        body(TRIED.format("x.code = 1"), "other(0)"),
    ),
    "wrapped and replaced, and rewritten": (
        body("x.write(2)", "x.pending = False", "last(x)"),
        body("with lock:|    one(0)", TRIED.format("x.pending = False"), "last(x)"),
        body("other(0)", "x.pending = False", "last(x)"),
    ),
    "one statement replaced by one, and by two": (
        body("one(x)", "two(x)", "last(x)"),
        body("one(x)", "three(x)", "last(x)"),
        body("one(x)", "four(x)", "five(x)", "last(x)"),
    ),
    "replaced beside what is now a variable": (
        body("tup = next(x)", "x.kind = tup"),
        body("tup = next(x)", TRIED.format("one(0)")),
        body("part = next(x)", "tup = part", "other(1)"),
    ),
    "replaced beside what is on a condition": (
        body("x.start = cast(x, 1)", "x.end = cast(x, 2)"),
        body("one(1)", "x.end = (cast(x, 2) if ready else None)"),
        body("other(1)", "x.end = cast(x, 2)"),
    ),
    "replaced, and moved past what is edited": (
        body("x.line = 1", "x.size = 2", "x.name = 3", "last(x)"),
        body("x.name = 3", "one(0)", "x.size = 2", "last(x)"),
        body("other(0)", "x.size = 2", "x.name = 3", "last(x)"),
    ),
    "replaced beside a variable of another name": (
        body("x.own = own", "parser = x.parser", "x.end = parser.end", "last(x)"),
        body("one(0)", TRIED.format("found = x.parser"), "x.end = found.end", "last(x)"),
        body("other(0)", "parser = x.parser", "x.end = wrapped(parser.end)", "last(x)"),
    ),
    "an edit that nothing contradicts stays": (
        body("one(x)", "last(x)") + "\n\nN = 1\n",
        body("three(x)", "last(x)") + "\n\nN = 1\n",
        body("four(x)", "last(x)") + "\n\nN = 2\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_side_that_is_taken_is_there_and_nothing_of_the_other(what: str, *, turned: bool) -> None:
    base, ours, theirs = CASES[what]
    sides = (theirs, ours) if turned else (ours, theirs)
    answer = merged(base, *sides)
    assert not answer.clean
    for name, text in zip(("ours", "theirs"), sides, strict=True):
        told = lines(taken(answer, name))
        due = (lines(text) - lines(base)) | (lines(ours) & lines(theirs))
        assert due <= told, (name, due - told, answer.data.decode())
        foreign = told - lines(text) - lines(base) - {"N = 2"}
        assert not foreign, (name, foreign, answer.data.decode())
    assert ("N = 2" in theirs) == all("N = 2" in taken(answer, side) for side in ("ours", "theirs"))
