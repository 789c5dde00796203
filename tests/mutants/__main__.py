"""`python tests/mutants`: mistakes in the engine's code, made one at a time; which do the tests
see? 1 if fewer are seen than must be.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import partial
from hashlib import sha256
from multiprocessing import current_process, get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

import git  # noqa: E402, F401  # what the tests import is there when a process forks
import libcst.matchers  # noqa: E402, F401
import ruamel.yaml  # noqa: E402, F401
import tomlkit  # noqa: E402, F401
import typer  # noqa: E402, F401

from mutants.operators import Mutant, mutants  # noqa: E402
from mutants.table import Table, made  # noqa: E402
from mutants.trial import mistaken, seen_by  # noqa: E402

PROGRAMS = ("transaction/test_*.py", "verbs/test_safety*.py")
"""Tests that look at what another process does, whose lines nobody sees."""
ROOMS = {
    "merge": (
        "merge/test_*.py",
        "graft/test_tree_merge.py",
        "codemods/test_sequences.py",
        "codemods/test_blocks.py",
    ),
    "judge": ("judge/test_*.py", "merge/test_*.py"),
    "check": ("check/test_*.py", "codemods/test_hidden_names.py", "merge/test_merge_bindings.py"),
    "data": (
        "data/test_*.py",
        "test_bounds.py",
        "check/test_check_data.py",
        "codemods/test_operations.py",
    ),
    "transaction": PROGRAMS,
}
"""Of each room of the engine, the tests whose affair it is."""
SAMPLE, LEAST = 40, 0.95


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python tests/mutants", description=__doc__)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], help="default: all")
    parser.add_argument(
        "--sample",
        type=int,
        default=SAMPLE,
        metavar="N",
        help=f"of each room, the same each time; 0 is all (default: {SAMPLE})",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="of those whose name has this")
    parser.add_argument("--list", action="store_true", help="name them, and try none")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="go on where it was ended")
    options = parser.parse_args(arguments)
    rooms = options.rooms or list(ROOMS)
    chosen = {room: _chosen(room, options.only, options.sample) for room in rooms}
    if options.list:
        for room, of in chosen.items():
            print("\n".join(f"{room:12} {one.name}" for one in of))
        return 0
    with tempfile.TemporaryDirectory() as folder, _checkouts(Path(folder), options.jobs) as roots:
        return _tried(chosen, roots, options.state)


def _chosen(room: str, text: str, most: int) -> list[Mutant]:
    paths = sorted((ROOT / "skills_engine" / room).rglob("*.py"))
    found = [
        one
        for path in paths
        for one in mutants(str(path.relative_to(ROOT)), path.read_bytes())
        if text in one.name
    ]
    ranked = sorted(found, key=lambda one: sha256(one.name.encode()).digest())
    return ranked[: most or len(found)]


@contextmanager
def _checkouts(folder: Path, jobs: int) -> Iterator[list[Path]]:
    """As many checkouts of what is committed, each compiled."""
    roots = [folder / f"checkout-{number}" for number in range(jobs)]
    worktree = ["git", "-C", str(ROOT), "worktree"]
    try:
        for root in roots:
            subprocess.run([*worktree, "add", "-q", "--detach", str(root)], check=True)
            code = [str(root / name) for name in ("skills_engine", "bot", "tests")]
            subprocess.run([sys.executable, "-m", "compileall", "-q", *code], check=True)
        yield roots
    finally:
        for root in roots:
            subprocess.run([*worktree, "remove", "--force", str(root)], check=False)


def _tried(chosen: dict[str, list[Mutant]], roots: Sequence[Path], state: Path | None) -> int:
    known = {}
    if state and state.exists():
        known = dict(map(json.loads, state.read_text("utf-8").splitlines()))
    enough = True
    commit = subprocess.check_output(["git", "-C", str(roots[0]), "rev-parse", "HEAD"], text=True)[
        :12
    ]
    for room, of in chosen.items():
        files = _files(room)
        began = time.monotonic()
        folder = state.parent if state else roots[0].parent
        table = made(roots[0], files, folder / f".mutants-{room}-{commit}.json")
        found: Counter[str] = Counter()
        with ProcessPoolExecutor(len(roots), get_context("fork")) as pool:
            for one, how in pool.map(partial(_one, table, files, roots, known), of):
                verdict = "seen" if how else "UNSEEN"
                found[verdict] += 1
                print(f"{verdict:6} {one.name} -> {one.instead[:60]!r}  [{how}]", flush=True)
                if state and one.name not in known:
                    with state.open("a", encoding="utf-8") as file:
                        file.write(json.dumps([one.name, how]) + "\n")
        share = found["seen"] / max(len(of), 1)
        enough = enough and share >= LEAST
        print(f"{room}: {dict(found)}, {share:.1%} seen; {time.monotonic() - began:.0f} s")
    return not enough


def _files(room: str) -> list[str]:
    tests = ROOT / "tests"
    return sorted(
        {f"tests/{path.relative_to(tests)}" for one in ROOMS[room] for path in tests.glob(one)}
    )


def _one(
    table: Table, files: Sequence[str], roots: Sequence[Path], known: dict[str, str], one: Mutant
) -> tuple[Mutant, str]:
    """How a mistake was seen: by the tests that run its line, or by one that starts programs.

    Where no test runs a line in its own process (an import does, or a program) all are tried.
    """
    if one.name in known:
        return one, known[one.name]
    root = roots[(current_process()._identity or (1,))[0] % len(roots)]
    first = table.of(one.path, one.line)
    programs = [name for name in files if any(fnmatch(name, f"tests/{p}") for p in PROGRAMS)]
    rest = [name for name in table.all_of(programs if first else files) if name not in set(first)]
    with mistaken(root, one):
        for tests in (first, rest):
            if how := seen_by(root, tests, sum(table.seconds[name] for name in tests)):
                return one, how
    return one, ""


if __name__ == "__main__":
    sys.exit(main())
