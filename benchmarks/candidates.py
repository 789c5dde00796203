"""How often a region that the merge declines is what one of its candidates says: cases made by
drift_corpus.py (`python benchmarks/candidates.py CASES… --sample N`).

A region's truth is what a person committed between the lines around it, found by a diff of the file
without its conflicts and truth.py; white space at the ends of lines and blank lines do not count.

    offered   one of the candidates is that text
    first     the first that is offered is; its share is of the regions where one is
"""

from __future__ import annotations

import argparse
import random
import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from difflib import SequenceMatcher
from itertools import count
from pathlib import Path

from drift_eval import git_lines

from skills_engine.merge import Merged, merge_file
from skills_engine.resolve.candidates import candidates

warnings.simplefilter("ignore", SyntaxWarning)


def texts(data: bytes) -> list[bytes]:
    """The lines that count."""
    return [b" ".join(line.split()) for line in data.splitlines() if line.strip()]


def truths(merged: Merged, truth: bytes) -> list[list[bytes]]:
    """What stands in truth.py in the place of each region."""
    lines, frame, marks, at = merged.data.splitlines(), [], [], 0
    for number, region in zip(count(), merged.regions):
        start = region.line - 1
        frame += texts(b"\n".join(lines[at:start]))
        marks.append(len(frame))
        frame.append(b"\0%d" % number)
        sides = (region.ours, region.base, region.theirs)
        at = start + 4 + sum(len(side.splitlines()) for side in sides)
    frame += texts(b"\n".join(lines[at:]))
    wanted = texts(truth)
    pairs: dict[int, int] = {}
    for one, other, size in SequenceMatcher(
        None, frame, wanted, autojunk=False
    ).get_matching_blocks():
        pairs |= {one + n: other + n for n in range(size)}
    found = []
    for mark in marks:
        before = next((n for n in range(mark - 1, -1, -1) if n in pairs), None)
        after = next((n for n in range(mark + 1, len(frame)) if n in pairs), None)
        start = pairs[before] + 1 if before is not None else 0
        end = pairs[after] if after is not None else len(wanted)
        found.append(wanted[start:end])
    return found


def score(case: Path) -> list[str]:
    """For each region that is declined: the name of the candidate that a person took (after `1 `
    where it is the first), or nothing.
    """
    base, ours, theirs, truth = (
        (case / f"{name}.py").read_bytes() for name in ("base", "ours", "theirs", "truth")
    )
    merged = merge_file("case.py", base, ours, theirs, lines=git_lines)
    if merged.clean:
        return []
    answers = []
    for region, wanted in zip(merged.regions, truths(merged, truth), strict=True):
        offered = candidates("case.py", merged.data, region)
        took = [each.name for each in offered if texts(each.text) == wanted]
        first = bool(offered) and texts(offered[0].text) == wanted
        answers.append(f"{'1 ' if first else ''}{took[0]}" if took else "")
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description="candidates against what people committed")
    parser.add_argument("cases", nargs="+", type=Path, help="directories of cases")
    parser.add_argument("--sample", type=int, default=0, help="so many of each directory")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    given = parser.parse_args()
    found: Counter[str] = Counter()
    for folder in given.cases:
        cases = sorted(case for case in folder.iterdir() if (case / "truth.py").exists())
        random.Random(given.seed).shuffle(cases)  # noqa: S311
        with ProcessPoolExecutor(given.jobs) as pool:
            for answers in pool.map(score, cases[: given.sample or None], chunksize=4):
                found.update(answers)
        report(folder.name, found)
    return 0


def report(name: str, found: Counter[str]) -> None:
    """A line for all cases until here."""
    regions = found.total()
    offered = regions - found[""]
    first = sum(number for name, number in found.items() if name.startswith("1 "))
    print(
        f"{name}: {regions} regions, offered {offered} ({offered / max(1, regions):.1%}), "
        f"first {first} ({first / max(1, offered):.1%} of those)",
        dict(found.most_common()),
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
