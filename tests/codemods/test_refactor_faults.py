"""Kinds of faults that were met in operations, each with other cases of its own."""

from __future__ import annotations

from typing import Any

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, SkillsError
from skills_engine.types import Outcome


def run(files: dict[str, str] | str, **keys: Any) -> dict[str, str]:
    tree = {"m.py": files} if isinstance(files, str) else files
    memory = MemoryFiles({path: text.encode() for path, text in tree.items()})
    entry = {key.rstrip("_"): value for key, value in keys.items()}
    if isinstance(files, str):
        entry["in"] = "m.py"
    decode(entry).apply(memory)
    return {path: data.decode() for path, data in memory.contents.items()}


HEADS = [
    "# SPDX-License-Identifier: MIT",
    "# Copyright 2020 Somebody\n# All rights reserved.",
    "# Licensed under the Apache License, Version 2.0",
    "# mypy: ignore-errors",
    "# ruff: noqa",
    "# isort: skip_file",
    "# pylint: disable=missing-docstring",
    "# type: ignore",
    "# fmt: off",
    "# region Settings",
    "# vim: set ts=4",
    "# ---------- settings ----------",
]


@pytest.mark.parametrize("head", HEADS)
def test_what_speaks_of_more_than_a_statement_stays(head: str) -> None:
    code = f"{head}\nX = f()\nY = 2\n"
    assert run(code, ensure="no-definition", of="X")["m.py"].startswith(f"{head}\n")
    assert run(code, ensure="no-statement", code="X = f()")["m.py"].startswith(f"{head}\n")
    for keys in (
        {"ensure": "statement", "code": "Z = 1", "at": "start"},
        {"ensure": "class", "code": "class Z: ...", "before": "X"},
    ):
        assert run(code, **keys)["m.py"].startswith(f"{head}\n")
    moved = run({"m.py": code}, ensure="move", of="m:X", to="n") if "f()" not in code else None
    assert moved is None or moved["m.py"].startswith(head)


@pytest.mark.parametrize(
    "comment", ["# About X.", "# pylint: disable-next=invalid-name", "# noqa", "# TODO: one"]
)
def test_what_speaks_of_the_statement_goes_with_it(comment: str) -> None:
    code = f"import a\n\n{comment}\nX = 1\nY = 2\n"
    assert comment not in run(code, ensure="no-definition", of="X")["m.py"]


STRINGS = [
    "T = typing.Optional['Foo']", "T = typing.Callable[['Foo'], None]", "T = dict[str, 'Foo']",
    "T = typing.TypedDict('T', {'x': 'Foo'})", "T = typing.NamedTuple('T', [('x', 'list[Foo]')])",
    "T = typing.NewType('T', 'Foo')", "x = typing.cast('Foo', y)", "typing.assert_type(x, 'Foo')",
    "T: typing.TypeAlias = 'Foo | None'", "x: 'dict[str, Foo]'", "def f(a: 'Foo') -> 'list[Foo]': ...",
    "V = typing.TypeVar('V', bound='Foo')", "x = []  # type: list[Foo]", "class A(typing.Generic['Foo']): ...",
    "def f(a):\n    # type: (Foo) -> None\n    return", "T = typing.Annotated['Foo', 'Foo is a note']",
]  # fmt: skip


@pytest.mark.parametrize("line", STRINGS)
def test_types_in_strings_are_read_by_all(line: str) -> None:
    files = {"a.py": "class Foo: ...\n", "m.py": f"import typing\nfrom a import Foo\n\n{line}\n"}
    after = run(files, ensure="rename", in_="a.py", of="Foo", to="Bar")["m.py"]
    assert "Foo" not in after.replace("Foo is a note", "")
    kept = run(files["m.py"], ensure="no-import", import_="from a import Foo")["m.py"]
    assert kept == files["m.py"]


