"""The rules that were read off history (docs/merge.md), each on the least that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import Merged, merge_file


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


class Merge:
    """`merge(base, ours, theirs)` of Python with git's line merge; `text` where it must be clean."""

    def __init__(self, room: Path) -> None:
        self.lines = git_lines(room)

    def __call__(self, base: str, ours: str, theirs: str) -> Merged:
        return merge_file("m.py", base.encode(), ours.encode(), theirs.encode(), lines=self.lines)

    def text(self, base: str, ours: str, theirs: str) -> str:
        merged = self(base, ours, theirs)
        assert merged.clean, merged.regions
        return merged.data.decode()


# --- a header that the other side left alone


def test_annotations_that_one_side_took_away_stay_away(merge: Merge) -> None:
    base = "def f(a: int) -> str:\n    x = go(a)\n    return show(x)\n"
    ours, theirs = base.replace("a: int) -> str", "a)"), base.replace("go(a)", "go(a, 2)")
    for sides in ((ours, theirs), (theirs, ours)):
        assert merge.text(base, *sides) == ours.replace("go(a)", "go(a, 2)")


# --- a header that the other side left alone is its side's edit

TYPED = "def parse(parser: Parser) -> None:\n    pass\n"
ADDED = "def fresh(parser: Other) -> None:\n    return None\n\n\n"


@pytest.mark.parametrize(
    "poor", ["def parse(parser) -> None:\n    pass\n", "def parse(parser: Any):\n    pass\n"]
)
def test_annotations_taken_away_stay_away(merge: Merge, poor: str) -> None:
    assert merge.text(TYPED, poor, ADDED + TYPED) == ADDED + poor
    assert merge.text(TYPED, ADDED + TYPED, poor) == ADDED + poor
    changed = TYPED.replace("pass", "run(again=True)")
    assert merge.text(TYPED, poor, changed) == poor.replace("pass", "run(again=True)")


def test_a_header_that_says_something_else_beside_an_addition_merges(merge: Merge) -> None:
    other = TYPED.replace("parser:", "self, parser:")
    assert merge.text(TYPED, other, ADDED + TYPED) == ADDED + other


# --- a word that comes back


def test_a_variable_of_a_function_may_come_back(merge: Merge) -> None:
    base = "def f():\n    start = time()\n    return start\n\n\nprint(1)\n"
    ours = "def f():\n    return now(time())\n\n\nprint(2)\n"
    theirs = base.replace(
        "print(1)", "def g():\n    start = time() or 0\n    return start\n\n\nprint(1)"
    )
    assert "start = time() or 0" in merge.text(base, ours, theirs)


# --- an edit, and a deletion


@pytest.mark.parametrize(
    "edited", ["def f(a: Any) -> None:\n    g(a)\n", "def f(a: int) -> None:\n    g(a)  # why\n"]
)
def test_a_comment_or_an_annotation_is_an_edit_too(merge: Merge, edited: str) -> None:
    base = "def f(a: int) -> None:\n    # a reason\n    g(a)  # why\n"
    rest = "\n\ndef h() -> None:\n    pass\n"
    assert not merge(base + rest, edited + rest, rest.lstrip()).clean
    assert not merge(base + rest, rest.lstrip(), edited + rest).clean


def test_a_comment_more_keeps_a_conflict_with_a_deletion(merge: Merge) -> None:
    rest = "\n\ndef h() -> None:\n    pass\n"
    assert not merge(
        "def f():\n    g()\n" + rest, "def f():\n    g()  # careful\n" + rest, rest.lstrip()
    ).clean


@pytest.mark.parametrize(
    ("old", "new", "returns"),
    [
        ("len(a)", "a.size", ""),
        ("time.time()", "now(1)", "import time\n"),
    ],
)
def test_a_word_of_the_language_or_its_library_may_come_back(
    merge: Merge, old: str, new: str, returns: str
) -> None:
    base = f"{returns}\n\ndef f(a):\n    return {old}\n\n\nprint(1)\n"
    ours = base.replace(old, new).replace("print(1)", "print(2)")
    theirs = base.replace("print(1)", f"def g(a):\n    return [{old}]\n\n\nprint(1)")
    assert f"return [{old}]" in merge.text(base, ours, theirs)
    if returns:  # another module may have it no more
        own = [
            text.replace("import time", "import clock").replace(old, "clock.stamp()")
            for text in (base, ours, theirs)
        ]
        assert not merge(*own).clean


# --- comments at elements of a list


