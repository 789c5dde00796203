"""The order of imports: what isort and Ruff are told, what a file shows, what is left alone."""

from __future__ import annotations

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure
from skills_engine.import_order import (
    ImportedName,
    ImportPlace,
    ImportSettings,
    Order,
    kept_apart,
    read_statement,
    settings_for,
)


def ensure(files: dict[str, str], *lines: str, path: str = "m.py", word: str = "import") -> str:
    memory = MemoryFiles({name: text.encode() for name, text in files.items()})
    for line in lines:
        decode({"ensure": word, "in": path, "import": line}).apply(memory)
    return memory.contents[path].decode()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import a.b, c as d", ["a.b", "c as d"]),
        ("from . import x", ["x"]),
        ("from ...a.b import (  # why\n    x,\n    y as z,  # because\n)\n", ["x", "y as z"]),
        ("from a import b, \\\n    c", ["b", "c"]),
        ("from a import *", ["*"]),
        ("x = 1", []),
        ("from __future__ import annotations", ["annotations"]),
    ],
)
def test_a_statement_is_read_in_any_layout(text: str, names: list[str]) -> None:
    assert [str(name) for name in read_statement(text)] == names


def test_the_nearest_settings_count_and_those_of_isort_before_those_of_ruff() -> None:
    files = {
        "pyproject.toml": b'[tool.ruff.lint.isort]\nforce-single-line = true\n[tool.isort]\nprofile = "google"\n',
        "sub/ruff.toml": b"[lint.isort]\nlines-after-imports = 3\nknown-first-party = ['own']\n",
        "ini/setup.cfg": b"[isort]\nforce_sort_within_sections = True\nknown_third_party =\n    a\n    b\n",
        "broken/pyproject.toml": b"[tool.isort\n",
    }
    root = settings_for("m.py", files.get)
    assert root.force_single_line
    assert not root.order_by_type
    assert root.single_line_exclusions == {"typing"}
    assert settings_for("sub/x/m.py", files.get).lines_after == 3
    assert settings_for("sub/x/m.py", files.get).known[0] == ("first-party", ("own",))
    assert settings_for("ini/m.py", files.get).known == (("third-party", ("a", "b")),)
    assert settings_for("broken/m.py", files.get) == root
    assert settings_for("m.py", lambda _: None) == ImportSettings()


def test_the_merge_may_ask_for_a_place_with_texts_alone() -> None:
    texts = [["import os", "import sys"], ["from bot.a import A, C", "from bot.b import x"]]
    paragraphs = [[read_statement(text) for text in row] for row in texts]
    order = Order.of(paragraphs, ImportSettings(), lambda top: top == "bot")
    assert order.place(paragraphs, read_statement("import re")) == ImportPlace(0, 1)
    assert order.place(paragraphs, read_statement("from bot.aa import z")) == ImportPlace(1, 1)
    assert order.place(paragraphs, read_statement("import attrs")) == ImportPlace(0, 2, alone=True)
    assert order.place([], (ImportedName("os"),)) is None
    key = order.member_key(["A", "C"])
    assert key is not None
    assert sorted(["b", "MAX", "Any"], key=key) == ["MAX", "Any", "b"]


@pytest.mark.parametrize(
    ("settings", "before", "line", "after"),
    [
        (
            "[tool.ruff.lint.isort]\nforce-single-line = true\n",
            "from a import b\n",
            "from a import c, aa",
            "from a import aa\nfrom a import b\nfrom a import c\n",
        ),
        (
            "[tool.isort]\nforce_sort_within_sections = true\n",
            "import os\nimport sys\n",
            "from re import sub",
            "import os\nfrom re import sub\nimport sys\n",
        ),
        (
            "[tool.ruff.lint.isort]\nknown-first-party = ['own']\n",
            "import attrs\n\nimport own\n",
            "import numpy",
            "import attrs\nimport numpy\n\nimport own\n",
        ),
        (
            "[tool.ruff.lint.isort]\ncombine-as-imports = true\n",
            "from a import b\n",
            "from a import c as d",
            "from a import b, c as d\n",
        ),
        (
            "[tool.isort]\nno_sections = true\n",
            "import attrs\nimport sys\n",
            "import os",
            "import attrs\nimport os\nimport sys\n",
        ),
        (
            "[tool.ruff.lint.isort]\nlines-after-imports = 2\n",
            "x = 1\n",
            "import os",
            "import os\n\n\nx = 1\n",
        ),
        (
            "[tool.ruff.lint.isort]\norder-by-type = false\n",
            "from a import b\n",
            "from a import Z",
            "from a import b, Z\n",
        ),
    ],
)
def test_what_is_configured_stands_above_what_a_file_shows(
    settings: str, before: str, line: str, after: str
) -> None:
    assert ensure({"pyproject.toml": settings, "m.py": before}, line) == after


