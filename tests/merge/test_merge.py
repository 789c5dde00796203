"""The merge on what people do to files; git's own line merge is the rung below."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import Merged, filled, has_markers, merge_file, regions_in


@pytest.fixture
def merge(tmp_path: Path) -> Merge:
    return Merge(tmp_path)


class Merge:
    """`merge(path, base, ours, theirs)` with git's line merge."""

    def __init__(self, room: Path) -> None:
        self.lines = git_lines(room)

    def __call__(self, path: str, base: str, ours: str, theirs: str) -> Merged:
        return merge_file(path, base.encode(), ours.encode(), theirs.encode(), lines=self.lines)


PYTHON = {
    "an element beside a renamed class": (
        "C = (Console,)\n",
        "C = (MyConsole,)\n",
        "C = (Console, Telegram)\n",
        "C = (MyConsole, Telegram)\n",
    ),
    "an element into a list that its owner spread over lines": (
        "C = [a, b]\n",
        "C = [\n    a,  # first\n    b,\n]\n",
        "C = [a, b, c]\n",
        "C = [\n    a,  # first\n    b,\n    c,\n]\n",
    ),
    "names of one import": (
        "from m import a\nx = 1\n",
        "from m import a, mine\nx = 1\n",
        "from m import (\n    a,\n    b,\n)\nx = 1\n",
        "from m import a, mine, b\nx = 1\n",
    ),
    "two new imports from one module": (
        "import a\n",
        "import a\nfrom m import mine\n",
        "import a\nfrom m import x\n",
        "import a\nfrom m import mine, x\n",
    ),
    "an argument added inside a call that its owner wrapped": (
        "def f(a):\n    return g(a, k=1)\n",
        "def f(a):\n    return g(\n        a,\n        k=1,\n        mine=3,\n    )\n",
        "def f(a, b=2):\n    return g(a, k=1, b=b)\n",
        "def f(a, b=2):\n    return g(\n        a,\n        k=1,\n        mine=3,\n        b=b,\n    )\n",
    ),
    "methods that both add": (
        "class A:\n    def f(self):\n        return 1\n",
        "class A:\n    def f(self):\n        return 1\n\n    def mine(self):\n        return 2\n",
        "class A:\n    def f(self):\n        return 1\n\n    def his(self):\n        return 3\n",
        (
            "class A:\n    def f(self):\n        return 1\n\n    def mine(self):\n        return 2\n\n"
            "    def his(self):\n        return 3\n"
        ),
    ),
    "a definition moved by one and edited by the other": (
        "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n\n\ndef f():\n    return 1\n",
        "def f():\n    return 11\n\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n\n\ndef f():\n    return 11\n",
    ),
    "other quotes and another line length, and an edit": (
        'def f():\n    log("one", key="two")\n    return compute(1,\n                   2)\n',
        "def f():\n    log('one', key='two')\n    return compute(1, 2)\n",
        'def f():\n    log("one", key="two", more=3)\n    return compute(1,\n                   2)\n',
        "def f():\n    log('one', key='two', more=3)\n    return compute(1, 2)\n",
    ),
    "values of one dict": (
        "D = {'a': 1, 'b': 2}\n",
        "D = {'a': 1, 'b': 3}\n",
        "D = {'a': 5, 'b': 2, 'c': [1, 2]}\n",
        "D = {'a': 5, 'b': 3, 'c': [1, 2]}\n",
    ),
    "a body that one side indents": (
        "def f():\n    x()\n    y(1)\n",
        "def f():\n\tx()\n\ty(1)\n",
        "def f():\n    x()\n    y(1)\n    if z:\n        w()\n",
        "def f():\n\tx()\n\ty(1)\n\tif z:\n\t    w()\n",
    ),
    "a decorator and a base class": (
        "class A(B):\n    x = 1\n",
        "@mine\nclass A(B):\n    x = 1\n",
        "class A(B, C):\n    x = 1\n",
        "@mine\nclass A(B, C):\n    x = 1\n",
    ),
    "an import of theirs where the paragraph is sorted": (
        "import abc\nimport os\n\nX = 1\n",
        "import abc\nimport json\nimport os\nimport re\n\nX = 2\n",
        "import abc\nimport logging\nimport os\n\nX = 1\n",
        "import abc\nimport json\nimport logging\nimport os\nimport re\n\nX = 2\n",
    ),
    "an import that theirs put out of order, behind its neighbour": (
        "import abc\nimport os\n\nX = 1\n",
        "import abc\nimport json\nimport os\n\nX = 1\n",
        "import abc\nimport zlib\nimport os\n\nX = 1\n",
        "import abc\nimport json\nimport zlib\nimport os\n\nX = 1\n",
    ),
    "imported names in the order of the file": (
        "from a import Headers\nfrom b import LIMIT, Pair, join\nfrom c import Any, cast\n",
        "from a import Headers, parse\nfrom b import LIMIT, Pair, join\nfrom c import Any, cast\n",
        "from a import CHUNK, Headers\nfrom b import LIMIT, Pair, join\nfrom c import Any, cast\n",
        "from a import CHUNK, Headers, parse\nfrom b import LIMIT, Pair, join\nfrom c import Any, cast\n",
    ),
    "a name that ours only deleted, used by what theirs adds": (
        "a = one(x)\nb = two(x)\n",
        "b = two(x)\n",
        "a = one(x)\nb = two(x)\n\n\ndef more():\n    return one(x)\n",
        "b = two(x)\n\n\ndef more():\n    return one(x)\n",
    ),
    "the newline at the end": ("x = [1]", "x = [1, 2]", "x = [0, 1]\n", "x = [0, 1, 2]\n"),
    "no newline at the end, where the end goes": (
        "x = 1\n\n\ndef f():\n    return 1\n",
        "x = 1\n\n\ndef f():\n    return 1",
        "x = 1\n",
        "x = 1",
    ),
}


