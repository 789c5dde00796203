"""YAML edits on documents of every layout: what they say, and that all other bytes stay."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from skills_engine.data import services
from skills_engine.data.errors import DataError
from skills_engine.data.path import with_
from skills_engine.data.yaml_document import YamlDocument
from skills_engine.types import Outcome

SCALARS = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        17,
        -3,
        2.5,
        "x",
        "no",
        "8080:80",
        "a b",
        "it's",
        "# no",
        "ü: é",
        "",
        "~",
    ]
)
NAMES = st.sampled_from(["a", "b", "image", "on", "x-y", "8080", "k v"])
VALUES = st.recursive(
    SCALARS | st.just("one\ntwo\n") | st.just("one\n  two"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


class Layout:
    """Writes data as people do: comments, blank lines, quotes, flow and block, whatever
    indentation.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.step = draw(st.sampled_from([2, 4]))
        self.offset = draw(st.sampled_from([0, 2]))
        self.comments = 0

    def maybe(self) -> bool:
        return self.draw(st.integers(0, 3)) == 0

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}: - x"

    def before(self, pad: str) -> list[str]:
        lines = [""] if self.maybe() else []
        return [*lines, pad + self.comment()] if self.maybe() else lines

    def end(self) -> str:
        return "  " + self.comment() if self.maybe() else ""

    def scalar(self, value: Any) -> str:
        if isinstance(value, str):
            plain = value in {"x", "a b", "a", "b", "image", "x-y", "k v"} and self.draw(
                st.booleans()
            )
            single = "\n" not in value and self.draw(st.booleans())
            return (
                value
                if plain
                else "'" + value.replace("'", "''") + "'"
                if single
                else json.dumps(value)
            )
        return json.dumps(value)

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return (
                "{" + ", ".join(f"{self.scalar(k)}: {self.flow(v)}" for k, v in value.items()) + "}"
            )
        if isinstance(value, list):
            return (
                "[ "
                + " , ".join(map(self.flow, value))
                + (", ]" if value and self.maybe() else " ]")
            )
        return self.scalar(value)

    def value(self, value: Any, indent: int, offset: int) -> list[str]:
        """The rest of the key's line, and the lines below it."""
        if value is None and self.draw(st.booleans()):
            return [self.end()]
        if value == "one\ntwo\n" and self.draw(st.booleans()):
            return [" |" + self.end(), *(" " * (indent + self.step) + s for s in ("one", "two"))]
        if not isinstance(value, dict | list) or not value or self.maybe():
            return [" " + self.flow(value) + self.end()]
        return [
            self.end(),
            *self.block(value, indent + (self.step if isinstance(value, dict) else offset)),
        ]

    def block(self, value: Any, indent: int) -> list[str]:
        pad, lines = " " * indent, []
        if isinstance(value, dict):
            for key, each in value.items():
                first, *rest = self.value(each, indent, self.offset)
                lines += [*self.before(pad), f"{pad}{self.scalar(key)}:{first}", *rest]
            return lines
        for each in value:
            lines += self.before(pad)
            if isinstance(each, dict | list) and each and self.maybe():
                inner = self.block(each, indent + 2)
                while not inner[0].strip() or inner[0].lstrip().startswith("#"):
                    inner.pop(0)
                lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
            else:
                first, *rest = self.value(each, indent, 2)
                lines += [f"{pad}-{first}", *rest]
        return lines


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    layout, data = Layout(draw), draw(MAPPINGS)
    lines = [
        *(["# head", ""] if draw(st.booleans()) else []),
        *layout.block(data, 0),
        *layout.before(""),
    ]
    eol = draw(st.sampled_from(["\n", "\r\n"]))
    text = (
        draw(st.sampled_from(["", "\ufeff"])) + eol.join(lines) + draw(st.sampled_from(["", eol]))
    )
    if " |" in text and not text.endswith("\n"):
        text += eol
    return text.encode(), data


def read(data: bytes) -> Any:
    return YAML(typ="safe", pure=True).load(io.BytesIO(data)) if data.strip() else None


def keys_of(data: dict[Any, Any]) -> dict[str, Any]:
    """The data with text keys, as a path names them."""
    return json.loads(json.dumps(data)) if data else {}


