"""Placing and removing: laws over layouts, and the shapes that broke it once."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.registry import decode
from skills_engine.codemods.source.code import Snippet
from skills_engine.errors import CannotEnsure, Unparsable

EXAMPLES = 40


def run(data: bytes, **keys: Any) -> bytes:
    files = MemoryFiles({"m.py": data})
    decode({"in": "m.py", **keys}).apply(files)
    return files.contents["m.py"]


VARIABLES = st.sampled_from(
    [
        "{n} = 1",
        "{n}: int = (\n    1,  # one\n)",
        "# About it.\n{n} = '''\n# no comment\n\n'''  # end",
    ]
)
DEFINITIONS = st.sampled_from(
    [
        "def {n}(): ...",
        "def {n}():\n    return 1\n    # end of it",
        (
            "@a\n# Between.\n@b(\n    1\n)\nasync def {n}(self):\n    '''Doc.\n\n    More.\n    '''\n\n"
            "    def inner(): ...\n\n    await x  # wait"
        ),
        "# About it.\n# More about it.\nclass {n}: pass",
        "class {n}(A):\n    '''Doc.'''\n\n    x = 1\n\n    def f(self): ...",
    ]
)
DETACHED = st.sampled_from(
    ["# --- a section ---", "if x:\n    y()", "for z in y: pass", "x.y = 1; z = 2"]
)


@st.composite
def bodies(draw: st.DrawFn, gap: int) -> tuple[str, list[str]]:
    """Source of a body, and the names that it defines; around definitions and comments there are
    `gap` blank lines.
    """
    source, names, previous = "", [], ""
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["variable", "definition", "detached"]))
        code = draw({"variable": VARIABLES, "definition": DEFINITIONS, "detached": DETACHED}[kind])
        name = f"n{number}"
        if kind != "detached":
            names.append(name)
        apart = "definition" in {kind, previous} or code.startswith("#") or previous == "detached"
        blank = gap if apart else draw(st.integers(gap, gap + 1))
        source += ("\n" * blank if previous else "") + code.format(n=name) + "\n"
        previous = kind
    return source, names


def laid_out(source: str, *, tabs: bool, crlf: bool, bom: bool, unterminated: bool) -> bytes:
    source = source.replace("    ", "\t") if tabs else source
    source = source.rstrip("\n") if unterminated else source
    source = source.replace("\n", "\r\n") if crlf else source
    return (b"\xef\xbb\xbf" if bom else b"") + source.encode()


LAYOUTS = st.fixed_dictionaries({k: st.booleans() for k in ("tabs", "crlf", "bom", "unterminated")})
FUNCTION = "# New.\n@cache\ndef new(a):\n    '''New.\n\n    Indeed.\n    '''\n    if a:\n        return '''\n  x'''"


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), st.sampled_from([1, 2]), LAYOUTS, st.sampled_from(["function", "class"]))
def test_what_is_put_into_a_module_and_removed_was_never_there(
    data: st.DataObject, gap: int, layout: dict[str, bool], kind: str
) -> None:
    source, names = data.draw(bodies(gap))
    head = data.draw(st.sampled_from(["", '"""Module."""\n\nimport a\n' + "\n" * gap]))
    if gap == 1:  # two definitions away from the place, to show that this is the file's habit
        head += "def one(): ...\n\ndef other(): ...\n\n"
    before = laid_out(head + source, **layout)
    place = data.draw(
        st.sampled_from(
            [{}, {"position": "first"}, *[{p: n} for n in names for p in ("before", "after")]]
        )
    )
    code = FUNCTION if kind == "function" else "class new:\n" + textwrap.indent(FUNCTION, "    ")
    there = run(before, ensure=kind, code=code, **place)
    assert there != before
    assert [ast.dump(n) for n in ast.parse(there).body if getattr(n, "name", "") != "new"] == [
        ast.dump(n) for n in ast.parse(before).body
    ]
    assert run(there, ensure=kind, code=code, **place) == there
    assert run(there, ensure="no-definition", of="new") == before


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), LAYOUTS)
def test_what_is_put_into_a_class_and_removed_was_never_there(
    data: st.DataObject, layout: dict[str, bool]
) -> None:
    body, names = data.draw(bodies(1))
    assume(names)
    above, below = data.draw(
        st.sampled_from(
            [("", ""), ("x = 1\n\n\n", "\n\ny = 2\n"), ("if z:\n    pass\n", "# Below.\n")]
        )
    )
    doc = data.draw(st.sampled_from(["", "    '''Doc.'''\n\n", "    # First.\n\n"]))
    before = laid_out(
        f"{above}class A(B):  # A\n{doc}{textwrap.indent(body, '    ')}{below}", **layout
    )
    place = data.draw(
        st.sampled_from(
            [{}, {"position": "first"}, *[{p: n} for n in names for p in ("before", "after")]]
        )
    )
    there = run(before, ensure="method", of="A", code=FUNCTION, **place)
    assert run(there, ensure="method", of="A", code=FUNCTION, **place) == there
    assert run(there, ensure="no-definition", of="A.new") == before


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), LAYOUTS)
def test_removal_takes_the_definition_alone(data: st.DataObject, layout: dict[str, bool]) -> None:
    source, names = data.draw(bodies(2))
    assume(names)
    before = laid_out(source, **layout)
    name = data.draw(st.sampled_from(names))
    after = run(before, ensure="no-definition", of=name)
    kept = [n for n in ast.parse(before).body if name not in ast.dump(n)]
    assert [ast.dump(n) for n in ast.parse(after).body] == [ast.dump(n) for n in kept]
    left = after.decode("utf-8-sig").splitlines()
    whole = iter(before.decode("utf-8-sig").splitlines())
    assert all(line in whole for line in left), "what is left is lines of the file, in order"


WRAPPED = st.sampled_from(
    [
        "f(1)",
        "x = (\n  1,\n)  # why",
        "# About.\nif a:\n    b()\n    # end",
        "s = '''\n  s\n'''",
        "await x",
        "a \\\n  .b()",
    ]
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(WRAPPED, min_size=0, max_size=3), st.lists(WRAPPED, min_size=0, max_size=2), LAYOUTS
)
def test_wrapping_changes_nothing_inside(
    inside: list[str], around: list[str], layout: dict[str, bool]
) -> None:
    middle = "\n".join(["start()", *inside, "stop()"])
    text = "async def f():\n" + textwrap.indent(
        "\n".join([*around, middle, *around]), "    ", lambda _: True
    )
    text = text.replace("    '''\n", "'''\n").replace("      s\n", "  s\n") + "\n"
    before = laid_out(text, **layout)
    keys = {
        "ensure": "wrap",
        "of": "f",
        "statements": "start()",
        "to": "stop()",
        "wrapper": "try:\n    $BODY\nfinally:\n    end()",
    }
    after = run(before, **keys)
    was, now = (ast.parse(data).body[0] for data in (before, after))
    assert isinstance(was, ast.AsyncFunctionDef)
    assert isinstance(now, ast.AsyncFunctionDef)
    wrapper = now.body[len(around)]
    assert isinstance(wrapper, ast.Try)
    now.body[len(around) : len(around) + 1] = wrapper.body
    assert ast.dump(now) == ast.dump(was)
    assert run(after, **keys) == after
    assert [line.strip() for line in before.splitlines()] == [
        line.strip()
        for line in after.splitlines()
        if line.strip() not in {b"try:", b"finally:", b"end()"}
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"#!/usr/bin/env python\n# coding: utf-8\ndef f(): ...\n", b"#!/usr/bin/env python\n# coding: utf-8\n"),
        (b'def g(a="""\n# x"""):\n    def f(): ...\n    b\n', b'def g(a="""\n# x"""):\n    b\n'),
        (b"if x:\n    # Only.\n    def f(): ...\n\nelse: y\n", b"if x:\n    pass\n\nelse: y\n"),
        (b"try:\n    pass\nexcept E:\n\tdef f(): ...", b"try:\n    pass\nexcept E:\n\tpass"),
        (b"x = 1\n\n\n\ndef f(): ...\n\n\n\n", b"x = 1\n\n\n\n"),
        (b"x = '''\n# no'''\ndef f(): ...\n", b"x = '''\n# no'''\n"),
        (b"# coding: latin-1\nx = '\xe9'\n\n\ndef f(): '\xfc'\n", b"# coding: latin-1\nx = '\xe9'\n"),
    ],
)  # fmt: skip
def test_removing_from_odd_files(before: bytes, after: bytes) -> None:
    of = "g.f" if b"def g" in before else "f"
    assert run(before, ensure="no-definition", of=of) == after


