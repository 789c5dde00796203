"""What a pattern matches, and replacement as a law: the file's syntax tree changes exactly as it
should.
"""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.match.pattern import Pattern
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.registry import decode
from skills_engine.codemods.source.source import Source
from skills_engine.codemods.source.syntax import extract, same


def found(pattern: str, code: str) -> list[dict[str, str]]:
    """The bindings of each match in a module."""
    source = Source.parse("m.py", code.encode())
    parsed = Pattern.parse(pattern)
    matches = (
        parsed.in_expressions(source.module)
        if parsed.is_expression
        else parsed.in_blocks(source.module)
    )
    return [
        {k: source.text(extract(source, v)) if v else "" for k, v in m.bindings.items()}
        for m in matches
    ]


def run(code: str, **keys: Any) -> str:
    files = MemoryFiles({"m.py": code.encode()})
    decode({"in": "m.py", **keys}).apply(files)
    return files.contents["m.py"].decode()


@pytest.mark.parametrize(
    ("pattern", "code", "bindings"),
    [
        ("f($X)", "f(1)\nf(1, 2)\nf(a=1)\nf(*a)\nf((yield))", [{"X": "1"}, {"X": "(yield)"}]),
        ("f($_)", "f(1)\nf(a=1)\nf(*a)\nf()", [{}, {}, {}]),
        ("f($...A)", "f()\nf(1, *b, c=2,)", [{"A": ""}, {"A": "1, *b, c=2"}]),
        (
            "f($A, $...B, z=$C)",
            "f(1, z=2)\nf(1, 2, x=3, z=4)",
            [{"A": "1", "B": "", "C": "2"}, {"A": "1", "B": "2, x=3", "C": "4"}],
        ),
        ("f($...A, $X, $...B, $X)", "f(1, 2, 3, 2)", [{"A": "1", "X": "2", "B": "3"}]),
        ("$X.close()", "a.b[0].close()\nclose()", [{"X": "a.b[0]"}]),
        ("a.$M(1)", "a.f(1)", [{"M": "f"}]),
        ("f($K=1)", "f(x=1)\nf(1)", [{"K": "x"}]),
        ("$X == $X", "a . b == (a.b)\na == b", [{"X": "a . b"}]),
        ("[$A, $...R]", "[1]\n[(1), *b]\n[]", [{"A": "1", "R": ""}, {"A": "(1)", "R": "*b"}]),
        ("{'a': $A, $...R}", "{'a': 1, **b}\n{1, 2}", [{"A": "1", "R": "**b"}]),
        ("{$...A}", "{1, 2}", [{"A": "1, 2"}]),
        (
            "x[$A:$B, $...C]",
            "x[1:2]\nx[1:2, 3:, 4]",
            [{"A": "1", "B": "2", "C": ""}, {"A": "1", "B": "2", "C": "3:, 4"}],
        ),
        ("lambda $...P: $B", "lambda a, *b, c=1: d", [{"P": "a, *b, c=1", "B": "d"}]),
        ("'a\"b'", '"a\\"b"\nr"""a"b"""\nb"a"', [{}, {}]),
        ('f"{$X}!"', "f'{a}!'\nf'{a!r}!'\nf'{a}?'", [{"X": "a"}]),
        ("'$X'", "'$X'\n'a'", [{}]),
        ("(a, b)", "a, b\n(a, b,)\n[a, b]", [{}, {}]),
        ("await $X", "async def f(): await (g())", [{"X": "(g())"}]),
        ("($X := $Y)", "if (a := b): pass", [{"X": "a", "Y": "b"}]),
        (
            "for $I in $L: $...B",
            "for a in b:\n    c\n    # x\n    d\nfor a in b: e\nasync for a in b: c",
            [{"I": "a", "L": "b", "B": "c\n    # x\n    d"}, {"I": "a", "L": "b", "B": "e"}],
        ),
        ("if $C:", "if a: b\nelif c: d\nelse: e", [{"C": "a"}]),
        ("if $C: $...B", "if a: b\nelse: e", []),
        ("try:", "try:\n    a\nexcept B:\n    c", [{}]),
        (
            "def $F($...P): $...B",
            "def f(): a\ndef g(a, /, b: int = 1, *, c, **d):\n    e",
            [
                {"F": "f", "P": "", "B": "a"},
                {"F": "g", "P": "a, /, b: int = 1, *, c, **d", "B": "e"},
            ],
        ),
        (
            "async def $F($X): $...",
            "async def f(a): ...\nasync def f(a, b): ...",
            [{"F": "f", "X": "a"}],
        ),
        (
            "class $C($...B): $...",
            "class A: ...\n@d\nclass B: ...\nclass C(A, m=1): ...",
            [{"C": "A", "B": ""}, {"C": "C", "B": "A, m=1"}],
        ),
        ("class $C($...B):", "@d\nclass B: ...", [{"C": "B", "B": ""}]),
        ("with $...W: $B", "with a as b, c: d\nwith a: b; c", [{"W": "a as b, c", "B": "d"}]),
        (
            "from $M import $...N",
            "from a.b import (c, d as e,)\nfrom .a import b",
            [{"M": "a.b", "N": "c, d as e"}],
        ),
        ("$X = 1\n$...\nreturn $X", "def f():\n    a = 1\n    b\n    return a\n", [{"X": "a"}]),
        (
            "$X = $Y",
            "a = b; c = d\nif x: e = f",
            [{"X": "a", "Y": "b"}, {"X": "c", "Y": "d"}, {"X": "e", "Y": "f"}],
        ),
        ("a()\n$S\nb()", "a()\nif x:\n    y\nb()", [{"S": "if x:\n    y"}]),
        (
            "match $X:\n    case 1: $...B",
            "match a:\n    case 1:\n        b",
            [{"X": "a", "B": "b"}],
        ),
        ("return", "def f():\n    return\n    return None", [{}]),
        ("x: $T = $V", "x: int = 1\nx: int", [{"T": "int", "V": "1"}]),
    ],
)
def test_what_matches(pattern: str, code: str, bindings: list[dict[str, str]]) -> None:
    module = (
        code
        if pattern not in {"return", "$X = 1\n$...\nreturn $X"}
        else code.split(":\n", 1)[1].replace("    ", "")
    )
    assert found(pattern, module) == bindings


