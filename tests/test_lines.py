"""Lines and markers: what stands inside of a line, or looks like a marker, is text."""

from __future__ import annotations

from pathlib import Path

import pytest

from skills_engine.git import Git
from skills_engine.graft.operation import line_merge
from skills_engine.lines import bare_lines, split_lines
from skills_engine.merge import Region, filled, merge_file, regions_in

ROOT = Path(__file__).parent.parent
INSIDE = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r"]
"""What `str.splitlines` takes for the end of a line, and neither git nor Python's parser does."""

WITH = {
    "m.txt": "one@two\n@\nkept\nCHANGED 1\nkept\n",
    "m.py": '"""One@two."""\n\n\ndef f():\n    return "@"\n\n\n# @\ndef g():\n    return CHANGED(1)\n',
    "torn.py": '"""One@two."""\n@\ndef f(:\n    return CHANGED(1)\n\n\nlast = "@"\n',
    "m.json": '{\n "a": "x@y",\n "b": "CHANGED 1",\n "c": "@"\n}\n',
    "m.toml": 'a = "x@y"\nb = "CHANGED 1"\nc = "@"\n',
    "m.yaml": 'a: "x@y"\nb: CHANGED 1\nc: "@"\n',
    ".env": "A=x@y\nB=CHANGED1\nC=@\n",
}


@pytest.mark.parametrize("inside", INSIDE, ids=lambda char: f"{ord(char):x}")
@pytest.mark.parametrize("name", WITH)
def test_a_line_ends_at_a_line_feed_only(name: str, inside: str) -> None:
    """A side that is taken is that side, byte for byte."""
    base = WITH[name].replace("@", inside)
    assert_sides(name, base, base.replace("1", "2"), base.replace("1", "3"))


LIKE_MARKERS = {
    "whole, elsewhere": "<<<<<<< ours\na\n||||||| base\nb\n=======\nc\n>>>>>>> theirs\n\nCHANGED\n\nend\n",
    "whole, around": "<<<<<<< ours\nCHANGED\n||||||| base\nb\n=======\nc\n>>>>>>> theirs\n",
    "a half": "CHANGED\n=======\nc\n>>>>>>> theirs\n",
    "longer": "<<<<<<<<< ours\na\n||||||||| base\nb\n=========\nc\n>>>>>>>>> theirs\n\nCHANGED\n",
    "a heading": "CHANGED\n=======\n\ntext\n",
}


@pytest.mark.parametrize("which", LIKE_MARKERS)
@pytest.mark.parametrize("name", ["m.txt", "m.md", "m.py"])
def test_a_text_may_have_lines_like_markers(name: str, which: str) -> None:
    text = LIKE_MARKERS[which]
    base = f'PAGE = """\n{text}"""\n' if name == "m.py" else text
    assert_sides(name, base, base.replace("CHANGED", "Changes"), base.replace("CHANGED", "History"))
    if which == "a heading":  # its line, too
        ours = base.replace("CHANGED\n=======", "New\n===")
        assert_sides(name, base, ours, base.replace("CHANGED\n=======", "Releases\n========"))


def assert_sides(name: str, base: str, ours: str, theirs: str) -> None:
    versions = [text.encode() for text in (base, ours, theirs)]
    merged = merge_file(name, *versions, lines=line_merge(Git(ROOT)))
    regions = regions_in(merged.data)
    assert len(regions) == len(merged.regions) == 1, merged.data.decode()
    for side in ("ours", "theirs"):

        def text(region: Region, side: str = side) -> bytes:
            found: bytes = getattr(region, side)
            return found

        wanted = {"ours": versions[1], "theirs": versions[2]}[side]
        assert filled(merged.data, regions, text) == wanted, merged.data.decode()


def test_lines_with_and_without_their_ends() -> None:
    for text in ("a\r\nb\x0cc\n\nd", "\n", "", "a\n", "\r\n"):
        assert "".join(split_lines(text)) == text
        assert b"".join(split_lines(text.encode())) == text.encode()
        assert [line.encode() for line in bare_lines(text)] == bare_lines(text.encode())
    assert bare_lines("a\r\nb\x0cc\n\nd\re") == ["a", "b\x0cc", "", "d\re"]


def test_no_other_lines_are_cut_where_text_is_edited() -> None:
    """`splitlines` is left for what programs print."""
    rooms = ("codemods", "data", "graft", "import_order", "judge", "merge", "record", "resolve")
    printed = {"data/requirement.py", "codemods/custom/worker.py"}
    found = {
        path.relative_to(ROOT / "skills_engine").as_posix()
        for room in rooms
        for path in (ROOT / "skills_engine" / room).rglob("*.py")
        if ".splitlines(" in path.read_text("utf-8")
    }
    assert found <= printed
    every = (ROOT / "skills_engine").rglob("*.py")
    assert [p for p in every if "splitlines(keepends" in p.read_text("utf-8")] == []
