"""Definitions that are named in text by their whole path.

`patch("bot.app.main")` in a test, `start = "bot.app:main"` among the scripts of
pyproject.toml, `setup(entry_points=["start = bot.app:main"])`: a string of
Python that is such a path and nothing else, and in configuration files what
has a colon before the name. A path counts if its module is in the project;
what a module says in passing (`see bot.app.main`) is prose and stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.names.scopes import Names
    from skills_engine.codemods.refactor.project import Project

__all__ = ["CONFIGURATION", "IN_STRING", "PathInText", "paths_in_text"]

CONFIGURATION = (".toml", ".cfg", ".ini", ".yaml", ".yml")
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
IN_STRING = re.compile(rf"(?:[\w.-]+ *= *)?(?P<path>{_DOTTED}(?::{_DOTTED})?)")
_IN_TEXT = re.compile(rf"(?<![\w.:/@-])(?P<path>{_DOTTED}:{_DOTTED})(?![\w:/@-])")


@dataclass(frozen=True)
class PathInText:
    """`home` is the module that the path begins with, `module` its bytes, `names` what comes after:
    text and bytes.
    """

    path: str
    home: Names
    module: Span
    names: tuple[tuple[str, Span], ...]
    colon: bool
    python: bool


def paths_in_text(project: Project, word: str) -> Iterator[PathInText]:
    """The paths that have that word among their names."""
    for names in project.mentioning(word):
        strings = [
            n
            for n in names.source.parents
            if isinstance(n, cst.SimpleString) and "b" not in n.prefix
        ]
        for node in strings:
            found = IN_STRING.fullmatch(node.raw_value)
            if found and node not in names.exports:
                start = names.source.span(node).start + len(node.prefix) + len(node.quote)
                text, before = found["path"], node.raw_value[: found.start("path")]
                yield from _resolved(
                    project, word, names.path, text, start + len(before.encode()), python=True
                )
    for path in sorted(
        {p for suffix in CONFIGURATION for p in project.files.containing(word.encode(), suffix)}
    ):
        try:
            whole = (project.files.read(path) or b"").decode("utf-8")
        except UnicodeDecodeError:
            continue
        for found in _IN_TEXT.finditer(whole):
            start = len(whole[: found.start("path")].encode())
            yield from _resolved(project, word, path, found["path"], start, python=False)


def _resolved(
    project: Project, word: str, path: str, text: str, start: int, *, python: bool
) -> Iterator[PathInText]:
    front, colon, _ = text.partition(":")
    parts = re.split(r"[.:]", text)
    least = front.count(".") + 1 if colon else 1
    for length in range(least if colon else len(parts) - 1, least - 1, -1):
        stem = project.stem("", ".".join(parts[:length]))
        home = None if stem is None else project.module(stem)
        if home is None:
            continue
        at, spans = start, []
        for part in parts:
            spans.append((part, Span(at, at + len(part.encode()))))
            at += len(part.encode()) + 1
        if word in parts[length:]:
            module = Span(start, spans[length - 1][1].end)
            yield PathInText(path, home, module, tuple(spans[length:]), bool(colon), python)
        return
