"""Code nested deeper than LibCST's parser or Python's recursion bears: refused or merged by lines,
never a crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import libcst as cst
import pytest
from harness import Repo, fork_of, skills, state, upstream
from harness.cli import QUICK

import skills_engine
from skills_engine.check import Changed, check
from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import perform
from skills_engine.codemods.registry import decode
from skills_engine.nesting import DEEPEST, too_deep
from skills_engine.parsing import parse_module

SHAPES: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "x = " + "(" * n + "1" + ")" * n + "\n",
    "lists over lines": lambda n: "x = " + "[\n" * n + "1\n" + "]" * n + "\n",
    "unclosed": lambda n: "x = " + "(" * n + "\n",
    "dicts": lambda n: "x = " + "{1:" * n + "1" + "}" * n + "\n",
    "minus": lambda n: "x = " + "-" * n + "1\n",
    "not": lambda n: "x = " + "not " * n + "1\n",
    "lambda": lambda n: "x = " + "lambda: " * n + "1\n",
    "attributes": lambda n: "x = a" + ".b" * n + "\n",
    "calls": lambda n: "x = a" + "()" * n + "\n",
    "subscripts": lambda n: "x = a" + "[0]" * n + "\n",
    "sum": lambda n: "x = " + "+".join(["1"] * n) + "\n",
    "sum over lines": lambda n: "x = (" + "\n    + ".join(["1"] * n) + "\n)\n",
    "ternary": lambda n: "x = " + "1 if a else " * n + "2\n",
    "strings": lambda n: "x = (" + '"a"\n' * n + ")\n",
    "elif": lambda n: "if a:\n    pass\n" + "elif b:\n    pass\n" * n,
    "f-string": lambda n: "x = f'{" + "(" * n + "1" + ")" * n + "}'\n",
    "format": lambda n: "x = f'{a:" + "{b:" * n + "}" * n + "}'\n",
    "pattern": lambda n: "match x:\n    case " + "[" * n + "]" * n + ":\n        pass\n",
}
FLAT = {
    "a long list": "x = [" + "f(a.b + 1, [c]), " * 5000 + "]\n",
    "a list over lines": "x = [\n" + "    f(a.b + 1, [c]),\n" * 5000 + "]\n",
    "many statements": "x = f(a.b + 1, [c])\nif x:\n    y = {1: (2, 3)}\n" * 3000,
    "many fields": "x = f'{a.b} {c[0]} {{ {d()}'\n" * 500 + "y = f'" + "{a} " * 500 + "'\n",
    "prose": 'x = f"""' + "Not so deep. (If at all, or in a way.) [-] " * 500 + '"""\n',
    "brackets in strings and comments": "x = '"
    + "(" * 500
    + "'  # "
    + "[" * 500
    + '\ny = r"""'
    + "{" * 500
    + '"""\n',
    "many ifs": "if a:\n    pass\nelif b:\n    pass\n" * 600,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_nested_too_deeply_is_seen_before_it_is_parsed(shape: str) -> None:
    for size in (DEEPEST + 2, 2_000, 100_000):
        assert too_deep("y = 1\n" * 3 + SHAPES[shape](size) + "z = 1\n") is not None
    with pytest.raises(cst.ParserSyntaxError, match="nested too deeply"):
        parse_module(SHAPES[shape](2_000))


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - {"unclosed"}))
def test_what_people_nest_is_parsed(shape: str) -> None:
    """Python's own limit is 200 brackets; nobody writes a pattern of ten."""
    text = SHAPES[shape](10 if shape == "pattern" else 190)
    assert parse_module(text).code == text
    files = MemoryFiles({"m.py": (text + "CHANNELS = [1]\n").encode()})
    perform(decode({"ensure": "element", "in": "m.py", "of": "CHANNELS", "element": "2"}), files)
    perform(decode({"ensure": "rename", "in": "m.py", "of": "CHANNELS", "to": "WAYS"}), files)
    assert files.contents["m.py"] == (text + "WAYS = [1, 2]\n").encode()


