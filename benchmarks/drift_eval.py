"""Score a three-way merge of Python files on cases made by drift_corpus.py (`python
benchmarks/drift_eval.py CASES…`).

Without `--engine`, `merge_file` is run in this process, and its time is
compared with LibCST's parse of the three versions. With it, a command is run
once a case: exit 0 with {out} written says that the merge is clean, any other
exit that there is a conflict. The answer is compared with what a person
committed (truth.py):

    exact     clean, and the same syntax tree as truth.py
    wrong     clean, but another syntax tree (or one that does not parse)
    conflict  declined

Every case is also scored with `git merge-file`. RESCUED are the cases that git
conflicts on and the engine gets exact; BROKEN, those that git gets exact and
the engine does not. A person's result can hold edits that no tool could know,
so no tool reaches 100 %.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import tokenize
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from drift_rules import RULES, left_out, watched

from skills_engine.merge import Merged, from_lines, merge_file

warnings.simplefilter("ignore", SyntaxWarning)

GRADES = ("exact", "conflict", "wrong")


@dataclass(frozen=True)
class Row:
    """One case. Times are seconds of the merge in process (git's line merge not counted) and of
    LibCST's parse.
    """

    case: str
    git: str
    engine: str
    how: str = ""
    regions: int = 0
    reasons: tuple[str, ...] = ()
    broken: str = ""
    seconds: float = 0.0
    libcst: float = 0.0


def tree(source: bytes) -> str | None:
    """A syntax tree to compare, or None for what does not parse."""
    try:
        return ast.dump(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return None


def grade(merged: bytes | None, truth: bytes) -> str:
    if merged is None:
        return "conflict"
    got = tree(merged)
    return "exact" if got is not None and got == tree(truth) else "wrong"


def git_lines(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    """git's line merge with diff3 markers."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
            path = Path(folder, name)
            path.write_bytes(data)
            names.append(str(path))
        done = subprocess.run(
            ["git", "merge-file", "-p", "--diff3", *names], capture_output=True, check=False
        )
    return from_lines(done.stdout, clean=done.returncode == 0)


def comments(source: bytes) -> Counter[str]:
    lines = io.StringIO(source.decode("utf-8")).readline
    return Counter(t.string for t in tokenize.generate_tokens(lines) if t.type == tokenize.COMMENT)


def fault(base: bytes, ours: bytes, theirs: bytes, out: bytes) -> str:
    """What no clean merge may do: not parse, or lose a comment that a side wrote and the other did
    not take away.
    """
    if tree(out) is None:
        return "does not parse"
    b, o, t, found = (comments(data) for data in (base, ours, theirs, out))
    for text in o | t:
        due = o[text] if o[text] == t[text] else o[text] + t[text] - b[text]
        if found[text] < min(due, o[text], t[text]) or (due > 0 and not found[text]):
            return f"lost the comment {text}"
    return ""


def score(case: Path, engine: str, timeout: float, timed: bool, save: Path | None) -> Row:
    base, ours, theirs, truth = (
        (case / f"{name}.py").read_bytes() for name in ("base", "ours", "theirs", "truth")
    )
    by_git = git_lines(base, ours, theirs)
    git = grade(by_git.data if by_git.clean else None, truth)
    if engine:
        merged, spent = run(engine, case, timeout)
        return Row(case.name, git, grade(merged, truth), seconds=spent)
    start = time.perf_counter()
    answer = merge_file(
        "case.py",
        base,
        ours,
        theirs,
        lines=lambda *_: by_git if _ == (base, ours, theirs) else git_lines(*_),
    )
    spent = time.perf_counter() - start
    if save is not None:
        (save / f"{case.name}.py").write_bytes(answer.data)
    return Row(
        case.name,
        git,
        grade(answer.data if answer.clean else None, truth),
        answer.how,
        len(answer.regions),
        tuple(region.reason for region in answer.regions),
        fault(base, ours, theirs, answer.data) if answer.clean else "",
        spent,
        parse_time(base, ours, theirs) if timed else 0.0,
    )


def parse_time(*versions: bytes) -> float:
    """Seconds that LibCST takes to parse the versions."""
    import libcst  # noqa: PLC0415  (not needed where another engine is scored)

    start = time.perf_counter()
    for version in versions:
        libcst.parse_module(version)
    return time.perf_counter() - start


def run(command: str, case: Path, timeout: float) -> tuple[bytes | None, float]:
    """What a command answered for a case, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.py"
        names = {name: case / f"{name}.py" for name in ("base", "ours", "theirs")}
        words = [word.format(out=out, **names) for word in shlex.split(command)]
        start = time.perf_counter()
        try:
            done = subprocess.run(words, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return None, timeout
        spent = time.perf_counter() - start
        return (out.read_bytes() if done.returncode == 0 and out.exists() else None), spent


def report(rows: list[Row]) -> None:
    cells = Counter((row.git, row.engine) for row in rows)
    print(f"{len(rows)} cases; rows: git merge-file, columns: the engine")
    print(f"{'':>10}" + "".join(f"{name:>10}" for name in GRADES) + f"{'all':>10}")
    for git in GRADES:
        line = [cells[git, engine] for engine in GRADES]
        print(f"{git:>10}" + "".join(f"{n:>10}" for n in line) + f"{sum(line):>10}")
    conflicts, exact = (
        sum(cells[git, engine] for engine in GRADES) for git in ("conflict", "exact")
    )
    rescued, wrong, broken = (
        cells["conflict", "exact"],
        cells["conflict", "wrong"],
        exact - cells["exact", "exact"],
    )
    print(
        f"RESCUED {rescued}/{conflicts} = {rescued / max(conflicts, 1):.1%} of git's conflicts "
        "exact; "
        f"{wrong} = {wrong / max(conflicts, 1):.1%} of them clean but different"
    )
    print(f"BROKEN  {broken}/{exact} = {broken / max(exact, 1):.2%} of what git gets exact")
    faults = [row for row in rows if row.broken]
    print(f"FAULTS  {len(faults)} clean outputs that do not parse or lost a comment")
    for how in sorted({row.how for row in rows if row.how}):
        counts = Counter(row.engine for row in rows if row.how == how)
        print(
            f"  {how:>10}: "
            + ", ".join(f"{counts[name]} {name}" for name in GRADES if counts[name])
        )
    left = [row.regions for row in rows if row.engine == "conflict"]
    if left:
        print(
            f"conflicts: {sum(left)} regions in {len(left)} cases, median "
            f"{statistics.median(left):.0f}"
        )
    seconds = sorted(row.seconds for row in rows)
    print(f"seconds a case: median {statistics.median(seconds):.3f}, most {seconds[-1]:.3f}")
    ratios = sorted(row.seconds / row.libcst for row in rows if row.libcst)
    if ratios:
        print(
            f"against LibCST's parse of the three: median {statistics.median(ratios):.2f}, "
            f"most {ratios[-1]:.2f}"
        )


def answered(case: Path, by_git: Merged) -> str:
    """The grade of the merge of a case."""
    base, ours, theirs, truth = (
        (case / f"{name}.py").read_bytes() for name in ("base", "ours", "theirs", "truth")
    )
    lines = partial(_lines, (base, ours, theirs), by_git)
    answer = merge_file("case.py", base, ours, theirs, lines=lines)
    return grade(answer.data if answer.clean else None, truth)


def _lines(texts: tuple[bytes, ...], by_git: Merged, *asked: bytes) -> Merged:
    return by_git if asked == texts else git_lines(*asked)


def without_each(case: Path) -> tuple[str, dict[str, str]]:
    """The grade of one of git's conflicts, and the other grades that it has without the rules that
    had something to say in it; '' for what git merges.
    """
    by_git = git_lines(*((case / f"{name}.py").read_bytes() for name in ("base", "ours", "theirs")))
    if by_git.clean:
        return "", {}
    with watched(RULES) as spoke:
        with_all = answered(case, by_git)
    others: dict[str, str] = {}
    for rule in RULES:
        if rule.name in spoke:
            with left_out(rule):
                other = answered(case, by_git)
            if other != with_all:
                others[rule.name] = other
    return with_all, others


def ablate(cases: list[Path], jobs: int) -> None:
    """Print what each rule changes when it is left out."""
    with ProcessPoolExecutor(jobs) as pool:
        rows = [row for row in pool.map(without_each, cases, chunksize=4) if row[0]]
    totals = Counter(grade for grade, _ in rows)
    print(f"{len(rows)} conflicts of git's: " + ", ".join(f"{totals[g]} {g}" for g in GRADES))
    print(f"{'without':>16}{'exact +':>9}{'exact -':>9}{'wrong +':>9}{'wrong -':>9}  it rests on")
    for rule in RULES:
        changed = [(was, others[rule.name]) for was, others in rows if rule.name in others]
        counts = [
            sum(now == name != was for was, now in changed)
            if more
            else sum(was == name != now for was, now in changed)
            for name in ("exact", "wrong")
            for more in (True, False)
        ]
        print(f"{rule.name:>16}" + "".join(f"{n:>9}" for n in counts) + f"  {rule.evidence}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--engine", default="", help="command with {base} {ours} {theirs} {out}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="each so-many-th case alone")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument(
        "--time", action="store_true", help="also time LibCST's parse of the three versions"
    )
    parser.add_argument(
        "--ablate",
        action="store_true",
        help="of git's conflicts: what leaving out each rule and law gains and costs",
    )
    parser.add_argument("--json", type=Path, help="write one row a case here")
    parser.add_argument(
        "--save", type=Path, help="write what the engine answered for each case into this directory"
    )
    args = parser.parse_args()
    cases = sorted(path.parent for root in args.cases for path in root.glob("*/meta.json"))
    cases = cases[:: args.every]
    if not cases:
        print("no cases", file=sys.stderr)
        return 2
    if args.ablate:
        ablate(cases, args.jobs)
        return 0
    if args.save is not None:
        args.save.mkdir(parents=True, exist_ok=True)
    work = partial(score, engine=args.engine, timeout=args.timeout, timed=args.time, save=args.save)
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = list(pool.map(work, cases, chunksize=4))
    if args.json is not None:
        args.json.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows))
    report(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
