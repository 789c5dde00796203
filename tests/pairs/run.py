"""Pairs of edits drawn from real code, merged, and the answers graded."""

from __future__ import annotations

import ast
import importlib.util
import io
import random
import subprocess
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from pairs.edits import Edit, Site, Tree, applied, meaning, number
from pairs.expressions import EXPRESSIONS
from pairs.statements import STATEMENTS
from skills_engine.merge import Merged, from_lines, merge_file

__all__ = [
    "KINDS",
    "Pair",
    "disjoint",
    "edits_at",
    "graded",
    "merged",
    "pairs",
    "several",
    "site_of",
]

KINDS = {**EXPRESSIONS, **STATEMENTS}
PACKAGES = (
    "aiohttp", "docker", "dotenv", "filelock", "git", "libcst", "packaging", "pyflakes", "pygments",
    "requests", "rich", "structlog", "tomlkit", "typer", "urllib3", "jinja2", "click", "yaml",
)  # fmt: skip
"""Where code is taken from: packages whose versions are locked, so that a seed draws the same
everywhere. Python's own library differs from release to release.
"""

_LONGEST = 45
_FROM_ONE_SITE = 6
_EDITS_OF_A_SIDE = 3


@dataclass(frozen=True)
class Pair:
    """Two edits of one text. `answers` are the trees that a merge may have; `open` says that both
    insert at one place, so that either order, and asking, is right.
    """

    kinds: tuple[str, str]
    base: str
    ours: str
    theirs: str
    answers: tuple[str, ...]
    open: bool
    text: str = ""
    """The merged text, byte for byte, where the edits are on lines apart from each other."""


@lru_cache(maxsize=1)
def _files() -> tuple[Path, ...]:
    """In one order wherever the packages lie."""
    found: list[Path] = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        for folder in map(Path, spec.submodule_search_locations or ()):
            inside = sorted(file.relative_to(folder) for file in folder.rglob("*.py"))
            found += (folder / name for name in inside if "test" not in str(name))
    return tuple(found)


def pairs(seed: int, count: int) -> Iterator[Pair]:
    """So many pairs, the same for a seed where the same packages are installed; kinds that met
    seldom come first.
    """
    rng = random.Random(seed)  # noqa: S311
    met: Counter[tuple[str, str]] = Counter()
    made = 0
    while made < count:
        site = site_of(rng)
        if site is None:
            continue
        edits = edits_at(site, rng)
        near = replace(site, focus=_near(site, rng))
        others = edits_at(near, rng)
        there = [(a, b) for a in edits for b in others if a != b]
        rng.shuffle(there)
        there.sort(key=lambda kinds: met[kinds])
        for a, b in there[:_FROM_ONE_SITE]:
            met[a, b] += 1
            pair = _pair((a, b), site, edits[a], others[b])
            if pair is not None:
                yield pair
                made += 1
                if made == count:
                    return


def several(seed: int, count: int) -> Iterator[Pair]:
    """So many pairs of sides that make two or three edits each, anywhere in one function."""
    rng = random.Random(seed)  # noqa: S311
    made = 0
    while made < count:
        site = site_of(rng)
        for _ in range(_FROM_ONE_SITE if site else 0):
            assert site is not None
            mine, his = _side(site, rng), _side(site, rng)
            if mine is None or his is None or made == count:
                continue
            pair = _pair((mine[0], his[0]), site, mine[1], his[1])
            if pair is not None:
                yield pair
                made += 1


def _side(site: Site, rng: random.Random) -> tuple[str, Edit] | None:
    """Edits at several statements of a function, as one."""
    below = [n for n in ast.walk(site.function) if isinstance(n, ast.stmt)]
    below = [n for n in below if not isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Pass)]
    found: dict[str, Edit] = {}
    for _ in range(_EDITS_OF_A_SIDE):
        edits = edits_at(replace(site, focus=rng.choice(below)), rng, tries=8)
        for name in rng.sample(sorted(edits), min(1, len(edits))):
            if all(disjoint(edits[name], other) for other in found.values()):
                found[name] = edits[name]

    def all_of(tree: Tree) -> None:
        for each in found.values():
            each.tree(tree)

    edit = Edit(tuple(splice for each in found.values() for splice in each.splices), all_of)
    tree = site.tree.copy()
    try:
        edit.tree(tree)
    except LookupError:
        return None
    good = len(found) > 1 and meaning(applied(site.text, edit)) == meaning(tree.module)
    return (" + ".join(found), edit) if good else None


def disjoint(one: Edit, other: Edit) -> bool:
    return all(a[1] < b[0] or b[1] < a[0] for a in one.splices for b in other.splices)


