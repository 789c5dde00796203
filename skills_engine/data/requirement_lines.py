"""Requirements as lines: a requirements file, or `install_requires` of setup.cfg."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from skills_engine.data.requirement import alike, merged, normal, position, satisfied
from skills_engine.data.text import BOM, decode, newline
from skills_engine.lines import split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ensure", "install_requires", "requirement_in"]

_INDENT = "    "
_KEY = re.compile(r"install_requires[ \t]*[=:][ \t]*")


def ensure(data: bytes, wanted: Requirement, *, section: bool) -> bytes:
    """The lines with a requirement among them, in its place where they are sorted by name; with
    `section`, those of `install_requires` in `[options]`. Raises DataError for bounds that
    contradict each other.
    """
    bom, text = decode(data)
    eol, lines = newline(text), split_lines(text)
    start, end = install_requires(lines) if section else (0, len(lines))
    entries = _entries(lines, start, end)
    for index, entry in entries:
        if satisfied(entry, wanted):
            return data
        if alike(entry, wanted):
            written = requirement_in(lines[index])
            lines[index] = lines[index].replace(written, merged(written, entry, wanted, index + 1))
            return (bom + "".join(lines)).encode()
    if section and start == end:
        lines = _with_key(lines, eol)
        start = end = install_requires(lines)[0]
    at = position(entries, wanted, end)
    indent = re.match(r"[ \t]*", lines[entries[0][0]]) if entries else None
    space = indent[0] if indent else _INDENT if section else ""
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += eol
    return (bom + "".join([*lines[:at], f"{space}{normal(wanted)}{eol}", *lines[at:]])).encode()


def install_requires(lines: Sequence[str]) -> tuple[int, int]:
    """The lines of its value (a range, empty where it has none), in `[options]`; a requirement on
    the line of the key is none of them.
    """
    here = ""
    for number, line in enumerate(lines):
        if line.startswith("["):
            here = line.strip()
        if here != "[options]" or not _KEY.match(line):
            continue
        end = last = number + 1
        while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t#;"):
            end += 1
            last = end if lines[end - 1][0] in " \t" and lines[end - 1].strip() else last
        return number + 1, last
    return 0, 0


def requirement_in(line: str) -> str:
    """What a line asks for, without its comment; nothing of an option's line."""
    bare = re.sub(r"(^|[ \t])#.*", "", line).strip().removeprefix(BOM).rstrip("\\").strip()
    return "" if bare.startswith("-") else bare


def _entries(lines: Sequence[str], start: int, end: int) -> list[tuple[int, Requirement]]:
    found = []
    for number in range(start, end):
        with suppress(InvalidRequirement):
            found.append((number, Requirement(requirement_in(lines[number]))))
    return found


def _with_key(lines: list[str], eol: str) -> list[str]:
    """With `install_requires` where there is none: last in `[options]`, which is made if need
    be. What stands on the key's own line gets one of its own.
    """
    sections = [n for n, line in enumerate(lines) if line.strip() == "[options]"]
    if not sections:
        return [*lines, *([eol] if lines else []), f"[options]{eol}", f"install_requires ={eol}"]
    start = end = sections[0] + 1
    while end < len(lines) and not lines[end].startswith("["):
        end += 1
    for number in range(start, end):
        if _KEY.match(lines[number]):
            return lines
    while end > start and not lines[end - 1].strip():
        end -= 1
    return [*lines[:end], f"install_requires ={eol}", *lines[end:]]
