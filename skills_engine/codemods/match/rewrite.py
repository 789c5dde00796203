"""The difference of a pattern and its replacement, made in the bytes that the pattern matched.

Both are read as tokens, with metavariables among them. Tokens that both have are kept as the file
has them, with all that lies between: comments, pragmas, line breaks, redundant brackets, trailing
commas. Only the tokens that one of the two has not are taken out or put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from skills_engine.codemods.match.tokens import (
    TOKEN,
    Token,
    comments_in,
    common,
    crosses,
    items,
    lines_of,
    numbered,
    placed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.codemods.match.metavariables import Metavariable

__all__ = ["Indents", "difference"]

_LARGEST = 400


@dataclass(frozen=True, slots=True)
class Indents:
    """The indent of what is rewritten, and that of one level."""

    indent: str
    unit: str


def difference(
    region: str,
    holes: Sequence[tuple[str, int, int]],
    pattern: tuple[str, Sequence[Metavariable]],
    template: tuple[str, Sequence[Metavariable]],
    texts: Callable[[str], str],
    layout: Indents,
) -> str | None:
    """`region` as the template has it; None where its tokens are not those of the pattern, or a
    comment would be lost.

    `holes` are the name and the place in `region` of each of the pattern's metavariables; -1 for
    one that matched nothing. `texts` gives the text of a metavariable.
    """
    empty = {name for name, start, _ in holes if start < 0}
    wanted = items(*template, empty)
    old = placed(region, holes, pattern, empty)
    if old is None or len(old) > _LARGEST or len(wanted) > _LARGEST:
        return None
    kept = {item.text for item in wanted if item.hole}
    if (swapped := _swapped(region, old, wanted, texts)) is not None:
        made = swapped
    else:
        old = numbered(old, lines_of(pattern[0]), spelled=True)
        wanted = numbered(wanted, lines_of(template[0]))
        pairs = common(old, wanted)
        if crosses(pairs, old, wanted):
            return None
        made = _Rewriting(region, template[0], pattern[0], old, wanted, texts, layout).text(pairs)
    lost = comments_in(region) - comments_in(made)
    for item in old:
        if item.hole and item.text not in kept:  # thrown away with what is in it
            lost -= comments_in(region[item.start : item.end])
    return None if lost else made


def _swapped(
    region: str, old: list[Token], new: list[Token], texts: Callable[[str], str]
) -> str | None:
    """The region where metavariables only change places, each with the comment on its line; None
    where that is not all, or not all of them have one.
    """
    if [item.hole for item in old] != [item.hole for item in new]:
        return None
    pairs = [(o, n) for o, n in zip(old, new, strict=True) if o.hole]
    if sorted(o.text for o, _ in pairs) != sorted(n.text for _, n in pairs):
        return None
    if len({o.text for o, _ in pairs}) != len(pairs) or all(o.text == n.text for o, n in pairs):
        return None
    notes: dict[str, tuple[int, int]] = {}
    for at, item in enumerate(old):
        if item.hole:
            stop = old[at + 2].start if at + 2 < len(old) else len(region)
            after = region[item.end : stop].partition("\n")[0]
            found = next((t for t in TOKEN.finditer(after) if t[0][0] == "#"), None)
            if found is not None:
                notes[item.text] = (item.end + found.start(), item.end + found.end())
    moved = [(o.text, n.text) for o, n in pairs if o.text != n.text]
    if len({o in notes for o, _ in moved}) > 1:
        return None
    edits = [
        (o.start, o.end, texts(n.text) if o.hole else n.text) for o, n in zip(old, new, strict=True)
    ]
    edits += [(*notes[o], region[slice(*notes[n])]) for o, n in moved if o in notes]
    out, at = [], 0
    for start, end, text in sorted(edits):
        out += [region[at:start], text]
        at = end
    return "".join([*out, region[at:]])


class _Rewriting:
    def __init__(
        self,
        region: str,
        template: str,
        pattern: str,
        old: list[Token],
        new: list[Token],
        texts: Callable[[str], str],
        layout: Indents,
    ) -> None:
        self._region, self._template, self._pattern = region, template, pattern
        self._old, self._new, self._texts = old, new, texts
        self._layout = layout

    def text(self, kept: Sequence[tuple[int, int]]) -> str:
        pairs = [(-1, -1), *kept, (len(self._old), len(self._new))]
        out: list[str] = []
        for (o, n), (next_o, next_n) in pairwise(pairs):
            if o >= 0:
                item = self._old[o]
                out.append(
                    self._texts(item.text) if item.hole else self._region[item.start : item.end]
                )
            out.append(self._between(o, next_o, n, next_n))
        return "".join(out)

    def _between(self, o: int, next_o: int, n: int, next_n: int) -> str:
        """What stands between two tokens that stay, or an end."""
        start = self._old[o].end if o >= 0 else 0
        stop = self._old[next_o].start if next_o < len(self._old) else len(self._region)
        gone, fresh = self._old[o + 1 : next_o], self._new[n + 1 : next_n]
        if not gone and not fresh:
            return self._region[start:stop]
        first, last = o < 0, next_o == len(self._old)
        added = self._spelled(fresh)
        if not gone:
            return self._inserted(o, n, next_n, self._region[start:stop], added, first, last)
        pieces = self._pieces(start, stop, gone)
        if not fresh:
            return self._seam(o, next_o, n, next_n, pieces, first, last)
        left, right = pieces[0], pieces[-1]
        if not first and "\n" not in left and "#" not in left:
            theirs = self._space(n, n + 1)
            left = left if self._own_space(o) == theirs else theirs
        if not last and "\n" not in right and "#" not in right and not right.strip():
            theirs = self._space(next_n - 1, next_n)
            right = right if self._own_space(next_o - 1) == theirs else theirs
        notes = [comment for piece in pieces[1:-1] for comment in comments_in(piece).elements()]
        return _noted(left + added, notes, right) if notes else left + added + right

    def _pieces(self, start: int, stop: int, gone: Sequence[Token]) -> list[str]:
        """What lies before, between and after tokens that go; brackets and commas that the pattern
        has not go with them.
        """
        edges = [start, *[edge for item in gone for edge in (item.start, item.end)], stop]
        found = [self._region[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
        return [found[0], *map(_trivia, found[1:-1]), found[-1]]

    def _inserted(
        self, o: int, n: int, next_n: int, gap: str, added: str, first: bool, last: bool
    ) -> str:
        before = "" if first else self._space(n, n + 1)
        after = "" if last else self._space(next_n - 1, next_n)
        if first:
            return added + after + gap
        if "\n" in before:  # a statement of its own
            line, newline, _ = gap.partition("\n")
            if last:
                return gap + before + added
            return line + before + added + (newline + gap[len(line) + 1 :] if newline else after)
        if self._old[o].text in {"(", "[", "{"} and not self._old[o].hole:
            line = "\n" + gap.rpartition("\n")[2]  # a comment behind the bracket stays one
            return gap + added + (line if "\n" in gap and added.endswith(",") else after)
        if not after and before and gap and "\n" not in gap:
            return gap + added
        return before + added + (gap or after)

    def _seam(
        self, o: int, next_o: int, n: int, next_n: int, pieces: list[str], first: bool, last: bool
    ) -> str:
        """What is left where tokens only go."""
        opens = not first and self._old[o].text in {"(", "[", "{"} and not self._old[o].hole
        notes = [comment for piece in pieces for comment in comments_in(piece).elements()]
        if last and notes == list(comments_in(pieces[-1]).elements()) and notes:
            return pieces[-1]
        if notes:
            comma = "," if pieces[-1].lstrip().startswith(",") and not opens and not first else ""
            left, right = pieces[0].partition("#")[0], _trivia(pieces[-1]).rpartition("#")[2]
            right = right.partition("\n")[1] + right.rpartition("\n")[2] if "\n" in right else ""
            kept = left if "#" not in pieces[0] else pieces[0]
            own = list(comments_in(pieces[0]).elements())
            return _noted(comma + kept, notes[len(own) :], right)
        if first or last:
            return ""
        if opens:
            return pieces[0]
        if self._old[next_o].text in {")", "]", "}"} and not self._old[next_o].hole:
            return pieces[-1]
        if "\n" in pieces[-1]:
            return pieces[-1]
        return self._space(n, next_n)

    def _spelled(self, items: Sequence[Token]) -> str:
        """Tokens of the template, as they stand there."""
        out = []
        for at, item in enumerate(items):
            if at:
                out.append(self._fitted(self._template[items[at - 1].end : item.start]))
            out.append(self._texts(item.text) if item.hole else item.text)
        return "".join(out)

    def _space(self, n: int, next_n: int) -> str:
        """What the template has between two of its tokens."""
        start = self._new[n].end if n >= 0 else 0
        stop = self._new[next_n].start if next_n < len(self._new) else len(self._template)
        return self._fitted(self._template[start:stop]) if next_n == n + 1 else ""

    def _fitted(self, space: str) -> str:
        """White space of the template, a line break with the file's indents."""
        before, newline, after = space.rpartition("\n")
        if not newline:
            return space
        levels = len(after) // 4
        return f"{before}\n{self._layout.indent}{self._layout.unit * levels}{after[levels * 4 :]}"

    def _own_space(self, o: int) -> str | None:
        """What the pattern has between one of its tokens and the next: where the replacement has
        that too, the file's stays.
        """
        if not 0 <= o < len(self._old) - 1:
            return None
        return self._pattern[self._old[o].spelled[1] : self._old[o + 1].spelled[0]]


def _trivia(text: str) -> str:
    """White space and comments alone."""
    found = [t for t in TOKEN.finditer(text) if t[0][0] != "#"]
    for token in reversed(found):
        text = text[: token.start()] + text[token.end() :]
    return text


def _noted(text: str, notes: Sequence[str], right: str) -> str:
    """A text, then comments: the first on its line if that is not begun, others on their own."""
    indent = (right if "\n" in right else text).rpartition("\n")[2]
    indent = indent if not indent.strip() else ""
    if "\n" in text and not text.rpartition("\n")[2].strip():
        indent = text.rpartition("\n")[2]
    for note in notes:
        fresh = "\n" in text and not text.rpartition("\n")[2].strip()
        text = f"{text if fresh else text.rstrip(' ') + '  '}{note}\n{indent}"
    return text.rpartition("\n")[0] + right if "\n" in right and notes else text
