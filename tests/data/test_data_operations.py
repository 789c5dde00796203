"""What operations on data and files have in common: paths that are refused, renames, files that do
not parse.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.paths import UnsafePath, checked
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, Unparsable
from skills_engine.types import Outcome

UNSAFE = [
    "", "/etc/passwd", "~/x", "C:/x", "c:x", "../x", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "a\0b", "a\nb",
    ".git", ".git/config", "sub/.git/hooks/x", ".GIT/config", ".git ", ".git./config", ".git. ./x", "git~1/config",
    ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config", ".\uff47it/x", "GIT~2", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize(
    ("word", "key", "more"),
    [
        ("file", "path", {"content": ""}),
        ("no-file", "path", {}),
        ("move-file", "to", {"path": "x"}),
        ("environment", "in", {"key": "A"}),
        ("yaml", "in", {"path": "a", "value": 1}),
    ],
)
def test_paths_outside_and_gits_own_are_refused(
    word: str, key: str, more: dict[str, Any], path: str
) -> None:
    with pytest.raises(Malformed) as caught:
        decode({"ensure": word, key: path, **more})
    assert caught.value.key == key
    assert caught.value.right


@pytest.mark.parametrize(
    "path", ["a", ".gitignore", ".github/x.yml", "a b/ü.py", ".env.example", "git", "x.git", "a..b"]
)
def test_other_paths_are_fine(path: str) -> None:
    assert checked(path) == path


@settings(deadline=None)
@given(st.text(st.sampled_from("./\\gitGIT~1: a\0"), max_size=12))
def test_a_path_that_passes_stays_inside(path: str) -> None:
    try:
        checked(path)
    except UnsafePath:
        return
    segments = path.split("/")
    assert not any(
        segment.strip(". ") == "" or segment.rstrip(". ").lower() == ".git" for segment in segments
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"ensure": "dependency", "dependency": "a b"}, "no requirement"),
        ({"ensure": "environment", "key": "A B"}, "no name"),
        ({"ensure": "service", "service": "x", "spec": {}}, "not described"),
        ({"ensure": "yaml", "in": "a", "path": "b"}, "either `value` or `element`"),
        (
            {"ensure": "json", "in": "a", "path": "b", "value": 1, "element": 1},
            "either `value` or `element`",
        ),
        (
            {"ensure": "toml", "in": "a", "path": "b", "value": 1, "was": 1, "replace": True},
            "takes any value",
        ),
        ({"ensure": "text", "in": "a", "before": " \n", "after": "b"}, "`before` is empty"),
        ({"ensure": "text", "in": "a", "before": "b", "after": ""}, "`after` is empty"),
        ({"ensure": "move-file", "path": "a/", "to": "b"}, "one path is a folder"),
        ({"ensure": "move-file", "path": "a", "to": "a/b"}, "lie in one another"),
        ({"ensure": "no-file", "path": "a", "was_sha256": "0"}, "no SHA-256"),
    ],
)
def test_keys_that_contradict_one_another(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode(entry)
    assert message in caught.value.message
    assert caught.value.right


@pytest.mark.parametrize(
    ("entry", "data"),
    [
        ({"ensure": "yaml", "path": "a", "value": 1}, b"a: ["),
        ({"ensure": "json", "path": "a", "value": 1}, b"{"),
        ({"ensure": "toml", "path": "a", "value": 1}, b"= 1"),
        ({"ensure": "dependency", "dependency": "x"}, b"[project"),
        ({"ensure": "environment", "key": "A"}, b"\xff"),
        ({"ensure": "service", "service": "x", "spec": {"image": "y"}}, b"a: b: c"),
        ({"ensure": "text", "before": "a", "after": "b"}, b"a\0"),
    ],
)
def test_a_file_that_does_not_parse_is_named_and_stays(entry: dict[str, Any], data: bytes) -> None:
    files = MemoryFiles({"d/file": data})
    with pytest.raises(Unparsable, match="d/file"):
        decode({**entry, "in": "d/file"}).apply(files)
    assert files.contents == {"d/file": data}


def test_upstreams_renames_are_followed() -> None:
    files = MemoryFiles(
        {"new.json": b'{"a": 1}', "gone.txt": b""},
        renamed={"old.json": "new.json", "x": "gone.txt"},
    )
    change = decode({"ensure": "json", "in": "old.json", "path": "b", "value": 2}).apply(files)
    assert [str(place) for place in change.places] == ['new.json:1: {"a": 1, "b": 2}']
    decode({"ensure": "no-file", "path": "x"}).apply(files)
    decode({"ensure": "move-file", "path": "old.json", "to": "third.json"}).apply(files)
    assert files.contents == {"third.json": b'{"a": 1, "b": 2}'}


def test_a_refusal_shows_the_line() -> None:
    files = MemoryFiles({"a.yaml": b"x:\n  y: 4  # mine\n"})
    with pytest.raises(CannotEnsure) as caught:
        decode({"ensure": "yaml", "in": "a.yaml", "path": "x.y", "value": 5}).apply(files)
    assert [str(place) for place in caught.value.candidates] == ["a.yaml:2: y: 4  # mine"]
    assert caught.value.hint


def test_a_file_in_the_way_of_a_folder_is_a_refusal() -> None:
    files = MemoryFiles({"deploy": b"", "a": b""})
    for entry in (
        {"ensure": "environment", "in": "deploy/.env", "key": "A"},
        {"ensure": "move-file", "path": "a", "to": "deploy/a"},
    ):
        with pytest.raises(CannotEnsure) as caught:
            decode(entry).apply(files)
        assert caught.value.outcome in {Outcome.DRIFTED, Outcome.MISSING}
    assert files.contents == {"deploy": b"", "a": b""}


def test_modules_named_like_the_standard_library_do_not_hide_it() -> None:
    for name in ("json", "yaml"):
        decode({"ensure": name, "in": "f", "path": "a", "value": 1})
        assert f"skills_engine.codemods.operations.{name}" in sys.modules
    import json  # noqa: PLC0415 - the import under test

    assert json.loads("1") == 1
