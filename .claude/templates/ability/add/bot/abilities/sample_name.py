"""What the offline agent answers to `sample name`."""

from bot.settings import Settings

_BEGINS = "sample name:"


async def sample_name(request: str, settings: Settings) -> str | None:
    """sample name: something"""
    if not request.casefold().startswith(_BEGINS):
        return None
    asked = request[len(_BEGINS) :].strip()
    return f"You asked for {asked}."
