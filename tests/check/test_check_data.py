"""Data files must still parse, keep their keys apart, and no file may hold a conflict marker."""

from __future__ import annotations

import pytest

from skills_engine.check import Changed, check
from skills_engine.codemods.files import MemoryFiles

GROUPS = "[dependency-groups]\nx = [%s]\n"
DATA = [
    ("a.toml", "a = 1\n", "a = 1\na = 2\n", ["data a.toml:2: the file is not valid TOML"]),
    ("a.toml", "a = \n", "a = \nb = 1\n", []),
    ("a.json", "{}", '{"a": 1,\n"b"}', ["data a.json:2: the file is not valid JSON"]),
    ("a.json", '{"a": 1}', '{"a": 1,\n "a": 2}', ["data a.json:2: the key 'a'"]),
    ("a.json", "{}", "[" * 100_000, ["data a.json:1: the file cannot be read as data: it is nested deeper"]),
    ("a.yml", "a: 1\n", "a: [1\nb: 2\n", ["data a.yml:2: the file is not valid YAML"]),
    ("a.yaml", "a: 1\n", "a:\n  b: 1\n  c: 2\n  b: 3\n", ["data a.yaml:4: the key 'b'"]),
    ("a.yaml", "a: 1\n", "a: &x {b: !reset null}\nc: {<<: *x}\n---\na: 2\n", []),
    ("a.yaml", "", b"a: \xff\n", ["data a.yaml:1: the file is not UTF-8"]),
    (
        "pyproject.toml",
        "",
        '[project]\ndependencies = [\n  "a>=1",\n  "b>>2",\n]\n',
        ["data pyproject.toml:4: 'b>>2' in project.dependencies"],
    ),
    ("pyproject.toml", GROUPS % '"a b"', GROUPS % '"a b", {include-group = "y"}', []),
    (
        "notes.md",
        "a\n",
        "<<<<<<< HEAD\na\n||||||| base\n=======\nb\n>>>>>>> x\n",
        ["syntax notes.md:1: ", "syntax notes.md:3: ", "syntax notes.md:6: "],
    ),
    ("notes.md", "<<<<<<< HEAD\na\n>>>>>>> x\n", "<<<<<<< HEAD\nb\n>>>>>>> x\n", []),
    ("image.png", "", b"\0\n<<<<<<< HEAD\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "expected"), DATA, ids=lambda v: repr(v)[:50])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_data_files(
    path: str, before: str, after: str | bytes, expected: list[str], newline: bytes
) -> None:
    new = (after if isinstance(after, bytes) else after.encode()).replace(b"\n", newline)
    old = before.encode().replace(b"\n", newline)
    lines = [
        f"{f.rule} {f}" for f in check([Changed(path, new, (old, None))], MemoryFiles({path: new}))
    ]
    assert len(lines) == len(expected), lines
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(start)
