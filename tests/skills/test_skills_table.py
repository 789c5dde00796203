"""The tables of README.md and docs/skills.md say what the skills say, and what their tests show."""

from __future__ import annotations

from pathlib import Path

import pytest
from forks import SKILLS
from skills_table import FEATURES, PAGES, page


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