def test_code_is_indented_in_its_own_unit_and_its_strings_keep_theirs() -> None:
    code = "def f():\n  '''Doc.\n\n  More.\n    Indented.\n  '''\n  if a:\n    return '''\n  x\n''', f'''\n {a}'''\n"
    assert Snippet.parse(code).lines("\t", "\t") == (
        "\tdef f():\n\t\t'''Doc.\n\n\t\tMore.\n\t\t\tIndented.\n\t\t'''\n"
        "\t\tif a:\n\t\t\treturn '''\n  x\n''', f'''\n {a}'''\n"
    )


@pytest.mark.parametrize("code", ["", "# only this\n", "def f(:", "x = $Y"])
def test_code_that_is_none_is_malformed(code: str) -> None:
    with pytest.raises(Malformed):
        Snippet.parse(code)


@pytest.mark.parametrize(
    "body", ["a(); b()", "if x: a()", "match y:\n    case 1: a()", "while (a := b()): c()"]
)
def test_odd_statements_are_handled_or_refused_never_broken(body: str) -> None:
    before = f"def f(x, y):\n{textwrap.indent(body, '    ')}\n".encode()
    for place in ({"before": "a()"}, {"after": "a()"}, {"at": "start"}, {"at": "end"}):
        try:
            after = run(before, ensure="statement", of="f", code="log(1)", **place)
        except CannotEnsure:
            continue
        assert (
            ast.unparse(ast.parse(after)).replace("log(1)", "").split()
            == ast.unparse(ast.parse(before)).split()
        )


def test_line_ends_that_splices_cannot_keep_are_refused() -> None:
    with pytest.raises(Unparsable, match="carriage returns"):
        run(b"def f():\r    a()\r", ensure="statement", of="f", code="b()")