@pytest.mark.parametrize(
    "line",
    [
        "getattr(a, 'foo')()",
        "setattr(a, 'foo', 1)",
        "monkeypatch.setattr(a, 'foo', 1)",
        "monkeypatch.delattr(a, 'foo')",
        "mock.patch.object(a, 'foo')",
        "patch.multiple(a, foo=1)",
    ],
)
def test_names_in_strings_beside_their_module_follow(line: str) -> None:
    files = {"a.py": "def foo(): ...\n", "m.py": f"import a\n\n{line}\n"}
    after = run(files, ensure="rename", in_="a.py", of="foo", to="bar")["m.py"]
    assert after == files["m.py"].replace("foo", "bar")


def test_a_name_in_a_string_beside_self_follows() -> None:
    code = "class A:\n    def foo(self): ...\n\n    def g(self):\n        return getattr(self, 'foo')\n"
    after = run({"m.py": code}, ensure="rename", in_="m.py", of="A.foo", to="bar")["m.py"]
    assert after == code.replace("foo", "bar")


NEWER = ['n: str = f"{"a"}"', "type N = int", "def g[T](self, x: T): ..."]


@pytest.mark.parametrize("line", NEWER)
@pytest.mark.parametrize(
    "keys",
    [
        {"ensure": "field", "of": "A", "field": "e: int = 0"},
        {"ensure": "base", "of": "A", "base": "B"},
        {"ensure": "method", "of": "A", "code": "def h(self): ..."},
        {"ensure": "import", "import": "import os"},
        {"ensure": "no-import", "import": "import re"},
        {"ensure": "parameter", "of": "f", "parameter": "c=1"},
        {"ensure": "no-definition", "of": "f"},
        {"ensure": "docstring", "of": "f", "docstring": "One."},
    ],
)
def test_newer_syntax_ends_in_no_traceback(line: str, keys: dict[str, str]) -> None:
    code = f'import re\n\n\nclass A:\n    {line}\n\n\ndef f(a=f"{{"b"}}"): return a\n'
    memory = MemoryFiles({"m.py": code.encode()})
    try:
        decode({"in": "m.py", **keys}).apply(memory)
    except SkillsError as error:
        assert error.message
    assert memory.contents["m.py"]


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("def f(a, b=1): ...\n\n\nf(1, 2)\n", {"ensure": "parameter", "of": "f", "parameter": "c=0", "before": "b"}),
        ("class A:\n    def f(self, a, b): ...\n\n\nA().f(1, 2)\n", {"ensure": "parameter", "of": "A.f", "parameter": "c", "before": "b"}),
        ("class A:\n    def __init__(self, a, b): ...\n\n\nA(1, 2)\n", {"ensure": "parameter", "of": "A.__init__", "parameter": "c", "before": "b"}),
        ("def f(a, b=1): ...\n\n\nf(*x)\n", {"ensure": "parameter", "of": "f", "parameter": "c=0", "before": "b"}),
        ("@dataclass\nclass A:\n    a: int = 1\n\n\nA(5)\n", {"ensure": "field", "of": "A", "field": "b: int"}),
        ("@dataclass\nclass A:\n    a: int = 1\n\n\n@dataclass\nclass B(A):\n    z: int = 0\n\n\nB(1, 2)\n", {"ensure": "field", "of": "A", "field": "b: int = 2"}),
        ("@dataclass\nclass A:\n    a: int\n\n\nmatch x:\n    case A(1):\n        y()\n", {"ensure": "field", "of": "A", "field": "b: int", "before": "a"}),
        ("class A(NamedTuple):\n    a: int = 1\n\n\nA(5)\n", {"ensure": "field", "of": "A", "field": "b: int"}),
    ],
)  # fmt: skip
def test_callers_keep_their_meaning_or_are_named(code: str, keys: dict[str, str]) -> None:
    with pytest.raises(CannotEnsure, match=r"pass by position: m\.py:\d+") as caught:
        run(code, **keys)
    assert caught.value.outcome is Outcome.DRIFTED


OWNER = "from dataclasses import dataclass\n\n\n@dataclass\nclass A:\n    a: int\n"


