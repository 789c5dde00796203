"""Comma-separated lists in every layout: what is inserted is there, what is removed leaves the
bytes of before.
"""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.registry import decode
from skills_engine.types import Outcome

ENTRIES = st.sampled_from(
    ["A", "b.c", "'s'", "f(\n        1,\n    )", "(D)", "(\n  e)", "[1, 2]", "'''x\n# y'''", "é"]
)
TRIVIA = st.sampled_from(
    [
        "",
        "",
        " ",
        " ",
        "\n    ",
        "\n    ",
        "\n",
        "  # why\n    ",
        "\n    # own line\n    ",
        "\t",
        "\n\n  ",
        " \\\n  ",
        "  \n    ",
    ]
)
TIDY = st.sampled_from(["", " ", "\n    "])


@st.composite
def literals(draw: st.DrawFn) -> str:
    """The source of a list, tuple, set or dict with unlike entries, laid out in some way."""
    trivia = draw(st.sampled_from([TRIVIA, TIDY]))
    opening, closing = draw(st.sampled_from([("[", "]"), ("(", ")"), ("{", "}"), (":", ":")]))
    entries = draw(st.lists(ENTRIES, max_size=5, unique=True))
    trailing = draw(st.booleans())
    if opening == ":":  # a dict
        opening, closing = "{", "}"
        entries = [f"{entry}:{draw(trivia)}{n}" for n, entry in enumerate(entries)]
    elif opening == "{" and not entries:
        return draw(st.sampled_from(["set(%s)", "frozenset(%s)"])) % draw(trivia)
    text = opening + draw(trivia)
    for number, entry in enumerate(entries, 1):
        text += entry
        if number < len(entries) or trailing or (opening == "(" and number == 1):
            text += draw(trivia) + ","
        text += draw(trivia)
    return text + closing


def comments(text: str) -> list[tuple[str, str]]:
    """Each comment but the last with what stands before it on its line, commas and brackets left
    out.
    """
    found, before = [], ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found.append((token.string, before))
        elif token.type in {tokenize.NL, tokenize.NEWLINE}:
            before = ""
        elif token.string not in {",", "{", "}", "set", "frozenset", "(", ")"}:
            before = token.string
    return found[:-1]


def elements(text: str) -> list[str]:
    (statement,) = ast.parse(text).body
    assert isinstance(statement, ast.Assign | ast.AnnAssign)
    value = statement.value
    if isinstance(value, ast.Call):
        if not value.args:
            return []
        value = value.args[0]
    if isinstance(value, ast.Dict):
        return [ast.unparse(key) for key in value.keys if key]
    assert isinstance(value, ast.List | ast.Tuple | ast.Set)
    return [ast.unparse(element) for element in value.elts]


def run(text: str, **keys: object) -> tuple[str, Outcome]:
    files = MemoryFiles({"m.py": text.encode()})
    change = decode({"in": "m.py", "of": "X", **keys}).apply(files)
    return files.contents["m.py"].decode(), change.outcome


@settings(deadline=None)
@given(
    literals(),
    st.sampled_from(["first", "last", "sorted", 0, 1, 2, 3, 4]),
    st.sampled_from(["\n", "\r\n"]),
)
@example("[A,  # a\n     b]", "first", "\n")
@example("[\n    A,\n    b]", "last", "\n")
@example("( A , )", "last", "\n")
@example("(A,)", "first", "\n")
@example("frozenset(\n)", "last", "\n")
@example("[\n    1, 2,\n    3, 4,\n]", 2, "\n")
def test_an_element_is_inserted_where_asked_and_its_removal_gives_the_same_bytes(
    literal: str, position: str | int, newline: str
) -> None:
    before = f"# top\nX = {literal}  # end\ny = 1\n".replace("\n", newline)
    body = before.replace(newline, "\n").removeprefix("# top\n").removesuffix("y = 1\n")
    is_dict = literal.startswith("{") and (
        ":" in literal or literal.strip("{} \n\\\t") == "" or elements(body) == []
    )
    old = elements(body)
    assume(len(set(old)) == len(old))
    keys: dict[str, object] = {"key": "NEW", "value": "1"} if is_dict else {"element": "NEW"}
    where: dict[str, object] = {}
    if isinstance(position, str):
        where = {"position": position}
    elif position < len(old):
        where = {"before": old[position]}

    after, outcome = run(before, ensure="element", **keys, **where)
    assert outcome is Outcome.APPLIED
    text = after.replace(newline, "\n").removeprefix("# top\n").removesuffix("y = 1\n")
    new = elements(text)
    assert [element for element in new if element != "NEW"] == old
    if position == "first":
        assert new[0] == "NEW"
    elif position == "last" or (isinstance(position, int) and position >= len(old)):
        assert new[-1] == "NEW"
    elif isinstance(position, int):
        assert new[position] == "NEW"
    assert comments(text) == comments(body), "comments stay with their elements"
    assert newline == "\n" or "\n" not in after.replace("\r\n", "")

    keys.pop("value", None)
    assert run(after, ensure="no-element", **keys) == (before, Outcome.APPLIED)


@settings(deadline=None)
@given(literals(), st.data())
def test_removing_any_element_leaves_the_others(literal: str, data: st.DataObject) -> None:
    before = f"X = {literal}  # end\n"
    old = elements(before)
    assume(old and len(set(old)) == len(old))
    gone = data.draw(st.sampled_from(old))
    is_dict = isinstance(ast.parse(before).body[0].value, ast.Dict)  # type: ignore[attr-defined]
    after, outcome = run(before, ensure="no-element", **{"key" if is_dict else "element": gone})
    assert outcome is Outcome.APPLIED
    assert elements(after) == [element for element in old if element != gone]


@settings(deadline=None)
@given(st.permutations(["a", "C", "b10", "b9", "D_E"]), st.permutations(["x", "Y", "b95"]))
def test_sorted_insertions_commute(existing: list[str], new: list[str]) -> None:
    def all_in(order: list[str]) -> str:
        text = f"X = [{', '.join(existing)}]\n"
        for element in order:
            text, _ = run(text, ensure="element", element=element, position="sorted")
        return text

    assert all_in(new) == all_in(sorted(new))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("X = [\n\tA,\n\tB,\n]\n", "X = [\n\tA,\n\tB,\n\tN,\n]\n"),
        ("X = [\n    1, 2,\n    3, 4,\n]\n", "X = [\n    1, 2,\n    3, 4, N,\n]\n"),
        (
            "X = [\n    1, 2,  # low\n    3, 4,  # high\n]\n",
            "X = [\n    1, 2,  # low\n    3, 4,  # high\n    N,\n]\n",
        ),
        ("X = [\n    [A, B],\n]\n", "X = [\n    [A, B],\n    N,\n]\n"),
        ("X = A, \\\n    B\n", "X = A, \\\n    B, N\n"),
        ("\ufeffX = [A]\n", "\ufeffX = [A, N]\n"),
        ("X = [A]", "X = [A, N]"),
        ("class C:\n  X = [\n  ]\n", "class C:\n  X = [\n    N,\n  ]\n"),
    ],
)
def test_layouts_that_people_have(before: str, after: str) -> None:
    files = MemoryFiles({"m.py": before.encode()})
    of = "C.X" if before.startswith("class") else "X"
    decode({"ensure": "element", "in": "m.py", "of": of, "element": "N"}).apply(files)
    assert files.contents["m.py"].decode() == after