@pytest.mark.parametrize("title", PYTHON)
def test_python(merge: Merge, title: str) -> None:
    base, ours, theirs, wanted = PYTHON[title]
    merged = merge("bot/m.py", base, ours, theirs)
    assert merged.data.decode() == wanted
    assert merged.clean
    crlf = merge("bot/m.py", *(text.replace("\n", "\r\n") for text in (base, ours, theirs)))
    assert crlf.data == wanted.replace("\n", "\r\n").encode()
    ast.parse(merged.data)


CONFLICTS = {
    "the same value": (
        "X = 1\nY = 2\n",
        "X = 2\nY = 2\n",
        "X = 3\nY = 2\n",
        "X = 1\n",
        "both sides changed X",
    ),
    "a statement in a body": (
        "def f():\n    a()\n    b(1)\n    c()\n",
        "def f():\n    a()\n    b(2)\n    c()\n",
        "def f():\n    a()\n    b(3)\n    c()\n",
        "    b(1)\n",
        "both sides changed b(2) in f",
    ),
    "deleted and edited": (
        "def f():\n    return 1\n\n\nx = 1\n",
        "def f():\n    return 2\n\n\nx = 1\n",
        "x = 1\n",
        "def f():\n    return 1\n",
        "theirs deletes what ours edited: f",
    ),
    "statements at one place": (
        "def f():\n    a()\n",
        "def f():\n    a()\n    mine()\n",
        "def f():\n    a()\n    his()\n",
        "",
        "both sides add at one place: his() in f",
    ),
    "one name, twice": (
        "a = 1\n",
        "a = 1\n\n\ndef f():\n    return 1\n",
        "def f():\n    return 2\n\n\na = 1\n",
        "",
        "both sides add f",
    ),
}


