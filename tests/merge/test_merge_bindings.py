"""One name for two things: what each side adds under a name that the other gives to something else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from harness.merging import git_lines

from skills_engine.merge import merge_file

NAMED = (
    "import a as x",
    "from a import x",
    "from a import x, other",
    "from b import y as x",
    "def x(): ...",
    "class x: ...",
    "x = 1",
    "try:\n    import c as x\nexcept ImportError:\n    x = None",
)
REST = "import os\n\n\ndef a():\n    one()\n    two()\n\n\ndef b():\n    three()\n"
IN_CLASS = "class E:\n    size = 0\n\n    def a(self): ...\n\n    def b(self): ...\n"


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


PLACES: dict[str, tuple[str, Callable[[str], str], Callable[[str], str]]] = {
    "a module": (REST, lambda new: f"{new}\n{REST}", lambda new: f"{REST}\n\n{new}\n"),
    "a class": (
        IN_CLASS,
        lambda new: IN_CLASS.replace("    size", indented(new) + "    size"),
        lambda new: f"{IN_CLASS}\n{indented(new)}",
    ),
}
LONG_WAY = "def f(k):\n    one()\n    start()\n    middle()\n    two()\n    return k\n"
LATER = "from __future__ import annotations\n"
CHECKED = "from typing import TYPE_CHECKING\n\n"
FIELDS = "from dataclasses import dataclass\n\n\n@dataclass\nclass A:\n"
CLASHES = {
    "a function's imports": (
        REST,
        REST.replace("one()", "import a as x\n    one()"),
        REST.replace("two()", "two()\n    import b as x"),
    ),
    "an import that both replace": (
        f"import a as x\n{REST}",
        f"import b as x\n{REST}",
        f"import c as x\n{REST}",
    ),
    "names of one module": (
        f"from m import z\n{REST}",
        f"from m import z, a as x\n{REST}",
        f"from m import b as x, z\n{REST}",
    ),
    "members of one value": (
        IN_CLASS.replace("E:", "E(enum.IntEnum):"),
        IN_CLASS.replace("E:", "E(enum.IntEnum):").replace("    size", "    one = 1\n    size"),
        IN_CLASS.replace("E:", "E(enum.IntEnum):") + "\n    first = 1\n",
    ),
    "keys that are equal": (
        "D = {\n    'a': 1,\n    'b': 2,\n    'c': 3,\n}\n",
        "D = {\n    1: 0,\n    'a': 1,\n    'b': 2,\n    'c': 3,\n}\n",
        "D = {\n    'a': 1,\n    'b': 2,\n    'c': 3,\n    True: 0,\n}\n",
    ),
    "variables that are one name now": (
        "def f():\n    a = g()\n    b = h()\n    return a, b\n",
        "def f():\n    x = g()\n    b = h()\n    return x, b\n",
        "def f():\n    a = g()\n    x = h()\n    return a, x\n",
    ),
    "a variable set anew before it is read": (
        LONG_WAY,
        LONG_WAY.replace("two()", "two()\n    x = 1\n    log(x)"),
        LONG_WAY.replace("one()", "x = k\n    one()").replace("return k", "return k + x"),
    ),
    "a parameter, and what the module has": (
        LONG_WAY,
        LONG_WAY.replace("(k)", "(k, x)").replace("one()", "one(x)"),
        LONG_WAY.replace("return k", "return k + x"),
    ),
    "a loop's variable, and what the module has": (
        LONG_WAY,
        LONG_WAY.replace("one()", "for x in k:\n        log(x)\n    one()"),
        LONG_WAY.replace("return k", "return k + x"),
    ),
    "an import within a function, and a use elsewhere": (
        "import x\n\n\ndef f(a: x.T):\n    one()\n    return 1\n",
        "def f(a):\n    import x\n\n    one()\n    return x.go(a)\n",
        "import x\n\n\ndef f(a: x.T):\n    one()\n    return 1\n\n\ndef g():\n    x.end()\n",
    ),
    "an import for type checkers, and a use": (
        f"{CHECKED}import x\n\n\ndef f(a: x.T):\n    return 1\n\n\n{REST}",
        f"{CHECKED}if TYPE_CHECKING:\n    import x\n\n\ndef f(a: 'x.T'):\n    return 1\n\n\n{REST}",
        f"{CHECKED}import x\n\n\ndef f(a: x.T):\n    return 1\n\n\n{REST}\n\nx.end()\n",
    ),
    "a default, and a field behind it": (
        f"{FIELDS}    a: int\n    b: int\n\n    def f(self): ...\n",
        f"{FIELDS}    a: int\n    b: int = 1\n\n    def f(self): ...\n",
        f"{FIELDS}    a: int\n    b: int\n    c: str\n\n    def f(self): ...\n",
    ),
    "parameters in another order": (
        "def f(a, b):\n    return a\n",
        "def f(b, a):\n    return a\n",
        "def f(a, b, c):\n    return a\n",
    ),
}  # fmt: skip
APART = {
    "parts of one package": (REST, f"import a.b\n{REST}", f"{REST}import a.c\n"),
    "names of one module": (REST, f"from a import x\n{REST}", f"{REST}from a import x, y\n"),
    "branches": (
        f"if win:\n    N = 1\nelse:\n    N = 2\n{REST}",
        f"if win:\n    N = 10\nelse:\n    N = 2\n{REST}",
        f"if win:\n    N = 1\nelse:\n    N = 20\n{REST}",
    ),
    "variables of functions": (
        REST,
        REST.replace("one()", "x = 1\n    one()"),
        REST.replace("three()", "three()\n    x = 2"),
    ),
    "variables of loops apart": (
        LONG_WAY,
        LONG_WAY.replace("one()", "for x in k:\n        log(x)\n    one()"),
        LONG_WAY.replace("return k", "for x in two:\n        show(x)\n    return k"),
    ),
    "variables of comprehensions": (
        LONG_WAY,
        LONG_WAY.replace("one()", "one([x for x in k])"),
        LONG_WAY.replace("return k", "return k + x"),
    ),
    "fields with a default, and without": (
        f"{FIELDS}    a: int\n",
        f"{FIELDS}    a: int\n    b: int = 0\n",
        f"{FIELDS}    a: int\n    c: int\n",
    ),
    "annotations of what type checkers import": (
        f"{LATER}{CHECKED}import x\n\n\ndef f(a: x.T):\n    return 1\n\n\n{REST}",
        f"{LATER}{CHECKED}if TYPE_CHECKING:\n    import x\n\n\ndef f(a: x.T):\n    return 1\n\n\n{REST}",
        f"{LATER}{CHECKED}import x\n\n\ndef f(a: x.T):\n    return 1\n\n\n{REST}\n\ndef g(b: x.T): ...\n",
    ),
    "members of other values": (
        IN_CLASS.replace("E:", "E(Enum):"),
        IN_CLASS.replace("E:", "E(Enum):").replace("    size", "    one = 1\n    size"),
        IN_CLASS.replace("E:", "E(Enum):") + "\n    two = 2\n",
    ),
}  # fmt: skip


def merged(room: Path, base: str, ours: str, theirs: str) -> bool:
    """Whether the merge is clean."""
    texts = base.encode(), ours.encode(), theirs.encode()
    return merge_file("m.py", *texts, lines=git_lines(room)).clean


def clean(room: Path, base: str, ours: str, theirs: str) -> list[bool]:
    """Whether it is, either way round."""
    return [merged(room, base, ours, theirs), merged(room, base, theirs, ours)]


@pytest.mark.parametrize("place", PLACES)
def test_one_name_that_each_side_gives_to_something_else_conflicts(
    tmp_path: Path, place: str
) -> None:
    base, first, last = PLACES[place]
    for at, (one, two) in enumerate(combinations(NAMED, 2)):
        sides = (one, two) if at % 2 else (two, one)
        alike = (one, two) == ("from a import x", "from a import x, other")
        assert merged(tmp_path, base, first(sides[0]), last(sides[1])) == alike, sides


@pytest.mark.parametrize("what", CLASHES)
def test_other_names_for_two_things_conflict(tmp_path: Path, what: str) -> None:
    assert clean(tmp_path, *CLASHES[what]) == [False, False]


@pytest.mark.parametrize("what", APART)
def test_what_is_not_one_name_for_two_things_merges(tmp_path: Path, what: str) -> None:
    assert clean(tmp_path, *APART[what]) == [True, True]