@pytest.mark.parametrize(
    "heir",
    [
        "from m import A\n@dataclass\nclass B(A):\n    z: int\n",
        "from m import A as One\n@dataclass\nclass B(One):\n    z: int\n",
        "import m\n@dataclass\nclass B(m.A):\n    z: int\n",
        "from m import A\n@dataclass\nclass M(A): ...\n@dataclass\nclass B(M):\n    z: int\n",
        "from m import A\n@dataclass\nclass B(\n    A,  # one\n    Generic[T],\n):\n    z: int\n",
        "from m import A\n@dataclass\nclass B[T](A):\n    z: int\n",
        "from m import A\n@dataclass\nclass \\\nB \\\n(A):\n    z: int\n",
        "from m import A\n@dataclass\nclass B(\n    # not ):\n    A,\n):\n    z: int\n",
        "from m import A\nOne = A\n@dataclass\nclass B(One):\n    z: int\n",
        "from m import A\nif A: One = A\n@dataclass\nclass B(One):\n    z: int\n",
        "from m import (\n    A as\n    One,\n)\n@dataclass\nclass B(One):\n    z: int\n",
        "from m import A\n@dataclass\nclass B(dict[str, {'a': 1}['a']], A):\n    z: int\n",
    ],
)
def test_a_class_that_inherits_elsewhere_stays_one_that_python_takes(heir: str) -> None:
    files = {"m.py": OWNER, "n.py": f"from dataclasses import dataclass\n{heir}"}
    with pytest.raises(CannotEnsure, match="z is required, and b before it has a default"):
        run(files, ensure="field", of="m:A", field="b: int = 0")
    files["n.py"] = "from m import A\n\n\nclass B:\n    z: A\n"
    assert "b: int = 0" in run(files, ensure="field", of="m:A", field="b: int = 0")["m.py"]


def test_where_nobody_calls_by_position_the_place_is_free() -> None:
    code = "def f(a, b=1): ...\n\n\nf(1, b=2)\n"
    after = run(code, ensure="parameter", of="f", parameter="c=0", before="b")["m.py"]
    assert "def f(a, c=0, b=1)" in after


def test_another_function_of_that_name_is_not_meant() -> None:
    code = "def f(a, b=1): ...\n\n\nclass A:\n    def f(self, x, y): ...\n\n\nA().f(1, 2)\n"
    assert "c=0" in run(code, ensure="parameter", of="f", parameter="c=0", before="b")["m.py"]


@pytest.mark.parametrize(
    "change",
    ["X += [1]", "X['a'] = 1", "X.a = 1", "X.append(1)", "if y:\n    X += [1]", "X['a']['b'] = 1"],
)
def test_a_variable_that_is_changed_elsewhere_is_not_taken_away(change: str) -> None:
    with pytest.raises(CannotEnsure, match="changed elsewhere"):
        run(f"X = []\n{change}\n", ensure="no-definition", of="X")


@pytest.mark.parametrize("code", ["case X", "except E as X", "for X in y", "with y as X"])
def test_names_that_statements_bind_are_not_said_to_be_gone(code: str) -> None:
    whole = {
        "case X": "match y:\n    case X:\n        z()\n",
        "except E as X": "try:\n    y()\nexcept E as X:\n    z()\n",
        "for X in y": "for X in y:\n    z()\n",
        "with y as X": "with y as X:\n    z()\n",
    }[code]
    with pytest.raises(CannotEnsure, match="bound in another way"):
        run(whole, ensure="no-definition", of="X")


TAKEN_OTHERWISE = {
    'importlib.import_module("pk.a").X': "",
    'load("pk.a").X': "from importlib import import_module as load",
    "m.X": 'm = importlib.import_module(".a", __package__)',
    "o.X": 'o = importlib.import_module(".a", package="pk")',
    "f()": 'def f():\n    m = importlib.import_module("pk.a")\n    return m.X',
    'getattr(importlib.import_module("pk.a"), "X")': "",
    "p.X": 'try:\n    p = importlib.import_module("pk.a")\nexcept ImportError:\n    p = None',
    "a.X": "try:\n    from pk import a\nexcept ImportError:\n    a = None",
    "c.X": "from pk import a as b\nc = b",
    "d.X": "import pk.a\nd: object = pk.a",
    'sys.modules["pk.a"].X': "import pk.a\nimport sys",
    '__import__("pk.a").a.X': "",
}


