"""TOML edits on documents of every layout: what they say, and that all other bytes stay."""

from __future__ import annotations

import datetime
import tomllib
from collections import Counter
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.data.errors import DataError
from skills_engine.data.path import with_
from skills_engine.data.toml_document import TomlDocument
from skills_engine.types import Outcome

WRITTEN = [
    ("1_000", 1000),
    ("'''a\n# [x] = \\'''", "a\n# [x] = \\"),
    ('"""\na " ] }, ""b"""""', 'a " ] }, ""b""'),
    ('"\\u00e9 \\" # ="', 'é " # ='),
    ("'C:\\x'", "C:\\x"),
    ("-0.5e3", -500.0),
    ("true", True),
    ("1979-05-27 07:32:00Z", datetime.datetime(1979, 5, 27, 7, 32, tzinfo=datetime.UTC)),
    ("07:32:00", datetime.time(7, 32)),
    ("[ 1 , [ 'a' ], ]", [1, ["a"]]),
    ("[\n  1, # one ]\n\n  2 # two\n  # end\n]", [1, 2]),
    ("[]", []),
    ("{}", {}),
    ("{ x.y = 1, 'z' = [1,\n2] }", {"x": {"y": 1}, "z": [1, 2]}),
]
KEYS = [("a", "a"), ("b-c", "b-c"), ('"d.e # ="', "d.e # ="), ("'f g'", "f g"), ("1", "1")]
VALUES = st.recursive(
    st.sampled_from([True, 7, 1.5, "x", 'é "\\\n', "\x7f", datetime.date(2026, 1, 2)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "x y"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Root pairs, tables, sub-tables before and after their parents, arrays of tables, dotted keys;
    comments.
    """

    def pairs(indent: str) -> list[str]:
        lines = []
        for key, _ in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=3)):
            written, _ = draw(st.sampled_from(WRITTEN))
            dotted = draw(st.sampled_from(["", "", " . sub"]))
            end = draw(st.sampled_from(["", "  # why [x]"]))
            lines += [
                *draw(st.sampled_from([[], [""], ["# above"]])),
                f"{indent}{key}{dotted} = {written}{end}",
            ]
        return lines

    lines = [*draw(st.sampled_from([[], ["# licence", ""], ["# of t"]])), *pairs("")]
    for header in draw(
        st.sampled_from(
            [
                [],
                ["[t]"],
                ["[t.u]", "[t]"],
                ["[[l]]", "[l.m]", "[[l]]"],
                [' [ t . "u v" ] # h', "[s]"],
            ]
        )
    ):
        lines += [
            *draw(st.sampled_from([[], [""], ["", "# head"]])),
            header,
            *pairs(draw(st.sampled_from(["", "  "]))),
        ]
    eol = draw(st.sampled_from(["\n", "\r\n"]))
    return eol.join(line.replace("\n", eol) for line in lines) + draw(
        st.sampled_from(["", eol, eol + eol])
    )


def places(data: Any, kind: type, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if isinstance(data, kind) else []
    children = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return found + [p for key, child in children for p in places(child, kind, (*path, key))]


def at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


@settings(deadline=None)
@given(
    documents(),
    VALUES,
    st.lists(st.sampled_from(["new", "k y"]), min_size=1, max_size=2),
    st.data(),
)
def test_a_new_key_is_all_that_changes_and_goes_again(
    text: str, value: Any, new: list[str], data: st.DataObject
) -> None:
    said = tomllib.loads(text)
    parent = data.draw(st.sampled_from(places(said, dict)))
    path = (*parent, *new)
    after = TomlDocument.of(text.encode()).ensure_value(path, value)
    assert tomllib.loads(after.decode()) == with_(said, path, value)
    if (
        "\r" not in text
    ):  # tomlkit has a carriage return in a text of several lines where tomllib has none
        assert tomlkit.parse(after.decode()).unwrap() == tomllib.loads(after.decode())
    assert TomlDocument.of(after).ensure_value(path, value) == after
    back = TomlDocument.of(after).remove((*parent, new[0])).decode()
    if back != text:  # a table that only its sub-tables implied has a header now
        assert {
            line.strip()[:1] for line in Counter(back.split("\n")) - Counter(text.split("\n"))
        } <= {"[", ""}
        assert tomllib.loads(back) == said
        assert TomlDocument.of(text.encode()).line(parent) == ()


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_an_element_is_all_that_changes_and_goes_again(
    text: str, value: Any, data: st.DataObject
) -> None:
    said = tomllib.loads(text)
    arrays = [p for p in places(said, list) if not _of_tables(at(said, p))]
    path = data.draw(st.sampled_from(arrays or [("new",)]))
    after = TomlDocument.of(text.encode()).ensure_element(path, value)
    assert TomlDocument.of(after).ensure_element(path, value) == after
    if after != text.encode():
        there = at(said, path) if arrays else []
        assert tomllib.loads(after.decode()) == with_(said, path, [*there, value])
        back = TomlDocument.of(after).remove((*path, len(there)) if arrays else path).decode()
        assert back == text


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_a_replaced_value_leaves_the_bytes_around_it(
    text: str, value: Any, data: st.DataObject
) -> None:
    said = tomllib.loads(text)
    leaves = [
        p
        for p in places(said, object)
        if p and not isinstance(at(said, p), dict) and not _of_tables(at(said, p))
    ]
    if not leaves:
        return
    path = data.draw(st.sampled_from(leaves))
    marked = TomlDocument.of(text.encode()).ensure_value(path, "M A R K", replace=True).decode()
    after = TomlDocument.of(text.encode()).ensure_value(path, value, replace=True).decode()
    assert tomllib.loads(after) == with_(said, path, value)
    head, tail = marked.split('"M A R K"')
    for each in (text, after):
        assert each.startswith(head)
        assert each.endswith(tail)


def _of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("", "a.b", 1, "[a]\nb = 1\n"),
        ("", "a", 1, "a = 1\n"),
        ("# only\n", "a", 1, "# only\na = 1\n"),
        ("# licence\n\n# of t\n[t]\nx = 1\n", "a", 1, "# licence\n\na = 1\n\n# of t\n[t]\nx = 1\n"),
        (
            "[t]\nx = 1\n# x2 = 2\n\n[u]\n",
            "t.v",
            {"a": 1},
            "[t]\nx = 1\n# x2 = 2\n\n[t.v]\na = 1\n\n[u]\n",
        ),
        ("t.x = 1\n[u]\n", "t.y.z", 1, "t.x = 1\nt.y.z = 1\n[u]\n"),
        (
            "[[l]]\nn = 'a'\n\n[[l]]\nn = 'b'\n",
            "l.n=a.x",
            1,
            "[[l]]\nn = 'a'\nx = 1\n\n[[l]]\nn = 'b'\n",
        ),
        (
            "[[l]]\nn = 'a'\n\n[[l]]\nn = 'b'\n",
            "l.n=a.x.y",
            1,
            "[[l]]\nn = 'a'\n\n[l.x]\ny = 1\n\n[[l]]\nn = 'b'\n",
        ),
        ("t = {a = 1}\n", "t.b.c", 1, "t = {a = 1, b = { c = 1 }}\n"),
    ],
)
def test_places(before: str, path: str, value: Any, after: str) -> None:
    assert TomlDocument.of(before.encode()).ensure_value(path, value).decode() == after


@pytest.mark.parametrize(
    ("before", "path", "value", "outcome", "message"),
    [
        ("a = 1\nb = \n", "c", 1, None, "line 2 is not TOML"),
        ("a = 1\na = 2\n", "c", 1, None, "line 2 is not TOML"),
        ("[a]\nb = 2\n", "a.b", 1, Outcome.DRIFTED, "a.b is 2, not 1"),
        ("[a]\nb = 2\n", "a", 1, Outcome.DRIFTED, "a is {'b': 2}, not 1"),
        ("a = 1\n", "a.b", 1, Outcome.DRIFTED, "a is a number, so it has no b"),
        ("", "a", None, None, "TOML has no way to write None"),
    ],
)
def test_refusals(
    before: str, path: str, value: Any, outcome: Outcome | None, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        TomlDocument.of(before.encode()).ensure_value(path, value)
    assert caught.value.outcome is outcome
    assert message in caught.value.message