@pytest.mark.parametrize(
    "pattern",
    ["", "  \n", "f(", "f($...A + 1)", "$...A.b", "# comment", "f($)", "x = $...A", "else:"],
)
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(Malformed) as caught:
        Pattern.parse(pattern)
    assert caught.value.key == "pattern"


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"pattern": "f($X)", "with": "g($Y)"}, "with"),
        ({"pattern": "f($X, $Y)", "with": "f($Y, $X)"}, "with"),
        ({"pattern": "f($X)", "with": "f($X)"}, "with"),
        ({"pattern": "f($_)", "with": "g($_)"}, "with"),
        ({"pattern": "$X", "with": "1"}, "pattern"),
        ({"pattern": "f()", "with": ""}, "with"),
    ],
)
def test_replacements_that_contradict_themselves(keys: dict[str, str], key: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode({"ensure": "replace", "in": "m.py", **keys})
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("before", "pattern", "with_", "after"),
    [
        ("x = -f(1) ** 2\n", "f($X)", "-$X", "x = -(-1) ** 2\n"),
        ("x = f(a, b).c\n", "f($A, $B)", "$A if $B else 1", "x = (a if b else 1).c\n"),
        ("x = f(a if b else c)\n", "f($A)", "$A.d", "x = (a if b else c).d\n"),
        ("f(x for x in y)\n", "f($A)", "g($A)", "g(x for x in y)\n"),
        ("x = [f(a), f]\n", "f($A)", "($A, 1)", "x = [(a, 1), f]\n"),
        ("x = f(\n    a\n    + b\n)\n", "f($A)", "$A", "x = (a\n    + b)\n"),
        ("x = f(a)if b else c\n", "f($A)", "$A", "x = (a)if b else c\n"),
        ("return_ = 1 if f(a)else 2\n", "f($A)", "$A.b", "return_ = 1 if (a.b)else 2\n"),
        ("x = f(1).real\n", "f($A)", "$A", "x = (1).real\n"),
        (
            "x = f(  # why\n    a,  # a\n)\n",
            "f($A)",
            "g($A, 1)",
            "x = g(  # why\n    a, 1,  # a\n)\n",
        ),
        ("x = f(a)\n", "f($...A)", "f(b, $...A, c)", "x = f(b, a, c)\n"),
        ("x = f()\n", "f($...A)", "f(b, $...A, c)", "x = f(b, c)\n"),
        ("x = f()\n", "f($...A)", "f($...A, c)", "x = f(c)\n"),
        ("x = f(  )\n", "f($...A)", "f(b, $...A)", "x = f(b)\n"),
        ("x = f'{a(1)}'\n", "a($X)", "b($X)", "x = f'{b(1)}'\n"),
        (
            "async def f():\n    return await g(x)\n",
            "await g($X)",
            "(await g($X)).y",
            "async def f():\n    return (await g(x)).y\n",
        ),
        ("x = a.b.c(d)\n", "a.b.$M($...A)", "z.$M($...A)", "x = z.c(d)\n"),
        (
            "f({**a, 'b': 1})\n",
            "{**$A, $...R}",
            "{**$A, 'z': 0, $...R}",
            "f({**a, 'z': 0, 'b': 1})\n",
        ),
        ("try: a\nexcept (E, F): b\n", "(E, F)", "(E, F, G)", "try: a\nexcept (E, F, G): b\n"),
        ("x = ((f(1) + 2) * 3)\n", "f($X) + $Y", "($X + $Y)", "x = ((1 + 2) * 3)\n"),
        ("if f(a) and b: c\nelif f: d\n", "f($A)", "$A or e", "if (a or e) and b: c\nelif f: d\n"),
        (
            "class A:\n    @f(1)\n    def g(self): ...\n",
            "f($X)",
            "h($X)",
            "class A:\n    @h(1)\n    def g(self): ...\n",
        ),
        (
            "def f():\n    a = 1; b = 2; c = 3\n",
            "b = $X",
            "b = $X + 1",
            "def f():\n    a = 1; b = 2 + 1; c = 3\n",
        ),
        ("if x: a()\n", "a()", "b()", "if x: b()\n"),
        (
            "if x:\n\tfor y in z: a(); b()\n",
            "for $I in z: $...B",
            "while $I:\n    $...B",
            "if x:\n\twhile y: a(); b()\n",
        ),
        (
            "for x in y:\n    # First.\n    a()\n\n    b()  # last\n    # end\nc()\n",
            "for x in y: $...B",
            "$...B\nd()",
            "# First.\na()\n\nb()  # last\nd()\n    # end\nc()\n",
        ),
    ],
)
def test_what_is_written(before: str, pattern: str, with_: str, after: str) -> None:
    keys = {"ensure": "replace", "pattern": pattern, "with": with_}
    assert run(before, **keys) == after
    assert run(after, **keys) == after


