"""Extract real "same change, drifted base" cases from a repository's history.

    python benchmarks/drift_corpus.py GIT_DIR OUT_DIR [--kind backport|merge] [--limit N]

A backport is a skill applied to a fork: somebody wrote a change against one
version of a file (base to theirs) and a person later carried the same change
to a version that had drifted (ours to truth). Two-parent merges are the same
thing with both sides moving. Every case is one Python file in four versions:

    base.py    the version the change was written against
    theirs.py  base with the change (what a skill or new upstream carries)
    ours.py    the drifted version the change must land on (the owner's fork)
    truth.py   what a person committed as the result

Only drifted cases are kept (base, ours and theirs pairwise different) whose
four versions all parse with this interpreter.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

warnings.simplefilter("ignore", SyntaxWarning)
CHERRY = re.compile(r"\(cherry picked from commit ([0-9a-f]{40})\)")
MAX_BYTES = 120_000
MAX_FILES = 60
"""Python files of one change above which it is taken for a mechanical one, and left out."""


class Repo:
    """A repository that is only read."""

    def __init__(self, git_dir: str) -> None:
        self._git = ["git", "--git-dir", git_dir]

    def git(self, *args: str) -> str:
        """What a command prints, or '' where it fails."""
        done = subprocess.run([*self._git, *args], capture_output=True, check=False)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""

    def blob(self, spec: str) -> bytes | None:
        done = subprocess.run(
            [*self._git, "cat-file", "blob", spec], capture_output=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    def modified(self, old: str, new: str) -> list[str]:
        """The Python files that both revisions have and that differ."""
        rows = self.git("diff-tree", "-r", "--no-commit-id", "--name-status", old, new).splitlines()
        return [row.split("\t")[1] for row in rows if row.startswith("M\t") and row.endswith(".py")]


def backports(repo: Repo) -> Iterator[tuple[str, str, str, str]]:
    """(base, theirs, ours, truth) as revisions, for each cherry-pick on record."""
    grep = "--grep=cherry picked from commit [0-9a-f]{40}"
    log = repo.git("log", "--all", "--no-merges", "-E", grep, "--format=%x01%H%x02%P%x02%B")
    for entry in log.split("\x01")[1:]:
        commit, parent, body = entry.split("\x02", 2)
        sources = CHERRY.findall(body)
        if len(sources) == 1 and parent and " " not in parent:
            yield f"{sources[0]}^", sources[0], parent, commit


def merges(repo: Repo) -> Iterator[tuple[str, str, str, str]]:
    """(base, theirs, ours, truth) as revisions, for each merge of two parents that both moved."""
    for row in repo.git("log", "--all", "--merges", "--format=%H %P").splitlines():
        revs = row.split()
        if len(revs) == 3:
            base = repo.git("merge-base", revs[1], revs[2]).strip()
            if base and base not in revs[1:]:
                yield base, revs[2], revs[1], revs[0]


def parses(source: bytes) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def versions(repo: Repo, revisions: tuple[str, str, str, str], path: str) -> tuple[bytes, ...]:
    """base, theirs, ours and truth of a file, or () for what is no case."""
    found = tuple(data for rev in revisions if (data := repo.blob(f"{rev}:{path}")) is not None)
    if len(found) < 4 or any(len(data) > MAX_BYTES or b"\r" in data for data in found):
        return ()
    return found if len(set(found[:3])) == 3 and all(parses(data) for data in found) else ()


def extract(repo: Repo, kind: str, out: Path, limit: int) -> int:
    """Write the cases, one directory each, named by their content; how many there are."""
    seen: set[str] = set()
    for revisions in (backports if kind == "backport" else merges)(repo):
        base, theirs, ours, truth = revisions
        changed = repo.modified(base, theirs)
        if not changed or len(changed) > MAX_FILES:
            continue
        landed = set(repo.modified(ours, truth))
        for path in changed:
            found = versions(repo, revisions, path) if path in landed else ()
            key = hashlib.sha256(b"\0".join(found)).hexdigest()[:16]
            if not found or key in seen:
                continue
            seen.add(key)
            case = out / key
            case.mkdir(parents=True, exist_ok=True)
            for name, data in zip(("base", "theirs", "ours", "truth"), found, strict=True):
                (case / f"{name}.py").write_bytes(data)
            meta = {
                "kind": kind,
                "path": path,
                "base": base,
                "theirs": theirs,
                "ours": ours,
                "truth": truth,
            }
            (case / "meta.json").write_text(json.dumps(meta))
            if limit and len(seen) >= limit:
                return len(seen)
    return len(seen)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("git_dir")
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", choices=["backport", "merge"], default="backport")
    parser.add_argument("--limit", type=int, default=0, help="stop after N cases (0: all)")
    args = parser.parse_args()
    print(extract(Repo(args.git_dir), args.kind, args.out, args.limit), "cases in", args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