@pytest.mark.parametrize("title", CONFLICTS)
def test_a_conflict_is_small_and_says_why(merge: Merge, title: str) -> None:
    base, ours, theirs, part, reason = CONFLICTS[title]
    merged = merge("m.py", base, ours, theirs)
    (region,) = merged.regions
    assert region.reason == reason
    assert region.base.decode() == part
    assert merged.data.splitlines()[region.line - 1].startswith(b"<<<<<<<")
    assert has_markers(merged.data)
    (read,) = regions_in(merged.data)
    assert (read.line, read.base, read.ours, read.theirs) == (
        region.line,
        region.base,
        region.ours,
        region.theirs,
    )


def test_a_line_merge_that_doubles_a_definition_does_not_stand(merge: Merge) -> None:
    base = "import a\n\n\ndef g():\n    return 1\n\n\ndef h():\n    return 2\n"
    new = "def f():\n    return 0\n\n\n"
    ours, theirs = base.replace("def g", new + "def g"), base.replace("def h", new + "def h")
    assert merge.lines(base.encode(), ours.encode(), theirs.encode()).clean
    merged = merge("m.py", base, ours, theirs)
    assert merged.data.decode() == ours


PYPROJECT = """\
[project]
name = "bot"
dependencies = [
    "aiosqlite>=0.21",  # the inbox
    "typer>=0.15",
]

[tool.ruff]
line-length = 120
"""

DATA = {
    "a dependency that both sides have work beside": (
        "pyproject.toml",
        PYPROJECT,
        PYPROJECT.replace('    "typer>=0.15",\n', '    "httpx",\n    "typer>=0.16",\n').replace(
            "120", "100"
        ),
        PYPROJECT.replace("aiosqlite>=0.21", "aiosqlite>=0.22").replace(
            '15",\n', '15",\n    "aiogram>=3.31,<4",\n'
        ),
        PYPROJECT.replace("aiosqlite>=0.21", "aiosqlite>=0.22")
        .replace(
            '    "typer>=0.15",\n', '    "httpx",\n    "typer>=0.16",\n    "aiogram>=3.31,<4",\n'
        )
        .replace("120", "100"),
        (),
    ),
    "a dependency that theirs drops and ours has edited": (
        "pyproject.toml",
        PYPROJECT,
        PYPROJECT.replace("typer>=0.15", "typer>=0.16"),
        PYPROJECT.replace('    "typer>=0.15",\n', ""),
        PYPROJECT.replace("typer>=0.15", "typer>=0.16"),
        ('kept your change of "typer>=0.15"',),
    ),
    "a key and its comment": (
        ".env.example",
        "# the name\nNAME=Andy\n",
        "# the name\nNAME=Bob\n\n# mine\nMINE=1\n",
        "# the name\nNAME=Andy\n\n# the token that @BotFather gives\nTELEGRAM_BOT_TOKEN=\n",
        "# the name\nNAME=Bob\n\n# mine\nMINE=1\n\n# the token that @BotFather gives\nTELEGRAM_BOT_TOKEN=\n",
        (),
    ),
    "a key that theirs drops and ours has edited": (
        ".env.example",
        "A=1\nB=2\nC=3\n",
        "A=1\nB=mine\nC=3\n",
        "A=1\nC=3\n",
        "A=1\nB=mine\nC=3\n",
        ("kept your change of B",),
    ),
    "requirements": (
        "requirements.txt",
        "typer\n",
        "typer  # the front\nhttpx\n",
        "typer\naiogram>=3\n",
        "typer  # the front\nhttpx\naiogram>=3\n",
        (),
    ),
    "compose services": (
        "compose.yaml",
        "services:\n  bot:\n    image: bot\n    environment:\n      - A=1\n",
        "services:\n  bot:\n    image: bot:mine\n    environment:\n      - A=1\n      - MINE=1\n",
        "services:\n  bot:\n    image: bot\n    environment:\n      - A=1\n      - B=2\n  redis:\n    image: redis:7\n",
        (
            "services:\n  bot:\n    image: bot:mine\n    environment:\n      - A=1\n      - MINE=1\n      - B=2\n"
            "  redis:\n    image: redis:7\n"
        ),
        (),
    ),
    "keys of an object": (
        "config.json",
        '{"a": 1, "b": [1, 2]}\n',
        '{"a": 2, "b": [1, 2], "mine": null}\n',
        '{\n  "a": 1,\n  "b": [1, 2, 3],\n  "c": {}\n}\n',
        '{\n  "a": 2,\n  "b": [1, 2, 3],\n  "c": {},\n  "mine": null\n}\n',
        (),
    ),
}