@pytest.mark.parametrize(
    ("commented", "merged"),
    [
        ("C = [\n    a,  # first\n    b,\n]\n", "C = [\n    a,  # first\n    b,\n    c,\n]\n"),
        (
            "C = [\n    # both\n    a,\n    b,\n]\n",
            "C = [\n    # both\n    a,\n    b,\n    c,\n]\n",
        ),
        (
            "C = [\n    a,\n    # last\n    b,  # end\n]\n",
            "C = [\n    a,\n    # last\n    b,  # end\n    c,\n]\n",
        ),
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


# --- two additions of one name


def test_of_two_additions_none_is_taken_because_it_holds_the_other(merge: Merge) -> None:
    small = "def may(user, request):\n    return user.is_admin(request)\n"
    large = small.replace("return user", "return not user")
    base = "import m\n\n\n"
    for ours, theirs in ((small, large), (large, small)):
        merged = merge(base, base + ours, base + theirs)
        assert [(r.ours, r.theirs) for r in merged.regions] == [(ours.encode(), theirs.encode())]


def test_two_assignments_of_one_name_are_a_conflict(merge: Merge) -> None:
    base = "import m\n\n\ndef f():\n    pass\n"
    assert not merge(base, base + "\n\nX = a(1)\n", base + "\n\nX = a(b(1))\n").clean


# --- a row that is written otherwise now


@pytest.mark.parametrize(
    ("base", "added", "turned"),
    [
        (
            "def f(self):\n    self.a = one\n    self.b = two\n",
            "    self.c = three\n",
            "def f(self):\n    self.a.set(one)\n    self.b.set(two)\n",
        ),
        (
            "def f(\n    a: int = missing,\n    b: str = missing,\n",
            "    c: int = missing,\n",
            "def f(\n    a: int | Missing = missing,\n    b: str | Missing = missing,\n",
        ),
    ],
)
def test_an_addition_in_the_form_that_its_neighbours_had_is_a_conflict(
    merge: Merge, base: str, added: str, turned: str
) -> None:
    end = "):\n    pass\n" if base.startswith("def f(\n") else ""
    for ours, theirs in ((base + added + end, turned + end), (turned + end, base + added + end)):
        merged = merge(base + end, ours, theirs)
        assert "written otherwise now" in merged.regions[0].reason
    one = turned.replace(
        turned.split("\n")[1], base.split("\n")[1]
    )  # one neighbour alone shows nothing
    assert merge(base + end, base + added + end, one + end).clean


# --- imports


def test_an_import_that_began_a_paragraph_of_its_own_stays_in_it(merge: Merge) -> None:
    """A counterexample to law 3 that a generated test found: in another order of the skills it
    stood at the end.
    """
    base = 'import os\nfrom dataclasses import dataclass\nfrom typing import Any\n\nROWS = ["a"]\n'
    ours = base.replace('"', "'")
    theirs = (
        base.replace("Any\n", "Any\n\nfrom app.beta import Beta\n")
        + "\n\ndef beta() -> Beta: ...\n"
    )
    wanted = theirs.replace('"', "'")
    assert merge.text(base, ours, theirs) == wanted


# --- types in other words


def test_another_spelling_of_a_type_is_an_edit(merge: Merge) -> None:
    base = "def f(a: Optional[int]):\n    return a\n"
    ours, theirs = base.replace("])", "], b=2)"), base.replace("Optional[int]", "int | None")
    wanted = "def f(a: int | None, b=2):\n    return a\n"
    assert merge.text(base, ours, theirs) == wanted
    assert merge.text(base, theirs, ours) == wanted
    assert not merge(base, base.replace("int", "str"), theirs).clean


def test_a_page_break_shifts_no_line_of_what_is_renamed(
    merge: Merge,
) -> None:
    broken = [
        text.replace("\n\n\ndef b", "\n\x0c\n\ndef b") for text in (CLIENT, RENAMED, CLIENT + MORE)
    ]
    theirs = broken[2].replace("stop(", "halt(")
    assert merge.text(broken[0], broken[1], theirs) == theirs.replace("event_loop", "loop")


# --- clauses that exclude one another, and what syntax orders

IF = "def f(x):\n    if x == 1:\n        a(1)\n{}    return x\n"
MATCH = "def f(x):\n    match x:\n        case 1:\n            a(1)\n            a(2)\n{}"
TWO, THREE = "    elif x == 2:\n        b(2)\n", "    elif x == 3:\n        c(3)\n"
OTHER = "    else:\n        d()\n"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        (IF.format(""), IF.format(TWO), IF.format(THREE), IF.format(TWO + THREE)),
        (IF.format(""), IF.format(OTHER), IF.format(THREE), IF.format(THREE + OTHER)),
        (IF.format(""), IF.format(THREE), IF.format(OTHER), IF.format(THREE + OTHER)),
        (
            MATCH.format(""),
            MATCH.format("        case 2:\n            b()\n").replace("a(1)", "a(3)"),
            MATCH.format("        case 3:\n            c()\n").replace("a(2)", "a(4)"),
            MATCH.format("        case 2:\n            b()\n        case 3:\n            c()\n")
            .replace("a(1)", "a(3)")
            .replace("a(2)", "a(4)"),
        ),
    ],
)
def test_clauses_for_other_values_stand_side_by_side(
    merge: Merge, base: str, ours: str, theirs: str, wanted: str
) -> None:
    assert merge.text(base, ours, theirs) == wanted


