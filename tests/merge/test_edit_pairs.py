"""Pairs of edits of real code with a known answer, merged: right, or a conflict, never wrong; the same
with the sides swapped.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from pairs.edits import meaning
from pairs.run import KINDS, graded, merged, pairs

COUNT = int(os.environ.get("GRAFTBOT_EDIT_PAIRS", "2000"))
SEED = int(os.environ.get("GRAFTBOT_EDIT_PAIRS_SEED", "30"))
PARTS = 4
"""So many processes can share the work."""


def test_there_are_forty_kinds_of_edits() -> None:
    assert len(KINDS) >= 40


@pytest.mark.slow
@pytest.mark.law
@pytest.mark.parametrize("part", range(PARTS))
def test_a_pair_of_edits_is_merged_right_or_not_at_all(part: int) -> None:
    grades: Counter[str] = Counter()
    wrong = []
    for number, pair in enumerate(pairs(SEED + part, COUNT // PARTS)):
        answer = merged(pair.base, pair.ours, pair.theirs)
        grade = graded(pair, answer)
        grades[grade] += 1
        if pair.text and answer.clean:  # what one side left alone is the other side's bytes
            assert answer.data.decode() == pair.text, pair.kinds
        if grade == "wrong":
            wrong.append((pair.kinds, pair.base, pair.ours, pair.theirs, answer.data.decode()))
        if number % 4 == 0:
            swapped = merged(pair.base, pair.theirs, pair.ours)
            assert swapped.clean == answer.clean, (pair.kinds, pair.base, pair.ours, pair.theirs)
            if answer.clean and not pair.open:
                assert meaning(swapped.data.decode()) == meaning(answer.data.decode())
    assert not wrong, wrong[:1]
    assert grades["right"] >= 0.8 * (grades["right"] + grades["conflict"]), grades
