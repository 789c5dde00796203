"""Targets: each takes a source of randomness and raises for a foreign exception or a false result."""

from __future__ import annotations

import ast
import json
import subprocess
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from harness.merging import git_lines

from fuzz.bot_targets import BOT_TARGETS
from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Malformed, perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import SkillsError
from skills_engine.merge import merge_file
from skills_engine.package.reader import examine
from skills_engine.types import Outcome

__all__ = ["TARGETS", "Target"]

ROOT = Path(__file__).parents[2]
Target = Callable[[Random], str]
"""What came of one input, in a word."""

ODD = [
    "\x00",
    "\x1b",
    "\u202e",
    "\ufeff",
    "\r\n",
    "\r",
    "\t",
    "'",
    '"""',
    "```",
    "---",
    "\\",
    "{",
    "[",
]
ODD += [
    "(",
    "&a",
    "*a",
    "!!python/x",
    "? ",
    "- ",
    ": ",
    "#",
    "$X",
    "$...A",
    "async ",
    "lambda:",
    "\udcff",
]
KINDS = {
    "py": ("bot/**/*.py", "skills_engine/**/*.py"),
    "toml": ("pyproject.toml",),
    "yaml": ("fixtures/forks/**/*.yaml", ".github/**/*.yml", "manifests/*.yaml"),
    "json": (),
}


@cache
def corpus(kind: str) -> tuple[str, ...]:
    """Real files of a kind, short enough to be mutated often."""
    if kind == "json":
        return tuple(
            json.dumps(yaml.safe_load(text), indent=2, default=str) for text in corpus("yaml")
        )
    paths = sorted(path for glob in KINDS[kind] for path in ROOT.glob(glob))
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return tuple(text for text in texts if 0 < len(text) < 16_000)


def mutated(random: Random, text: str, times: int) -> str:
    """Lines moved, doubled, dropped, indented; words changed; odd things put in."""
    for _ in range(times):
        lines = text.split("\n")
        at = random.randrange(len(lines))
        match random.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, random.choice(lines))
            case 2:
                lines[at] = " " * random.choice((1, 2, 4)) + lines[at]
            case 3:
                words = lines[at].split(" ")
                words[random.randrange(len(words))] = random.choice((*lines, *ODD)).strip()
                lines[at] = " ".join(words)
            case 4:
                end = min(len(lines), at + random.randrange(8))
                lines[at:end] = reversed(lines[at:end])
            case 5:
                place = random.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:place] + random.choice(ODD) + lines[at][place:]
            case 6:
                lines[at] = lines[at].lstrip()
        text = "\n".join(lines)
    return text


@cache
def packages() -> tuple[tuple[str, dict[str, bytes]], ...]:
    """The skills of this repository, by name."""
    found = []
    for folder in sorted(ROOT.glob(".claude/skills/*/")):
        files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        found.append((folder.name, contents))
    return tuple(found)


def page(random: Random) -> str:
    """A package is read, or every mistake in it is told."""
    name, files = random.choice(packages())
    text = mutated(random, files["SKILL.md"].decode(), random.randrange(1, 6))
    found = examine(name, {**files, "SKILL.md": text.encode("utf-8", "surrogateescape")})
    assert (found.package is None) == bool(found.problems)
    return "valid" if found.package else "refused"


def parses(kind: str, data: bytes) -> bool:
    readers: dict[str, Callable[[bytes], Any]] = {
        "py": lambda b: compile(b, "x", "exec", ast.PyCF_ONLY_AST),
        "toml": lambda b: tomllib.loads(b.decode()),
        "json": json.loads,
        "yaml": lambda b: yaml.compose(b.decode(), Loader=yaml.SafeLoader),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            readers[kind](data)
    except (SyntaxError, ValueError, RecursionError, MemoryError, yaml.YAMLError):
        return False
    return True


@cache
def room() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def merge(random: Random) -> str:
    """Three versions merge, or conflict; what is clean of versions that parse parses, and either
    way the sides may be swapped.
    """
    kind = random.choice(("py", "py", "toml", "yaml", "json"))
    base = random.choice(corpus(kind))
    sides = [mutated(random, base, random.choice((1, 1, 1, 2, 5))) for _ in range(2)]
    versions = [text.encode("utf-8", "surrogateescape") for text in (base, *sides)]
    lines = git_lines(room())
    one = merge_file(f"m.{kind}", *versions, lines=lines)
    two = merge_file(f"m.{kind}", versions[0], versions[2], versions[1], lines=lines)
    assert one.clean == two.clean, "swapped, it is another answer"
    if one.clean and all(parses(kind, data) for data in versions):
        assert parses(kind, one.data), "clean, and it does not parse"
    return one.how if one.clean else "conflict"


def edit(random: Random) -> str:
    """An edit of data is made so that the file parses and the edit is already there, or refused."""
    kind = random.choice(("toml", "yaml", "json"))
    text = mutated(random, random.choice(corpus(kind)), random.randrange(3))
    keys = [word.strip('":[] ') for word in text.split() if word.rstrip().endswith((":", "]"))] or [
        "a"
    ]
    path = [random.choice(keys) or "a" for _ in range(random.randrange(1, 4))]
    value = random.choice([1, "x", True, ["a"], {"a": {"b": [1]}}, "", "é: '", None])
    entry = {"ensure": kind, "in": f"f.{kind}", "path": path, "value": value}
    return applied(kind, entry, {f"f.{kind}": text.encode("utf-8", "surrogateescape")})


def pattern(random: Random) -> str:
    """A replacement by a pattern likewise, on code."""
    text = random.choice(corpus("py"))
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    wanted = random.choice(lines)
    words = wanted.split(" ")
    for _ in range(random.randrange(3)):
        words[random.randrange(len(words))] = random.choice(
            ("$X", "$Y", "$...A", "f($...A, x, $...B)")
        )
    entry = {
        "ensure": "replace",
        "in": "f.py",
        "pattern": " ".join(words),
        "with": random.choice(lines),
    }
    code = mutated(random, text, random.randrange(2))
    return applied("py", entry, {"f.py": code.encode("utf-8", "surrogateescape")})


def applied(kind: str, entry: dict[str, Any], contents: dict[str, bytes]) -> str:
    files = MemoryFiles(contents)
    before = dict(contents)
    try:
        operation = decode(entry)
        outcome = perform(operation, files).outcome
    except (SkillsError, Malformed):
        assert files.contents == before, "refused, and something was changed"
        return "refused"
    (path,) = before
    if outcome is Outcome.APPLIED and parses(kind, before[path]):
        assert parses(kind, files.contents[path]), "applied, and it does not parse"
    return outcome.value


TARGETS: dict[str, Target] = {
    "page": page,
    "merge": merge,
    "edit": edit,
    "pattern": pattern,
    **BOT_TARGETS,
}


def version() -> str:
    """What was fuzzed."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=False
    )
    return done.stdout.decode().strip()
