"""Bounds on data that a parser is given: bytes, levels of nesting, digits of a number.

What is beyond them is told from the text alone, before any parser recurses or takes minutes. Every
bracket counts, in quotes too, so that no trick with quotes hides one; who means to write a hundred
open brackets into strings of a data file is refused by mistake.
"""

from __future__ import annotations

import re

__all__ = ["DEEPEST", "LARGEST", "beyond"]

LARGEST = 5_000_000
"""Characters of a file."""
DEEPEST = 100
"""Levels: brackets, indentations, list items in one line, parts of a dotted key."""
_LONGEST_NUMBER = 4000
"""Digits: Python converts 4,300 and no more."""

_MOST_NODES = 100_000
"""Nodes that a YAML document stands for, its aliases written out."""

_BRACKET = re.compile(r"[\[{]|[\]}]")
_DIGITS = re.compile(rf"\d{{{_LONGEST_NUMBER}}}")
_MARKS = re.compile(r"^[ ]*(?:[-?:] +)+", re.MULTILINE)
_DOTTED = re.compile(r"^[^=#\n]{200,}(?==)|^ *\[[^\]\n]{200,}", re.MULTILINE)
_INDENTED = re.compile(r"^( *)(?=[^ \n#])", re.MULTILINE)


def beyond(text: str, *, indented: bool = False) -> str:
    """What about a text is beyond the bounds, in a few words, or ''. `indented`: whether
    indentation nests in it, as in YAML.
    """
    if len(text) > LARGEST:
        return f"it is larger than {LARGEST:,} characters"
    deep = _brackets(text) > DEEPEST or (
        _levels(text) > DEEPEST
        if indented
        else any(found[0].count(".") > DEEPEST for found in _DOTTED.finditer(text))
    )
    if deep:
        return f"it is nested deeper than {DEEPEST} levels"
    if indented and "*" in text and "&" in text and _written_out(text) > _MOST_NODES:
        return f"its aliases stand for over {_MOST_NODES:,} values"
    return f"it has a number of over {_LONGEST_NUMBER} digits" if _DIGITS.search(text) else ""


def _brackets(text: str) -> int:
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    depth = most = 0
    for found in _BRACKET.finditer(text):
        depth = depth + 1 if found[0] in "[{" else max(depth - 1, 0)
        most = max(most, depth)
    return most


def _levels(text: str) -> int:
    """The deepest indentation, and the most list items that begin in one line."""
    most = max((len(found[0].split()) for found in _MARKS.finditer(text)), default=0)
    open_at: list[int] = []
    for found in _INDENTED.finditer(text):
        width = len(found[1])
        while open_at and open_at[-1] >= width:
            open_at.pop()
        open_at.append(width)
        most = max(most, len(open_at))
    return most


def _written_out(text: str) -> int:
    """How many nodes a document has once its aliases are written out; an alias within what it names
    has no end. 0 for what is not YAML.
    """
    import yaml  # noqa: PLC0415  (few documents have aliases)

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(event.anchor or "", _MOST_NODES + 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
                total += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                sizes[anchor or ""] = total - before
            elif isinstance(event, yaml.ScalarEvent):
                sizes[event.anchor or ""] = 1
                total += 1
            if total > _MOST_NODES:
                break
    except yaml.YAMLError:
        return 0
    return total
