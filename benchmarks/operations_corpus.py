"""The share of equal bytes, equal trees and sensible refusals in tests/corpus:
`python benchmarks/operations_corpus.py`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("", "tests")]

from corpus import Verdict, families, tally  # noqa: E402 - the path comes first

_COLUMNS: tuple[Verdict, ...] = ("bytes", "tree", "refused", "refused without need", "wrong")


def main() -> None:
    start, total = time.process_time(), Counter[Verdict]()
    print(f"{'family':22}{'cases':>7}" + "".join(f"{name:>22}" for name in _COLUMNS))
    for family in families():
        found = tally(family)
        total += found
        print(_row(family, found))
    print(_row("all", total))
    print(f"{time.process_time() - start:.1f} s of processor time")


def _row(name: str, found: Counter[Verdict]) -> str:
    count = sum(found.values())
    shares = "".join(f"{found[c]:>13} {found[c] / count:>6.1%} " for c in _COLUMNS)
    return f"{name:22}{count:>7}{shares}"


if __name__ == "__main__":
    main()
