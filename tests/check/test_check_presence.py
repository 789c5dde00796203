"""Names that are there for type checkers only, or on some paths only; things that became another
kind; files that this Python does not read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from harness import skills
from harness.cli import UNTRIED
from harness.conflicts import parted, worktree
from test_check import Texts, found

from skills_engine.check.finding import Changed
from skills_engine.check.newer import unchecked

D = "from decimal import Decimal\n"
T = "from typing import TYPE_CHECKING\n"
CHECKED = T + "if TYPE_CHECKING:\n    from decimal import Decimal\n"
FUTURE = "from __future__ import annotations\n"

ABSENT = [
    # the owner's version, what the operation made of it, the names that are found
    (D + "X = Decimal(0)\n", CHECKED + "X = Decimal(0)\n", ["Decimal"]),
    (D + "def f():\n    return Decimal(0)\n", CHECKED + "def f():\n    return Decimal(0)\n", ["Decimal"]),
    (D + "def f(x: Decimal): ...\n", CHECKED + "def f(x: Decimal): ...\n", ["Decimal"]),
    (D + "x: Decimal\n", CHECKED + "x: Decimal\n", ["Decimal"]),
    (FUTURE + D + "def f(x: Decimal): ...\n", FUTURE + CHECKED + "def f(x: Decimal): ...\n", []),
    (FUTURE + CHECKED + "def f(x: Decimal): ...\n", CHECKED + "def f(x: Decimal): ...\n", ["Decimal"]),
    (D + "def f(x: 'Decimal'): ...\n", CHECKED + "def f(x: 'Decimal'): ...\n", []),
    (D + "def f():\n    x: Decimal\n", CHECKED + "def f():\n    x: Decimal\n", []),
    (D + "def f(Decimal):\n    return Decimal\n", CHECKED + "def f(Decimal):\n    return Decimal\n", []),
    (D + "class A(Decimal): ...\n", CHECKED + "class A(Decimal): ...\n", ["Decimal"]),
    (D + "class A:\n    x = Decimal(0)\n", CHECKED + "class A:\n    x = Decimal(0)\n", ["Decimal"]),
    (D + "f = lambda: Decimal(0)\n", CHECKED + "f = lambda: Decimal(0)\n", ["Decimal"]),
    (D + "@Decimal\ndef f(): ...\n", CHECKED + "@Decimal\ndef f(): ...\n", ["Decimal"]),
    (D + "def f(x=Decimal(0)): ...\n", CHECKED + "def f(x=Decimal(0)): ...\n", ["Decimal"]),
    (
        D + "X = Decimal(0)\n",
        "import typing as t\nif t.TYPE_CHECKING:\n    from decimal import Decimal\nX = Decimal(0)\n",
        ["Decimal"],
    ),
    (
        D + "X = Decimal(0)\n",
        CHECKED + "else:\n    from decimal import Decimal\nX = Decimal(0)\n",
        [],
    ),
    (
        D + "X = Decimal(0)\n",
        T + "if not TYPE_CHECKING:\n    from decimal import Decimal\nX = Decimal(0)\n",
        [],
    ),
    (D + "X = Decimal(0)\n", CHECKED + D + "X = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", CHECKED + "def f():\n    return 1\n", []),
    # on some paths only
    (D + "X = Decimal(0)\n", "import os\nif os.environ.get('N'):\n    " + D + "X = Decimal(0)\n", ["Decimal"]),
    (D + "def f(): return Decimal(0)\n", "import os\nif os.name == 'nt':\n    " + D + "def f(): return Decimal(0)\n", ["Decimal"]),
    (
        D + "def f(): return Decimal(0)\n",
        "import os\nif os.name == 'nt':\n    " + D + "def f():\n    if os.name == 'nt':\n        return Decimal(0)\n",
        [],
    ),
    (D + "X = Decimal(0)\n", "try:\n    " + D + "except ImportError:\n    pass\nX = Decimal(0)\n", ["Decimal"]),
    (D + "X = Decimal(0)\n", "try:\n    " + D + "except ImportError:\n    raise\nX = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", "try:\n    " + D + "except ImportError:\n    Decimal = float\nX = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", "from contextlib import suppress\nwith suppress(ImportError):\n    " + D + "X = Decimal(0)\n", ["Decimal"]),
    (D + "X = Decimal(0)\n", "with open('x'):\n    " + D + "X = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", "for _ in ():\n    " + D + "X = Decimal(0)\n", ["Decimal"]),
    (D + "X = Decimal(0)\n", "import sys\nif sys.argv:\n    " + D + "else:\n    from fractions import Fraction as Decimal\nX = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", "import sys\nif sys.argv:\n    " + D + "else:\n    sys.exit(1)\nX = Decimal(0)\n", []),
    (D + "X = Decimal(0)\n", "import sys\nmatch sys.argv:\n    case []:\n        " + D + "X = Decimal(0)\n", ["Decimal"]),
    (D + "X = Decimal(0)\n", "if False:\n    " + D + "X = Decimal(0)\n", ["Decimal"]),
    # what was so already
    (CHECKED + "X = Decimal(0)\n", CHECKED + "X = Decimal(0)\nY = 1\n", []),
    ("try:\n    import a\nexcept ImportError:\n    pass\n", "try:\n    import a\nexcept ImportError:\n    pass\nX = a\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "after", "names"), ABSENT, ids=lambda v: repr(v)[-50:])
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="annotations are evaluated when asked for")
def test_a_name_must_be_there_at_run_time(owner: str, after: str, names: list[str]) -> None:
    lines = found({"m.py": owner}, {"m.py": after})
    assert len(lines) == len(names), lines
    for line, name in zip(lines, names, strict=True):
        assert line.startswith("undefined m.py:")
        assert f"{name!r} is" in line


A = "bot/a.py"
BASE: Texts = {
    "bot/__init__.py": "",
    A: D + "def g(): return 1\n\n\nclass K:\n    def m(self): ...\n",
}
ACROSS = [
    # what a.py became, the owner's module, what is found there
    (CHECKED, "from bot.a import Decimal\n", "for type checkers only"),
    (CHECKED, T + "if TYPE_CHECKING:\n    from bot.a import Decimal\n", ""),
    (CHECKED, "from bot import a\nX = a.Decimal(0)\n", "for type checkers only"),
    (CHECKED, FUTURE + "from bot import a\nx: a.Decimal\n", ""),
    ("import os\nif os.environ.get('N'):\n    def g(): return 1\n", "from bot.a import g\n", "on some paths only"),
    ("import os\nif os.name:\n    def g(): return 1\nelse:\n    g = None\n", "from bot.a import g\n", ""),
    ("def k(): ...\n", "from bot.a import *\nX = g()\n", "'g' is not defined"),
    ("def k(): ...\n", "from bot.a import *\ndef f(g): return g()\n", ""),
    ("__all__ = ['k']\ndef g(): ...\ndef k(): ...\n", "from bot.a import *\nX = g()\n", ""),
    ("def k(): ...\n", "from bot.a import *\nfrom other import *\nX = g()\n", ""),
    ("async def g(): return 1\n", "from bot.a import g\nX = g()\n", "without `await`"),
    ("async def g(): return 1\n", "from bot.a import g\nasync def f(): return await g()\n", ""),
    ("async def g(): return 1\n", "from bot.a import g\nimport asyncio\nasyncio.run(g())\n", ""),
    ("async def g(): yield 1\n", "from bot.a import g\nfor x in g(): ...\n", "asynchronous generator"),
    ("async def g(): yield 1\n", "from bot.a import g\nasync def f():\n  async for x in g(): ...\n", ""),
    ("class g: ...\n", "from bot.a import g\nX = g()\n", "is a class now"),
    ("class K: ...\n", "from bot.a import K\nK().m()\n", "there is no such method"),
    ("class K:\n    def m(self, x): ...\n", "from bot.a import K\nK().m()\n", "does not fit"),
    ("class K:\n    async def m(self): ...\n", "from bot.a import K\nX = K().m()\n", "without `await`"),
    ("class K:\n    m = len\n", "from bot.a import K\nK().m()\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("after", "mine", "expected"), ACROSS, ids=lambda v: repr(v)[-50:])
def test_the_owners_module_is_told_of_what_upstream_changed(
    after: str, mine: str, expected: str
) -> None:
    lines = found(BASE | {"bot/m.py": mine}, {A: after})
    here = [line for line in lines if " bot/m.py:" in line]
    assert bool(here) == bool(expected), lines
    assert all(expected in line for line in here)


def test_a_coroutine_function_that_is_none_any_longer_is_not_awaited() -> None:
    mine = "from bot.a import g\nasync def f(): return await g()\n"
    lines = found(
        {"bot/__init__.py": "", A: "async def g(): ...\n", "bot/m.py": mine},
        {A: "def g(): ...\n"},
    )
    assert ["is no coroutine function" in line for line in lines] == [True]


NEWER = ["type X = int", 'V = f"{"a"}"', "def t[T](x: T): ..."]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads all of it")
@pytest.mark.parametrize("head", NEWER)
def test_newer_syntax_is_judged_by_another_parser_or_said_not_to_be(
    tmp_path: Path, head: str
) -> None:
    base = f"{head}\n\n\ndef first():\n    return 1\n\n\ndef second():\n    return 2\n"
    key = "def key(x):\n    return x.id\n\n\n"
    ours = base.replace("def second", key + "def second")
    fork = parted(tmp_path / "twice", {"m.py": base}, {"m.py": ours}, {"m.py": base + "\n\n" + key})
    ran = skills(fork, "rebase", *UNTRIED)
    assert ran.code == 3, ran.said
    apart = base.replace("return 1", "return 11")
    fork = parted(tmp_path / "apart", {"m.py": base}, {"m.py": ours}, {"m.py": apart})
    ran = skills(fork, "rebase", *UNTRIED)
    assert ran.code == 0, ran.said
    assert "m.py: its syntax is not that of Python 3.11" in ran.out


def test_what_is_no_python_at_all_is_not_called_newer() -> None:
    assert unchecked([Changed("m.py", b"def (:\n", (b"x = 1\n",))]) == ()


def test_what_does_not_compile_is_a_conflict_with_line_and_markers(tmp_path: Path) -> None:
    """Where both sides changed the file and only their sum is wrong."""
    base = "async def f():\n    a = 1\n    b = 1\n    c = 1\n    return a\n\n\nx = 1\n"
    ours = base.replace("async def", "def")
    theirs = base.replace("    return", "    await g()\n    return")
    fork = parted(tmp_path, {"m.py": base}, {"m.py": ours}, {"m.py": theirs})
    told = skills(fork, "rebase", *UNTRIED, "--json")
    assert told.code == 3, told.said
    (conflict,) = told.document["error"]["conflicts"]
    assert (conflict["path"], conflict["kind"]) == ("m.py", "content")
    marked = worktree(fork).read("m.py")
    assert "<<<<<<< ours\ndef f():" in marked
    assert "await g()" in marked
