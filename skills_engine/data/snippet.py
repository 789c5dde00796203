"""A snippet of any text that becomes another, wherever its file has taken it.

Located exactly if that is possible; else by lines, and merged three ways: base
is the snippet before, theirs the snippet after, ours the region most like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from skills_engine.data.diff3 import merge
from skills_engine.data.errors import DataError
from skills_engine.data.text import line_number, newline
from skills_engine.lines import split_lines
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    WholeMerge = Callable[[str, str, str], str | None]

__all__ = ["ensure", "is_alone"]

_ALIKE = 0.6
"""The share of a snippet's lines that a region has at least, for it to be what the snippet became.
"""
_ALMOST = 0.75
"""The likeness of two lines of which one may be what the other became."""
_WORTH = 8
"""Characters of a line below which its likeness says nothing."""


def ensure(data: bytes, before: str, after: str, *, whole: WholeMerge | None = None) -> bytes:
    """Turn the one place that reads `before` into `after`.

    A snippet that ends in a line end is made of whole lines; their indentation may differ by place.
    Nothing changes where `after` is there and `before` is not. `whole` merges the file (base, ours
    and theirs; None: a conflict) where its lines do not merge. Raises DataError with lines to look
    at: AMBIGUOUS for several places, MISSING for none, DRIFTED where the file changed what the
    snippet changes; no outcome for binary data.
    """
    if b"\0" in data:
        raise DataError("the file is binary")
    before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    if not before.strip() or not after.strip():
        raise DataError("a snippet is empty", Outcome.AMBIGUOUS)
    text = data.decode("utf-8", "surrogateescape")
    edited = _once(text, before, after, whole)
    if edited != text and _once(edited, before, after, whole) != edited:
        raise DataError(
            "the snippet would match again afterwards; give it more lines around", Outcome.AMBIGUOUS
        )
    return edited.encode("utf-8", "surrogateescape")


def is_alone(data: bytes, before: str) -> bool:
    """Whether no two places are like a snippet, so that it says one place even when the lines there
    have drifted.
    """
    lines = split_lines(data.decode("utf-8", "surrogateescape"))
    return len(_apart(_regions([line.strip() for line in lines], split_lines(before)))) < 2


def _once(text: str, before: str, after: str, merged: WholeMerge | None) -> str:
    eol = newline(text)
    whole = before.endswith("\n") and after.endswith("\n")
    padded = (
        text if text.endswith("\n") or not whole else text + eol
    )  # the last line may lack its line end
    old, new = before.replace("\n", eol), after.replace("\n", eol)
    done = list(_occurrences(padded, new, whole=whole))
    places = [
        at
        for at in _occurrences(padded, old, whole=whole)
        if not any(start <= at and at + len(old) <= start + len(new) for start in done)
    ]
    if len(places) > 1:
        lines = tuple(line_number(text, at) for at in places)
        raise DataError(
            f"the snippet is there {len(places)} times", Outcome.AMBIGUOUS, lines=lines[:20]
        )
    if places:
        edited = padded[: places[0]] + new + padded[places[0] + len(old) :]
        return edited if padded == text else edited.removesuffix(eol)
    return text if done else _merged(text, before, after, merged)


def _occurrences(text: str, snippet: str, *, whole: bool) -> Iterator[int]:
    at = text.find(snippet)
    while at >= 0:
        if not whole or at == 0 or text[at - 1] == "\n":
            yield at
        at = text.find(snippet, at + 1)


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines `start` to `end` of the file are like lines `first` to `last` of the snippet; `score`
    says how much.
    """

    like: Sequence[str]
    first: int
    last: int
    start: int
    end: int
    score: float

    def overlaps(self, other: _Region) -> bool:
        return self.start < other.end and other.start < self.end


def _merged(text: str, before: str, after: str, whole: WholeMerge | None) -> str:
    """The text with the lines that are most like the snippet merged with it."""
    lines, base, theirs = split_lines(text), split_lines(before), split_lines(after)
    region = _region(lines, base, theirs)
    ours = lines[region.start : region.end]
    eol = newline(text)
    indents = _indents(region.like, ours)
    head, tail = _context(base, theirs, region)
    old, new = (
        [_moved(line, indents, eol) for line in side[head : len(side) - tail]]
        for side in (base, theirs)
    )

    def placed(result: list[str]) -> str:
        result = [line if line.endswith("\n") else line + eol for line in result]
        if region.end == len(lines) and not text.endswith("\n"):
            result[-1:] = [line.removesuffix(eol) for line in result[-1:]]
        return "".join([*lines[: region.start], *result, *lines[region.end :]])

    if (result := merge(old, ours, new)) is not None:
        return placed(result)
    if whole is not None and (merged := whole(placed(old), text, placed(new))) is not None:
        return merged
    message = "the file changed the lines that the snippet changes"
    raise DataError(message, Outcome.DRIFTED, lines=(region.start + 1,))


