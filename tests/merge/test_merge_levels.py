"""One side puts code into something else, the other edits it: the edit goes within, or it is a
conflict; every pair of a wrapping and an edit, in every place, both ways round.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import Merged, merge_file

WRAPPED = {
    "a call": "g({})",
    "a call with more": "g({}, n=1)",
    "a later argument": "g(q, {})",
    "a method": "{}.h(n)",
    "an attribute": "{}.h",
    "an element": "[{}, z]",
    "a value": "{{'key': {}}}",
    "a subscript": "{}[0]",
    "not": "not {}",
    "a condition": "({} if c else d)",
    "a lambda": "g(lambda: {})",
    "await": "await {}",
}
EDITED = {
    "f(a, b)": ("f(a)", "f(a, b, c)", "f(c, a, b)", "f(a, w)", "u(a, b)", "f(a, b, k=1)"),
    "o.f(a, k=1)": ("o.f(a)", "o.f(a, k=2)", "p.f(a, k=1)", "o.f(a, k=1, j=2)", "o.f(a, j=1)"),
    "f(a, j=1, k=2)": ("f(a, k=2, j=1)", "f(a, k=2)", "f(a, j=1)"),
    "[a, b]": ("[a]", "[a, b, c]", "[b, a]", "[a, w]"),
    "{'a': 1, 'b': 2}": ("{'a': 1}", "{'a': 1, 'b': 3}", "{'a': 1, 'b': 2, 'c': 3}"),
}
PLACES = (
    "y = 1\n    return {}",
    "if {}:\n        y = 1\n    return y",
    "self.x = y = out(k={})",
)
BLOCKS = {
    "with": "    with lock:\n        {}\n        {}\n",
    "try": "    try:\n        {}\n        {}\n    except E:\n        tell()\n",
    "if": "    if ready:\n        {}\n        {}\n",
    "for": "    for item in items:\n        {}\n        {}\n",
    "with more": "    with lock:\n        begin()\n        {}\n        {}\n        end()\n",
}
LINES = ("one(rows, self.x, k=1)", "two = rows.two(self.y)")
CHANGES = {
    "an argument": ("one(rows, self.x, k=2)", LINES[1]),
    "both lines": ("one(rows, self.x)", "two = rows.two(self.z)"),
    "a callee": ("uno(rows, self.x, k=1)", LINES[1]),
    "a wrapping": (LINES[0], "two = g(rows.two(self.y))"),
    "a line between": (f"{LINES[0]}\n@check(rows)", LINES[1]),
    "a comment": (LINES[0], f"# why\n@{LINES[1]}"),
}


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


class Merge:
    def __init__(self, room: Path) -> None:
        self.lines = git_lines(room)

    def __call__(self, base: str, ours: str, theirs: str) -> Merged:
        sides = (text.encode() for text in (base, ours, theirs))
        return merge_file("m.py", *sides, lines=self.lines)


def grade(merge: Merge, base: str, ours: str, theirs: str, wanted: str) -> str:
    """ "right", "conflict", or what came out that is neither, of a merge and its mirror."""
    found = [merge(base, ours, theirs), merge(base, theirs, ours)]
    for merged in found:
        if merged.clean and ast.dump(ast.parse(merged.data)) != ast.dump(ast.parse(wanted)):
            return merged.data.decode()
    return "right" if all(merged.clean for merged in found) else "conflict"


@pytest.mark.parametrize("around", WRAPPED)
def test_an_edit_of_an_expression_goes_into_what_wraps_it(merge: Merge, around: str) -> None:
    grades: Counter[str] = Counter()
    for place, base in itertools.product(PLACES, EDITED):
        for edited in EDITED[base]:

            def text(expression: str, place: str = place) -> str:
                return f"async def run(self, a, b):\n    {place.format(expression)}\n"

            wrap = WRAPPED[around]
            sides = (text(base), text(wrap.format(base)), text(edited))
            grades[grade(merge, *sides, text(wrap.format(edited)))] += 1
    assert set(grades) == {"right"}, grades


@pytest.mark.parametrize("block", BLOCKS)
def test_an_edit_of_statements_goes_into_what_wraps_them(merge: Merge, block: str) -> None:
    def text(body: str) -> str:
        return f"def save(self, rows):\n    start(rows)\n{body}    return rows\n"

    plain = "    {}\n    {}\n"
    for name, lines in CHANGES.items():
        flat, deep = ([line.replace("@", pad) for line in lines] for pad in ("    ", " " * 8))
        sides = text(plain.format(*LINES)), text(BLOCKS[block].format(*LINES))
        wanted = text(BLOCKS[block].format(*deep))
        assert grade(merge, *sides, text(plain.format(*flat)), wanted) == "right", name


@pytest.mark.parametrize("base", ["f(a, b)", "[a, b]", "a + b"])
def test_two_that_wrap_one_expression_conflict(merge: Merge, base: str) -> None:
    """In which order, nobody said."""
    sides = (f"x = {text}\n" for text in (base, f"v({base})", f"w({base})"))
    assert not merge(*sides).clean


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("Robot(model=key)", "Robot(model=key, log=1)", "load(key)"),
        ("build()", "build(log=1)", "other()"),
        ("Robot(key, 3)", "Robot(key, 3, log=1)", "load(name)"),
    ],
)
def test_an_argument_never_goes_to_a_call_that_came_in_the_place_of_another(
    merge: Merge, base: str, ours: str, theirs: str
) -> None:
    assert not merge(f"x = {base}\n", f"x = {ours}\n", f"x = {theirs}\n").clean
    assert not merge(f"x = {base}\n", f"x = {theirs}\n", f"x = {ours}\n").clean


def test_an_edit_follows_what_got_another_frame(merge: Merge) -> None:
    base = "def f(a):\n    return go(a, size=3)\n"
    ours = "def f(a):\n    x = go(a, size=3)\n    return x\n"
    theirs = base.replace("size=3", "size=3, log=1")
    assert grade(merge, base, ours, theirs, ours.replace("size=3", "size=3, log=1")) == "right"


def test_an_edit_follows_a_statement_that_moved(merge: Merge) -> None:
    base = "def f(a):\n    one(a, k=1)\n    two(a)\n    three(a)\n    return a\n"
    moved = "def f(a):\n    two(a)\n    three(a)\n    one(a, k=1)\n    return a\n"
    edited = base.replace("k=1", "k=2")
    assert grade(merge, base, moved, edited, moved.replace("k=1", "k=2")) == "right"


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_statement_that_both_moved_never_runs_twice(merge: Merge, wrapped: bool) -> None:
    """In the base once, moved to the top by one side and into a body by the other."""
    call = "self.parser.insert_option(0, self.cmd_opts)\n"
    start, end = "def run(self, a):\n", "    return a\n"
    base = f"{start}    one(a)\n    two(a)\n    {call}{end}"
    top = f"{start}    {call}    one(a)\n    two(a)\n{end}"
    other = (
        f"{start}    one(a)\n    two(a)\n    with ctx():\n        {call}{end}"
        if wrapped
        else f"{start}    one(a)\n    {call}    two(a)\n{end}"
    )
    for sides in ((top, other), (other, top)):
        merged = merge(base, *sides)
        assert not merged.clean or merged.data.count(b"insert_option") == 1


BRACKETS = {
    "a list for a tuple": ("X = (a, b)", "X = [a, b]", "X = (a, b, c)", "X = [a, b, c]"),
    "a list for a tuple of one": ("X = (a,)", "X = [a]", "X = (a, c)", "X = [a, c]"),
    "a tuple for a list": ("X = [a]", "X = (a,)", "X = [a, c]", "X = (a, c)"),
    "a tuple for a list, of which one is left": ("X = [a, c]", "X = (a, c)", "X = [a]", "X = (a,)"),
    "with other elements": ("X = (a, b)", "X = [a, b, d]", "X = (a, b, c)", ""),
    "a set, which has no order": ("X = (a, b)", "X = {a, b}", "X = (a, b, c)", ""),
}


@pytest.mark.parametrize("what", BRACKETS)
def test_elements_go_into_the_brackets_that_the_other_side_changed(
    what: str, tmp_path: Path
) -> None:
    base, *sides, due = (f"{each}\n".encode() for each in BRACKETS[what])
    for ours, theirs in (sides, sides[::-1]):
        merged = merge_file("m.py", base, ours, theirs, lines=git_lines(tmp_path))
        assert (merged.data if merged.clean else b"\n") == due
