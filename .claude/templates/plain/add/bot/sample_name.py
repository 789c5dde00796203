"""Sample name: to be written."""

from bot.settings import Settings


def sample_name(settings: Settings) -> str:
    """What it is to be."""
    return f"It is {settings.sample_name}."
