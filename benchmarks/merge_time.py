"""Processor time of the merge beside another commit of it, over git's conflicts among cases that
`drift_corpus.py` made (`python benchmarks/merge_time.py CASES… --beside 445975f`).

One process for each of the two does one case after the other, in turn, so that what else the
machine does falls on both alike; each case counts its user and system time without git's. Only what
git leaves as a conflict is merged, as `merge-file` does it, the judge included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parents[1]

_CHILD = """
import json, subprocess, sys, tempfile, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import skills_engine
from skills_engine.merge import merge_file
try:
    from skills_engine.merge import from_lines
except ImportError:
    from skills_engine.merge.markers import from_lines
assert skills_engine.__file__.startswith(sys.argv[1]), skills_engine.__file__
known = {}

def lines(*texts):
    if texts not in known:
        known.clear()
        with tempfile.TemporaryDirectory() as folder:
            base, ours, theirs = (Path(folder, name) for name in ("base", "ours", "theirs"))
            for path, data in zip((base, ours, theirs), texts):
                path.write_bytes(data)
            command = ["git", "merge-file", "-p", "--diff3", ours, base, theirs]
            run = subprocess.run(command, capture_output=True)
        known[texts] = from_lines(run.stdout, clean=run.returncode == 0)
    return known[texts]

for row in sys.stdin:
    texts = [Path(row.strip(), f"{name}.py").read_bytes() for name in ("base", "ours", "theirs")]
    if lines(*texts).clean:
        print("null", flush=True)
        continue
    start = time.process_time()
    merged = merge_file("case.py", *texts, lines=lines)
    spent = time.process_time() - start
    print(json.dumps([spent, merged.clean, texts[0].count(b"\\n")]), flush=True)
"""

_SIZES = ((0, 300), (300, 1_000), (1_000, 3_000), (3_000, 10**9))


class Merger:
    """A process that merges by the engine in a folder."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(root)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.asks, self.answers = self.process.stdin, self.process.stdout

    def merge(self, case: Path) -> tuple[float, bool, int] | None:
        """Seconds, whether the merge is clean, lines of the base; None where git's is clean."""
        print(case.resolve(), file=self.asks, flush=True)
        found = json.loads(self.answers.readline() if self.answers else "null")
        return None if found is None else (found[0], found[1], found[2])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, nargs="+", help="folders that drift_corpus.py made")
    parser.add_argument("--beside", required=True, help="a commit of this repository")
    parser.add_argument("--every", type=int, default=1, help="every so manyth case only")
    parser.add_argument("--over", type=int, default=0, help="only bases of so many lines")
    args = parser.parse_args()
    cases = sorted(path.parent for folder in args.cases for path in folder.glob("*/meta.json"))
    if args.over:
        cases = [c for c in cases if (c / "base.py").read_bytes().count(b"\n") > args.over]
    rows: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "beside")
        subprocess.run(["git", "clone", "-q", _ROOT, other], check=True)
        subprocess.run(["git", "-C", other, "checkout", "-q", args.beside], check=True)
        here, there = Merger(_ROOT), Merger(other)
        for case in cases[:: args.every]:
            before, now = there.merge(case), here.merge(case)
            if before and now:
                rows.append((now[2], before[0], now[0]))
        for each in (here, there):
            each.process.kill()
    print(f"seconds of processor time, {args.beside} and now")
    for low, high in (*_SIZES, (0, 10**9)):
        some = [row for row in rows if low < row[0] <= high]
        if some:
            old, new = sum(row[1] for row in some), sum(row[2] for row in some)
            name = "all" if (low, high) == (0, 10**9) else f"over {low} lines"
            print(f"{name:>16}: {len(some):4} cases, {old:7.1f} {new:7.1f}  {new / old:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
