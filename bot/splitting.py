"""Markdown in pieces, each of which one message can hold and somebody can read by itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.formatting import parser, unix, utf16

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["split"]


def split(markdown: str, most: int, render: Callable[[str], str] = str) -> list[str]:
    """Markdown in pieces of at most `most` UTF-16 code units, as they are and as `render` shows
    them; a blank text has none.

    A piece ends before a block if that leaves it at least half full, else at a line, a word, and
    within a word only if nothing else does. Code that is cut has its fences about either part, and
    a table its head. What fits is left as it is, its indentation too.
    """

    def fits(piece: str) -> bool:
        return utf16(piece) <= most and utf16(render(piece)) <= most

    pieces: list[str] = []
    rest = unix(markdown).rstrip()
    while rest.strip():
        if fits(rest):
            return [*pieces, rest]
        layout = _Layout.of(rest.lstrip("\n"), seen=2 * most)
        end = layout.best(most, fits)
        pieces += [layout.piece(end)] if layout.piece(end).strip() else []
        rest = layout.rest(end)
    return pieces


def _greatest(length: int, fits: Callable[[int], bool]) -> int:
    """The greatest number up to `length` that fits, where smaller ones fit too; 0 if none does."""
    low, high = (length if fits(length) else 0), length
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where a text may be cut, by offset. `about` is what has to stand about a cut in code or in a
    table: beginning, end, head, foot.
    """

    text: str
    blocks: tuple[int, ...]
    lines: tuple[int, ...]
    about: tuple[tuple[int, int, str, str], ...]

    @classmethod
    def of(cls, text: str, seen: int) -> "_Layout":
        """The layout of a text, as far as its first `seen` characters tell."""
        lines = text[:seen].split("\n")
        offsets = [0]
        for line in lines:
            offsets.append(offsets[-1] + len(line) + 1)
        tokens: list[Token] = []
        parser().block.parse(text[:seen], parser(), {}, tokens)
        blocks, about, bad = [], [], {0}
        for token in tokens:
            if token.map is None:
                continue
            first, last = token.map
            if token.level == 0 or (token.type == "list_item_open" and token.level == 1):
                blocks.append(offsets[first])
            if token.type == "fence":
                before = lines[first].partition(token.markup)[0]
                margin = re.sub(r"[^>\s]", " ", before)
                margin = margin if ">" in margin else margin[:3]
                head = margin + lines[first][len(before) :] + "\n"
                about.append((offsets[first + 1], offsets[last], head, f"\n{margin}{token.markup}"))
                bad |= {offsets[first + 1], offsets[last - 1]}  # an empty fence says nothing
            elif token.type == "table_open":
                head = "\n".join(lines[first : first + 2]) + "\n"
                about.append((offsets[first + 2], offsets[last], head, ""))
                bad |= set(offsets[first + 1 : first + 3])
        rows = (offset for offset in offsets[:-1] if offset not in bad)
        return cls(text, tuple(blocks), tuple(rows), tuple(about))

    def best(self, most: int, fits: Callable[[str], bool]) -> int:
        """The last border of the best kind: between half full and full, and a line of code is cut
        only if nothing else is left.
        """
        longest = _greatest(min(most, len(self.text)), lambda end: fits(self.piece(end))) or 1
        words = [space.end() for space in re.finditer(r"[ \t]+", self.text[: longest + 1])]
        code = self.lines if self._about(longest)[0] else ()
        half = longest / 2
        for borders, least in ((self.blocks, half), (self.lines, half), (code, 1), (words, half)):
            ends = [0, *sorted(end for end in borders if least <= end <= longest + 1)]
            if best := _greatest(len(ends) - 1, lambda nth: fits(self.piece(ends[nth]))):  # noqa: B023
                return ends[best]
        return longest

    def piece(self, end: int) -> str:
        return self.text[:end].rstrip() + self._about(end)[1]

    def rest(self, end: int) -> str:
        return self._about(end)[0] + self.text[end:]

    def _about(self, end: int) -> tuple[str, str]:
        inside = ((head, foot) for begin, stop, head, foot in self.about if begin < end < stop)
        return next(inside, ("", ""))
