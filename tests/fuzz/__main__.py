"""`python tests/fuzz --seconds N [TARGET…]`: each target for so long; 1 if one of its inputs is a
fault. A seed is an input: `--seed` gives one again.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType

sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from fuzz.targets import TARGETS, Target, version  # noqa: E402

PATIENCE = 60
"""Seconds after which an input counts as one that hangs."""


class Hangs(BaseException):
    """Raised by the alarm: nothing that catches exceptions keeps it."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60, help="for each target (default: 60)")
    parser.add_argument("--seed", type=int, help="this input alone")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGALRM, _alarm)
    logging.disable(logging.CRITICAL)
    faults = 0
    for name in options.targets or TARGETS:
        began, seed, found = time.monotonic(), options.first, Counter[str]()
        if options.seed is not None:
            seed, options.seconds = options.seed, 0
        while True:
            word = _once(name, TARGETS[name], seed)
            found[word] += 1
            seed += 1
            if time.monotonic() - began >= options.seconds:
                break
        faults += found["FAULT"]
        words = ", ".join(f"{count} {word}" for word, count in found.most_common())
        print(
            f"{name}: {found.total()} inputs in {time.monotonic() - began:.0f} s: {words}",
            flush=True,
        )
    print(f"{version()}: {faults} faults")
    return 1 if faults else 0


def _once(name: str, target: Target, seed: int) -> str:
    signal.alarm(PATIENCE)
    try:
        return target(Random(seed))
    except (Exception, Hangs) as error:  # noqa: BLE001  (whatever it is, it is a fault)
        where = traceback.extract_tb(error.__traceback__)[-1]
        print(
            f"FAULT {name} --seed {seed}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        )
        return "FAULT"
    finally:
        signal.alarm(0)


def _alarm(number: int, frame: FrameType | None) -> None:
    raise Hangs


if __name__ == "__main__":
    sys.exit(main())