@pytest.mark.parametrize(
    "clause", ["    elif y == 3:\n        c(3)\n", "    elif g(x):\n        c(3)\n"]
)
def test_clauses_that_may_both_hold_conflict(merge: Merge, clause: str) -> None:
    assert not merge(IF.format(""), IF.format(TWO), IF.format(clause)).clean
    assert not merge(IF.format(""), IF.format(clause), IF.format(TWO)).clean


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        # a clause, a decorator, a base class, a key in other quotes, a statement: from both sides
        (IF.format(THREE), IF.format(THREE + TWO), IF.format(TWO)),
        (
            "@a\ndef f():\n    pass\n",
            "@b\n@a\ndef f():\n    pass\n",
            "@a\n@b\ndef f():\n    pass\n",
        ),
        ("class A(X):\n    pass\n", "class A(M, X):\n    pass\n", "class A(X, M):\n    pass\n"),
        (
            "def f(x):\n    if x:\n        b(x)\n    c(1)\n",
            "def f(x):\n    x = g(x)\n    if x:\n        b(x)\n    c(1, p=2)\n",
            "def f(x):\n    if x:\n        x = g(x)\n        b(x)\n    c(1, q=2)\n",
        ),
    ],
)
def test_what_both_add_never_stands_twice(merge: Merge, base: str, ours: str, theirs: str) -> None:
    assert not merge(base, ours, theirs).clean
    assert not merge(base, theirs, ours).clean


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("f(\n    a=1,\n    b=1,\n    c=1,\n)\n", "x=1,\n    a=1", "c=1,\n    x=2"),
        ("def f(\n    a,\n    b,\n    c,\n): pass\n", "x,\n    a", "c,\n    x"),
    ],
)
def test_what_does_not_compile_is_no_answer(
    merge: Merge, base: str, ours: str, theirs: str
) -> None:
    start, end = ("a=1", "c=1") if "=" in base else ("    a", "    c")
    mine = base.replace(start, ours if "=" in base else "    " + ours, 1)
    his = base.replace(end, theirs if "=" in base else "    " + theirs, 1)
    for sides in ((mine, his), (his, mine)):
        merged = merge(base, *sides)
        if merged.clean:
            compile(merged.data, "m", "exec")


def test_async_is_a_word_of_the_header(merge: Merge) -> None:
    base = "def f(a):\n    x = go(a)\n    y = 1\n    return x, y\n"
    ours = base.replace("def", "async def").replace("go(a)", "await go(a)")
    theirs = base.replace("y = 1", "y = 2")
    for sides in ((ours, theirs), (theirs, ours)):
        assert merge.text(base, *sides) == ours.replace("y = 1", "y = 2")
    waits = base.replace("y = 1", "y = await g()").replace("def", "async def")
    less = waits.replace("async def", "def").replace("await ", "")
    more = waits.replace("x = go(a)", "x = await go(a)")
    assert not merge(waits, less, more).clean


def test_a_positional_argument_changes_beside_one_that_is_appended(merge: Merge) -> None:
    base, ours, theirs = (f"x = Pool({row})\n" for row in ("r, c.s", "r, c.s, n", "r, c"))
    assert merge.text(base, ours, theirs) == merge.text(base, theirs, ours) == "x = Pool(r, c, n)\n"


def test_upstreams_formatting_of_what_the_owner_left_alone_stays(merge: Merge) -> None:
    base = "x = {'a': 1}\n\ndef f(a,b):\n  return a+b\n"
    ours = base.replace("1}", "1, 'c': 3}")
    theirs = 'x = {"a": 1, "b": 2}\n\n\ndef f(a, b):\n    return a + b\n'
    for sides in ((ours, theirs), (theirs, ours)):
        assert merge.text(base, *sides).endswith("\n\n\ndef f(a, b):\n    return a + b\n")


# --- imports on a condition, beside other imports


GUARD = """if TYPE_CHECKING:
    from fast import Timer
else:
    fast = loaded("fast")
    Timer = fast.Timer
"""


@pytest.mark.parametrize("swapped", [False, True])
def test_imports_on_a_condition_stand_where_imports_may(merge: Merge, swapped: bool) -> None:
    """The other side replaced what stood above them; what else than imports and names a statement
    holds keeps it a conflict."""
    base = "import os\n\nold = make(1, 2, 3)\n\n\ndef f():\n    return old\n"
    ours = base.replace("old = make(1, 2, 3)\n", "").replace("return old", "return 1")
    theirs = base.replace("2, 3)\n", f"2, 3)\n{GUARD}")
    sides = (theirs, ours) if swapped else (ours, theirs)
    assert GUARD in merge.text(base, *sides)
    calls = [side.replace("    Timer = fast.Timer\n", "    go(fast)\n") for side in sides]
    assert not merge(base, *calls).clean


