"""Imports: added where ruff would put them, and taken out so that the bytes of before are left."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.types import Outcome

MODULES = [
    "os", "sys", "re", "typing", "collections.abc", "json", "aiogram", "PIL.image", "a2", "a10", "numpy", "Zope",
    "bot.x", "bot.channels", "bot", ".x", ".", "..y", "..", "...z",
]  # fmt: skip
MEMBERS = ["CONST", "ABC", "Widget", "wide", "A", "b", "a10", "a2", "_private", "X1"]


def statement(draw: random.Random, taken: set[str]) -> str:
    """One import statement whose names are not bound yet; '' if there is none."""
    module = draw.choice(MODULES)
    straight = draw.random() < 0.4 and not module.startswith(".")
    if straight:
        bound = module.partition(".")[0]
        if bound in taken:
            return ""
        taken.add(bound)
        return f"import {module}"
    free = [name for name in MEMBERS if name not in taken]
    names = draw.sample(free, min(len(free), draw.choice([1, 1, 2, 3])))
    taken.update(names)
    renamed = bool(names) and draw.random() < 0.2
    if f"renamed {module}" in taken or (renamed and f"plain {module}" in taken):
        # two statements of one module are sorted by their first names, which merging changes
        return ""
    taken.add(f"renamed {module}" if renamed else f"plain {module}")
    if renamed:
        taken.add(f"{names[0]}_")
        return f"from {module} import {names[0]} as {names[0]}_"
    return f"from {module} import {', '.join(names)}" if names else ""


def test_new_imports_stand_where_ruff_sorts_them(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text('line-length = 320\n[lint]\nselect = ["I"]\n')
    package = tmp_path / "bot" / "sub" / "deep"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    new: dict[Path, list[str]] = {}
    for seed in range(150):
        draw = random.Random(seed)  # noqa: S311 - a reproducible example, no secret
        taken: set[str] = set()
        lines = [statement(draw, taken) for _ in range(draw.randrange(9))]
        new[package / f"m{seed}.py"] = [
            line for line in (statement(draw, taken) for _ in range(2)) if line
        ]
        text = '"""Doc."""\n\n' + "".join(f"{line}\n" for line in lines if line)
        text += ("\n" if any(lines) else "") + "x = 1\n"
        (package / f"m{seed}.py").write_text(text)

    def ruff(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ruff", "check", "--no-cache", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ruff("--fix").returncode == 0
    for path, wanted in new.items():
        name = path.relative_to(tmp_path).as_posix()
        results = set()
        for order in (wanted, wanted[::-1]):
            files = MemoryFiles({name: path.read_bytes(), "bot/__init__.py": b""})
            for line in order:
                change = decode({"ensure": "import", "in": name, "import": line}).apply(files)
                assert change.outcome is Outcome.APPLIED
            results.add(files.contents[name])
        assert len(results) == 1, "imports commute where they are sorted"
        path.write_bytes(results.pop())
    result = ruff("--diff")
    assert result.returncode == 0, result.stdout


@st.composite
def modules(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A module as formatters leave it, in some habit, and imports that it lacks."""
    seed = draw(st.integers(0, 10**6))
    chance = random.Random(seed)  # noqa: S311 - a reproducible example, no secret
    taken: set[str] = set()
    start = draw(
        st.sampled_from(
            [
                "",
                '"""Doc."""\n\n',
                "#!/usr/bin/env python\n\n",
                "# -*- coding: utf-8 -*-\n# Licence\n\n",
            ]
        )
    )
    lines = [statement(chance, taken) for _ in range(draw(st.integers(0, 6)))]
    habit = draw(st.sampled_from(["as they come", "sorted", "one a line", "spaced"]))
    lines = [line for line in lines if line]
    if habit == "sorted":
        lines.sort()
    if habit == "one a line":
        lines = [
            line.replace("import ", "import (\n    ").replace(", ", ",  # why\n    ") + ",\n)"
            if "from" in line
            else line
            for line in lines
        ]
    between = "\n\n" if habit == "spaced" else "\n"
    body = draw(st.sampled_from(["x = 1\n", "\ndef f():\n    return 1\n", "# about x\nx = 1\n"]))
    text = start + (between.join(lines) + "\n\n" if lines else "") + body
    new = [line for line in (statement(chance, taken) for _ in range(3)) if line]
    return text.lstrip("\n"), new


