"""A sample of `make orders`: three skills on and off again, one at a time, in two orders."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from forks import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from orders import Fork, Tried, orders

NAMES = ["add-status", "add-telegram", "telegram-reactions"]


@pytest.mark.slow
def test_whatever_the_order_the_bytes_are_the_same_and_nothing_is_left(tmp_path: Path) -> None:
    tried = Tried(tmp_path / "state")
    orders(Fork(tmp_path), tried, NAMES, range(4, 6), 2)
    assert tried.done == {"order 4": "", "order 5": ""}
    again = Tried(tmp_path / "state")
    again.read()
    assert (again.done, len(again.trees)) == (tried.done, 1)
    again.note("order 6", set(NAMES), "another tree", "")
    assert again.done["order 6"] == "other bytes than in another order"