@pytest.mark.parametrize("expression", TAKEN_OTHERWISE)
def test_a_module_that_is_taken_by_its_name_or_another_is_that_module(expression: str) -> None:
    user = f"import importlib\n{TAKEN_OTHERWISE[expression]}\nfound = {expression}\n"
    files = {"pk/__init__.py": "", "pk/a.py": "X = 1\n", "pk/c.py": "", "pk/b.py": user}
    renamed = run(files, ensure="rename", of="pk.a:X", to="Y")
    assert renamed["pk/b.py"] == user.replace("X", "Y")
    with pytest.raises(CannotEnsure, match="no import statement says what"):
        run(files, ensure="move", of="pk.a:X", to="pk.c")


@pytest.mark.parametrize(
    "imports",
    [
        "try:\n    from pk import a\nexcept ImportError:\n    import other as a",
        "try:\n    import pk.a as a\nexcept ImportError:\n    a = Fake()",
        "def f(a=None):\n    if a is None:\n        from pk import a\n    return a.X",
    ],
)
def test_what_may_be_a_module_is_not_guessed(imports: str) -> None:
    user = f"{imports}\n" + ("" if "return" in imports else "found = a.X\n")
    files = {"pk/__init__.py": "", "pk/a.py": "X = 1\n", "pk/c.py": "", "b.py": user}
    for keys in ({"ensure": "rename", "to": "Y"}, {"ensure": "move", "to": "pk.c"}):
        with pytest.raises(CannotEnsure, match=r"not clear|no import statement"):
            run(files, of="pk.a:X", **keys)


BINDS = [
    "a, b = 1, [2]",
    "[a, *b] = x",
    "for a in x: pass",
    "with x as a: pass",
    "print(a := [1])",
    "from x import a",
    "import x as a",
    "match x:\n    case {'a': a}: pass",
    "try:\n    f()\nexcept E as a: pass",
]
DEFINES = [
    {"ensure": "function", "code": "def a(): ..."},
    {"ensure": "class", "code": "class a: ..."},
    {"ensure": "method", "of": "K", "code": "def a(self): ..."},
    {"ensure": "field", "of": "K", "field": "a = [3]"},
    {"ensure": "value", "of": "a", "value": "[3]"},
    {"ensure": "value", "of": "K.a", "value": "[3]"},
    {"ensure": "element", "of": "a", "element": "3"},
    {"ensure": "element", "of": "K.a", "element": "3"},
    {"ensure": "no-element", "of": "a", "element": "1"},
]


@pytest.mark.parametrize("keys", DEFINES, ids=lambda keys: f"{keys['ensure']} {keys.get('of', '')}")
@pytest.mark.parametrize("binds", BINDS)
def test_what_a_name_is_is_not_decided_by_one_of_the_places_that_bind_it(
    binds: str, keys: dict[str, str]
) -> None:
    assigned = "a = [1]\n" if keys["ensure"] in {"value", "element", "no-element"} else ""
    for code in (f"{assigned}{binds}\n", f"{binds}\n{assigned}"):
        lines = "".join(f"    {line}\n" for line in code.splitlines())
        text = f"class K:\n    c = 1\n{lines}" if "K" in keys.get("of", "") else code
        with pytest.raises(CannotEnsure, match=r"bound|import|defined 2 times"):
            run(text, **keys)


def test_a_field_of_the_classes_own_kind_is_there_after_it_was_given() -> None:
    once = run("class K:\n    c = 1\n", ensure="field", of="K", field="__slots__ = ()")["m.py"]
    assert run(once, ensure="field", of="K", field="__slots__ = ()")["m.py"] == once


@pytest.mark.parametrize(
    ("there", "due"), [("from .b import run as go\n", "p/b.py"), ("from . import go\n", "")]
)
def test_modules_may_import_a_name_from_each_other(there: str, due: str) -> None:
    files = {"p/__init__.py": "from .a import go\n", "p/a.py": there, "p/b.py": "def run(): ...\n"}
    keys = {"ensure": "decorator", "of": "p:go", "decorator": "once"}
    if due:
        assert run(files, **keys)[due] == "@once\ndef run(): ...\n"
        return
    with pytest.raises(CannotEnsure, match=r"p/__init__.py does not define go"):
        run(files, **keys)
