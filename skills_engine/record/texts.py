"""Texts of expressions, as entries have them."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import libcst as cst

    from skills_engine.codemods.source.source import Source

__all__ = ["at_margin", "comments_above", "rewritten"]


def rewritten(
    callee: str, old: Sequence[str], new: Sequence[str], indent: str = ""
) -> list[tuple[str, str]]:
    """Patterns for a call, or the parameters of a function, each with what it becomes, on one line
    and a part a line: what stays is `$...A`, `$...B`, but for what something new stands in front
    of. With an `indent` of the parts, what is new is on lines of its own.
    """
    parts: tuple[list[str], list[str]] = ([], [])
    names = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    reached = 0
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            stays = [f"$...{next(names, 'Z')}"] if max(i1, reached) < i2 else []
            parts[0].extend(stays)
            parts[1].extend(stays)
            continue
        between = tag == "insert" and 0 < i1 < len(old)
        beside = [old[i1]] if between else []
        reached = i1 + len(beside)
        parts[0].extend([*old[i1:i2], *beside])
        parts[1].extend([*new[j1:j2], *beside])
    pattern, text = (f"{callee}({', '.join(each)})" for each in parts)
    lines = "".join(f"    {part},\n" for part in parts[1])
    if indent:
        first, *rest = parts[1]
        fresh = (
            f",\n{indent}{part}" if part in new and part not in old else f", {part}"
            for part in rest
        )
        return [(pattern, text), (pattern, f"{callee}({first}{''.join(fresh)})")]
    return [(pattern, text), (pattern, f"{callee}(\n{lines})")]


def comments_above(source: Source, element: cst.BaseElement | cst.BaseDictElement) -> str:
    """The lines of comment directly above an element that begins its line, at the left margin."""
    found: list[str] = []
    start = source.line_start(source.span(element).start)
    if source.data[start : source.span(element).start].strip():
        return ""
    while start and (
        line := source.data[(above := source.line_start(start - 1)) : start]
    ).lstrip().startswith(b"#"):
        found.insert(0, line.decode().strip() + "\n")
        start = above
    return "".join(found)


def at_margin(text: str, indent: str) -> str:
    """Code whose first line begins somewhere in a line with that indent, its later lines without
    it.
    """
    first, *rest = text.replace("\r\n", "\n").split("\n")
    return "\n".join([first, *(line.removeprefix(indent) for line in rest)])
