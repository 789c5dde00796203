"""Items put into, and taken out of, a list between brackets, in the layout that it has.

TOML arrays and inline tables, JSON arrays and objects and YAML flow collections
differ only in whether comments may stand between their items.
"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.data.text import (
    Range,
    TextSplice,
    indent_at,
    line_break_before,
    line_end,
    line_start,
    newline,
)

__all__ = ["Brackets"]


@dataclass(frozen=True, slots=True)
class Brackets:
    """`start` is the opening bracket, `end` comes after the closing one; `items` are ranges without
    the commas.
    """

    start: int
    end: int
    items: tuple[Range, ...]
    comment: str = "#"

    def spread(self, text: str) -> bool:
        """Whether the list has line ends between its items or brackets."""
        edges = [self.start, *(edge for item in self.items for edge in item), self.end]
        return any("\n" in text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))

    def indent(self, text: str, unit: str) -> str:
        """The indentation of an item on a line of its own."""
        for item in self.items:
            if self._begins_line(text, item):
                return indent_at(text, item.start)
        return indent_at(text, self.start) + unit

    def insert(
        self, text: str, index: int, new: str, *, unit: str, spread: bool, trailing: bool
    ) -> list[TextSplice]:
        """Put an item before that of `index`, or last.

        `new` is the item, its further lines indented relative to the first. `spread` puts the first
        item of an empty list on a line of its own; `trailing` gives it a comma there.
        """
        eol, indent = newline(text), self.indent(text, unit)
        new = new.replace("\n", eol + indent)
        if not self.items:
            return [
                self._insert_only(
                    text, new + ("," if trailing else ""), new, eol, unit, spread=spread
                )
            ]
        if index == 0:
            return [self._insert_first(text, new, eol + indent)]
        last = self.items[index - 1]
        comma = self._comma(text, last.end)
        if comma is not None:
            at = self._line_done(text, comma + 1)
            if at is not None:
                return [TextSplice(at, at, eol + indent + new + ",")]
            return [TextSplice(comma + 1, comma + 1, self._gap(text) + new + ",")]
        at = self._line_done(text, last.end)
        if at is None and not self._begins_line(text, last):
            return [TextSplice(last.end, last.end, "," + self._gap(text) + new)]
        at = last.end if at is None else at
        return [TextSplice(last.end, last.end, ","), TextSplice(at, at, eol + indent + new)]

    def remove(self, text: str, index: int) -> list[TextSplice]:
        """Take an item out, with its comma, and with its line if it has one to itself."""
        item = self.items[index]
        comma = self._comma(text, item.end)
        stop = item.end if comma is None else comma + 1
        if len(self.items) == 1:
            around = text[self.start + 1 : item.start] + text[stop : self.end - 1]
            if not around.strip():
                start = self.start + 1 if "\n" in around else item.start
                return [TextSplice(start, self.end - 1, "")]
        done = self._line_done(text, stop)
        if self._begins_line(text, item):
            if done is None and comma is not None and index + 1 < len(self.items):
                return [TextSplice(item.start, self.items[index + 1].start, "")]
            line = TextSplice(
                line_break_before(text, item.start), stop if done is None else done, ""
            )
            if comma is None and index > 0:
                before = self._comma(text, self.items[index - 1].end)
                return [*([] if before is None else [TextSplice(before, before + 1, "")]), line]
            return [line]
        return [self._remove_within_line(text, index, comma)]

    def _remove_within_line(self, text: str, index: int, comma: int | None) -> TextSplice:
        item = self.items[index]
        stop = item.end if comma is None else comma + 1
        if index == 0:
            return TextSplice(item.start, self.items[1].start if len(self.items) > 1 else stop, "")
        before = self._comma(text, self.items[index - 1].end) or self.items[index - 1].end
        if comma is not None:
            return TextSplice(before + 1, stop, "")
        leads = not text[
            line_start(text, before) : before
        ].strip()  # a comma that begins the item's line
        return TextSplice(line_break_before(text, before) if leads else before, stop, "")

    def _insert_only(
        self, text: str, on_line: str, new: str, eol: str, unit: str, *, spread: bool
    ) -> TextSplice:
        inside = text[self.start + 1 : self.end - 1]
        outer = indent_at(text, self.start)
        if inside.strip():
            at = self.start + 1 + len(inside.rstrip())
            return TextSplice(at, at, eol + outer + unit + on_line)
        if spread or "\n" in inside:
            return TextSplice(
                self.start + 1, self.end - 1, eol + outer + unit + on_line + eol + outer
            )
        return TextSplice(self.end - 1, self.end - 1, new + inside)

    def _insert_first(self, text: str, new: str, line: str) -> TextSplice:
        first = self.items[0]
        done = self._line_done(text, self.start + 1)
        if done is not None:
            return TextSplice(done, done, line + new + ",")
        return TextSplice(first.start, first.start, new + "," + self._gap(text))

    def _gap(self, text: str) -> str:
        """The white space after the commas between items of one line."""
        if len(self.items) > 1:
            comma = self._comma(text, self.items[0].end)
            return " " if comma is None or text[comma + 1 : comma + 2].isspace() else ""
        return " "

    def _comma(self, text: str, at: int) -> int | None:
        """The comma after an item, or None."""
        while at < self.end - 1:
            if text[at] == ",":
                return at
            if text[at] == self.comment:
                at = line_end(text, at)
            elif text[at].isspace():
                at += 1
            else:
                break
        return None

    def _line_done(self, text: str, at: int) -> int | None:
        """The end of the line of `at`, if nothing but a comment comes before it."""
        end = line_end(text, at)
        rest = text[at:end].lstrip()
        return end if end < self.end and (not rest or rest[:1] == self.comment) else None

    def _begins_line(self, text: str, item: Range) -> bool:
        start = line_start(text, item.start)
        return start > self.start and not text[start : item.start].strip()