def test_an_import_stands_before_imports_on_a_condition(merge: Merge) -> None:
    base = "import os\n\nx = os\n"
    ours, theirs = (base.replace("os\n", f"os\n{new}", 1) for new in ("from a import b\n", GUARD))
    text = merge.text(base, ours, theirs)
    assert text.index("from a import b") < text.index("if TYPE_CHECKING")
    assert not merge(base, ours.replace("import b", "import loaded"), theirs).clean


# --- blanks in a docstring


def test_blanks_at_the_ends_of_a_docstring_say_nothing(merge: Merge) -> None:
    base = 'def f():\n    """Tests wether it is so. """\n    return 1\n'
    ours, theirs = base.replace("wether", "whether"), base.replace('so. """', 'so."""')
    assert "whether" in merge.text(base, ours, theirs)


# --- a word that comes back


@pytest.mark.parametrize("given", [True, False])
def test_a_word_is_taken_away_where_it_had_its_meaning(merge: Merge, given: bool) -> None:
    """Ours logs no more and says so with a word of its own; theirs' new line logs. Nothing of the
    file gave `debug` its meaning, unless it stands there as a function."""
    log = "def debug(x):\n    return x\n\n\n" if given else ""
    call = "debug" if given else "logger.debug"
    base = f"{log}def f(logger, a):\n    {call}(a)\n    return go(a)\n"
    ours = "def f(logger, a):\n    tell(a)\n    return go(a)\n"
    theirs = base.replace("return go(a)", f"return go({call}(a), a)")
    assert merge(base, ours, theirs).clean is not given


# --- imports that both sides put in another order


def test_the_order_of_imports_is_nobodys_edit(merge: Merge) -> None:
    base = "import a\nimport b\nimport c\nimport d\n\nx = a.b(1)\n"
    ours = "import b\nimport a\nimport c\nimport d\n\nx = a.b(1)\n"
    theirs = "import a\nimport b\nimport e\nimport d\nimport c\n\nx = a.b(2, e)\n"
    for sides in ((ours, theirs), (theirs, ours)):
        text = merge.text(base, *sides)
        assert sorted(text.splitlines()) == sorted(theirs.splitlines())


# --- two docstrings for one thing


@pytest.mark.parametrize("head", ["", "def f():\n", "class A:\n"])
def test_each_sides_docstring_conflicts_and_the_same_one_stands_once(
    merge: Merge, head: str
) -> None:
    indent = "    " if head else ""
    mine, his = (f'{head}{indent}"""{who}"""\n{indent}x = 1\n' for who in ("Mine.", "His."))
    base = f"{head}{indent}x = 1\n"
    assert not merge(base, mine, his).clean
    assert merge.text(base, mine, mine.replace("1", "2")) == mine.replace("1", "2")


# --- a definition that one side moved past one that is written alike

BODY = '    """Of the store."""\n    rows = find(key)\n    try:\n        return rows.{}()\n    finally:\n        rows.close()\n'
FIRST = "@cached\n@checked\ndef first(key):\n" + BODY.format("first")
SECOND = "@cached\n@checked\ndef second(key):\n" + BODY.format("second")
THIRD = "def third():\n    return 3\n"
EDITS = {
    "a decorator": ("@cached\n@checked\ndef {}", "@traced\n@cached\n@checked\ndef {}"),
    "a statement above": ("    rows = find(key)", "    begin(key)\n    rows = find(key)"),
    "a statement below": ("        rows.close()", "        rows.close()\n        end(key)"),
    "a comment": ("    rows = find(key)", "    # in the store\n    rows = find(key)"),
    "a line of the docstring": ('    """Of the store."""', '    """Of the store of all."""'),
    "an argument": ("find(key)", "find(key, again=True)"),
    "a handler": ("    finally:", "    except KeyError:\n        return None\n    finally:"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_goes_along_with_a_definition_that_moved_past_one_like_it(
    merge: Merge, what: str
) -> None:
    """git's line merge is clean, and gives the edit to the neighbour."""
    for name, moves in (("first", FIRST), ("second", SECOND)):
        old, new = (text.format(name) for text in EDITS[what])
        base = f"{FIRST}\n\n{SECOND}\n\n{THIRD}"
        edited = base.replace(moves, moves.replace(old, new))
        rest = base.replace(f"{moves}\n\n", "")
        moved = f"{rest}\n\n{moves}" if name == "first" else f"{moves}\n\n{rest}"
        due = moved.replace(moves, moves.replace(old, new))
        assert base != edited
        for sides in ((edited, moved), (moved, edited)):
            assert merge.text(base, *sides) == due
