"""Two edits of data files and files of lines that do not overlap: both are in a clean merge, or it is
a conflict; the same with the sides swapped.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from harness.merging import git_lines
from pairs.files import FILES, file_pairs, said

from skills_engine.merge import merge_file

COUNT = int(os.environ.get("GRAFTBOT_FILE_PAIRS", "100"))
SEED = int(os.environ.get("GRAFTBOT_FILE_PAIRS_SEED", "30"))


def test_there_are_forty_kinds_of_edits_and_each_has_a_place() -> None:
    assert sum(len(kinds) for _, kinds in FILES.values()) >= 40
    for path, (text, _) in FILES.items():
        assert said(path, text) is not None
        seen = {kind for pair in file_pairs(path, 1, 600) for kind in pair.kinds}
        assert seen == FILES[path][1].keys(), path


@pytest.mark.law
@pytest.mark.parametrize("path", FILES)
def test_a_pair_of_edits_is_merged_right_or_not_at_all(tmp_path: Path, path: str) -> None:
    lines = git_lines(tmp_path)
    grades: Counter[str] = Counter()
    for pair in file_pairs(path, SEED, COUNT):
        due = [said(path, text) for text in pair.due]
        base, ours, theirs = (text.encode() for text in (pair.base, pair.ours, pair.theirs))
        one = merge_file(path, base, ours, theirs, lines=lines)
        two = merge_file(path, base, theirs, ours, lines=lines)
        assert one.clean == two.clean, (pair.kinds, pair.ours, pair.theirs)
        for merged in (one, two):
            text = merged.data.decode()
            assert not merged.clean or said(path, text) in due, (pair.kinds, pair.due[0], text)
        grades["right" if one.clean else "conflict"] += 1
    assert grades["right"] >= 0.8 * grades.total(), grades
