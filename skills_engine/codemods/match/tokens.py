"""Sources as tokens with metavariables among them: placed in a file, and paired."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.match.metavariables import Metavariable

__all__ = [
    "TOKEN",
    "Token",
    "comments_in",
    "common",
    "crosses",
    "items",
    "lines_of",
    "numbered",
    "placed",
]


TOKEN = re.compile(
    r"#[^\n]*|\w+|(?P<quote>\"{3}|'{3}|[\"'])(?:\\.|(?!(?P=quote)).)*(?P=quote)"
    r"|\*\*=?|//=?|<<=?|>>=?|->|:=|\.\.\.|[-+*/%@&|^<>=!]=|\S",
    re.DOTALL,
)


_SPARE = frozenset({"(", ")", ",", ";", "\\"})
"""Tokens that a file may have where the pattern has none."""


_HOLE = 8
"""How much more a metavariable that stays where it is counts than another token."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token or a metavariable; `start` and `end` are characters of the text that it is from,
    `spelled` those of the pattern, for one of the file's; `line` is the line of code there.
    """

    text: str
    start: int
    end: int
    hole: bool = False
    spelled: tuple[int, int] = (0, 0)
    line: int = 0


def comments_in(text: str) -> Counter[str]:
    return Counter(found[0].rstrip() for found in TOKEN.finditer(text) if found[0][0] == "#")


def gaps_of(text: str, variables: Sequence[Metavariable]) -> list[list[Token]]:
    """The tokens before, between and after the metavariables."""
    edges = [0, *[edge for v in variables for edge in (v.start, v.end)], len(text)]
    return [_tokens(text, a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _tokens(text: str, start: int, end: int) -> list[Token]:
    found = TOKEN.finditer(text[start:end])
    return [
        Token(token[0], start + token.start(), start + token.end())
        for token in found
        if token[0][0] != "#"
    ]


def items(text: str, variables: Sequence[Metavariable], empty: set[str]) -> list[Token]:
    """Tokens and metavariables in order, those that stand for nothing left out with a comma."""
    found: list[Token] = []
    gaps = gaps_of(text, variables)
    found += gaps[0]
    for variable, gap in zip(variables, gaps[1:], strict=True):
        if variable.name not in empty:
            found += [Token(variable.name, variable.start, variable.end, True), *gap]
        else:
            found, rest = _without_comma(found, gap)
            found += rest
    return found


def _without_comma(before: list[Token], after: list[Token]) -> tuple[list[Token], list[Token]]:
    if after and after[0].text == "," and not after[0].hole:
        return before, after[1:]
    if before and before[-1].text == "," and not before[-1].hole:
        return before[:-1], after
    return before, after


def placed(
    region: str,
    holes: Sequence[tuple[str, int, int]],
    pattern: tuple[str, Sequence[Metavariable]],
    empty: set[str],
) -> list[Token] | None:
    """The pattern's tokens and metavariables where the file has them."""
    found: list[Token] = []
    gaps = gaps_of(*pattern)
    pending = gaps[0]
    at = 0
    for (name, start, end), gap, variable in zip(holes, gaps[1:], pattern[1], strict=True):
        if name in empty:
            before, after = _without_comma(pending, gap)
            pending = [*before, *after]
            continue
        aligned = _aligned(pending, _tokens(region, at, start))
        if aligned is None or start < at:
            return None
        spelled = (variable.start, variable.end)
        found += [*aligned, Token(name, start, end, True, spelled)]
        pending, at = gap, end
    aligned = _aligned(pending, _tokens(region, at, len(region)))
    return None if aligned is None else [*found, *aligned]


def _aligned(pattern: list[Token], region: list[Token]) -> list[Token] | None:
    """Where each token of the pattern is, if there is nothing else but spare ones."""
    found: list[Token] = []
    at = 0
    for item in pattern:
        while at < len(region) and not _alike(item.text, region[at].text):
            if region[at].text not in _SPARE and not _is_string(region[at].text):
                return None
            at += 1
        if at == len(region):
            return None
        place = region[at]
        found.append(Token(item.text, place.start, place.end, spelled=(item.start, item.end)))
        at += 1
    rest = region[at:]
    return found if all(r.text in _SPARE or _is_string(r.text) for r in rest) else None


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if _is_string(one) and _is_string(other):
        try:
            return bool(ast.literal_eval(one) == ast.literal_eval(other))
        except (SyntaxError, ValueError):
            return False
    return one[0].isdigit() and other[0].isdigit() and one == other.replace("_", "")


def _is_string(text: str) -> bool:
    return len(text) > 1 and text[0] in "'\""


def numbered(items: list[Token], lines: list[int], *, spelled: bool = False) -> list[Token]:
    places = [item.spelled[0] if spelled else item.start for item in items]
    return [replace(item, line=lines[at]) for item, at in zip(items, places, strict=True)]


def common(old: Sequence[Token], new: Sequence[Token]) -> list[tuple[int, int]]:
    """The longest run of tokens that both have in order, as pairs of indexes; a metavariable is
    worth several tokens, a neighbour of the pair before a little more than a stranger.
    """
    rows, columns = len(old), len(new)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    paired = [[-1] * (columns + 1) for _ in range(rows + 1)]
    for o in range(rows - 1, -1, -1):
        for n in range(columns - 1, -1, -1):
            if (old[o].text, old[o].hole) == (new[n].text, new[n].hole):
                value = _HOLE * 2 if old[o].hole else 2
                paired[o][n] = value + max(best[o + 1][n + 1], paired[o + 1][n + 1] + 1)
            best[o][n] = max(best[o + 1][n], best[o][n + 1], paired[o][n])
    pairs: list[tuple[int, int]] = []
    o = n = 0
    while o < rows and n < columns:
        if paired[o][n] == best[o][n] > 0:
            pairs.append((o, n))
            follows = paired[o + 1][n + 1] + 1 >= best[o + 1][n + 1]
            o, n = o + 1, n + 1
            while follows and o < rows and n < columns and paired[o][n] > 0:
                pairs.append((o, n))
                follows = paired[o + 1][n + 1] + 1 >= best[o + 1][n + 1]
                o, n = o + 1, n + 1
        elif best[o][n] == best[o + 1][n]:
            o += 1
        else:
            n += 1
    return pairs


def crosses(pairs: Sequence[tuple[int, int]], old: Sequence[Token], new: Sequence[Token]) -> bool:
    """Whether tokens of one line of the pattern stay on several of the replacement, or the other
    way round.
    """
    lines = [(old[o].line, new[n].line) for o, n in pairs]
    return any((a[0] == b[0]) is not (a[1] == b[1]) for a, b in pairwise(lines))


def lines_of(text: str) -> list[int]:
    """For each character of a source, the number of the line of code that it is on: a line break in
    brackets ends none.
    """
    found: list[int] = []
    depth = number = 0
    for token in re.finditer(rf"{TOKEN.pattern}|\n|[ \t\r]+", text, re.DOTALL):
        if token[0] in {"(", "[", "{"}:
            depth += 1
        elif token[0] in {")", "]", "}"}:
            depth -= 1
        found += [number] * (token.end() - len(found))
        number += token[0] == "\n" and depth <= 0
    return found
