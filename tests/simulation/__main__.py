"""`python tests/simulation`: run seeds, or one with its trace; 1 if something did not hold in one."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from simulation.plan import plan_of  # noqa: E402
from simulation.run import simulate  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=__doc__)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="default: 0")
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="default: 100")
    parser.add_argument("--trace", type=int, metavar="SEED", help="one seed, and all that happens")
    options = parser.parse_args(arguments)
    if options.trace is not None:
        print(plan := plan_of(options.trace))
        print("\n".join(simulate(plan).trace))
        return 0
    began, failed, injected = time.monotonic(), 0, Counter[str]()
    for seed in range(options.first, options.first + options.seeds):
        outcome = simulate(plan_of(seed))
        injected.update(outcome.injected)
        if outcome.problems:
            failed += 1
            print(f"seed {seed}: {'; '.join(outcome.problems)}")
    for kind, times in sorted(injected.items()):
        print(f"{times:7} {kind}")
    print(f"{options.seeds} seeds, {failed} failed, {time.monotonic() - began:.0f} s")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
