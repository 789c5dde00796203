"""docs/operations.md is what the operations say, and their examples are entries that a package may
have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from skills_engine.codemods.registry import operation, words
from skills_engine.package import strict_yaml
from skills_engine.package.decode import keys_of
from skills_engine.package.problems import Problems
from skills_engine.package.reference import entry, page, section
from skills_engine.package.wishes import WISHES

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
EXAMPLES = [(word, example) for word in words() for example in operation(word).VALID]


def plain(value: object) -> object:
    """As YAML has it: tuples are lists."""
    match value:
        case list() | tuple():
            return [plain(item) for item in value]
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def entries(source: str) -> list[dict[str, Any]]:
    problems = Problems("x")
    node = strict_yaml.parse(source, 1, problems)
    assert node is not None
    found = strict_yaml.value(node, problems)
    assert problems.found() == ()
    assert isinstance(found, list)
    return found


def test_the_page_is_up_to_date() -> None:
    stale = "run: make reference"
    assert PAGE.read_text("utf-8") == page(), stale


def test_each_word_is_on_the_page_and_answers_a_wish() -> None:
    assert all(f"| `{word}` |" in page() for word in words())
    answered = {word for _, word, _ in WISHES}
    assert answered == set(words()), "skills_engine/package/wishes.py says what each is for"
    assert len({wish for wish, _, _ in WISHES}) == len(WISHES), "each has a place of its own"


@pytest.mark.parametrize("word", words())
def test_the_reference_of_a_word_has_every_key_and_every_example(word: str) -> None:
    reference = section(word)
    assert all(f"| `{key}` |" in reference for key in keys_of(operation(word)))
    shown = [
        entries(source)[0]
        for source in re.findall(r"^```yaml\n(.*?)^```$", reference, re.MULTILINE | re.DOTALL)
    ]
    assert len(shown) == len(operation(word).VALID)


@pytest.mark.parametrize(
    ("word", "keys"),
    [(word, example.keys) for word, example in EXAMPLES],
    ids=[f"{word}-{example.title}" for word, example in EXAMPLES],
)
def test_an_entry_reads_back_as_the_example_that_it_shows(
    word: str, keys: Mapping[str, Any]
) -> None:
    assert entries(entry(word, keys)) == [
        {"ensure": word, **{key: plain(value) for key, value in keys.items()}}
    ]


@pytest.mark.parametrize(
    "value",
    [
        "on",
        "1.10",
        "",
        " x ",
        "a: b",
        "a\n\n  b\n",
        "\n x",
        "é\t#",
        "'",
        [1, ["x", {"y": None}]],
        {"a": "b\nc\n"},
        True,
    ],
)
def test_any_value_reads_back(value: object) -> None:
    assert entries(entry("docstring", {"key": value})) == [{"ensure": "docstring", "key": value}]