def site_of(rng: random.Random) -> Site | None:
    """A function out of a file, with the imports, its class and its neighbours."""
    try:
        source = rng.choice(_files()).read_text(encoding="ascii")
        module = ast.parse(source)
    except (UnicodeDecodeError, SyntaxError, OSError):
        return None
    bodies = [module.body, *(n.body for n in module.body if isinstance(n, ast.ClassDef))]
    there = [
        (body, at)
        for body in bodies
        for at, node in enumerate(body)
        if isinstance(node, ast.FunctionDef) and 2 < _height(node) <= _LONGEST
    ]
    if not there or "\t" in source or "\f" in source:
        return None
    body, at = rng.choice(there)
    rows = source.split("\n")
    first, last = body[at], body[at]
    if at and isinstance(body[at - 1], ast.FunctionDef) and _height(body[at - 1]) <= _LONGEST:
        first = body[at - 1]
    if at + 1 < len(body) and isinstance(body[at + 1], ast.FunctionDef):
        last = body[at + 1] if _height(body[at + 1]) <= _LONGEST else last
    head = [n for n in module.body if isinstance(n, ast.Import | ast.ImportFrom)][:5]
    text = "".join("\n".join(rows[n.lineno - 1 : n.end_lineno]) + "\n" for n in head)
    text += "\n\n" + ("" if body is module.body else "class Case:\n")
    text += "\n".join(rows[_top(first) : last.end_lineno]) + "\n"
    if ";" in text or meaning(text) is None:
        return None
    tree = Tree.of(text)
    function = next(
        (n for n in ast.walk(tree.module) if isinstance(n, ast.FunctionDef)
         and n.name == getattr(body[at], "name", "") and _height(n) == _height(body[at])), None
    )  # fmt: skip
    if function is None:
        return None
    below = [n for n in ast.walk(function) if isinstance(n, ast.stmt) and n is not function]
    below = [n for n in below if not isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Pass)]
    return Site(text, tree, function, rng.choice(below)) if below else None


def _height(node: ast.stmt) -> int:
    end: int = node.end_lineno or node.lineno
    return end - node.lineno + 1


def _top(node: ast.stmt) -> int:
    lines = [node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]
    return int(min(lines)) - 1


def _near(site: Site, rng: random.Random) -> ast.stmt:
    """The statement itself, or a neighbour."""
    row, at = site.tree.row(number(site.focus))
    near = rng.choice([at, at, max(0, at - 1), min(len(row) - 1, at + 1)])
    found = row[near]
    assert isinstance(found, ast.stmt)
    return found


def edits_at(site: Site, rng: random.Random, tries: int = 24) -> dict[str, Edit]:
    """The edits that can be made at a site, whose text says what their tree says."""
    found: dict[str, Edit] = {}
    for name in rng.sample(sorted(KINDS), tries):
        edit = KINDS[name](site, rng)
        if edit is None:
            continue
        tree = site.tree.copy()
        edit.tree(tree)
        text = applied(site.text, edit)
        if text != site.text and meaning(text) == meaning(tree.module):
            found[name] = edit
    return found


def _pair(kinds: tuple[str, str], site: Site, mine: Edit, his: Edit) -> Pair | None:
    """The pair with its answers, or None where the one takes away what the other needs."""
    if set(mine.splices) & set(his.splices):
        return None
    trees = [site.tree.copy(), site.tree.copy()]
    try:
        for tree, order in zip(trees, ((mine, his), (his, mine)), strict=True):
            for edit in order:
                edit.tree(tree)
    except LookupError:
        return None
    answers = tuple(dict.fromkeys(ast.dump(tree.module) for tree in trees))
    places = [{s for s, e, new in edit.splices if s == e and new.strip()} for edit in (mine, his)]
    beside = bool(places[0] & places[1])
    if len(answers) > 1 and not beside:
        return None
    ours, theirs = applied(site.text, mine), applied(site.text, his)
    text = applied(site.text, Edit((*mine.splices, *his.splices), mine.tree))
    return Pair(
        kinds, site.text, ours, theirs, answers, beside, text if _apart(site, mine, his) else ""
    )


def _apart(site: Site, mine: Edit, his: Edit) -> bool:
    """Whether two lines at least that neither edit touches are between all their places."""
    rows = [
        [
            (site.text.count("\n", 0, start), site.text.count("\n", 0, end))
            for start, end, _ in e.splices
        ]
        for e in (mine, his)
    ]
    return all(one[0] > two[1] + 2 or two[0] > one[1] + 2 for one in rows[0] for two in rows[1])


def merged(base: str, ours: str, theirs: str) -> Merged:
    texts = (base.encode(), ours.encode(), theirs.encode())
    return merge_file("case.py", *texts, lines=_git)


def _git(base: bytes, ours: bytes, theirs: bytes) -> Merged:
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(data)
            names.append(name)
        done = subprocess.run(
            ["git", "merge-file", "-p", "--diff3", *names],
            cwd=folder,
            capture_output=True,
            check=False,
        )
    return from_lines(done.stdout, clean=done.returncode == 0)


def graded(pair: Pair, answer: Merged) -> str:
    """ "right", "wrong", "conflict", or "open" for a conflict where both insert at one place."""
    if not answer.clean:
        return "open" if pair.open else "conflict"
    text = answer.data.decode()
    if meaning(text) not in pair.answers:
        return "wrong"
    base, ours, theirs, found = map(_comments, (pair.base, pair.ours, pair.theirs, text))
    due = Counter({c: ours[c] + theirs[c] - base[c] for c in ours | theirs})
    return "right" if found == +due else "wrong"


def _comments(text: str) -> Counter[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return Counter(token.string for token in tokens if token.type == tokenize.COMMENT)
