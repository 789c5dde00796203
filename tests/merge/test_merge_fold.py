"""Definitions that are alike in all versions, folded and unfolded."""

from __future__ import annotations

import textwrap

import pytest

from skills_engine.merge.core.chunks import Chunks, Conflicting
from skills_engine.merge.python.fold import fold
from skills_engine.merge.python.follow import followed
from skills_engine.merge.python.language import merge
from skills_engine.merge.types import Unsupported

LONG = "def long(a):\n    one(a)\n    two(a)\n    return a\n"
ODD = 'def odd(\n    a,\n):\n    x = """\ncolumn 0\n"""\n    # (\n    return x\n'
METHOD = "    @wraps(\n        g,\n    )\n    def method(self):\n        one()\n        two()\n"


def back(*versions: str) -> list[str]:
    folded = fold(*versions)
    whole = (folded.unfolded(Chunks((version,))) for version in folded.versions)
    return ["" if chunks is None else chunks.text for chunks in whole]


@pytest.mark.parametrize("common", [LONG, ODD, LONG + "\n\n" + ODD, f"class A:\n{METHOD}"])
def test_what_was_folded_comes_back_byte_for_byte(common: str) -> None:
    versions = [f"x = {at}\n\n\n{common}\n\n# end {at}\ny = 1\n" for at in range(3)]
    assert back(*versions) == versions


def test_definitions_and_bodies_that_are_alike_are_one_line_each() -> None:
    versions = [f"x = {at}\n{LONG}class A({at}):\n{METHOD}" for at in range(3)]
    assert fold(*versions).versions[1].split("\n") == [
        "x = 1",
        "def long(): __folded_0__",
        "class A(1):",
        "    def method(): __folded_1__",
        "",
    ]
    typed = [LONG.replace("(a):", header) for header in ("(a):", "(a: int):", "(\n    a,\n):")]
    assert [version.endswith(":\n    __folded_0__\n") for version in fold(*typed).versions] == [
        True
    ] * 3


def test_what_stands_in_another_order_or_twice_is_left() -> None:
    other = LONG.replace("long", "other")
    swapped = fold(LONG + other, LONG + other, other + LONG)
    assert swapped.versions[0] == "def long(a):\n    __folded_1__\ndef other(): __folded_0__\n"
    assert fold(LONG + LONG, LONG + LONG, LONG).blocks == ()


def test_a_block_that_would_have_to_be_indented_otherwise_is_not_put_back() -> None:
    folded = fold(*[f"class A({at}):\n{METHOD}" for at in range(3)])
    moved = textwrap.dedent(folded.versions[0].partition("\n")[2])
    assert folded.unfolded(Chunks((Conflicting("", moved, "", ""),))) is None


def test_what_one_side_alone_changed_is_a_line_each_that_says_what_it_reads() -> None:
    changed = LONG.replace("two(a)", "three(a)")
    folded = fold(*[f"x = {at}\n{text}" for at, text in enumerate((LONG, changed, LONG))])
    assert [version.split("\n")[1] for version in folded.versions] == [
        "def long(): __folded_0__, one, two",
        "def long(): __folded_1__, one, three",
        "def long(): __folded_0__, one, two",
    ]
    assert folded.words(folded.versions[1]) >= {"long", "three", "x", "a"}
    assert folded.opened(folded.versions[1]) == (f"x = 1\n{changed}",)
    both = LONG.replace("one(a)", "four(a)")
    assert fold(LONG, changed, both).blocks == ()


def test_a_line_that_one_side_may_have_moved_keeps_its_definitions_open() -> None:
    other = LONG.replace("long", "other").replace("two(a)", "moved(b)")
    changed = LONG.replace("two(a)", "moved(b)")
    gone = other.replace("    moved(b)\n", "")
    assert fold(LONG + other, changed + other, LONG + gone).versions[1].startswith("def long(a):")
    assert fold(LONG + other, changed + other, LONG + other).sided


@pytest.mark.parametrize("swapped", [False, True])
def test_a_name_that_only_a_folded_definition_knows_is_known(swapped: bool) -> None:
    """Ours puts another name for `old` into a definition that theirs left alone; theirs' new code
    still uses the old one."""
    base = f"from m import old\n\n\n{LONG.replace('two(a)', 'old(a)')}\n\nx = 1\ny = [1]\n"
    ours = base.replace("import old", "import new").replace("old(a)", "get().new(a)")
    theirs = base.replace("[1]", "[1, old(3)]").replace("x = 1", "x = 2")
    sides = (theirs, ours) if swapped else (ours, theirs)
    with pytest.raises(Unsupported, match="old"):
        merge(base, *sides)


def test_lines_that_a_folded_definition_has_too_stand_twice() -> None:
    """An edit follows a line that ours wrapped, unless a folded definition has that line too."""
    base = "def f(x):\n    go(x)\n    a = one(1, 2, 3)\n"
    ours = "def f(x):\n    with x:\n        a = one(1, 2, 3)\n"
    theirs = base.replace("3)", "4)")
    draft = Chunks((Conflicting(base, ours, theirs, ""),))
    assert list(followed(base, ours, theirs, draft))
    assert not list(followed(base, ours, theirs, draft, "def g():\n  a = one(1, 2, 3)\n"))
    changed = LONG.replace("two(a)", "three(a)")
    assert fold(LONG, changed, LONG).beside == f"{LONG.strip()}\n\0\n{changed.strip()}"
