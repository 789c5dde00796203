"""The judge of clean merges: four texts in, doubts out.

It knows base, ours, theirs and the result, and not how the result came about: what each side added
and took away is counted by place, and the result must hold just that. Any doubt makes of a clean
merge a conflict, of which it is the reason.
"""

from __future__ import annotations

import importlib
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skills_engine.judge.doubt import Doubt
from skills_engine.judge.known import forget

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Doubt", "doubt", "doubts", "forget"]

_ENTRIES = (".env*", "*.env", "*requirements*.txt", "constraints*.txt")
_DATA = {".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


def doubts(path: str, base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt]:
    """All that is doubtful about a result without conflicts. `path` says what kind of file it is:
    Python, JSON, TOML, YAML, a file of entries, or another one, of which only what one side deleted
    is looked for. Raises RecursionError for what is nested too deep.
    """
    name = PurePosixPath(path).name.lower()
    suffix = PurePosixPath(name).suffix
    entries = any(fnmatchcase(name, pattern) for pattern in _ENTRIES)
    if suffix in {".py", ".pyi"}:
        python = importlib.import_module("skills_engine.judge.python")
        yield from python.doubts(base, ours, theirs, result)
        return
    if entries or suffix in _DATA:
        data = importlib.import_module("skills_engine.judge.data")
        yield from data.doubts(_DATA.get(suffix, ""), base, ours, theirs, result)
    if suffix not in _DATA:
        lines = importlib.import_module("skills_engine.judge.lines")
        of_kind = lines.entries if entries else lines.revived
        yield from of_kind(base, ours, theirs, result)


def doubt(path: str, base: str, ours: str, theirs: str, result: str) -> str:
    """The first doubt as a reason, or ''."""
    return next((str(each) for each in doubts(path, base, ours, theirs, result)), "")