@pytest.mark.parametrize("title", DATA)
def test_data(merge: Merge, title: str) -> None:
    path, base, ours, theirs, wanted, notes = DATA[title]
    texts = base.encode(), ours.encode(), theirs.encode()
    merged = merge_file(path, *texts, lines=merge.lines, keeping=True)
    assert merged.data.decode() == wanted
    assert merged.clean
    assert merged.notes == notes
    if notes:
        assert not merge(path, base, ours, theirs).clean, "kept for a skill that goes, and only so"
        assert not merge(path, base, theirs, ours).clean
    else:
        back = merge(path, theirs, wanted, base)
        additions_only = title in {"a key and its comment", "requirements", "compose services"}
        assert not additions_only or back.data.decode() == ours


def test_one_requirement_added_twice_in_other_words_is_a_conflict(merge: Merge) -> None:
    base = PYPROJECT
    ours = base.replace('    "aiosqlite', '    "Aio_Gram>=3",\n    "aiosqlite')
    theirs = base.replace('15",\n', '15",\n    "aio-gram>=4",\n')
    assert merge.lines(base.encode(), ours.encode(), theirs.encode()).clean
    assert not merge("pyproject.toml", base, ours, theirs).clean


def test_what_is_no_text_conflicts_as_a_whole(merge: Merge) -> None:
    merged = merge_file("a.png", b"\0a", b"\0b", b"\0c", lines=merge.lines)
    assert merged.data == b"\0b"
    assert not merged.clean
    assert merge_file("a.png", b"\0a", b"\0b", b"\0a", lines=merge.lines).data == b"\0b"


def test_line_ends_and_the_byte_order_mark_merge_on_their_own(merge: Merge) -> None:
    merged = merge_file(
        "m.py",
        b"a = 1\n",
        b"a = 1\r\nb = 2\r\n",
        b"\xef\xbb\xbfa = 1\n\n\nc = 3\n",
        lines=merge.lines,
    )
    assert merged.data.startswith(b"\xef\xbb\xbfa = 1\r\n")
    assert merged.data.count(b"\r\n") == merged.data.count(b"\n")
    same = merge_file("m.py", b"a = 1\n", b"a = 1\r\n", b"a = 2\n", lines=merge.lines)
    assert (same.data, same.how) == (b"a = 2\r\n", "trivial")


@pytest.mark.parametrize(
    "deep",
    [
        "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n",
        "x = " + "+".join(["1"] * 5000) + "\n",
        "x = a" + ".b()" * 4000 + "\n",
        "if a:\n    pass\n" + "".join(f"elif a == {k}:\n    pass\n" for k in range(1500)),
    ],
    ids=["parentheses", "sums", "calls", "branches"],
)
def test_deep_nesting_falls_back_to_lines(merge: Merge, deep: str) -> None:
    base = deep + "y = [1]\n"
    merged = merge("m.py", base, base.replace("[1]", "[1, 2]"), base.replace("[1]", "[0, 1]"))
    assert not merged.clean or b"y = [0, 1, 2]" in merged.data
    apart = merge("m.py", base, "import a\n" + base, base + "import b\n")
    assert apart.data.decode() == "import a\n" + base + "import b\n"


