"""A few seeds of each target of the fuzzer; `make fuzz` goes on for as long as one likes."""

from __future__ import annotations

from random import Random

import pytest
from fuzz.targets import TARGETS


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", TARGETS)
def test_no_foreign_exception_and_no_false_result(name: str, seed: int) -> None:
    assert TARGETS[name](Random(seed))
