"""An edit is made only if what it says can be read again, and is what was meant and nothing
more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skills_engine.data import path as paths
from skills_engine.data.errors import DataError
from skills_engine.data.text import splice
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.data.text import TextSplice

__all__ = ["proved"]


def proved(
    text: str, splices: Sequence[TextSplice], expected: Any, parse: Callable[[str], Any]
) -> str:
    """The text with the splices made. Raises DataError if it says anything but what is expected."""
    new = splice(text, splices)
    try:
        said = parse(new)
    except DataError as error:
        raise DataError(f"the edit would not parse: {error.message}", Outcome.DRIFTED) from None
    if not paths.same(said, expected):
        raise DataError("the edit would change more than its place", Outcome.DRIFTED)
    return new
