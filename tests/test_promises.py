"""Each promise of the documents names its test, and the test is there.

A comment after a paragraph, a list or a table says what shows that it holds:

    <!-- tests: tests/test_x.py::test_a, tests/test_y.py::test_b -->

or why nothing does: `<!-- no test: the reason -->`. A section that has one such comment has one for
each of its blocks; sections that tell what is not promised have none.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("docs/bot.md", "docs/security.md", "docs/reliability.md", "docs/using.md")
SECTIONS = {
    "docs/using.md": (
        "What is yours",
        "Conflicts",
        "What makes it safe",
        "A room for other people's code",
    )
}
"""Where every block must say it, whoever wrote it."""
COMMENT = re.compile(r"<!--\s*(tests|no test):\s*(.*?)\s*-->", re.DOTALL)


@cache
def defined_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file, those in classes with the class before them."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test"))


def sections(document: str) -> dict[str, list[str]]:
    """Blocks by section: runs of lines that are not blank, without headings and code."""
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    found: dict[str, list[str]] = {}
    title = ""
    for block in re.split(r"\n\s*\n", text):
        heading = re.match(r"#+ (.*)", block)
        title = heading[1] if heading else title
        rest = block[heading.end() :].strip() if heading else block.strip()
        if rest:
            found.setdefault(title, []).append(rest)
    return found


def named(document: str) -> list[str]:
    """The tests that a document names."""
    text = (ROOT / document).read_text(encoding="utf-8")
    lists = [words for kind, words in COMMENT.findall(text) if kind == "tests"]
    return [name.strip() for words in lists for name in words.split(",") if name.strip()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_test_that_is_named_exists(document: str) -> None:
    missing = []
    for name in named(document):
        path, _, test = name.partition("::")
        file = ROOT / path
        if not file.is_file() or (test and test not in defined_in(file)):
            missing.append(name)
        assert test or file.suffix == ".py", f"{name} names no test"
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_section_that_promises_says_what_shows_it(document: str) -> None:
    """A list or a table may have a comment in each of its lines, or one behind it."""
    silent = []
    for title, blocks in sections(document).items():
        whole = "\n".join(blocks)
        if title not in SECTIONS.get(document, ()) and not COMMENT.search(whole):
            continue
        for number, block in enumerate(blocks):
            if COMMENT.fullmatch(block) or COMMENT.search(block):
                continue
            following = blocks[number + 1] if number + 1 < len(blocks) else ""
            if not COMMENT.match(following):
                silent.append(f"{title}: {block[:60]}")
    assert silent == []


def test_a_document_that_names_a_test_that_is_gone_is_found() -> None:
    """The check itself: names are compared with what a file defines."""
    assert "test_each_test_that_is_named_exists" in defined_in(Path(__file__))
    assert "test_that_nobody_wrote" not in defined_in(Path(__file__))
    assert named("docs/using.md")
