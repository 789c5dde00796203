"""What was recorded of data, on a file that has drifted: it goes to the same element, wherever that
is now.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.record.carry import carry

CASES = {
    "lists that are alike": (
        "a.yaml",
        "s:\n  - [1, 2]\n  - [1, 2]\n",
        ("  - [1, 2]\n  - [1, 2]\n", "  - [1, 2]\n  - [1, 2, 3]\n"),
        ("s:\n", "s:\n  - [0]\n"),
    ),
    "the only name of a step": (
        "a.yaml",
        "s:\n  - uses: checkout@v4\n    with: {depth: 0}\n  - run: test\n",
        ("@v4", "@v5"),
        ("s:\n", "s:\n  - run: first\n"),
    ),
    "mappings without text": (
        "a.json",
        '{\n "s": [\n  {"n": 1, "on": false},\n  {"n": 2, "on": false}\n ]\n}\n',
        ('"n": 2, "on": false', '"n": 2, "on": true'),
        ('"s": [\n', '"s": [\n  {"n": 0, "on": false},\n'),
    ),
    "tables of an array": (
        "a.toml",
        "[[s]]\nn = 1\non = false\n\n[[s]]\nn = 2\non = false\n",
        ("n = 2\non = false", "n = 2\non = true"),
        ("[[s]]\nn = 1", "[[s]]\nn = 0\non = false\n\n[[s]]\nn = 1"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_element_without_a_name_is_found_by_what_stands_around_it(
    tmp_path: Path, name: str
) -> None:
    path, base, change, drift = CASES[name]
    theirs, ours = base.replace(*change, 1), base.replace(*drift, 1)
    wanted = theirs.replace(*drift, 1)
    versions = [text.encode() for text in (base, ours, theirs)]
    found = carry(path, *versions, lines=git_lines(tmp_path))
    assert found.data is not None, found.refused
    assert found.data.decode() == wanted
