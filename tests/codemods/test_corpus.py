"""The corpus of operations: no case is wrong, and no refusal is untrue or needless."""

from __future__ import annotations

import pytest
from corpus import cases, families, verdict


@pytest.mark.parametrize("family", families())
def test_no_case_of_a_family_is_wrong(family: str) -> None:
    answers = [(case, *verdict(case)) for case in cases(family)]
    bad = [
        f"{family}:{case.number} ({case.kind}) is {said}: {case.operations}\n{shown}"
        for case, said, shown in answers
        if said in {"wrong", "refused without need"}
    ]
    assert not bad, "\n\n".join(bad[:5])
    same = sum(said in {"bytes", "refused"} for _, said, _ in answers)
    assert same >= 0.98 * len(answers), "the share of equal bytes that docs/benchmarks.md gives"


def test_there_are_a_thousand() -> None:
    assert sum(1 for family in families() for _ in cases(family)) >= 1000
