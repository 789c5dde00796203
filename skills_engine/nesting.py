"""The depth of Python code, told from its tokens: parsers overflow the stack, trees outgrow
Python's recursion.

Python itself takes 200 nested brackets. LibCST's parser is native and recursive: it ends the
process at some 1,500 of them or 10,000 operators in a row, and takes twice as long for each bracket
in a pattern of `case`.
"""

from __future__ import annotations

import re

__all__ = ["DEEPEST", "too_deep"]

DEEPEST = 450
"""Levels of nesting: two for a bracket, one for each operator, call, string or `elif` that hangs on
the one before.
"""
_DEEPEST_PATTERN = 12
"""Nested brackets of a pattern: each doubles the time, which is a tenth of a second there."""
_FEW = 50
"""So many `elif` in a file are not worth being counted."""

_STRING = r"""(?P<prefix>\b[A-Za-z]{1,2})?
    (?: \"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*\""" | '''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*'''
      | "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\\\n]*(?:\\.[^'\\\n]*)*' )"""
_FLAT = r"""[^()\[\]{}"'\\\#\n]++ | "[^"\\\n{]*+"(?!") | '[^'\\\n{]*+'(?!')"""
_TOKEN = rf"""(?P<string>{_STRING}) | (?P<word>\w+) | (?P<newline>\n)
    | (?P<open>[(\[{{]) | (?P<close>[)\]}}]) | (?P<end>[,;])
    | (?P<operator>\*\*|//|<<|>>|[-+*/%@|&^~<>.]) | \#[^\n]* | \\\r?\n"""
_TOKENS = re.compile(_TOKEN, re.VERBOSE | re.DOTALL)
_LINES = re.compile(
    rf"(?P<plain>^(?=[^\n]{{0,200}}\n)"
    rf"(?:{_FLAT} | [(\[](?:{_FLAT})*+[)\]])*+(?:\#[^\n]*)?\n) | {_TOKEN}",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
"""Tokens, but whole lines where they are short and no bracket in them holds another or stays open.
"""
_FIELD = re.compile(
    r"(?P<double>\{\{|\}\}) | (?P<word>\b[a-z]+\b) | (?P<open>[(\[{]) | (?P<close>[)\]}])"
    r"| (?P<end>,) | (?P<operator>\*\*|//|<<|>>|[-+*/%@|&^~<>.])",
    re.VERBOSE,
)
_HANGS = frozenset({"and", "await", "for", "if", "in", "is", "lambda", "not", "or", "yield"})


def too_deep(text: str) -> int | None:
    """The line (from 1) where code is nested too deeply for its tree to be made and walked, or
    None.
    """
    nesting = _Nesting()
    for found in (_LINES if text.count("elif") < _FEW else _TOKENS).finditer(text):
        if found.lastgroup == "plain" and not nesting.open:
            continue
        for token in (
            _TOKENS.finditer(text, *found.span()) if found.lastgroup == "plain" else (found,)
        ):
            nesting.token(token)
            if nesting.depth > DEEPEST or (
                nesting.pattern and len(nesting.open) > _DEEPEST_PATTERN
            ):
                return text.count("\n", 0, token.start()) + 1
    return None


class _Nesting:
    """How deep a tree is at a token: what is open there, and what hangs on one another since the
    last comma.
    """

    def __init__(self) -> None:
        self.open: list[int] = []
        """For each open bracket, what hung on one another before it."""
        self.depth = 0
        self.pattern = False
        """Whether the line is a `case`."""
        self._line = 0
        self._first = True
        self._branches: list[tuple[int, int]] = []
        """Columns with the number of `elif` there, of the statements around."""

    def token(self, found: re.Match[str]) -> None:
        match found.lastgroup:
            case "newline":
                self._line = found.end()
                if not self.open:
                    self._first, self.pattern = True, False
                    self.depth = sum(count for _, count in self._branches)
                return
            case "word" if self._first:
                self._statement(found[0], found.start() - self._line)
            case "string" if "f" in (found["prefix"] or "").lower():
                self._fields(found[0])
            case str(kind):
                self._hang(kind, found[0])
        self._first = False

    def _statement(self, word: str, column: int) -> None:
        self.pattern = word == "case"
        kept = [(at, count) for at, count in self._branches if at < column]
        here = next((count for at, count in self._branches if at == column), 0)
        if word in {"elif", "else"}:
            kept.append((column, here + (word == "elif")))
        self._branches = kept
        self.depth = sum(count for _, count in kept)

    def _hang(self, kind: str, text: str) -> None:
        if kind == "open":
            self.open.append(self.depth)
            self.depth += 2
        elif kind == "close":
            self.depth = (self.open.pop() if self.open else self.depth) + 1
        elif kind == "end":
            self.depth = (
                self.open[-1] + 2 if self.open else sum(count for _, count in self._branches)
            )
        elif kind != "word" or text in _HANGS:
            self.depth += 1

    def _fields(self, text: str) -> None:
        """The braces of an f-string, and what is in them."""
        outside, before, deepest = len(self.open), self.depth, self.depth
        for found in _FIELD.finditer(text):
            inside = len(self.open) > outside
            if not inside and found[0] != "{":
                continue
            kind = str(found.lastgroup)
            for char in found[0] if kind == "double" else (found[0],):
                self._hang({"{": "open", "}": "close"}.get(char, kind), char)
            deepest = max(deepest, self.depth)
            if len(self.open) <= outside:
                self.depth = before
        del self.open[outside:]
        self.depth = deepest if deepest > DEEPEST else before + 1
