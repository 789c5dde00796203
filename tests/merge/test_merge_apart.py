"""Two edits that do not touch one another, in files of every kind: both are in a clean result, in
their places, or it is a conflict; the same either way round. Each case was merged wrongly once.
"""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import filled, merge_file

DUE = {
    "an element of another kind beside an added one": (
        "x.py", "X = [a, 'b', c]\n", "X = [a, new, 'b', c]\n", "X = [a, f(), c]\n",
        "X = [a, new, f(), c]\n"),
    "an operator taken away beside an added element": (
        "x.py", "put((a or 0, b))\n", "put((new, a or 0, b))\n", "put((a, b))\n",
        "put((new, a, b))\n"),
    "a keyword behind two that change places": (
        "x.py", "o(u, a=1, b=2)\n", "o(u, b=2, a=1)\n", "o(u, a=1, b=2, c=3)\n",
        "o(u, b=2, a=1, c=3)\n"),
    "an element of JSON of another kind": (
        "x.json", '{"a": [1, 2, 3]}\n', '{"a": [1, 9, 2, 3]}\n', '{"a": [1, {"k": 2}, 3]}\n',
        '{"a": [1, 9, {"k": 2}, 3]}\n'),
    "a comment at the bracket of what is emptied": (
        "x.toml", 'a = [\n    "b",\n]\n', 'a = [  # c\n    "b",\n]\n', "a = [\n]\n",
        "a = [  # c\n]\n"),
    "an entry before one that is put in a comment": (
        "requirements.txt", "a\nb\nc\n", "a\nb\nnew\nc\n", "a\nb\n#c\n", "a\nb\nnew\n#c\n"),
    "an entry that moves and is deleted": (
        ".env", "A=1\nB=2\nC=3\n", "B=2\nA=1\nC=3\n", "B=2\nC=3\n", "B=2\nC=3\n"),
    "a requirement that moves and is deleted": (
        "requirements.txt", "aa\nbb\ncc\n", "bb\naa\ncc\n", "bb\ncc\n", "bb\ncc\n"),
}  # fmt: skip
FOO, BAR = "class Foo:\n    a = 1\n    b = 2\n\n\n", "class Bar:\n    c = 3\n\n\n"
DATED = "@dated\nclass Dated:\n    d = 4\n\n\n"
ROWS = "alpha\nbravo\ncarat\ndelta\nember\n"
CLASHES = {
    "an import from elsewhere, one name fewer": (
        "x.py", "from a import b, c\n", "from a.x import b, c\n", "from a import c\n"),
    "an import from elsewhere, by another name": (
        "x.py", "from a import b\n", "from a.x import b\n", "from a import b as d\n"),
    "an import from elsewhere, one name more": (
        "x.py", "from a import b\n", "from a.x import b\n", "from a import b, c\n"),
    "one element added at two places": (
        "x.json", "[1, 2]\n", "[5, 1, 2]\n", "[1, 2, 5]\n"),
    "a list in a list, an element fewer": (
        "x.json", '{"a": [1, 2, 3]}\n', '{"a": [[1, 2, 3]]}\n', '{"a": [1, 3]}\n'),
    "a list in a list, an element more": (
        "x.yaml", "a: [1, 2, 3]\n", "a: [[1, 2, 3]]\n", "a: [1, 2, 3, 4]\n"),
    "a line of another file that moves and is deleted": (
        "Dockerfile", ROWS, "bravo\nalpha\ncarat\ndelta\nember\n", "bravo\ncarat\ndelta\nember\n"),
    "an entry that comes before the comment of another": (
        ".env", "# top\nA=1\nB=2\nC=3\n", "# top\n#A=1\nB=2\nC=3\n", "# top\nA=1\nC=3\nB=2\n"),
    "a table beside a deleted one, above a caption": (
        "x.toml", "[a]\nk = 1\n\n[b]\nk = 2\n\n# --- c\n\n[c]\nk = 3\n",
        "[a]\nk = 1\n\n[new]\nk = 0\n\n[b]\nk = 2\n\n# --- c\n\n[c]\nk = 3\n",
        "[a]\nk = 1\n\n\n# --- c\n\n[c]\nk = 3\n"),
}  # fmt: skip


@pytest.mark.parametrize("what", DUE)
def test_both_edits_are_in_their_places(tmp_path: Path, what: str) -> None:
    path, base, *sides, due = DUE[what]
    for ours, theirs in (sides, sides[::-1]):
        merged = merge_file(
            path, base.encode(), ours.encode(), theirs.encode(), lines=git_lines(tmp_path)
        )
        assert merged.clean, merged.regions
        assert merged.data.decode() == due


@pytest.mark.parametrize("what", CLASHES)
def test_what_has_no_certain_place_is_a_conflict(tmp_path: Path, what: str) -> None:
    path, base, *sides = CLASHES[what]
    for ours, theirs in (sides, sides[::-1]):
        merged = merge_file(
            path, base.encode(), ours.encode(), theirs.encode(), lines=git_lines(tmp_path)
        )
        assert not merged.clean, merged.data.decode()


def test_a_comment_stays_above_the_definition_that_it_was_written_for(tmp_path: Path) -> None:
    """git's lines give it to the neighbour that another one moved away from."""
    other = DATED.replace("Dated", "Other").replace("d = 4", "e = 5")
    base = DATED + FOO + other + BAR
    moved = FOO + DATED + other + BAR
    noted = DATED + FOO + "# for others\n" + other + BAR
    for ours, theirs in ((moved, noted), (noted, moved)):
        merged = merge_file(
            "x.py", base.encode(), ours.encode(), theirs.encode(), lines=git_lines(tmp_path)
        )
        text = merged.data.decode()
        assert not merged.clean or "# for others\n@dated\nclass Other" in text


def test_no_key_of_json_stands_twice_whichever_side_of_a_conflict_is_taken(tmp_path: Path) -> None:
    base = '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}\n'
    above = base.replace('"a": 1', '"n": 1,\n  "a": 6')
    below = base.replace('"a": 1', '"a": 7').replace('"c": 3', '"c": 3,\n  "n": 4')
    for ours, theirs in ((above, below), (below, above)):
        merged = merge_file(
            "x.json", base.encode(), ours.encode(), theirs.encode(), lines=git_lines(tmp_path)
        )
        assert not merged.clean
        for side in ("ours", "theirs"):
            text = filled(merged.data, merged.regions, attrgetter(side))
            assert text.count(b'"n"') == 1, text.decode()
