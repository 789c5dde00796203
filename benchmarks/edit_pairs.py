"""Pairs of edits of real code with a known answer, merged and graded (`python
benchmarks/edit_pairs.py --count 20000`).

Each edit is made twice, as text and on the syntax tree, and both must say the same; the answer of a
pair is the tree with both edits, in either order the same, or in either order where both insert at
one place. A merge is *right* (that tree, and the comments due), a *conflict*, *open* (a conflict
where either order is right) or *wrong*. With the sides swapped it must be clean or not clean alike,
and give the same tree where there is one answer. Whether the judge doubts right answers of git's
line merge, which it is not asked about here, is counted, too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pairs.edits import meaning
from pairs.run import KINDS, graded, merged, pairs, several

Found = tuple[Counter[str], Counter[tuple[str, str, str]], list[dict[str, object]]]


def run(seed: int, count: int, many: bool) -> Found:
    """The grades, the kinds by grade, and the pairs that are wrong or not symmetric."""
    grades: Counter[str] = Counter()
    kinds: Counter[tuple[str, str, str]] = Counter()
    bad: list[dict[str, object]] = []
    for pair in (several if many else pairs)(seed, count):
        texts = (pair.base, pair.ours, pair.theirs)
        answer = merged(*texts)
        swapped = merged(pair.base, pair.theirs, pair.ours)
        grade = graded(pair, answer)
        found = [grade]
        if swapped.clean != answer.clean:
            found.append("not symmetric")
        elif answer.clean and not pair.open:
            same = meaning(swapped.data.decode()) == meaning(answer.data.decode())
            found += [] if same else ["not symmetric"]
        grades.update(found)
        grades.update([f"{grade} by {answer.how}"] if answer.clean else [])
        kinds[(*pair.kinds, grade)] += 1
        if {"wrong", "not symmetric"} & set(found):
            bad.append({"kinds": pair.kinds, "found": found, "texts": texts,
                        "answer": answer.data.decode()})  # fmt: skip
    return grades, kinds, bad


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--several", action="store_true", help="two or three edits a side")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the wrong and unsymmetric pairs here")
    args = parser.parse_args()
    start = time.perf_counter()
    chunk = 250
    seeds = range(args.seed, args.seed + -(-args.count // chunk))
    grades: Counter[str] = Counter()
    kinds: Counter[tuple[str, str, str]] = Counter()
    bad: list[dict[str, object]] = []
    with ProcessPoolExecutor(args.jobs) as pool:
        for each, of_kinds, wrong in pool.map(run, seeds, repeat(chunk), repeat(args.several)):
            grades += each
            kinds += of_kinds
            bad += wrong
    known = grades["right"] + grades["conflict"] + grades["wrong"]
    print(f"{known + grades['open']} pairs of {len(KINDS)} kinds,",
          f"{len({k[:2] for k in kinds})} ordered pairs of kinds")  # fmt: skip
    for name, n in grades.most_common():
        print(f"{n:>7}  {name}")
    print(f"right {grades['right'] / max(1, known):.1%} of those with one answer, or answered")
    most = Counter({k[:2]: n for k, n in kinds.items() if k[2] == "conflict"}).most_common(12)
    print("most often a conflict:", "; ".join(f"{a} x {b} {n}" for (a, b), n in most))
    print(f"{time.perf_counter() - start:.0f} s")
    if args.json is not None:
        args.json.write_text("\n".join(json.dumps(row) for row in bad) + "\n")
    return bool(grades["wrong"] or grades["not symmetric"])


if __name__ == "__main__":
    sys.exit(main())
