"""A change of one file as operations, each proved on the file."""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from skills_engine.codemods.source.source import Source
from skills_engine.errors import Unparsable
from skills_engine.lines import bare_lines, split_lines
from skills_engine.record import data
from skills_engine.record.delta import Delta, Said, compose, say
from skills_engine.record.python import deltas

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.files import Files

__all__ = ["record_file"]

_MANY = 8
"""Lines below which a change is always told by the structure."""


def record_file(
    path: str, before: bytes, after: bytes, around: Files, *, loose: bool = False
) -> list[Said]:
    """What turns `before` into `after`, in the order in which it is to be applied.

    `around` are the other files of the tree, as they are when the operations run: imports are
    sorted by what is there. With `loose`, operations that leave other blank lines are preferred to
    snippets that give the same ones.
    """
    said, made = say(path, before, _cut(path, before, after), around, loose=loose)
    if made == after or (loose and made.split() == after.split()):
        return said
    # A layout that no statement tells, as of brackets over several lines.
    return said + say(path, made, _whole(made, after), around)[0]


def _cut(path: str, before: bytes, after: bytes) -> list[Delta]:
    if path.endswith((".py", ".pyi")):
        try:
            a, b = Source.parse(path, before), Source.parse(path, after)
            if (
                (a.encoding, a.bom, a.newline)
                == (b.encoding, b.bom, b.newline)
                == ("utf-8", False, b.newline)
            ):
                return list(_shorter(before, deltas(a, b), _whole(before, after)))
        except (Unparsable, RecursionError):
            return _whole(before, after)
    return [
        replace(delta, ways=[*data.ways(path, before, compose(before, [delta]))])
        for delta in _whole(before, after)
    ]


def _shorter(
    before: bytes, by_structure: Sequence[Delta], by_lines: Sequence[Delta]
) -> Iterator[Delta]:
    """Place by place, the deltas of the structure, unless those of lines are much less to say.

    Code that moved into a function of its own is so: its lines stay as they are, and each of its
    statements goes from one body and comes in another one.
    """
    for one, other in _places(by_structure, by_lines):
        much, little = _size(before, one), _size(before, other)
        yield from other if much > _MANY and much > 2 * little else one


def _places(
    one: Sequence[Delta], other: Sequence[Delta]
) -> Iterator[tuple[list[Delta], list[Delta]]]:
    """Both, cut where neither is at work and both have made the file longer by the same number of
    bytes.
    """
    rows = sorted(
        [(delta.start, delta.end, 0, delta) for delta in one]
        + [(delta.start, delta.end, 1, delta) for delta in other],
        key=lambda row: row[:3],
    )
    here: tuple[list[Delta], list[Delta]] = ([], [])
    longer, reached = 0, 0
    for start, end, which, delta in rows:
        if not longer and start > reached and (here[0] or here[1]):
            yield here
            here = ([], [])
        here[which].append(delta)
        longer += (len(delta.new) - (end - start)) * (1, -1)[which]
        reached = max(reached, end)
    if here[0] or here[1]:
        yield here


def _size(before: bytes, deltas: Sequence[Delta]) -> int:
    """The lines that go and come, but for blank ones; a list that gets an entry is one line."""
    count = 0
    for delta in deltas:
        old = bare_lines(before[delta.start : delta.end])
        new = bare_lines(delta.new)
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if tag != "equal":
                count += sum(bool(line.strip()) for line in (*old[i1:i2], *new[j1:j2]))
    return count


def _whole(before: bytes, after: bytes) -> list[Delta]:
    """By lines, hunk by hunk."""
    old, new = split_lines(before), split_lines(after)
    at = [0]
    for line in old:
        at.append(at[-1] + len(line))
    return [
        Delta(at[i1], at[i2], b"".join(new[j1:j2]))
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal"
    ]
