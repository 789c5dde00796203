"""The verb `operations`: what a codemod block can ask for, from the operations themselves."""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods import registry
from skills_engine.errors import Refused

__all__ = ["Described", "operations"]


@dataclass(frozen=True, slots=True)
class Described:
    """An operation: its word, in a sentence what then holds, and where one was asked for its whole
    reference, as Markdown.
    """

    operation: str
    summary: str
    reference: str = ""


def operations(word: str = "") -> tuple[Described, ...]:
    """The operation of that name with its reference; else those whose sentence has the word; all
    without one. Raises Refused where there is none.
    """
    from skills_engine.package.problems import did_you_mean  # noqa: PLC0415
    from skills_engine.package.reference import section, table  # noqa: PLC0415

    known = registry.words()
    if word in known:
        summary = next(summary for one, summary in table() if one == word)
        return (Described(word, summary, section(word)),)
    asked = word.casefold()
    found = tuple(
        Described(one, summary)
        for one, summary in table()
        if asked in one or asked in summary.casefold()
    )
    if not found:
        raise Refused(f"there is no operation {word}", hint=did_you_mean(word, known))
    return found
