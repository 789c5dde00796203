"""The tables of README.md and docs/skills.md say what the skills say, and what their tests show."""

from __future__ import annotations

from pathlib import Path

import pytest
from forks import SKILLS, package
from skills_table import FEATURES, PAGES, page

from skills_engine.graft.index import read_index


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_tables_are_those_of_the_skills(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "<!-- end -->" in text
    assert text == page(text), "write them anew: make reference"


@pytest.mark.parametrize("feature", FEATURES)
def test_what_a_channel_can_do_has_its_test(feature: str) -> None:
    for skill, test in FEATURES[feature].items():
        files = (SKILLS / skill / "add/tests/channels").glob("test_*.py")
        assert any(f"def {test}(" in file.read_text("utf-8") for file in files), (skill, test)


def test_the_index_has_the_skills_as_they_are() -> None:
    """Those that the engine can apply; the others are prose for assistants."""
    known = [package(page.parent.name) for page in sorted(SKILLS.glob("*/SKILL.md"))]
    here = [
        (it.name, it.manifest.version, it.digest, it.description, str(SKILLS / it.name))
        for it in known
        if it.manifest
    ]
    index = read_index(str(SKILLS / "index.json"))
    found = [(it.name, it.version, it.digest, it.description, it.source) for it in index]
    assert found == here, "write it anew: make reference"
