"""`python tests/simulation`: run seeds, or one with its trace; 1 if something did not hold in one."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from simulation.plan import Plan, plan_of  # noqa: E402
from simulation.run import simulate  # noqa: E402
from simulation.shrink import shrunk  # noqa: E402

CHUNK = 50


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=__doc__)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="default: 0")
    parser.add_argument("--seeds", type=int, default=300, metavar="N", help="default: 300")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="go on where a run that was ended was"
    )
    parser.add_argument("--trace", type=int, metavar="SEED", help="one seed, and all that happens")
    parser.add_argument("--whole", action="store_true", help="do not shrink what fails")
    options = parser.parse_args(arguments)
    if options.trace is not None:
        print(plan := plan_of(options.trace))
        print("\n".join(simulate(plan).trace))
        return 0
    chunks = {
        first: min(CHUNK, options.first + options.seeds - first)
        for first in range(options.first, options.first + options.seeds, CHUNK)
    }
    found = [one for one in _known(options.state) if chunks.get(one["first"]) == one["seeds"]]
    for one in found:
        del chunks[one["first"]]
    began, code = time.monotonic(), _code()
    for one in _run(chunks, options.jobs):
        found.append(one)
        if options.state:
            with options.state.open("a") as file:
                file.write(json.dumps(one | {"code": code}) + "\n")
    failed: dict[str, list[str]] = {}
    injected: Counter[str] = Counter()
    for one in found:
        failed |= one["failed"]
        injected.update(one["injected"])
    for kind, times in sorted(injected.items()):
        print(f"{times:7,} {kind}")
    for seed, problems in sorted(failed.items(), key=lambda pair: int(pair[0])):
        print(f"\nseed {seed}: {'; '.join(problems)}")
        if not options.whole:
            print(shrunk(plan_of(int(seed)), _fails))
    print(
        f"{sum(one['seeds'] for one in found):,} seeds, {len(failed)} failed; "
        f"{sum(injected.values()):,} faults; {sum(one['steps'] for one in found):,} steps in "
        f"{sum(one['lives'] for one in found):,} lives; {time.monotonic() - began:.0f} s now"
    )
    return bool(failed)


def _fails(plan: Plan) -> bool:
    return bool(simulate(plan).problems)


def _run(chunks: dict[int, int], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        yield from (_chunk(*one) for one in chunks.items())
        return
    with ProcessPoolExecutor(jobs, get_context("fork")) as pool:
        for done in as_completed([pool.submit(_chunk, *one) for one in chunks.items()]):
            yield done.result()


def _chunk(first: int, seeds: int) -> dict[str, Any]:
    gc.freeze()  # what is loaded need not be looked through again and again
    failed, injected, steps, lives = {}, Counter[str](), 0, 0
    for seed in range(first, first + seeds):
        outcome = simulate(plan_of(seed))
        injected.update(outcome.injected)
        steps, lives = steps + outcome.steps, lives + outcome.lives
        if outcome.problems:
            failed[str(seed)] = list(outcome.problems)
    about = {"first": first, "seeds": seeds, "steps": steps, "lives": lives}
    return {**about, "failed": failed, "injected": injected}


def _code() -> str:
    """What the bot and the simulation are: what was found with others is not what is sought."""
    files = [*(ROOT / "bot").rglob("*.py"), *(ROOT / "bot").rglob("*.sql")]
    files += (ROOT / "tests/simulation").glob("*.py")
    return sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def _known(state: Path | None) -> list[dict[str, Any]]:
    if state is None or not state.exists():
        return []
    code = _code()
    known = [json.loads(line) for line in state.read_text("utf-8").splitlines()]
    return [one for one in known if one["code"] == code]


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a run
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606
    sys.exit(main())
