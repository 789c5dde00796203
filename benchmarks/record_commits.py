"""What `skills record` makes of real commits: `python benchmarks/record_commits.py GIT_DIR ...
[--commits 10] [--seed 1]`.

Of each repository, commits are drawn that change code of the project itself: one to five Python
files outside its tests and documents, 3 to 80 lines of them. Each is recorded, and each entry that
the package has for a file that was there is judged. A person would have written it if

1. it names its place (a definition, a list, a call, an import, a pattern); a snippet of text does
   not, unless it stands in a file that no other operation knows (prose, a template, a script), or
   changes no code: comments, docstrings, layout;
2. it says what the commit brought and little else: of the lines that it writes, at most a third
   (of less than four, one) stood in the file before. What is new as a whole, a definition that was
   not there, says nothing else by its nature, and so does what only takes away.

Everything else is printed. `exact` are the packages that give the commit byte for byte.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from skills_engine.codemods.operation import Operation
from skills_engine.codemods.operations.text import Text
from skills_engine.errors import SkillsError
from skills_engine.package.decode import operations
from skills_engine.package.reader import read
from skills_engine.types import result
from skills_engine.verbs.record import record

PROSE = (".md", ".rst", ".txt", ".html", ".css", ".js", ".cfg", ".ini", ".svg", ".sh", "")
APART = ("tests/", "test/", "docs/", "docs_src/", "examples/", "benchmarks/", "scripts/")
_KEYS = ("code", "with_", "content", "element", "value", "parameter", "argument", "field")


def git(where: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=where, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def drawn(clone: Path, number: int, seed: int) -> list[str]:
    """Commits of the kind above, in an order that the seed decides."""
    every = git(clone, "rev-list", "--no-merges", "--max-count=3000", "HEAD").split()
    random.Random(seed).shuffle(every)  # noqa: S311
    found = []
    for commit in every:
        lines = git(clone, "show", "--numstat", "--no-renames", "--format=", commit).splitlines()
        rows = [line.split("\t") for line in lines if line.count("\t") == 2]
        code = [row for row in rows if row[2].endswith(".py") and not row[2].startswith(APART)]
        size = sum(int(row[0]) + int(row[1]) for row in code if row[0].isdigit())
        if 1 <= len(code) <= 5 and 3 <= size <= 80:
            found.append(commit)
        if len(found) == number:
            break
    return found


def why_not(operation: Operation, path: str, before: str) -> str:
    """What a person would not have written of an entry, in a few words; nothing if all is well."""
    if isinstance(operation, Text):
        prose = Path(path).suffix in PROSE or no_code(operation, before)
        return "" if prose else "a snippet of text"
    named = re.search(r"(?:def|class) (\w+)", str(getattr(operation, "code", "")))
    fresh = named is not None and not re.search(rf"(?:def|class) {named[1]}\b", before)
    if fresh or operation.ensure.startswith("no-"):
        return ""
    there = {line.strip() for line in before.splitlines()}
    said = [
        line.strip()
        for key in _KEYS
        if isinstance(value := getattr(operation, key, ""), str)
        for line in value.splitlines()
        if len(line.strip()) > 3
    ]
    old = [line for line in said if line in there]
    if len(old) > max(1, len(said) // 3):
        return f"{len(old)} of its {len(said)} lines stood there before"
    return ""


def no_code(operation: Text, before: str) -> bool:
    """Whether what a snippet changes is no code: the file means the same with what it writes."""
    after = before.replace(operation.before, operation.after, 1)
    if before != after and (one := meaning(before)) is not None:
        return one == meaning(after)
    texts = [operation.before.splitlines(), operation.after.splitlines()]
    bare = [[line.strip() for line in lines if line.strip()] for lines in texts]
    words = [" ".join(lines) for lines in bare]
    return prose_of(words[0], words[1], before)


def meaning(text: str) -> str | None:
    """A file's code without comments, layout and docstrings; None where it does not compile."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and ast.unparse(body[0])[:1] in {"'", '"'}:
            body[0] = ast.Pass()
    return ast.dump(module)


def prose_of(one: str, other: str, before: str) -> bool:
    """Only comments differ, only layout, or the snippet lies in docstrings."""
    plain = [re.sub(r"#[^'\"]*$", "", text).replace(" ", "") for text in (one, other)]
    if plain[0].strip(",()") == plain[1].strip(",()"):
        return True
    try:
        strings = [
            " ".join(node.value.split())
            for node in ast.walk(ast.parse(before))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    except SyntaxError:
        return False
    return any(len(one) > 8 and one in text for text in strings)


def judged(clone: Path, commit: str, tally: Counter[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="recorded-") as name:
        out = Path(name) / "add-it"
        try:
            made = result(record(clone, "add-it", [f"{commit}^..{commit}"], out))
        except SkillsError as error:
            tally["refused"] += 1
            print(f"{commit[:10]} refused: {error.message}")
            return
        tally["exact" if made.exact else "not exact"] += 1
        files = {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file()
        }
        for _, operation in operations(read("add-it", files)):
            touched = operation.touches() if hasattr(operation, "touches") else ()
            path = next((path for path in touched if known(clone, commit, path)), "")
            before = git(clone, "show", f"{commit}^:{path}") if path else ""
            why = why_not(operation, path, before)
            tally["not"] += bool(why)
            tally["as written"] += not why
            tally[f"{operation.ensure}{' (not)' if why else ''}"] += 1
            if why:
                print(f"{commit[:10]} {operation.describe()}: {why}")


def known(clone: Path, commit: str, path: str) -> bool:
    done = subprocess.run(
        ["git", "cat-file", "-e", f"{commit}^:{path}"], cwd=clone, capture_output=True, check=False
    )
    return done.returncode == 0


def main() -> None:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="GIT_DIR")
    parser.add_argument("--commits", type=int, default=10, help="so many of each (10)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    tally: Counter[str] = Counter()
    for repository in asked.repositories:
        with tempfile.TemporaryDirectory(prefix="record-commits-") as name:
            clone = Path(name) / "clone"
            git(Path(name), "clone", "-q", "--shared", str(repository.resolve()), str(clone))
            for commit in drawn(clone, asked.commits, asked.seed):
                print(f"{repository} {git(clone, 'log', '-1', '--format=%h %s', commit).strip()}")
                sys.stdout.flush()
                judged(clone, commit, tally)
    entries = tally["as written"] + tally["not"]
    print(f"{sum(tally[key] for key in ('exact', 'not exact', 'refused'))} commits: {dict(tally)}")
    if entries:
        print(f"{tally['as written']} of {entries} entries: {tally['as written'] / entries:.0%}")


if __name__ == "__main__":
    main()
