"""A change of one file as operations, each proved on the file."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from skills_engine.codemods.source import Source
from skills_engine.errors import Unparsable
from skills_engine.record.delta import Delta, Said, say
from skills_engine.record.python import deltas

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["record_file"]


def record_file(path: str, before: bytes, after: bytes, around: Files, *, loose: bool = False) -> list[Said]:
    """What turns `before` into `after`, in the order in which it is to be applied.

    `around` are the other files of the tree, as they are when the operations run: imports are sorted by what is
    there. With `loose`, operations that leave other blank lines are preferred to snippets that give the same ones.
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
            if (a.encoding, a.bom, a.newline) == (b.encoding, b.bom, b.newline) == ("utf-8", False, b.newline):
                return deltas(a, b)
        except (Unparsable, RecursionError):
            return _whole(before, after)
    return _whole(before, after)


def _whole(before: bytes, after: bytes) -> list[Delta]:
    """By lines, hunk by hunk."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    at = [0]
    for line in old:
        at.append(at[-1] + len(line))
    return [
        Delta(at[i1], at[i2], b"".join(new[j1:j2]))
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal"
    ]
