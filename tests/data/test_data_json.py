"""JSON edits on documents of every layout: what they say, and that all other bytes stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.data.errors import DataError
from skills_engine.data.json_document import JsonDocument
from skills_engine.data.path import with_
from skills_engine.types import Outcome

NAMES = st.sampled_from(["a", "b c", "é", 'q"', "x.y", "#"])
VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1.5, "x", "a,b]}", "é\n\\", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    data = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    indent = draw(st.sampled_from([None, 2, 4, "\t", 0]))
    spaces = draw(
        st.sampled_from([("," if indent is not None else ", ", ": "), (",", ":"), (" , ", " : ")])
    )
    text = json.dumps(data, indent=indent, separators=spaces, ensure_ascii=draw(st.booleans()))
    text = (
        draw(st.sampled_from(["", "\ufeff", " \n"]))
        + text
        + draw(st.sampled_from(["", "\n", "\n\n"]))
    )
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode(), data


def read(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"))


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
@given(documents(), VALUES, st.data())
def test_a_new_key_is_all_that_changes_and_goes_again(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    path = (*data.draw(st.sampled_from(places(said, dict))), "new", "key")
    after = JsonDocument.of(before).ensure_value(path, value)
    assert read(after) == with_(said, path, value)
    assert JsonDocument.of(after).ensure_value(path, value) == after
    assert JsonDocument.of(after).remove(path[:-1]) == before


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_an_element_is_all_that_changes_and_goes_again(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    path = data.draw(st.sampled_from(places(said, list) or [("new",)]))
    there = at(said, path) if path != ("new",) else []
    after = JsonDocument.of(before).ensure_element(path, value)
    assert JsonDocument.of(after).ensure_element(path, value) == after
    if after != before:
        assert read(after) == with_(said, path, [*there, value])
        assert JsonDocument.of(after).remove_element(path, value, prune=path == ("new",)) == before


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_a_replaced_value_leaves_the_bytes_around_it(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    path = data.draw(st.sampled_from([p for p in places(said, object) if p] or [()]))
    marked = JsonDocument.of(before).ensure_value(path, "\x01MARK\x01", replace=True).decode()
    after = JsonDocument.of(before).ensure_value(path, value, replace=True)
    assert read(after) == with_(said, path, value)
    head, tail = marked.split(json.dumps("\x01MARK\x01"))
    assert before.decode().startswith(head)
    assert before.decode().endswith(tail)
    assert after.decode().startswith(head)
    assert after.decode().endswith(tail)


@pytest.mark.parametrize(
    ("before", "path", "outcome", "message"),
    [
        ('{\n  // comment\n  "a": 1\n}', "b", None, "line 2 is not JSON"),
        ("", "b", None, "line 1 is not JSON"),
        ('{"a": 1, "a": 2}', "b", Outcome.AMBIGUOUS, "'a' is there twice"),
        ('{"a": 1}', "a.b", Outcome.DRIFTED, "a is a number, so it has no b"),
        ('{"a": true}', "a", Outcome.DRIFTED, "a is True, not 1"),
        ('{"a": [1]}', "a.5", Outcome.MISSING, "a has no elements 5"),
        ("[" * 100_000, "b", None, "nested deeper than"),
    ],
)
def test_refusals(before: str, path: str, outcome: Outcome | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        JsonDocument.of(before.encode()).ensure_value(path, 1)
    assert caught.value.outcome is outcome
    assert message in caught.value.message


def test_what_json_cannot_write_is_refused() -> None:
    with pytest.raises(DataError, match="JSON has no way to write"):
        JsonDocument.of(b"{}").ensure_value("a", float("nan"))