@settings(deadline=None)
@given(modules(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_added_and_taken_out_again_an_import_leaves_no_trace(
    module: tuple[str, list[str]], guarded: bool, newline: str
) -> None:
    text, new = module
    assume(new)
    before = text.replace("\n", newline).encode()
    files = MemoryFiles({"bot/sub/deep/m.py": before})
    entry = {"in": "bot/sub/deep/m.py", "import": new[0]}
    under = {"under": "TYPE_CHECKING"} if guarded else {}
    change = decode({"ensure": "import", **entry, **under}).apply(files)
    assert change.outcome is Outcome.APPLIED
    for line in before.splitlines():
        assert (
            guarded or line in files.contents["bot/sub/deep/m.py"].splitlines() or b"import" in line
        )
    decode({"ensure": "no-import", **entry}).apply(files)
    assert files.contents["bot/sub/deep/m.py"].decode() == before.decode()


@pytest.mark.parametrize(
    "code",
    [
        "__all__ = ['X']",
        "x: 'dict[str, X]' = {}",
        "def f() -> 'X | None': ...",
        "y = cast('list[X]', 1)",
        "y = X.y()",
        "@X\nclass A: ...",
        "y = f'{X!r}'",
    ],
)
def test_what_uses_a_name_keeps_its_import(code: str) -> None:
    files = MemoryFiles({"m.py": f"from a import X\n\n{code}\n".encode()})
    change = decode({"ensure": "no-import", "in": "m.py", "import": "from a import X"}).apply(files)
    assert change.outcome is Outcome.ALREADY
    assert change.summary == "kept: X still used at m.py:3"


@pytest.mark.parametrize(
    "code", ["y.X()", "# X", "'X is not here'", "def f(x: int) -> 'Xs': ...", "import b.X"]
)
def test_what_does_not_use_a_name_lets_its_import_go(code: str) -> None:
    files = MemoryFiles({"m.py": f"from a import X\n\n{code}\n".encode()})
    change = decode({"ensure": "no-import", "in": "m.py", "import": "from a import X"}).apply(files)
    assert change.outcome is Outcome.APPLIED
    assert files.contents["m.py"].decode() == f"{code}\n"


def test_of_two_modules_of_a_package_the_one_that_is_used_stays() -> None:
    files = MemoryFiles({"m.py": b"import a.b\nimport a.c\n\na.c.x()\n"})
    for module in ("a.b", "a.c"):
        decode({"ensure": "no-import", "in": "m.py", "import": f"import {module}"}).apply(files)
    assert files.contents["m.py"] == b"import a.c\n\na.c.x()\n"


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("import os; import sys\n", "import re", "import os; import sys\nimport re\n"),
        ("import os", "import re", "import os\nimport re"),
        ("\ufeffimport os\n", "import abc", "\ufeffimport abc\nimport os\n"),
        ("from a import b, \\\n    c\n", "from a import d", "from a import b, \\\n    c, d\n"),
        (
            "from a import (b,\n               c)\n",
            "from a import d",
            "from a import (b,\n               c,\n               d)\n",
        ),
        ("from a import *\n", "from a import b", "from a import *\nfrom a import b\n"),
        (
            "if __name__ == '__main__':\n    import os\n",
            "import os",
            "import os\n\nif __name__ == '__main__':\n    import os\n",
        ),
        ("def f():\n    import os\n", "import os", "import os\n\n\ndef f():\n    import os\n"),
        ("'''Doc.'''", "import os", "'''Doc.'''\n\nimport os"),
        (
            "from a import b\nfrom a import d\n",
            "from a import c",
            "from a import b\nfrom a import c\nfrom a import d\n",
        ),
        (
            "import os\n\nx()\n\nimport sys\n",
            "import abc",
            "import abc\nimport os\n\nx()\n\nimport sys\n",
        ),
    ],
)
def test_files_that_people_have(before: str, line: str, after: str) -> None:
    files = MemoryFiles({"m.py": before.encode()})
    decode({"ensure": "import", "in": "m.py", "import": line}).apply(files)
    assert files.contents["m.py"].decode() == after