def mappings(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if isinstance(data, dict) else []
    children = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    return found + [p for key, child in children for p in mappings(child, (*path, key))]


def comments(data: bytes) -> list[str]:
    return [
        line.split("# c")[1].split(":")[0] for line in data.decode().splitlines() if "# c" in line
    ]


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_a_new_key_is_all_that_changes_and_goes_again(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    assert keys_of(read(before)) == said
    parent = data.draw(st.sampled_from(mappings(said)))
    path = (*parent, "new")
    after = YamlDocument.of(before).ensure_value(path, value)
    assert keys_of(read(after)) == with_(said, path, value)
    assert comments(after) == comments(before)
    assert YamlDocument.of(after).ensure_value(path, value) == after
    assert YamlDocument.of(after).remove(path) == before


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_a_replaced_value_leaves_the_rest(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    parents = [path for path in mappings(said) if _at(said, path)]
    parent = data.draw(st.sampled_from(parents))
    path = (*parent, data.draw(st.sampled_from(list(_at(said, parent)))))
    after = YamlDocument.of(before).ensure_value(path, value, replace=True)
    assert keys_of(read(after)) == with_(said, path, value)
    assert YamlDocument.of(after).ensure_value(path, value) == after
    if not isinstance(_at(said, path), dict | list) and b"|  # c" not in before:
        assert comments(after) == comments(before)


@settings(deadline=None)
@given(documents(), VALUES, st.data())
def test_an_element_is_all_that_changes_and_goes_again(
    document: tuple[bytes, dict[str, Any]], value: Any, data: st.DataObject
) -> None:
    before, said = document
    lists = [
        (*p, k) for p in mappings(said) for k, v in _at(said, p).items() if isinstance(v, list)
    ]
    path = data.draw(st.sampled_from(lists)) if lists else ("new",)
    there = _at(said, path) if lists else []
    after = YamlDocument.of(before).ensure_element(path, value)
    assert keys_of(read(after)) in (with_(said, path, [*there, value]), said)
    assert comments(after) == comments(before)
    assert YamlDocument.of(after).ensure_element(path, value) == after
    if after != before:
        assert YamlDocument.of(after).remove((*path, len(there)) if lists else path) == before


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


@settings(deadline=None)
@given(documents().filter(lambda d: "x-y" not in d[1]), VALUES)
def test_a_service_with_its_volume_comes_and_goes(
    document: tuple[bytes, dict[str, Any]], value: Any
) -> None:
    before, said = document
    after = services.ensure_service(before, "web", {"image": "x", "y": value}, {"data": None})
    assert keys_of(read(after)) == {
        **said,
        "services": {"web": {"image": "x", "y": value}},
        "volumes": {"data": None},
    }
    assert services.ensure_service(after, "web", {"y": value, "image": "x"}, {"data": {}}) == after
    assert services.remove_service(after, "web", {"data": None}) == before


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("", "a.b", 1, "a:\n  b: 1\n"),
        ("# c", "a", 1, "# c\na: 1"),
        (
            "volumes:\n  # named\n# end\n",
            "volumes.data",
            None,
            "volumes:\n  # named\n  data:\n# end\n",
        ),
        ("a: |+\n  x\n\n", "b", 1, "a: |+\n  x\n\nb: 1\n"),
        ("a: b\n...\n", "c", "on", 'a: b\nc: "on"\n...\n'),
        ("a: ~  # none\n", "a.b", 1, "a:  # none\n  b: 1\n"),
        ("a: {}  # none\n", "a.b", {"c": 1}, "a:  # none\n  b:\n    c: 1\n"),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "c.d",
            "2020-01-01",
            'a: &x {b: 1}\nc:\n  <<: *x\n  d: "2020-01-01"\n',
        ),
        (
            "- name: w\n  env: {a: 1}\n- name: v\n",
            ["name=w", "env", "b"],
            2,
            "- name: w\n  env: {a: 1, b: 2}\n- name: v\n",
        ),
    ],
)
def test_places(before: str, path: Any, value: Any, after: str) -> None:
    assert YamlDocument.of(before.encode()).ensure_value(path, value).decode() == after


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("a: [1, 2]  # c\nd: 1\n", [3], "a: [3]  # c\nd: 1\n"),
        ("a: [1, 2]  # c\nd: 1\n", {"b": 1}, "a:  # c\n  b: 1\nd: 1\n"),
        ("a: [1, 2]\n", [1, {"x": 2}], "a:\n  - 1\n  - x: 2\n"),
        ("a: [\n 1, 2]\n", [3], "a:\n  - 3\n"),
    ],
)
def test_a_list_in_one_line_stays_one_if_it_can(before: str, value: Any, after: str) -> None:
    found = YamlDocument.of(before.encode()).ensure_value("a", value, replace=True)
    assert found.decode() == after


@pytest.mark.parametrize(
    ("before", "path", "outcome", "message"),
    [
        ("a: [\n", "b", None, "line 2 is not YAML"),
        ("a: 1\n\tb: 2\n", "b", None, "line 2 is not YAML"),
        ("a: 1\n---\nb: 2\n", "b", Outcome.AMBIGUOUS, "several documents"),
        ("a: 1\na: 2\n", "b", Outcome.AMBIGUOUS, "line 2: a is there twice"),
        ("a: 1\n", "a.b", Outcome.DRIFTED, "a is a number, so it has no b"),
        ("a: 2\n", "a", Outcome.DRIFTED, "a is 2, not 1"),
        ("a: &x {b: 1}\nc: *x\n", "a.d", Outcome.DRIFTED, "would change more than its place"),
        ("a: |\n  x", "b", Outcome.DRIFTED, "would change more than its place"),
        ("a: \x00\n", "b", None, "line 1 is not YAML"),
        ("- n: 1\n- n: 1\n", "n=1.b", Outcome.AMBIGUOUS, "2 elements n=1"),
    ],
)
def test_refusals(before: str, path: str, outcome: Outcome | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        YamlDocument.of(before.encode()).ensure_value(path, 1)
    assert caught.value.outcome is outcome
    assert message in caught.value.message


def test_aliases_that_stand_for_too_much_are_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(DataError, match="aliases stand for over"):
        YamlDocument.of(bomb.encode()).ensure_value("b", 1)


def test_the_only_key_of_a_document_goes_with_its_line_and_of_another_leaves_an_empty_one() -> None:
    assert YamlDocument.of(b"# head\na: 1\n").remove(("a",)) == b"# head\n"
    assert YamlDocument.of(b"a:\n  b: 1\n").remove(("a", "b")) == b"a: {}\n"
