"""What one side deleted and the other moved, wrapped or copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import Merged, merge_file, regions_in


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


class Merge:
    """`merge(path, base, ours, theirs)` with git's line merge."""

    def __init__(self, room: Path) -> None:
        self.lines = git_lines(room)

    def __call__(self, path: str, base: str, ours: str, theirs: str) -> Merged:
        return merge_file(path, base.encode(), ours.encode(), theirs.encode(), lines=self.lines)


# --- a statement that one side deleted and the other moved or wrapped

SENDS = "def f():\n    first(1)\n    send(text)\n    last()\n    more()\n"
GONE = SENDS.replace("    send(text)\n", "").replace("first(1)", "first(2)")
MOVERS = {
    "try": SENDS.replace(
        "    send(text)\n", "    try:\n        send(text)\n    except OSError:\n        log()\n"
    ),
    "two levels": SENDS.replace(
        "    send(text)\n", "    with lock:\n        if text:\n            send(text)\n"
    ),
    "with what follows": SENDS.replace(
        "    send(text)\n    last()\n", "    with lock:\n        send(text)\n        last()\n"
    ),
    "a line of its own suite": SENDS.replace("    send(text)\n", "    if text: send(text)\n"),
    "a new function": "def g():\n    send(text)\n\n\n"
    + SENDS.replace("    send(text)\n", "    g()\n"),
    "elsewhere in the body": SENDS.replace("    send(text)\n", "").replace(
        "more()\n", "more()\n    send(text)\n"
    ),
}


@pytest.mark.parametrize("title", MOVERS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_what_one_side_deleted_never_comes_back_in_what_the_other_wrapped(
    merge: Merge, title: str, mirrored: bool
) -> None:
    sides = [GONE, MOVERS[title]] if mirrored else [MOVERS[title], GONE]
    merged = merge("m.py", SENDS, *sides)
    assert "send(text)" in "".join(region.reason for region in merged.regions)
    deletes, moves = ("ours", "theirs") if mirrored else ("theirs", "ours")
    verb = "moves" if title in {"elsewhere in the body", "a new function"} else "wraps"
    assert merged.regions[0].reason.startswith(
        f"{deletes} no longer has what {moves} {verb}: send(text)"
    )
    region = merged.regions[0]
    assert b"send(text)" in (region.theirs if mirrored else region.ours)
    assert b"send(text)" not in (region.ours if mirrored else region.theirs)
    assert b"def f" not in region.ours + region.theirs
    outside = merged.data
    for found in regions_in(merged.data):
        outside = (
            outside.replace(found.ours, b"").replace(found.theirs, b"").replace(found.base, b"")
        )
    assert b"first(2)" in outside, "the other changes are merged"


def test_what_was_wrapped_together_is_one_region(merge: Merge) -> None:
    (region,) = merge("m.py", SENDS, MOVERS["with what follows"], GONE).regions
    assert region.base == b"    send(text)\n    last()\n"
    assert region.ours == b"    with lock:\n        send(text)\n        last()\n"
    assert region.theirs == b"    last()\n"


def test_a_clean_line_merge_that_brings_back_what_was_deleted_does_not_stand(merge: Merge) -> None:
    base = "def f():\n    first()\n    send(text)\n    last()\n\n\ndef g():\n    return 1\n"
    ours = base.replace("    send(text)\n", "")
    theirs = ours.replace("    return 1\n", "    send(text)\n    return 1\n")
    assert merge.lines(base.encode(), ours.encode(), theirs.encode()).clean
    for sides in ((ours, theirs), (theirs, ours)):
        merged = merge("m.py", base, *sides)
        (region,) = merged.regions
        assert {region.ours, region.theirs} == {b"", b"    send(text)\n"}
        assert region.line > merged.data.splitlines().index(b"def g():")


@pytest.mark.parametrize(
    ("stmt", "more"),
    [("return", ""), ("pass", ""), ("text", ""), ("send(text)", "\n\ndef h():\n    send(text)\n")],
    ids=["return", "pass", "a name", "twice in base"],
)
def test_what_says_too_little_to_be_known_again_is_no_conflict(
    merge: Merge, stmt: str, more: str
) -> None:
    base = f"def f():\n    first()\n    {stmt}\n    last()\n{more}"
    ours = f"def f():\n    first()\n    last()\n{more}"
    theirs = ours + f"\n\ndef new():\n    if text:\n        {stmt}\n"
    merged = merge("m.py", base, ours, theirs)
    assert merged.clean
    assert merged.data.decode() == theirs


def test_a_copy_of_what_the_other_side_deleted_is_no_conflict(merge: Merge) -> None:
    ours = SENDS.replace("    send(text)\n", "")
    merged = merge("m.py", SENDS, ours, SENDS + "\n\ndef new():\n    send(text)\n")
    assert merged.clean
    assert merged.data.decode() == ours + "\n\ndef new():\n    send(text)\n"


# --- the reasons are true

HELD = "def f(x):\n    y = load(x)\n    return y + 1\n\n\nclass A:\n    z = 1\n"
PUT = "class A:\n    z = 1\n\n    def f(self, x):\n        y = load(x)\n        return y + 1\n"
LOOP = "for i in x:\n    if i:\n        a(i)\n        b(i)\n"
REASONS = {
    "moved to a class, and edited": (
        HELD,
        PUT,
        HELD.replace("y + 1", "y + 2"),
        {"ours moves what theirs edited: f", "theirs no longer has what ours moves: return y + 1"},
    ),
    "deleted, and edited": (
        HELD,
        HELD[HELD.index("class") :],
        HELD.replace("y + 1", "y + 2"),
        {"ours deletes what theirs edited: f"},
    ),
    "rewritten, and added to": (
        LOOP,
        LOOP.replace("if i:\n        a(i)\n        b(i)", "for j in all(i): c(j)"),
        LOOP + "        c(i)\n",
        {"ours no longer has what theirs edited: if i:"},
    ),
    "wrapped, and added behind": (
        "def f():\n    a()\n    b()\n",
        "def f():\n    with l:\n        a()\n        b()\n",
        "def f():\n    a()\n    b()\n    c()\n",
        {"what stood beside c() in f is no longer there in ours"},
    ),
    "arguments at one place": (
        "f(a)\n",
        "f(a, b)\n",
        "f(a, c)\n",
        {"both sides add at one place: c in f(a, b)", "both sides add at one place: b in f(a, c)"},
    ),
}


@pytest.mark.parametrize("what", REASONS)
def test_a_reason_says_what_each_side_did(merge: Merge, what: str) -> None:
    base, ours, theirs, reasons = REASONS[what]
    turned = {"ours": "theirs", "theirs": "ours"}
    for sides, wanted in (
        ((ours, theirs), reasons),
        ((theirs, ours), {re.sub("ours|theirs", lambda m: turned[m[0]], r) for r in reasons}),
    ):
        merged = merge("m.py", base, *sides)
        assert {region.reason for region in merged.regions} <= wanted
        assert merged.regions