@pytest.mark.parametrize(
    ("before", "line", "after"),
    [
        ("import os\n\n# about b\nfrom b import c\n", "from a import z", "import os\n\nfrom a import z\n# about b\nfrom b import c\n"),
        ("import os\n\n# Third party\nfrom b import c\n", "from a import z", "import os\n\n# Third party\nfrom a import z\nfrom b import c\n"),
        ("# Copyright 2020 X\nimport os\n", "import abc", "# Copyright 2020 X\nimport abc\nimport os\n"),
        ("# pylint: disable-next=W\nimport os\n", "import abc", "import abc\n# pylint: disable-next=W\nimport os\n"),
        ("from a import b  # type: ignore\n", "from a import c", "from a import b  # type: ignore\nfrom a import c\n"),
        ("from a import (  # noqa: F401\n    b,\n)\n", "from a import c", "from a import (  # noqa: F401\n    b,\n)\nfrom a import c\n"),
        ("from a import (\n    b,  # of b\n    d,\n)\n", "from a import c", "from a import (\n    b,  # of b\n    c,\n    d,\n)\n"),
        ("# isort: off\nimport sys\nimport os\n# isort: on\nx = 1\n", "import abc", "# isort: off\nimport sys\nimport os\n# isort: on\nimport abc\nx = 1\n"),
        ("import b\nimport c  # isort: skip\n", "import a", "import a\nimport b\nimport c  # isort: skip\n"),
        ("# SPDX-License-Identifier: MIT\nx = 1\n", "import os", "# SPDX-License-Identifier: MIT\n\nimport os\n\nx = 1\n"),
        ("import os\n\nx = f()\n\nfrom late import B\n", "from late import f", "import os\n\nfrom late import f\n\nx = f()\n\nfrom late import B\n"),
        ("if TYPE_CHECKING: from b import B\n", "from a import A", "from a import A\n\nif TYPE_CHECKING: from b import B\n"),
    ],
)  # fmt: skip
def test_comments_and_fences_keep_what_they_speak_of(before: str, line: str, after: str) -> None:
    assert ensure({"m.py": before}, line) == after


def test_fences_are_ranges_of_lines() -> None:
    assert kept_apart("a\n# fmt: off\nb\n# fmt: on\n# isort: off\nc\n") == [
        range(2, 5),
        range(5, 7),
    ]


@pytest.mark.parametrize(
    "head",
    [
        "if sys.platform == 'win32':\n    {}\n",
        "if a:\n    {}\nelif b:\n    {}\n",
        "with suppress(ImportError):\n    {}\n",
        "for _ in ():\n    {}\n",
        "while False: {}\n",
        "if False:\n    {}\n",
        "try:\n    {}\nexcept ImportError:\n    pass\n",
        "try:\n    f()\nexcept E:\n    {}\n",
        "match x:\n    case 1:\n        {}\n",
        "if TYPE_CHECKING:\n    {}\n",
        "def f():\n    {}\n",
        "class A:\n    {}\n",
        "if x: {}\n",
    ],
)
def test_what_is_imported_on_one_path_only_is_not_imported(head: str) -> None:
    line = "from late import C"
    assert ensure({"m.py": head.format(line, line)}, line) != head.format(line, line)