def _context(base: Sequence[str], theirs: Sequence[str], region: _Region) -> tuple[int, int]:
    """How many first and last lines, the same before and after, say nothing of the place: the file
    has them no more.
    """
    most = min(len(base), len(theirs))
    head = 0
    while head < min(region.first, most) and base[head] == theirs[head]:
        head += 1
    tail, loose = 0, len(region.like) - region.last
    while tail < min(loose, most - head) and base[-1 - tail] == theirs[-1 - tail]:
        tail += 1
    return head, tail


def _region(lines: Sequence[str], base: Sequence[str], theirs: Sequence[str]) -> _Region:
    """The one region that is like the snippet before, or like the one after. Raises DataError."""
    keys = [line.strip() for line in lines]
    best = _apart([*_regions(keys, base), *_regions(keys, theirs)])
    if any(region.score == 1 for region in best):
        best = [region for region in best if region.score == 1]
    if len(best) == 1:
        return best[0]
    if best:
        starts = tuple(sorted(region.start + 1 for region in best))
        raise DataError(
            f"{len(best)} places are like the snippet", Outcome.AMBIGUOUS, lines=starts[:20]
        )
    longest = max((line.strip() for line in base), key=len)
    close = get_close_matches(longest, {key for key in keys if key}, n=5)
    near = tuple(number for number, key in enumerate(keys, 1) if key in close)
    raise DataError("nothing there is like the snippet", Outcome.MISSING, lines=near[:10])


def _apart(candidates: Iterable[_Region]) -> list[_Region]:
    """Those that do not overlap a better one, the best first."""
    best: list[_Region] = []
    for region in sorted(
        candidates, key=lambda r: (-r.score, r.first - r.last, r.end - r.start, r.start)
    ):
        if not any(region.overlaps(other) for other in best):
            best.append(region)
    return best


def _regions(keys: Sequence[str], snippet: Sequence[str]) -> Iterator[_Region]:
    """Regions in which most lines of the snippet stand, or lines much like them; those count
    half.
    """
    wanted = [line.strip() for line in snippet]
    count = sum(map(bool, wanted))
    size = len(wanted) + len(wanted) // 2 + 2
    exact = set(filter(None, wanted))
    like: dict[str, str] = {line: line for line in exact}
    equal = [at for at, key in enumerate(keys) if key in exact]
    for start in sorted({start for at in equal for start in range(max(0, at - size + 1), at + 1)}):
        window = keys[start : start + size]
        like.update({key: _most_alike(key, exact) for key in window if key not in like})
        if not like[window[0]]:
            continue
        blocks = SequenceMatcher(
            None, wanted, [like[key] for key in window], autojunk=False
        ).get_matching_blocks()
        pairs = [
            (block.a + n, block.b + n)
            for block in blocks
            for n in range(block.size)
            if wanted[block.a + n]
        ]
        same = sum(wanted[a] == window[b] for a, b in pairs)
        if same and pairs[0][1] == 0 and same + (len(pairs) - same) / 2 >= _ALIKE * count:
            score = (same + (len(pairs) - same) / 2) / count
            yield _Region(
                snippet, pairs[0][0], pairs[-1][0] + 1, start, start + pairs[-1][1] + 1, score
            )


def _most_alike(line: str, others: Iterable[str]) -> str:
    """The line of those that is this one but for some words; '' if none is."""
    if len(line) < _WORTH:
        return ""
    return next(iter(get_close_matches(line, others, n=1, cutoff=_ALMOST)), "")


def _indents(snippet: Sequence[str], ours: Sequence[str]) -> dict[str, str]:
    """The indentation that the file has where the snippet has another."""
    a, b = [line.strip() for line in snippet], [line.strip() for line in ours]
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    pairs = [(snippet[x.a + n], ours[x.b + n]) for x in blocks for n in range(x.size) if a[x.a + n]]
    return {_indent(old): _indent(new) for old, new in reversed(pairs)}


def _moved(line: str, indents: dict[str, str], eol: str) -> str:
    """A snippet's line as deep as the file has its like, in the file's line ends."""
    bare, indent = line.strip(), _indent(line)
    if not bare:
        return eol
    known = max((old for old in indents if indent.startswith(old)), key=len, default=None)
    if known is None:
        shallowest = min(indents, key=len)
        lost = len(shallowest) - len(indent)
        return indents[shallowest][: max(len(indents[shallowest]) - lost, 0)] + bare + eol
    deeper = indent[len(known) :]
    if "\t" in "".join(indents.values()):
        deeper = deeper.replace("    ", "\t")
    return indents[known] + deeper + line.strip("\r\n").lstrip() + eol


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
