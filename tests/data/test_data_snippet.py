"""Snippets of any text: exact, elsewhere indented, merged three ways, and refused when that would
be a guess.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.data import snippet
from skills_engine.data.diff3 import merge
from skills_engine.data.errors import DataError
from skills_engine.types import Outcome

WORDS = [
    "a",
    "  b",
    "b",
    "\tc",
    "",
    "d  ",
    "ü",
    "e = 1",
    "}",
    "return call(a)",
    "  return call(a, b)",
    "return call(b)",
]
LINES = st.lists(st.sampled_from(WORDS), max_size=8)
UNIQUE = [f"line {n}" for n in range(30)]


def text_of(lines: list[str], eol: str = "\n") -> str:
    return "".join(line + eol for line in lines)


@settings(deadline=None)
@given(LINES, LINES, LINES, LINES, st.sampled_from(["\n", "\r\n"]), st.integers(0, 1))
def test_a_second_time_changes_nothing(
    head: list[str], before: list[str], after: list[str], tail: list[str], eol: str, drift: int
) -> None:
    there = [line.strip() for line in before] if drift else before
    data = text_of([*head, *there, *tail], eol).encode()
    try:
        once = snippet.ensure(data, text_of(before), text_of(after))
    except DataError:
        return
    assert snippet.ensure(once, text_of(before), text_of(after)) == once


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(2, 8), st.data())
def test_an_owners_change_elsewhere_in_the_region_stays(
    start: int, size: int, data: st.DataObject
) -> None:
    region = UNIQUE[start : start + size]
    at = data.draw(st.integers(0, size - 1))
    after = [*region[:at], "inserted", *region[at:]]
    edited = ["  " + line + " " for line in UNIQUE]
    if size > 4:
        own = data.draw(st.sampled_from([n for n in range(size) if n not in (at, at - 1)]))
        edited[start + own] = "the owner's"
    expected = [*edited[: start + at], "  inserted", *edited[start + at :]]
    eol = data.draw(st.sampled_from(["\n", "\r\n"]))
    found = snippet.ensure(text_of(edited, eol).encode(), text_of(region), text_of(after))
    assert found.decode() == text_of(expected, eol)


@settings(deadline=None)
@given(LINES, LINES, LINES)
def test_a_merge_takes_what_only_one_side_changed(
    base: list[str], one: list[str], other: list[str]
) -> None:
    def keys(lines: list[str] | None) -> list[str] | None:
        return None if lines is None else [line.rstrip() for line in lines]

    assert keys(merge(base, one, base)) == keys(one)
    assert keys(merge(base, base, other)) == keys(other)
    assert keys(merge(base, one, one)) == keys(one)
    assert keys(merge(base, one, other)) == keys(merge(base, other, one))


@pytest.mark.parametrize(
    ("text", "before", "after", "expected"),
    [
        ("x = 1", "x = 1\n", "x = 1\ny = 2\n", "x = 1\ny = 2"),
        ("x = 12\nx = 1\n", "x = 1\n", "x = 2\n", "x = 12\nx = 2\n"),
        ("a b c", "b", "b2", "a b2 c"),
        ("one\ntwo", "one", "one\nand", "one\nand\ntwo"),
        ("a\r\nb\r\n", "a\nb\n", "a\nx\nb\n", "a\r\nx\r\nb\r\n"),
        ("\xe9\udcff\nk\n", "k\n", "l\n", "\xe9\udcff\nl\n"),
        (
            "if x {\n\t\tcall();\n}\n",
            "call();\n",
            "if y {\n    call();\n}\n",
            "if x {\n\t\tif y {\n\t\t\tcall();\n\t\t}\n}\n",
        ),
        # Upstream has the line by now, and one more at the same place.
        ("# 1\n* a\n* b\n* c\n", "# 1\n* a\n", "# 1\n* a\n* b\n", "# 1\n* a\n* b\n* c\n"),
        ("- a\n- b\n- c\n\n# 0\n", "- a\n\n# 0\n", "- a\n- b\n\n# 0\n", "- a\n- b\n- c\n\n# 0\n"),
        ("before\nafter\n", "before\n", "before\nafter\n", "before\nafter\n"),
    ],
)
def test_places(text: str, before: str, after: str, expected: str) -> None:
    found = snippet.ensure(text.encode("utf-8", "surrogateescape"), before, after)
    assert found.decode("utf-8", "surrogateescape") == expected


@pytest.mark.parametrize(
    ("text", "before", "after", "outcome", "lines"),
    [
        ("a\nb\na\n", "a\n", "c\n", Outcome.AMBIGUOUS, (1, 3)),
        ("  a\n\n\ta\n", "a\n", "c\n", Outcome.AMBIGUOUS, (1, 3)),
        ("aa", "a", "aba", Outcome.AMBIGUOUS, (1, 1)),
        ("x\na\nb = 2\nc\nd\n", "a\nb = 1\nc\nd\n", "a\nb = 3\nc\nd\n", Outcome.DRIFTED, (2,)),
        ("timeout = 31\n", "timeout = 30\n", "timeout = 60\n", Outcome.MISSING, (1,)),
        ("a", "", "b", Outcome.AMBIGUOUS, ()),
        ("a\0", "a", "b", None, ()),
    ],
)
def test_refusals(
    text: str, before: str, after: str, outcome: Outcome | None, lines: tuple[int, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        snippet.ensure(text.encode(), before, after)
    assert caught.value.outcome is outcome
    assert caught.value.lines == lines


def test_lines_that_have_drifted_still_say_the_place() -> None:
    before = "    text = sub(r'`([^`]+)`', save, text)\n\n    # Headers.\n    text = sub(r'^#+', '', text)\n"
    after = before.replace("# Headers.", "# Headers are bold.")
    there = before.replace("'", '"')
    texts: list[tuple[str, ...]] = []

    def whole(*versions: str) -> str:
        texts.append(versions)
        return versions[1].replace("# Headers.", "# Headers are bold.")

    found = snippet.ensure(f"x\n{there}y\n".encode(), before, after, whole=whole)
    assert found.decode() == f"x\n{there}y\n".replace("# Headers.", "# Headers are bold.")
    assert texts[0] == (f"x\n{before}y\n", f"x\n{there}y\n", f"x\n{after}y\n")


def test_lines_around_that_the_file_has_no_more_are_no_conflict() -> None:
    before = "import a\nimport b\n\nimport old\nimport d\nimport e\nimport f\n"
    after = before.replace("import old", "import new")
    there = "import z\n\nimport old\nimport d\nimport e\nimport f\n"
    assert snippet.ensure(there.encode(), before, after).decode() == there.replace(
        "import old", "import new"
    )


def test_a_snippet_is_alone_where_nothing_else_is_like_it() -> None:
    lines = "def one():\n    first(1)\n    return 1\n\n\ndef two():\n    first(2)\n    return 1\n"
    assert not snippet.is_alone(lines.encode(), "    first(2)\n    return 1\n")
    assert snippet.is_alone(lines.encode(), "def two():\n    first(2)\n")
