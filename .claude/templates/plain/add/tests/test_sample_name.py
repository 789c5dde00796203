"""Sample name: it is what the settings say."""

from __future__ import annotations

from bot.sample_name import sample_name
from bot.settings import Settings


def test_it_is_what_the_settings_say() -> None:
    assert sample_name(Settings()) == "It is plain."
    assert sample_name(Settings(sample_name="other")) == "It is other."
