"""Text that can be written down, and shown."""

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 but for the tab and the end of a line: a terminal obeys them."""


def mended(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which nothing can encode; two halves
    in order become their character.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cut(text: str, longest: int) -> str:
    """A text of so many characters at most, and how many more there were."""
    more = len(text) - longest
    return text if more <= 0 else f"{text[:longest]} [{more} more characters]"


def visible(text: str) -> str:
    """The text with `\\x1b` and the like for what a terminal would obey: others chose it."""
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))
