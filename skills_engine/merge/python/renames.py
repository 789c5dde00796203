"""A word that one side replaced by another wherever it kept the code: what the other side adds is
read with it.

The evidence is in the code that both have: each use of the word in the base that the side still has
reads the new word there, and none the old one. Code that was written for the old word then says the
same with the new one.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from skills_engine.judge.known import kept
from skills_engine.merge.core.alignment import increasing
from skills_engine.merge.python.source import SILENT, every, parse, told_apart
from skills_engine.merge.python.statements import lines_of
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skills_engine.merge.python.fold import Folded

__all__ = ["read_with", "renames"]

_Token = tuple[int, str]

_ENOUGH = 2
"""Definitions that must bear a rename out: within one, it is that of a variable."""

_LANGUAGE = frozenset(dir(builtins)) | frozenset(keyword.kwlist)
"""What nobody renames: another of these is another type, not another name."""

_TYPES = ("Dict", "FrozenSet", "List", "Set", "Tuple", "Type")
_SAME = frozenset(pair for word in _TYPES for pair in ((word, word.lower()), (word.lower(), word)))
"""... but for the names that typing gave to builtin types (PEP 585), the one way and the other."""

_WORD = re.compile(r"\w+|[^\w\s]")

_LARGEST_HUNK = 2_000
"""Tokens of a changed hunk above which it bears nothing out."""


def renames(folded: Folded, *sides: int) -> dict[str, str]:
    """The words of the base that a side says otherwise, and that the other one still uses, with
    what they are called now. `sides` are the places of base, side and other among the versions.
    """
    texts = [folded.versions[at] for at in sides]
    words = [folded.words(text) for text in texts]
    gone = (words[0] & words[2]) - words[1]
    gone = gone and gone - folded.everywhere(gone)
    if not gone:
        return {}
    base, side, other = folded.opened(*texts) or texts
    found: dict[str, dict[str, set[int]]] = {word: {} for word in gone}
    for mine, his in _changed(base, side, gone):
        words_b, words_s = [word for _, word in mine], [word for _, word in his]
        if max(len(mine), len(his)) > _LARGEST_HUNK:
            continue
        for tag, i, j, k, m in SequenceMatcher(
            None, words_b, words_s, autojunk=False
        ).get_opcodes():
            if tag != "replace":
                continue
            now = words_s[k:m] if j - i == m - k else [""] * (j - i)
            for (line, word), other_word in zip(mine[i:j], now, strict=True):
                if word in found:
                    found[word].setdefault(other_word, set()).add(line)
    names = {word: min(now) for word, now in found.items() if len(now) == 1}
    names = {
        w: now
        for w, now in names.items()
        if len(found[w][now]) >= _ENOUGH
        and ((w, now) in _SAME or (not {w, now} & _LANGUAGE and now.isidentifier()))
    }
    if not names:
        return {}
    places = _definitions(base)
    return {
        word: now
        for word, now in names.items()
        if len({places.get(line, -1) for line in found[word][now]}) >= _ENOUGH
        and not _together(other, word, now)
    }


def read_with(text: str, words: Mapping[str, str]) -> str:
    """A text with words replaced where they are names. Raises Unsupported where it cannot be
    cut into tokens.
    """
    if not words:
        return text
    if told_apart(text):
        name = re.compile(rf"\b(?:{'|'.join(words)})\b(?![\"'])")  # no prefix of a string
        at, pieces = 0, list[str]()
        for silent in SILENT.finditer(text):
            pieces += _renamed(name, words, text[at : silent.start()]), silent[0]
            at = silent.end()
        return "".join((*pieces, _renamed(name, words, text[at:])))
    lines = text.split("\n")
    for token in reversed(_tokens(text)):
        if token.type == tokenize.NAME and token.string in words:
            row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:start] + words[token.string] + lines[row][end:]
    return "\n".join(lines)


def _renamed(name: re.Pattern[str], words: Mapping[str, str], code: str) -> str:
    return name.sub(lambda match: words[match[0]], code)


def _together(text: str, word: str, now: str) -> bool:
    """Whether a definition of the text knows both words: then they are not the same. Nor are a type
    that the text calls and its name in typing."""
    lines = text.split("\n")
    for stmt in parse(text).body:
        said = "\n".join(lines[slice(*lines_of(stmt))])
        if word not in said or not (now in said or (word, now) in _SAME):
            continue
        known = {node.id for node in ast.walk(stmt) if isinstance(node, ast.Name)}
        known |= {node.arg for node in ast.walk(stmt) if isinstance(node, ast.arg)}
        calls = {ast.unparse(node.func) for node in ast.walk(stmt) if isinstance(node, ast.Call)}
        if {word, now} <= known or ((word, now) in _SAME and word in calls):
            return True
    return False


def _definitions(text: str) -> dict[int, int]:
    """The innermost definition that each line (from 0) is in, by the line that it begins on."""
    within: dict[int, int] = {}
    for node in every(text):  # outer ones come first
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            within.update(
                dict.fromkeys(range(node.lineno - 1, node.end_lineno or node.lineno), node.lineno)
            )
    return within


def _changed(
    base: str, side: str, words: frozenset[str]
) -> Iterator[tuple[list[_Token], list[_Token]]]:
    """The words of the lines that differ, hunk by hunk, where the base's have one of `words` that
    it has on lines enough; lines that one of the two has alone bear nothing out. What lies between
    lines that both have once is compared as difflib does it, which for whole files takes long.
    """
    lines_b, lines_s = (text.split("\n") for text in (base, side))
    low = high = 0
    most = min(len(lines_b), len(lines_s))
    while low < most and lines_b[low] == lines_s[low]:
        low += 1
    while high < most - low and lines_b[-1 - high] == lines_s[-1 - high]:
        high += 1
    rows = lines_b[low : len(lines_b) - high], lines_s[low : len(lines_s) - high]
    word = re.compile(rf"\b(?:{'|'.join(words)})\b")
    said = [(at, each) for at, line in enumerate(rows[0]) for each in set(word.findall(line))]
    often = Counter(each for _, each in said)
    told = [at for at, each in said if often[each] >= _ENOUGH and _may_be_renamed(each)]
    if not told:
        return
    matcher = SequenceMatcher(None, *rows, autojunk=False)
    waiting = _gaps(*rows)
    while waiting:
        i, j, k, m = waiting.pop()
        if k == m or bisect_left(told, i) == bisect_left(told, j):
            continue
        same = matcher.find_longest_match(i, j, k, m)
        if same.size:
            waiting.append((i, same.a, k, same.b))
            waiting.append((same.a + same.size, j, same.b + same.size, m))
        else:
            yield _row(lines_b, low + i, low + j), _row(lines_s, low + k, low + m)


def _gaps(base: list[str], side: list[str]) -> list[tuple[int, int, int, int]]:
    """What lies between the lines that both have once, in one order."""
    once = {line for line, times in Counter(side).items() if times == 1}
    once &= {line for line, times in Counter(base).items() if times == 1}
    where = {line: at for at, line in enumerate(side) if line in once}
    same = increasing([(at, where[line]) for at, line in enumerate(base) if line in once])
    starts = [(0, 0), *((i + 1, k + 1) for i, k in same)]
    ends = [*same, (len(base), len(side))]
    return [(i, j, k, m) for (i, k), (j, m) in zip(starts, ends, strict=True)]


def _may_be_renamed(word: str) -> bool:
    return word not in _LANGUAGE or any(word == old for old, _ in _SAME)


def _row(lines: Sequence[str], start: int, end: int) -> list[_Token]:
    return [(line, word) for line in range(start, end) for word in _WORD.findall(lines[line])]


@kept
def _tokens(text: str) -> list[tokenize.TokenInfo]:
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, IndentationError) as error:
        raise Unsupported("a version cannot be cut into tokens") from error