@pytest.mark.parametrize(
    "head",
    [
        "if a:\n    {}\nelse:\n    {}\n",
        "try:\n    {}\nexcept ImportError:\n    from other import C\n",
        "try:\n    {}\nexcept ImportError:\n    raise SystemExit('pip install late')\n",
        "try:\n    {}\nexcept ImportError:\n    sys.exit(1)\n",
        "with warnings.catch_warnings():\n    {}\n",
        "match x:\n    case 1:\n        {}\n    case _:\n        {}\n",
        "try:\n    f()\nfinally:\n    {}\n",
        "if True: {}\n",
    ],
)
def test_what_is_imported_on_every_path_is_imported(head: str) -> None:
    line = "from late import C"
    assert ensure({"m.py": head.format(line, line)}, line) == head.format(line, line)


@pytest.mark.parametrize(
    "tail",
    [
        "C = 3",
        "a, (b, *C) = f()",
        "C: int = 3",
        "C += 1",
        "if (C := f()): pass",
        "def C(): ...",
        "class C: ...",
        "for C in x: pass",
        "with x as C: pass",
        "try:\n    f()\nexcept E as C:\n    pass",
        "match x:\n    case [C]:\n        pass",
        "if x:\n    C = 3",
        "from other import C",
        "del C",
        "del a, C",
        "if x:\n    del [C]",
    ],
)
def test_what_is_something_else_or_gone_behind_its_import_refuses(tail: str) -> None:
    line = "from late import C"
    with pytest.raises(CannotEnsure, match=r"something else|somewhere else|deleted again"):
        ensure({"m.py": f"{line}\n{tail}\n"}, line)


@pytest.mark.parametrize("tail", ["C: int", "C.x = 1", "C[0] = 1", "del C.x", "def f(C): C = 1"])
def test_what_only_changes_a_name_that_is_imported_leaves_it_imported(tail: str) -> None:
    code = f"from late import C\n{tail}\n"
    assert ensure({"m.py": code}, "from late import C") == code


def test_a_name_that_is_something_else_on_another_path_refuses() -> None:
    with pytest.raises(CannotEnsure, match="something else"):
        ensure({"m.py": "try:\n    import x\nexcept ImportError:\n    x = None\n"}, "import x")


@pytest.mark.parametrize(
    ("code", "stays"),
    [
        ("from a import X  # pylint: disable=unused-import\n", True),
        ("# ruff: noqa: F401\nfrom a import X\n", True),
        ("# flake8: noqa\nfrom a import X\n", True),
        ("# ruff: noqa: E501\nfrom a import X\n", False),
        ("# pylint: disable-next=unused-import\nfrom a import X\n", True),
        ("from a import (\n    X,\n    Y,  # noqa: F401\n)\n", False),
        ("from a import X  # noqa: E501\n", False),
        ("from a import X\n\nx = []  # type: list[X]\n", True),
        ("from a import X\n\n\ndef f(X):\n    return X\n", False),
        ("from a import X\n\nfor Y in z:\n    print([X for X in Y])\n", False),
        ("from a import X\nimport typing\n\nT: typing.TypeAlias = 'list[X]'\n", True),
        ("from a import X\nimport typing\n\nT = typing.Optional['X | None']\n", True),
        ("from a import X\nimport typing\n\nT = typing.TypedDict('T', {'x': 'list[X]'})\n", True),
        ("def f():\n    from a import X\n    return X\n", True),
        ("def f():\n    from a import X\n    return 1\n", False),
        ("def f(): from a import X\n", False),
    ],
)
def test_uses_that_are_no_names(code: str, stays: bool) -> None:
    after = ensure({"m.py": code}, "from a import X", word="no-import")
    assert ("X" in after.partition("import ")[2].partition("\n")[0] or after == code) is stays


def test_a_fixture_is_used_by_the_test_that_asks_for_it() -> None:
    code = "from fixtures import client\n\n\ndef test_it(client):\n    assert client\n"
    line = "from fixtures import client"
    kept = ensure({"tests/test_x.py": code}, line, path="tests/test_x.py", word="no-import")
    assert kept == code
    assert ensure({"m.py": code}, line, word="no-import") != code


def test_a_future_import_is_used_by_annotations() -> None:
    line = "from __future__ import annotations"
    code = f"{line}\n\nx: int = 1\n"
    assert ensure({"m.py": code}, line, word="no-import") == code
    assert ensure({"m.py": f"{line}\n\nx = 1\n"}, line, word="no-import") == "x = 1\n"
