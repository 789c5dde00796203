"""Score a merge of Python files on cases of drift_corpus.py and say what kind of answer each is
(`python benchmarks/drift_score.py CASES…`).

Of git's conflicts:

    exact      the person's syntax tree
    equal      the same but for the order of imports, of definitions side by side, of keywords;
               docstrings; annotations
    order      the same words, here in the sides' order, the person's otherwise
    kept       it keeps edits of a side that the person did not keep (conserved.py)
    own        the person wrote lines that no version has
    wrong      clean and none of these, or it does not parse
    declined   a conflict

right = exact and equal. Of what git gets exact: broken. With `--engine` another program is run,
once a case: exit 0 with {out} written says clean.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from conserved import compare
from drift_eval import git_lines, run

from skills_engine.merge import merge_file

Row = tuple[str, str, str, float]
"""The case, how git did, the grade, seconds of processor time (another program: of the clock)."""


def parsed(data: bytes) -> ast.Module | None:
    try:
        module = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(module):
        if isinstance(node, ast.Constant):
            node.kind = None
    return module


class Canon(ast.NodeTransformer):
    """A tree without what changes no behaviour in practice."""

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        imports: set[tuple[str, int, str, str | None]] = set()
        out: list[ast.stmt] = []
        run_: list[ast.stmt] = []
        for stmt in statements:
            match stmt:
                case ast.Import(names=names):
                    imports |= {("", 0, alias.name, alias.asname) for alias in names}
                case ast.ImportFrom(names=names, module=module, level=level):
                    imports |= {(module or "", level, a.name, a.asname) for a in names}
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    run_.append(stmt)
                case _:
                    out += [*sorted(run_, key=ast.dump), stmt]
                    run_ = []
        out += sorted(run_, key=ast.dump)
        if not imports:
            return out
        return [ast.Expr(ast.Constant(repr(sorted(imports, key=repr)))), *out]

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, name, None), list):
                setattr(node, name, self.body(getattr(node, name)))
        match node:
            case ast.Call(keywords=keywords) if all(k.arg for k in keywords):
                keywords.sort(key=lambda k: k.arg or "")
            case ast.FunctionDef(args=args) | ast.AsyncFunctionDef(args=args):
                for arg in (*args.args, *args.kwonlyargs, *args.posonlyargs):
                    arg.annotation = None
                node.returns = None
            case ast.Set(elts=elts):
                elts.sort(key=ast.dump)
        return node


def rows(data: bytes) -> Counter[str]:
    found = (row.strip() for row in data.decode("utf-8", "replace").split("\n"))
    return Counter(row for row in found if row and not row.startswith("#"))


def grade(versions: tuple[bytes, ...], merged: bytes | None) -> str:
    """The grade of an answer, None for a conflict; `versions` are base, ours, theirs, truth."""
    base, ours, theirs, truth = versions
    if merged is None:
        return "declined"
    got, want = parsed(merged), parsed(truth)
    if got is None or want is None:
        return "wrong"
    if ast.dump(got) == ast.dump(want):
        return "exact"
    if ast.dump(Canon().visit(got)) == ast.dump(Canon().visit(want)):
        return "equal"
    if rows(truth) - (rows(base) | rows(ours) | rows(theirs)):
        return "own"
    return compare(base, ours, theirs, merged, truth)


def score(case: Path, engine: str, hard: bool) -> Row | None:
    """One case; None for what git merges, if only its conflicts are asked for."""
    names = ("base", "ours", "theirs", "truth")
    versions = tuple((case / f"{name}.py").read_bytes() for name in names)
    by_git = git_lines(*versions[:3])
    git = "conflict"
    if by_git.clean:
        git = "exact" if grade(versions, by_git.data) == "exact" else "other"
    if hard and git != "conflict":
        return None
    if engine:
        data, spent = run(engine, case, 120)
    else:
        start = time.process_time()
        answer = merge_file("case.py", *versions[:3], lines=git_lines)
        data, spent = answer.data if answer.clean else None, time.process_time() - start
    return f"{case.parent.name}/{case.name}", git, grade(versions, data), spent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--engine", default="", help="command with {base} {ours} {theirs} {out}")
    parser.add_argument("--hard", action="store_true", help="only what git leaves as conflicts")
    parser.add_argument("--limit", type=int, default=0, help="so many cases of each set (0: all)")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--log", type=Path, help="write a line of JSON a case here")
    args = parser.parse_args()
    work = partial(score, engine=args.engine, hard=args.hard)
    total: Counter[str] = Counter()
    easy: Counter[tuple[str, str]] = Counter()
    seconds: list[float] = []
    with ProcessPoolExecutor(args.jobs) as pool:
        for folder in args.cases:
            cases = sorted(path.parent for path in folder.glob("*/meta.json"))
            found = [row for row in pool.map(work, cases[: args.limit or None]) if row]
            here = Counter(got for _, git, got, _ in found if git == "conflict")
            easy.update((git, got) for _, git, got, _ in found if git != "conflict")
            seconds += [spent for *_, spent in found]
            total += here
            print(folder.name, dict(here), flush=True)
            if args.log is not None:
                with args.log.open("a", encoding="utf-8") as log:
                    log.writelines(json.dumps(row) + "\n" for row in found)
    report(total, easy, seconds)
    return 0


def report(total: Counter[str], easy: Counter[tuple[str, str]], seconds: list[float]) -> None:
    n = max(1, total.total())
    exact = sum(count for (git, _), count in easy.items() if git == "exact")
    broken = exact - easy["exact", "exact"]
    print(f"{total.total()} conflicts of git's: right {(total['exact'] + total['equal']) / n:.1%}")
    for name, count in total.most_common():
        print(f"{count:>7}  {name} {count / n:.1%}")
    if exact:
        print(f"broken {broken} of {exact} that git gets exact = {broken / exact:.2%}")
    if seconds:
        print(f"{sum(seconds):.1f} s, median {sorted(seconds)[len(seconds) // 2]:.3f}")


if __name__ == "__main__":
    sys.exit(main())
