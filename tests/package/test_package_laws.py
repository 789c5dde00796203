"""Laws of packages: garbage is refused, never crashed on; a digest is the content and nothing else."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from skills_engine.codemods.registry import decode
from skills_engine.errors import PackageError
from skills_engine.package.digest import digest
from skills_engine.package.implied import implied
from skills_engine.package.lint import lint
from skills_engine.package.model import Package
from skills_engine.package.reader import read
from skills_engine.package.summary import summary

validate = importlib.import_module("skills_ref.validator").validate  # it has no types

NAME = "a-skill"
PAGE = b"""---
name: a-skill
description: Does a thing. Use when: "never".
license: MIT
metadata:
  author: somebody
---
# A skill

```yaml manifest
version: 1.0.0
core: ">=0.1,<1"
depends: {other: ">=1"}
dependencies: ["aiogram>=3.31,<4"]
environment: {TOKEN: {comment: the token, default: 'x'}}
services: {cache: {image: valkey}}
adds: [bot/a.py]
tests: []
```

## Change

It changes the thing, as it must.

```yaml codemod
- ensure: docstring
  in: bot/main.py
  docstring: |
    Text: with #everything

    "in" it.
```
""".replace(b'when: "never"', b"when never")

# What YAML, Markdown and paths find meaning in, besides random bytes.
WORDS = """
--- ``` ~~~~ # ## <!-- --> > ' " : , { } [ ] ? - ! | >- & * &a *a !!int @ ` \\ . ...
null true 1e999 0x1F .nan <<: 99999999999999999999 ../ .git %YAML ensure: é 日 \U0001f600
"""
SHARDS = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(WORDS.split()).map(str.encode),
    st.sampled_from([" ", "\t", "\r", "\r\n", "\n", "\n\n", "\0", "\x85", "\u2028", "\ufeff"]).map(
        str.encode
    ),
    st.sampled_from([b"```yaml codemod", b"\n```yaml manifest\n", b"- - - -", b"\n- ensure:"]),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The page with a few stretches cut, doubled, moved or replaced."""
    page = PAGE
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(page)))
        end = min(len(page), start + draw(st.integers(0, 40)))
        piece = draw(st.one_of(SHARDS, st.just(page[start:end] * 2), st.just(b"")))
        to = draw(st.sampled_from((start, end)))
        page = page[:start] + piece + page[to:]
    return page


def outcome(files: dict[str, bytes]) -> Package | PackageError:
    try:
        return read(NAME, files)
    except PackageError as error:
        return error


@given(mutated())
@settings(max_examples=250, deadline=None)
@example(PAGE)
@example(PAGE.replace(b"core:", b"core: &a"))
@example(PAGE.replace(b"core:", b"*a : "))
@example(PAGE.replace(b"'x'", b"[" * 2000))
@example(PAGE.replace(b"'x'", b"9" * 5000))
@example(PAGE.replace(b"- ensure", b"-\t- ensure"))
def test_a_page_is_read_or_refused(page: bytes) -> None:
    files = {"SKILL.md": page, "add/bot/a.py": b""}
    found = outcome(files)
    problems = lint(NAME, files)
    lines = page.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    assert all(1 <= problem.line <= lines and "\n" not in str(problem) for problem in problems), (
        problems
    )
    if isinstance(found, PackageError):
        assert found.problems
        assert set(found.problems) <= set(problems)
    else:
        assert found.manifest is None or summary(NAME, files).version == found.manifest.version
        assert summary(NAME, files).description == found.description
        assert all(decode(keys).describe() for keys in implied(found))
        with tempfile.TemporaryDirectory() as root:
            directory = Path(root, NAME)
            directory.mkdir()
            (directory / "SKILL.md").write_bytes(page)
            assert validate(directory) == []


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_refused_or_read(page: bytes) -> None:
    outcome({"SKILL.md": page})
    outcome({"SKILL.md": b"---\nname: a-skill\ndescription: x\n---\n```yaml manifest\n" + page})
    summary(NAME, {"SKILL.md": page})


PATHS = st.text(st.sampled_from("ab/é日-x\x00\x01"), min_size=1, max_size=6)
CONTENTS = st.dictionaries(PATHS, st.binary(max_size=6), max_size=4)


@st.composite
def contents(draw: st.DrawFn) -> tuple[dict[str, bytes], frozenset[str]]:
    files = draw(CONTENTS)
    return files, frozenset(draw(st.sets(st.sampled_from(sorted(files))))) if files else frozenset()


@given(contents(), contents())
@settings(max_examples=250, deadline=None)
@example(({"a": b"", "b": b""}, frozenset()), ({"a": b"b"}, frozenset()))
@example(({"a": b"x"}, frozenset({"a"})), ({"a": b"x"}, frozenset()))
@example(({"a": b"x", "b": b""}, frozenset()), ({"b": b"", "a": b"x"}, frozenset({"c"})))
@example(({"a-": b""}, frozenset()), ({"a": b"-"}, frozenset()))
def test_two_packages_have_one_digest_if_and_only_if_they_are_the_same(
    one: tuple[dict[str, bytes], frozenset[str]], other: tuple[dict[str, bytes], frozenset[str]]
) -> None:
    (files, executable), (others, other_executable) = one, other
    same = files == others and executable & files.keys() == other_executable & others.keys()
    assert (digest(files, executable) == digest(others, other_executable)) is same
    assert digest(files, executable) == digest(dict(reversed(files.items())), executable)


def test_a_digest_stays_what_it_is() -> None:
    """Manifests of forks hold digests: the scheme must not change."""
    assert digest({}) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest({"SKILL.md": b"x\n", "add/é.py": b""}, frozenset({"add/é.py"})) == (
        "sha256:a794d33467143060f7c0fb4ce3428cbbeeaf83f20826c33650e87c6cadd58b2f"
    )