@pytest.mark.parametrize("title", FLAT)
def test_what_is_only_long_is_not_deep(title: str) -> None:
    assert too_deep(FLAT[title]) is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [200, DEEPEST - 10, 1_000, 3_000])
def test_the_checks_let_an_owner_s_deep_code_be(shape: str, size: int) -> None:
    before = SHAPES[shape](size).encode()
    after = b"import sys\n" + before + b"sys.exit()\n"
    assert check([Changed("m.py", after, (before,))], MemoryFiles({"m.py": after})) == ()


def test_nobody_goes_round_the_look_at_how_deep_code_is() -> None:
    """The worker of custom codemods may: it is a process of its own, with limits."""
    root = Path(skills_engine.__file__).parent
    parses = re.compile(r"\bcst\.parse_(?:module|statement|expression)\b|libcst import .*\bparse_")
    around = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if parses.search(path.read_text(encoding="utf-8"))
    }
    assert around == {"parsing.py", "codemods/custom/worker_child.py"}


CRASHERS = [
    ("parentheses", 2_000),
    ("calls", 20_000),
    ("elif", 2_000),
    ("pattern", 40),
    ("not", 20_000),
]


@pytest.fixture
def deep(request: pytest.FixtureRequest) -> str:
    shape, size = request.param
    return SHAPES[shape](size)


@pytest.mark.parametrize("deep", CRASHERS, ids=lambda case: case[0], indirect=True)
def test_a_skill_for_a_file_that_is_nested_too_deeply_is_refused(deep: str, tmp_path: Path) -> None:
    source = upstream(tmp_path / "upstream")
    source.commit("Deep", {"parrot/commands.py": source.read("parrot/commands.py") + deep})
    fork = fork_of(source, tmp_path / "fork")
    before = state(fork)
    ran = skills(fork, "apply", *QUICK, "add-dice")
    assert ran.code == 1, ran.said
    assert "parrot/commands.py:" in ran.err
    assert "nested too deeply" in ran.err
    assert state(fork) == before


@pytest.mark.parametrize("deep", CRASHERS, ids=lambda case: case[0], indirect=True)
def test_an_owner_s_file_that_is_nested_too_deeply_is_merged_by_lines(
    deep: str, tmp_path: Path
) -> None:
    """The merge and the checks of its result see it, and no codemod does."""
    fork = fork_of(upstream(tmp_path / "upstream"), tmp_path / "fork")
    mine = fork.read("parrot/commands.py").replace('"""What it says first."""', '"""Mine."""')
    fork.commit("Mine", {"parrot/commands.py": mine + deep})
    ran = skills(fork, "apply", *QUICK, "add-dice")
    assert ran.code in {0, 3}, ran.said
    assert "Traceback" not in ran.said
    place = "" if ran.code == 0 else ".git/skills/conflict/"
    merged = fork.read(f"{place}parrot/commands.py")
    assert merged.endswith(deep)
    assert '"/roll": roll' in merged


@pytest.mark.parametrize("deep", CRASHERS, ids=lambda case: case[0], indirect=True)
@pytest.mark.parametrize("how", [(), ("--via-record",)], ids=["structure", "record"])
def test_three_versions_that_are_nested_too_deeply(
    deep: str, how: tuple[str, ...], tmp_path: Path
) -> None:
    room = Repo(tmp_path)
    base = "a = [1]\n" * 3 + deep
    room.write({"b.py": base, "o.py": "import sys\n" + base, "t.py": base + "y = [1]\n"})
    ran = skills(room, "merge-file", "b.py", "o.py", "t.py", "-o", "out.py", *how)
    assert ran.code in {0, 3}, ran.said
    assert "Traceback" not in ran.said
    if not how:
        assert room.read("out.py") == "import sys\n" + base + "y = [1]\n"
