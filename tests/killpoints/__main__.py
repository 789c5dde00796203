"""`python tests/killpoints`: kill eight verbs, and a rebase that stops, at every step; 1 if a fork
is neither.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from killpoints.pairs import OTHERS, Pairs  # noqa: E402
from killpoints.points import FAULTS, Bench, Point, Verdict, warm_up  # noqa: E402
from killpoints.scenarios import SCENARIOS  # noqa: E402
from killpoints.tracer import why_not  # noqa: E402

_benches: dict[str, Bench] = {}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/killpoints", description=__doc__)
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="N points, of so many scenarios where there are, instead of all",
    )
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument(
        "--how",
        choices=("kill", "git-lives", "full", *FAULTS, *OTHERS),
        help="one way alone (default: all three)",
    )
    parser.add_argument(
        "--only", metavar="SCENARIO[:STEP:HOW]", help="one scenario, or one point of it"
    )
    parser.add_argument(
        "--faults", action="store_true", help="each call fails once, in every way, or is cut off"
    )
    parser.add_argument(
        "--pairs", action="store_true", help="somebody else does something whole at each step"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th point alone")
    parser.add_argument(
        "--first", type=int, default=0, metavar="N", help="of those, from the N-th (default: 0)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--keep", action="store_true", help="keep the forks that were neither")
    options = parser.parse_args(arguments)
    if why := why_not():
        print(f"kill points cannot be tried here: {why}")
        return 2
    began = time.monotonic()
    warm_up()
    folder = Path(tempfile.mkdtemp(prefix="killpoints-"))
    only, _, step = (options.only or "").partition(":")
    chance = random.Random(options.seed)  # noqa: S311
    some = min(options.sample or len(SCENARIOS), len(SCENARIOS))
    for scenario in chance.sample(SCENARIOS, some) if options.sample else SCENARIOS:
        if only in {"", scenario.name}:
            make = Pairs if options.pairs else Bench
            _benches[scenario.name] = make(scenario, folder)
    each = [
        [
            point
            for point in _points(bench, faults=options.faults)
            if options.how in {None, point.how}
        ]
        for bench in _benches.values()
    ]
    if options.sample:
        each = [chance.sample(all_, min(-(-options.sample // some), len(all_))) for all_ in each]
    points = [point for all_ in each for point in all_][options.first :: options.every]
    if step:
        points = [point for point in points if str(point) == options.only]
    verdicts = _judge_all(points, options.jobs)
    neither = [verdict for verdict in verdicts if verdict.what == "neither"]
    _print(verdicts, time.monotonic() - began)
    if neither and options.keep:
        print(f"the forks are in {folder}")
    else:
        _remove(folder)
    return 1 if neither else 0


def _points(bench: Bench, *, faults: bool) -> Iterator[Point]:
    if isinstance(bench, Pairs):
        return bench.pairs()
    return bench.faults() if faults else bench.points()


def _judge_all(points: list[Point], jobs: int) -> list[Verdict]:
    """In processes forked from this one: the benches and the imports are there already."""
    found = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for verdict in pool.map(_judge, points, chunksize=4):
            found.append(verdict)
            if verdict.what == "neither":
                print(f"NEITHER {verdict.point} ({verdict.found}): {verdict.why}", flush=True)
            elif len(found) % 100 == 0:
                print(f"  {len(found)} of {len(points)}", flush=True)
    return found


def _judge(point: Point) -> Verdict:
    return _benches[point.scenario].judge(point)


def _print(verdicts: list[Verdict], seconds: float) -> None:
    rows: list[tuple[str, ...]] = [("verb", "points", "before", "after", "neither")]
    names = [*dict.fromkeys(verdict.point.scenario for verdict in verdicts), "all"]
    for name in names:
        counted = Counter(v.what for v in verdicts if name in {"all", v.point.scenario})
        rows.append(
            (
                name,
                *map(
                    str, (counted.total(), counted["before"], counted["after"], counted["neither"])
                ),
            )
        )
    for row in rows:
        print(f"{row[0]:<10}" + "".join(f"{cell:>9}" for cell in row[1:]))
    print(f"in {seconds:.0f} s")


def _remove(folder: Path) -> None:
    import shutil  # noqa: PLC0415

    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
