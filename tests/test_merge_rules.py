"""The rules that were read off history (docs/merge.md), each on the least that shows it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from skills_engine.merge import Merged, from_lines, merge_file


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


class Merge:
    """`merge(base, ours, theirs)` of Python with git's line merge; `text` where it must be clean."""

    def __init__(self, room: Path) -> None:
        self.room = room

    def lines(self, base: bytes, ours: bytes, theirs: bytes) -> Merged:
        names = [self.room / name for name in ("ours", "base", "theirs")]
        for name, data in zip(names, (ours, base, theirs), strict=True):
            name.write_bytes(data)
        done = subprocess.run(["git", "merge-file", "-p", "--diff3", *names], capture_output=True, check=False)
        return from_lines(done.stdout, clean=done.returncode == 0)

    def __call__(self, base: str, ours: str, theirs: str) -> Merged:
        return merge_file("m.py", base.encode(), ours.encode(), theirs.encode(), lines=self.lines)

    def text(self, base: str, ours: str, theirs: str) -> str:
        merged = self(base, ours, theirs)
        assert merged.clean, merged.regions
        return merged.data.decode()


# --- a header that says less, beside an addition

TYPED = "def parse(parser: Parser) -> None:\n    pass\n"
ADDED = "def fresh(parser: Parser) -> None:\n    return None\n\n\n"


@pytest.mark.parametrize("poor", ["def parse(parser) -> None:\n    pass\n", "def parse(parser: Any):\n    pass\n"])
def test_annotations_that_one_side_lacks_beside_an_addition_of_the_other_are_a_conflict(
    merge: Merge, poor: str
) -> None:
    for ours, theirs in ((poor, ADDED + TYPED), (ADDED + TYPED, poor)):
        merged = merge(TYPED, ours, theirs)
        assert [region.base for region in merged.regions] == [b"def parse(parser: Parser) -> None:\n"]
        assert merged.regions[0].reason.endswith("has fewer annotations, beside an addition, in parse")


def test_a_header_that_says_something_else_beside_an_addition_merges(merge: Merge) -> None:
    other = TYPED.replace("parser:", "self, parser:")
    assert merge.text(TYPED, other, ADDED + TYPED) == ADDED + other


# --- a word that comes back


def test_a_variable_of_a_function_may_come_back(merge: Merge) -> None:
    base = "def f():\n    start = time()\n    return start\n\n\nprint(1)\n"
    ours = "def f():\n    return now(time())\n\n\nprint(2)\n"
    theirs = base.replace("print(1)", "def g():\n    start = time() or 0\n    return start\n\n\nprint(1)")
    assert "start = time() or 0" in merge.text(base, ours, theirs)


# --- an edit that says nothing at run time, and a deletion


@pytest.mark.parametrize("edited", ["def f(a: Any) -> None:\n    g(a)\n", "def f(a: int) -> None:\n    g(a)  # why\n"])
def test_a_comment_or_an_annotation_less_does_not_keep_what_the_other_side_deletes(merge: Merge, edited: str) -> None:
    base = "def f(a: int) -> None:\n    # a reason\n    g(a)  # why\n"
    rest = "\n\ndef h() -> None:\n    pass\n"
    assert merge.text(base + rest, edited + rest, rest.lstrip()) == rest.lstrip()
    assert merge.text(base + rest, rest.lstrip(), edited + rest) == rest.lstrip()


def test_a_comment_more_keeps_a_conflict_with_a_deletion(merge: Merge) -> None:
    rest = "\n\ndef h() -> None:\n    pass\n"
    assert not merge("def f():\n    g()\n" + rest, "def f():\n    g()  # careful\n" + rest, rest.lstrip()).clean


# --- comments at elements of a list


@pytest.mark.parametrize(
    ("commented", "merged"),
    [
        ("C = [\n    a,  # first\n    b,\n]\n", "C = [\n    a,  # first\n    b,\n    c,\n]\n"),
        ("C = [\n    # both\n    a,\n    b,\n]\n", "C = [\n    # both\n    a,\n    b,\n    c,\n]\n"),
        ("C = [\n    a,\n    # last\n    b,  # end\n]\n", "C = [\n    a,\n    # last\n    b,  # end\n    c,\n]\n"),
    ],
)
def test_a_comment_at_an_element_merges_with_an_element_more_whichever_side_has_it(
    merge: Merge, commented: str, merged: str
) -> None:
    base, longer = "C = [\n    a,\n    b,\n]\n", "C = [\n    a,\n    b,\n    c,\n]\n"
    assert merge.text(base, commented, longer) == merged
    assert merge.text(base, longer, commented) == merged


def test_two_comments_at_one_element_conflict(merge: Merge) -> None:
    base = "C = [\n    a,\n    b,\n]\n"
    one, other = (base.replace("a,\n", f"a,  # {word}\n    {word},\n") for word in ("one", "two"))
    assert not merge(base, one, other).clean


# --- a vocabulary that drifted

CLIENT = "def a(event_loop):\n    run(event_loop)\n\n\ndef b(event_loop):\n    stop(event_loop)\n"
RENAMED = CLIENT.replace("event_loop", "loop")
MORE = "\n\ndef c(event_loop):\n    event_loop.close()\n"


def test_what_one_side_renamed_everywhere_is_called_so_in_what_the_other_adds(merge: Merge) -> None:
    wanted = RENAMED.replace("stop(", "halt(") + MORE.replace("event_loop", "loop")
    theirs = CLIENT.replace("stop(", "halt(") + MORE
    assert merge.text(CLIENT, RENAMED, theirs) == wanted
    assert merge.text(CLIENT, theirs, RENAMED) == wanted


@pytest.mark.parametrize(
    "ours",
    [
        RENAMED.replace("stop(loop)", "stop(other)"),  # one use says something else
        "def a(loop):\n    run(loop)\n\n\ndef b():\n    pass\n",  # one definition alone says it
    ],
)
def test_a_word_that_not_every_use_bears_out_is_no_rename(merge: Merge, ours: str) -> None:
    assert not merge(CLIENT, ours, CLIENT.replace("stop(", "halt(") + MORE).clean


def test_the_older_name_of_a_builtin_type_is_one(merge: Merge) -> None:
    base = "from typing import List\n\n\ndef a(n: List[int]):\n    pass\n\n\ndef b(n: List[int]):\n    pass\n"
    ours = base.removeprefix("from typing import List\n\n\n").replace("List", "list")
    theirs = base.replace("pass", "print(n)") + "\n\ndef c(n: List[str]):\n    print(n)\n"
    merged = merge.text(base, ours, theirs)
    assert merged == ours.replace("pass", "print(n)") + "\n\ndef c(n: list[str]):\n    print(n)\n"


def test_another_builtin_is_no_rename(merge: Merge) -> None:
    base = "def a(n: int):\n    pass\n\n\ndef b(n: int):\n    pass\n"
    added = base.replace("pass", "print(1)") + "\n\ndef c():\n    return int(1)\n"
    assert not merge(base, base.replace("int", "float").replace("pass", "print(2)"), added).clean
