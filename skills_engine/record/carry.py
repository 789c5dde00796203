"""A change recorded on one version of a file and applied to another: what a skill does when its
ground has drifted.
"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operation import perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, Refused, Unparsable
from skills_engine.merge.python import language as python
from skills_engine.merge.types import LineMerge, Unsupported
from skills_engine.record.file import record_file

__all__ = ["Carried", "carry"]


@dataclass(frozen=True, slots=True)
class Carried:
    """`data` is `ours` with the change of `theirs`; None with why it is not there, and a line near
    that place: an operation was refused, or the result does not pass the checks that a merge must
    pass."""

    data: bytes | None
    operations: int
    refused: str = ""
    line: int = 1


def carry(path: str, base: bytes, ours: bytes, theirs: bytes, *, lines: LineMerge) -> Carried:
    """Record what turns `base` into `theirs`, and apply that to `ours`. `lines` is git's line
    merge.
    """
    said = record_file(path, base, theirs, MemoryFiles({path: base}), loose=True)
    files = MemoryFiles({path: ours})
    count = 0
    for one in said:
        if one.entries is None:
            return Carried(
                None, count, f"no operation says the change of {one.delta.about or path}"
            )
        for entry in one.entries:
            try:
                perform(decode(entry), files)
            except (CannotEnsure, Refused, Unparsable) as error:
                near = (
                    error.candidates[0].line
                    if isinstance(error, CannotEnsure) and error.candidates
                    else 1
                )
                return Carried(None, count, error.message, near)
            count += 1
    result = files.contents[path]
    if path.endswith((".py", ".pyi")) and (why := _doubt(base, ours, theirs, result, lines)):
        return Carried(None, count, why)
    return Carried(result, count)


def _doubt(base: bytes, ours: bytes, theirs: bytes, result: bytes, lines: LineMerge) -> str:
    """Why the result would not pass for a merge of Python; or ''.

    As in a merge, sides whose lines merge by themselves are taken to speak of the same things.
    """
    try:
        b, o, t, found = (
            data.decode("utf-8").replace("\r\n", "\n") for data in (base, ours, theirs, result)
        )
        if why := python.doubt(b, o, t, found):
            return why
        return "" if lines(base, ours, theirs).clean else python.foreign(b, o, t, found)
    except (UnicodeDecodeError, RecursionError, Unsupported):
        return ""
