"""The edit of `replace` is the difference of pattern and `with`: what both have stays, with all
that lies between.
"""

from __future__ import annotations

import random
import re
from typing import Any

import libcst as cst
import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.match.matching import Steps
from skills_engine.codemods.match.pattern import Pattern
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure


def replaced(code: str, pattern: str, new: str, **keys: Any) -> str:
    entry = {"ensure": "replace", "in": "m.py", "pattern": pattern, "with": new, "all": True}
    files = MemoryFiles({"m.py": code.encode()})
    decode({**entry, **keys}).apply(files)
    return files.contents["m.py"].decode()


CASES: list[tuple[str, str, str, str]] = [
    # headers and what stands beside them
    ("while True:  # pragma: no cover\n    a()\n", "while True: $...B", "while 1: $...B", "while 1:  # pragma: no cover\n    a()\n"),
    ("if a:  # why\n    b()\n# else\nelse:  # no\n    c()\n", "if a: $...B\nelse: $...C", "if z: $...B\nelse: $...C", "if z:  # why\n    b()\n# else\nelse:  # no\n    c()\n"),
    ("try:\n    a()\nexcept E:  # noqa\n    b()\n", "try: $...A\nexcept E: $...B", "try: $...A\nexcept F: $...B", "try:\n    a()\nexcept F:  # noqa\n    b()\n"),
    ("class A(object):  # a\n    x = 1\n", "class A(object): $...B", "class A: $...B", "class A:  # a\n    x = 1\n"),
    ("if x:\n\tfor y in z: a(); b()\n", "for $I in z: $...B", "while $I: $...B", "if x:\n\twhile y: a(); b()\n"),
    # displays and calls
    ("x = [\n    a,  # first\n    b,\n]\n", "[a, $...R]", "[$...R]", "x = [\n    # first\n    b,\n]\n"),
    ("x = {  # open\n    'a': 1,  # one\n}\n", "{'a': $A, $...R}", "{'z': 0, 'a': $A, $...R}", "x = {  # open\n    'z': 0,\n    'a': 1,  # one\n}\n"),
    ("x = [\n    a,\n    c,  # last\n]\n", "[$...R, c]", "[$...R]", "x = [\n    a,  # last\n]\n"),
    ("f(\n    a,  # one\n    b,  # two\n)\n", "f($X, $Y)", "g($Y, $X)", "g(\n    b,  # two\n    a,  # one\n)\n"),
    ("x = set([\n    1,  # one\n    2,\n])\n", "set([$...A])", "{$...A}", "x = {\n    1,  # one\n    2,\n}\n"),
    ("open(\n    p,\n    'r',  # read\n    enc,\n)\n", "open($P, 'r', $E)", "open($P, $E)", "open(\n    p,\n    # read\n    enc,\n)\n"),
    ("f(a, b, text=True, c=3, **k)\n", "f($...A, text=$V, $...B)", "f($...A, $...B)", "f(a, b, c=3, **k)\n"),
    ("f(text=True, **k)\n", "f($...A, text=$V, **$...B)", "f($...A, t=$V, **$...B)", "f(t=True, **k)\n"),
    ("x = {**a, 'k': 1, **b}\n", "{$...A, 'k': $V, $...B}", "{$...A, 'k': 2, $...B}", "x = {**a, 'k': 2, **b}\n"),
    # white space
    ("t.true(a is not None)\n", "t.true($A is not None)", "t.notNone($A)", "t.notNone(a)\n"),
    ("x = open(p, enc)\n", "open($P, $E)", "open($P, encoding=$E)", "x = open(p, encoding=enc)\n"),
    ("open(p, 'r')\n", "open($P, 'r')", "open($P)", "open(p)\n"),
    ("x = not a == b\n", "not $X == $Y", "$X != $Y", "x = a != b\n"),
    ("assert(a == b)\n", "assert $X == $Y", "assert $X != $Y", "assert(a != b)\n"),
    ("x = (a\n     # mid\n     + b)\n", "$X + $Y", "$X - $Y", "x = (a\n     # mid\n     - b)\n"),
    # statements
    ("a = b  # type: ignore\nc = d\n", "a = b\nc = d", "a = b\nx()\nc = d", "a = b  # type: ignore\nx()\nc = d\n"),
    ("a = b  # type: ignore\nx()  # gone\nc = d\n", "a = b\nx()\nc = d", "a = b\nc = d", "a = b  # type: ignore\n# gone\nc = d\n"),
    ("if c:\n    a = b  # c\n    x = 1\n", "a = b\nx = $X", "a = b\nz()\nx = $X", "if c:\n    a = b  # c\n    z()\n    x = 1\n"),
    ("with lock:  # held\n    a()\n    # c\n    b()\n", "with lock: $...B", "$...B", "# held\na()\n# c\nb()\n"),
    ("def f():\n    with lock:\n        # c\n        x = '''\n  raw\n'''\n    return x\n", "with lock: $...B", "$...B", "def f():\n    # c\n    x = '''\n  raw\n'''\n    return x\n"),
    ("if OLD:\n    for x in y:\n        a(x)\nelse:\n    b()\n", "if OLD: $...A\nelse: $...B", "$...B", "b()\n"),
    # in a string
    ("x = f'{a(1)!r} {b}'\n", "a($X)", "a('q', $X)", "x = f'{a(\"q\", 1)!r} {b}'\n"),
    # where one cannot stand as it is
    ("x = size(  # why\n    y\n)\n", "size($X)", "$X.size()", "x = (  # why\n    y.size(\n))\n"),
    # `case`, `yield`
    ("match p:\n    case Point(x=0, y=b):  # o\n        a()\n", "match $P:\n    case Point($...A): $...B", "match $P:\n    case Pt($...A): $...B", "match p:\n    case Pt(x=0, y=b):  # o\n        a()\n"),
    ("match p:\n    case [a, b, *c]:\n        a()\n", "match $P:\n    case [$X, $...R]: $...B", "match $P:\n    case ($X, $...R): $...B", "match p:\n    case (a, b, *c):\n        a()\n"),
    ("def f():\n    x = yield a  # why\n", "yield $X", "go($X)", "def f():\n    x = go(a)  # why\n"),
    ("def f():\n    x = go(a) + 1\n", "go($X)", "yield $X", "def f():\n    x = (yield a) + 1\n"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "pattern", "new", "after"), CASES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_only_the_difference_changes(
    code: str, pattern: str, new: str, after: str, newline: str
) -> None:
    found = replaced(code.replace("\n", newline), pattern, new)
    assert found == after.replace("\n", newline)


@pytest.mark.parametrize(("code", "pattern", "new", "after"), CASES)
def test_no_comment_is_lost(code: str, pattern: str, new: str, after: str) -> None:
    def comments(text: str) -> list[str]:
        return sorted(re.findall(r"#[^\n]*", text))

    assert comments(replaced(code, pattern, new)) == comments(code)


def test_a_header_is_no_replacement() -> None:
    with pytest.raises(Malformed, match="header without a body"):
        replaced("for x in y:\n    z()\n", "for $X in y:", "for $X in z:")


def call(*arguments: str) -> cst.CSTNode:
    return cst.parse_expression(f"f({', '.join(arguments)})")


@pytest.mark.parametrize("gaps", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("size", [50, 150, 400])
def test_the_work_is_linear_in_nodes_times_gaps(gaps: int, size: int) -> None:
    """Every `$...` tries each argument once, however many there are: nothing is tried anew."""
    draw = random.Random(gaps * size)  # noqa: S311 - a reproducible example, no secret
    parts = [f"$...G{n}, {draw.choice(['x', '1', 'g($A)'])}" for n in range(gaps)]
    parts = [p.replace("$A", f"$A{n}") for n, p in enumerate(parts)]
    pattern = Pattern.parse(f"f({', '.join(parts)}, $...Z, missing)")
    arguments = [draw.choice(["x", "1", "g(2)", "y"]) for _ in range(size)]
    steps = Steps(pattern.text)
    assert pattern.at(call(*arguments), steps=steps) is None
    assert steps.made <= 10 * size * (gaps + 2)
    steps = Steps(pattern.text)
    arguments += ["x", "1", "g(2)"] * gaps
    assert pattern.at(call(*arguments, "missing"), steps=steps) is not None
    assert steps.made <= 10 * (size + 3 * gaps) * (gaps + 2)


def test_statements_too() -> None:
    code = "a()\n" * 3000
    with pytest.raises(CannotEnsure, match="nothing in m"):
        replaced(code, "a()\n$...\na()\n$...\nb()", "c()")


def test_what_would_take_for_ever_is_refused_with_the_reason() -> None:
    code = f"f({', '.join(f'x{n}' for n in range(150))})\n"
    with pytest.raises(CannotEnsure, match="in too many ways"):
        replaced(code, "f($...A, $X, $...B, $Y, $...C, $X, $...D, $Y, $...E, y)", "g()")


def test_a_name_that_repeats_is_still_found() -> None:
    code = f"f({', '.join(f'x{n}' for n in range(60))}, x7, y)\n"
    assert replaced(code, "f($...A, $X, $...B, $X, y)", "g($X)") == "g(x7)\n"
