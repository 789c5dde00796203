"""What one side left alone comes out as the other side's text, tried on real pairs of versions of a
repository (`python benchmarks/locality.py GIT_DIR FOLDER --count 100`).

Theirs is a later version of a file; ours is the earlier one with one call inserted beside a line
that theirs changed. But for that call, and conflicts taken from theirs, the merge must be theirs
line by line, blank lines aside; a clean one must have the call once.
"""

from __future__ import annotations

import argparse
import ast
import random
import subprocess
import sys
from collections import Counter
from difflib import SequenceMatcher

from drift_eval import git_lines

from skills_engine.merge import merge_file

_MINE = "mine_and_nobody_elses(1)"
_APART = (5, 20, 60, 150, 400)
"""Commits between the two versions."""


def git(repository: str, *args: str) -> str:
    done = subprocess.run(["git", "-C", repository, *args], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace")


def inserted(base: str, theirs: str, rng: random.Random) -> str | None:
    """The base with a call above a statement that is beside what theirs changed."""
    rows, new = base.splitlines(keepends=True), theirs.splitlines(keepends=True)
    try:
        tree = ast.parse(base)
        ast.parse(theirs)
    except (SyntaxError, ValueError):
        return None
    near: set[int] = set()
    for tag, i, j, _, _ in SequenceMatcher(None, rows, new, autojunk=False).get_opcodes():
        if tag != "equal":
            near |= set(range(max(i - 1, 0), j + 1))
    places = [
        (stmt.lineno, stmt.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for stmt in node.body
        if isinstance(stmt, ast.Assign | ast.Return | ast.If | ast.Expr)
        and stmt.lineno - 1 in near
        and not (isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant))
    ]
    if not places:
        return None
    line, column = rng.choice(places)
    return "".join([*rows[: line - 1], " " * column + _MINE + "\n", *rows[line - 1 :]])


def fault(base: str, ours: str, theirs: str) -> tuple[str, bool]:
    """What is not as the law says, or '', and whether the merge was clean."""
    merged = merge_file("case.py", base.encode(), ours.encode(), theirs.encode(), lines=git_lines)
    rows = merged.data.decode().split("\n")
    for region in reversed(merged.regions):
        sides = [side.decode() for side in (region.base, region.ours, region.theirs)]
        height = 4 + sum(side.count("\n") for side in sides)
        rows[region.line - 1 : region.line - 1 + height] = sides[2].split("\n")[:-1]
    if merged.clean and merged.data.decode().count(_MINE) != 1:
        return "the call is not there once", True
    left = [row for row in rows if row.strip() and _MINE not in row]
    if left != [row for row in theirs.split("\n") if row.strip()]:
        return "the rest is not theirs", merged.clean
    return "", merged.clean


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("git_dir")
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)  # noqa: S311
    revisions = git(args.git_dir, "rev-list", "--first-parent", "HEAD").split()[:2000]
    found: Counter[str] = Counter()
    tries = 0
    while found.total() < args.count and tries < 40 * args.count:
        tries += 1
        at, apart = rng.randrange(len(revisions)), rng.choice(_APART)
        if at + apart >= len(revisions):
            continue
        new, old = revisions[at], revisions[at + apart]
        names = git(
            args.git_dir, "diff", "--name-only", "--diff-filter=M", old, new, "--", args.folder
        )
        paths = [name for name in names.split() if name.endswith(".py")]
        if not paths:
            continue
        path = rng.choice(paths)
        base, theirs = (git(args.git_dir, "show", f"{rev}:{path}") for rev in (old, new))
        ours = inserted(base, theirs, rng)
        if ours is None or "\r" in base + theirs:
            continue
        wrong, clean = fault(base, ours, theirs)
        found[wrong or ("clean" if clean else "conflict")] += 1
        if wrong:
            print(wrong, old[:10], new[:10], path)
    print(dict(found))
    return sum(n for name, n in found.items() if name not in {"clean", "conflict"}) > 0


if __name__ == "__main__":
    sys.exit(main())