NAMES = st.sampled_from(["a", "b", "f", "g"])
BINARY = st.sampled_from([" + ", "**", " and ", " < ", " if a else "])
FUNCTIONS = st.sampled_from(["f", "g", "h", "a.f"])
EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.integers(0, 9).map(str), st.just("'s'")),
    lambda inner: st.one_of(
        st.builds(
            lambda f, args: f"{f}({', '.join(args)})", FUNCTIONS, st.lists(inner, max_size=2)
        ),
        st.builds(lambda a, between, b: f"({a}{between}{b})", inner, BINARY, inner),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"(lambda a: {e})"),
        inner.map(lambda e: f"({e}).b"),
        inner.map(lambda e: f"[{e} for a in b]"),
        inner.map(lambda e: f"({e},)"),
        inner.map(lambda e: f"{{{e}: 1}}[(yield {e})]"),
    ),
    max_leaves=8,
)
PROGRAMS = st.lists(EXPRESSIONS, min_size=1, max_size=3).map(
    lambda codes: (
        "def run():\n" + "".join(f"    x = {ast.unparse(ast.parse(code))}\n" for code in codes)
    )
)


class Rewrite(ast.NodeTransformer):
    """f(X) becomes what `make` makes of X; the independent account of what `replace` should do."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.count = 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        inner = [self.visit(argument) for argument in node.args]
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "f"
            and len(inner) == 1
            and not isinstance(inner[0], ast.Starred)
        ):
            self.count += 1
            new = ast.parse(self.template, mode="eval").body
            put: ast.expr = Put(inner[0]).visit(new)
            return put
        return ast.Call(self.visit(node.func), inner, node.keywords)


class Put(ast.NodeTransformer):
    def __init__(self, value: ast.expr) -> None:
        self.value = value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.value if node.id == "X" else node


@settings(max_examples=80, deadline=None)
@given(
    PROGRAMS,
    st.sampled_from(
        [
            "new($X)",
            "$X.new",
            "$X + new",
            "(new, $X)",
            "new if $X else 1",
            "not $X",
            "new ** $X",
            "lambda: $X",
        ]
    ),
)
def test_replacing_everywhere_changes_the_tree_as_it_should(program: str, with_: str) -> None:
    rewrite = Rewrite(with_.replace("$X", "X"))
    expected = ast.unparse(rewrite.visit(ast.parse(program)))
    if not rewrite.count:
        return
    after = run(program, ensure="replace", pattern="f($X)", all=True, **{"with": with_})
    assert ast.unparse(ast.parse(after)) == expected
    assert run(after, ensure="replace", pattern="f($X)", all=True, **{"with": with_}) == after


@settings(max_examples=80, deadline=None)
@given(PROGRAMS)
def test_wrapping_every_call_once_is_enough(program: str) -> None:
    rewrite = Rewrite("new(f(X))")
    expected = ast.unparse(rewrite.visit(ast.parse(program)))
    if rewrite.count:
        keys = {"ensure": "replace", "pattern": "f($X)", "with": "new(f($X))", "all": True}
        after = run(program, **keys)
        assert ast.unparse(ast.parse(after)) == expected
        assert run(after, **keys) == after


@settings(max_examples=80, deadline=None)
@given(PROGRAMS, PROGRAMS)
def test_layout_is_no_difference_and_everything_else_is(one: str, other: str) -> None:
    loose = one.replace("(", "( ").replace(", ", " ,\\\n  ").replace("'s'", '"""s"""')
    assert same(cst.parse_module(one), cst.parse_module(loose))
    equal = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    assert same(cst.parse_module(one), cst.parse_module(other)) is equal


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS)
def test_code_is_a_pattern_that_matches_itself(code: str) -> None:
    pattern = Pattern.parse(code)
    assert pattern.is_expression
    assert list(pattern.in_expressions(cst.parse_module(f"x = {code}\n")))


def test_a_long_list_and_many_statements_are_no_trouble() -> None:
    items = ", ".join(map(str, range(5000)))
    assert found("[$...A, 4998, $B]", f"x = [{items}]") == [
        {"A": items.removesuffix(", 4998, 4999"), "B": "4999"}
    ]
    lines = "\n".join(f"x{i} = {i}" for i in range(1500))
    assert found("$A = 3\n$...\n$B = 1499", lines) == [{"A": "x3", "B": "x1499"}]