def test_trivial_merges_and_plain_text_load_no_language() -> None:
    code = (
        "import sys; from skills_engine.merge import Merged, merge_file as m;"
        "m('a.py', b'a', b'b', b'a', lines=lambda *_: Merged(b''));"
        "m('a.txt', b'a', b'b', b'c', lines=lambda *_: Merged(b''));"
        "unwanted = {'libcst', 'yaml', 'skills_engine.merge.python.language', 'skills_engine.merge.core.tree'};"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the rules of docs/merge.md for what git leaves as conflicts


def test_an_argument_by_position_goes_before_one_by_keyword_whichever_side_adds_it(
    merge: Merge,
) -> None:
    base, one, two = (
        "run(task, origin)\n",
        "run(task, origin, trusted=True)\n",
        "run(task, origin, status)\n",
    )
    for ours, theirs in ((one, two), (two, one)):
        merged = merge("m.py", base, ours, theirs)
        assert merged.clean
        assert merged.data == b"run(task, origin, status, trusted=True)\n"


def test_two_arguments_by_position_at_one_place_conflict(merge: Merge) -> None:
    assert not merge("m.py", "run(task)\n", "run(task, mine)\n", "run(task, his)\n").clean


def test_code_written_for_a_name_that_ours_replaced_conflicts(merge: Merge) -> None:
    base = "def first(loop):\n    go(loop)\n"
    ours = "def first(event_loop):\n    go(event_loop)\n"
    theirs = "def zeroth(loop):\n    go(loop)\n\n\n" + base
    assert not merge("m.py", base, ours, theirs).clean


def test_a_merge_never_leaves_a_name_that_nothing_defines(merge: Merge) -> None:
    base = "import json\nimport sys\n\n\ndef f(a):\n    return json.dumps(a)\n"
    ours = "import sys\n\n\ndef f(a: int):\n    return repr(a)\n"
    theirs = "import json\nimport sys\n\n\ndef g(a):\n    return json.loads(a)\n\n\ndef f(a):\n    return json.dumps(a)\n"
    assert not merge("m.py", base, ours, theirs).clean


LATIN = '# coding: {}\nLIST = [\n    "café",\n    "b",\n]\n\n\ndef f(a):\n    return a\n'


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "iso-8859-15", "mac-roman"])
def test_python_that_says_its_encoding_is_merged_and_judged_like_other_python(
    tmp_path: Path, encoding: str
) -> None:
    base = LATIN.format(encoding)
    lines = git_lines(tmp_path)

    def merged(ours: str, theirs: str) -> Merged:
        sides = (base.encode(encoding), ours.encode(encoding), theirs.encode(encoding))
        return merge_file("m.py", *sides, lines=lines)

    both = merged(base.replace('"b",', '"b",\n    "ñ",'), base.replace('"b",', '"b",\n    "ü",'))
    assert both.clean, both.data
    assert '"b",\n    "ñ",\n    "ü",\n]' in both.data.decode(encoding)
    torn = merged(base.replace("return a", "return é"), base.replace("return a", "return ü"))
    assert torn.how == "structure"
    assert "<<<<<<< ours\n    return é\n|||||||" in torn.data.decode(encoding)


@pytest.mark.parametrize("turned", [False, True])
def test_a_side_that_changes_the_encoding_changes_all_of_the_file(
    tmp_path: Path, *, turned: bool
) -> None:
    """What the other side adds is in it, too; what the new encoding lacks is a conflict with all
    three in the file."""
    lines = git_lines(tmp_path)
    base, utf8 = LATIN.format("latin-1"), LATIN.format("utf-8")
    added = base.replace('"b",', '"b",\n    "ü",')
    sides = [utf8.encode(), added.encode("latin-1")]
    sides.reverse() if turned else None
    merged = merge_file("m.py", base.encode("latin-1"), *sides, lines=lines)
    assert merged.clean, merged.data
    assert merged.data.decode() == added.replace("latin-1", "utf-8")
    sides = [base.encode("latin-1"), utf8.replace('"b",', '"b",\n    "€",').encode()]
    sides.reverse() if turned else None
    merged = merge_file("m.py", utf8.encode(), *sides, lines=lines)
    (region,) = merged.regions
    taken = [
        filled(merged.data, merged.regions, lambda region: region.ours),
        filled(merged.data, merged.regions, lambda region: region.theirs),
    ]
    assert taken == sides
    assert "not in the encoding" in region.reason
