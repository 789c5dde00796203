"""Score recorded changes on drifted files: `python benchmarks/record_drift.py CASES [--sample N]
[--seed S]`.

A case is a folder with base.py, ours.py, theirs.py and truth.py, what a person
made of them. What theirs changed of base is recorded as operations, and these
are applied to ours, in this process: exact (the same syntax tree as truth.py),
wrong (another one), conflict (an operation was refused, or the result does not
pass the checks of a merge). Rows are what the structural merge makes of the
same cases.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from drift_eval import GRADES, git_lines, grade

from skills_engine.merge import merge_file
from skills_engine.record.carry import carry


def score(case: Path) -> tuple[str, str, float, str]:
    """The merge's grade, the recording's, the seconds that it took, and why it was refused."""
    base, ours, theirs, truth = (
        (case / f"{name}.py").read_bytes() for name in ("base", "ours", "theirs", "truth")
    )
    merged = merge_file("case.py", base, ours, theirs, lines=git_lines)
    by_merge = grade(merged.data if merged.clean else None, truth)
    start = time.perf_counter()
    carried = carry("case.py", base, ours, theirs, lines=git_lines)
    return (
        by_merge,
        grade(carried.data, truth),
        time.perf_counter() - start,
        f"{case.name}: {carried.refused}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument(
        "--sample", type=int, default=0, help="so many cases, chosen by --seed (0: all)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--why",
        action="store_true",
        help="print the cases that the merge gets exact and this does not",
    )
    args = parser.parse_args()
    cases = sorted(path.parent for path in args.cases.rglob("truth.py"))
    if args.sample:
        cases = sorted(random.Random(args.seed).sample(cases, min(args.sample, len(cases))))  # noqa: S311
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = list(pool.map(score, cases))
    cells = Counter(row[:2] for row in rows)
    print(f"{len(rows)} cases; rows: structural merge, columns: recorded and applied")
    print(f"{'':>10}" + "".join(f"{name:>10}" for name in (*GRADES, "in all")))
    for row in GRADES:
        counts = [cells[row, name] for name in GRADES]
        print(f"{row:>10}" + "".join(f"{count:>10}" for count in (*counts, sum(counts))))
    print(
        f"{'in all':>10}"
        + "".join(f"{sum(cells[row, name] for row in GRADES):>10}" for name in GRADES)
    )
    seconds = sorted(row[2] for row in rows)
    if seconds:
        print(f"seconds a case: median {seconds[len(seconds) // 2]:.1f}, longest {seconds[-1]:.1f}")
    for by_merge, mine, _, why in rows:
        if args.why and by_merge == "exact" != mine:
            print(mine, why)


if __name__ == "__main__":
    main()
