"""Comma-separated lists, edited by splicing: elements, arguments, parameters, base classes,
imported names.

A list is laid out on one line, one entry a line, or anything between. What a
new entry must do to look like its neighbours, and what must go with an entry
that is removed, is decided here and nowhere else:

- an entry that has its line to itself gets neighbours that have theirs, with the same indent;
- a comma after the last entry is there afterwards if and only if it was before;
- a comment at the end of a line belongs to the entry on that line; comments on lines of their own
  directly above it, too, and go with it (but not what opens a region, or speaks of more);
- inserting entries and removing them again gives back the same bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.comments import attached
from skills_engine.codemods.source.source import Source, Splice, reindent
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Display", "Sequence", "into_class", "skip"]

Display = cst.List | cst.Set | cst.Dict | cst.Tuple
_TRIVIA = re.compile(rb"(?:[ \t\f\r\n]|#[^\n]*|\\\r?\n)*")
_REST_OF_LINE = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?")


def skip(source: Source, offset: int) -> int:
    """The offset of the first byte from `offset` on that is not white space, comment or line
    continuation.
    """
    found = _TRIVIA.match(source.data, offset)
    return found.end() if found else offset


@dataclass(frozen=True)
class Sequence:
    """A list of entries between brackets, or bare (`X = A, B`).

    `start` is just after the opening bracket and `end` is at the closing one; a bare list's are the
    start of its first entry and the end of its last, its comma included. `items` are the entries
    without commas. `pair` is true of tuples, where the comma after a single entry is syntax.
    """

    source: Source
    items: tuple[Span, ...]
    start: int
    end: int
    bracketed: bool = True
    pair: bool = False

    # --- of what

    @classmethod
    def of_display(cls, source: Source, node: Display) -> Sequence:
        """The elements of a literal list, set, dict or tuple."""
        items = tuple(source.span(element) for element in node.elements)
        whole = source.span(node)
        if not isinstance(node, cst.Tuple):
            return cls(source, items, whole.start + 1, whole.end - 1)
        if node.lpar:
            start, end = source.span(node.lpar[-1]).start + 1, source.span(node.rpar[0]).end - 1
            return cls(source, items, start, end, pair=True)
        return cls(source, items, whole.start, whole.end, bracketed=False, pair=True)

    @classmethod
    def of_arguments(cls, source: Source, call: cst.Call) -> Sequence:
        func = call.func
        after = source.span(func.rpar[-1] if func.rpar else func).end
        items = tuple(source.span(arg) for arg in call.args)
        return cls(source, items, skip(source, after) + 1, source.span(call).end - 1)

    @classmethod
    def of_imported(cls, source: Source, node: cst.Import | cst.ImportFrom) -> Sequence:
        """The names of `from m import a, b` or `import a, b`; not for `import *`."""
        aliases = () if isinstance(node.names, cst.ImportStar) else tuple(node.names)
        items = tuple(source.span(alias) for alias in aliases)
        if isinstance(node, cst.ImportFrom) and node.lpar is not None and node.rpar is not None:
            return cls(
                source, items, source.span(node.lpar).start + 1, source.span(node.rpar).end - 1
            )
        return cls(source, items, items[0].start, items[-1].end, bracketed=False)

    @classmethod
    def of_bases(cls, source: Source, node: cst.ClassDef) -> Sequence | None:
        """The bases and keywords of a class; None where it has no parentheses."""
        if not isinstance(node.lpar, cst.LeftParen) or not isinstance(node.rpar, cst.RightParen):
            return None
        items = tuple(sorted(source.span(arg) for arg in (*node.bases, *node.keywords)))
        return cls(source, items, source.span(node.lpar).start + 1, source.span(node.rpar).end - 1)

    # --- editing

    def insert(self, index: int, *texts: str) -> tuple[Splice, ...]:
        """Splices after which `texts` are entries, the first at `index`."""
        if not self.items:
            return self._fill(texts)
        if index >= len(self.items):
            return self._append(texts)
        return self._put_before(index, texts)

    def replaced(self, part: Span, text: str) -> Splice:
        """A splice that puts `text` in the place of a part of an entry."""
        return Splice(part.start, part.end, self._fit(text, self.source.indent_at(part.start)))

    def remove(self, index: int) -> tuple[Splice, ...]:
        """Splices after which the entry at `index` is gone, with its comma and the comment on its
        line.
        """
        item, comma = self.items[index], self._comma(index)
        after = item.end if comma is None else comma + 1
        last, alone = index == len(self.items) - 1, self._alone(index)
        commas = self._commas_left_by(index)
        if alone:
            end = self.source.line_end(after)
            return (*commas, Splice(self._with_comments(index), end, ""))
        if not last:
            return (*commas, self._without(index, after))
        stop = self._end_of_comment(after)
        if index == 0:
            return (Splice(item.start, stop, ""),)
        before = self.items[index - 1].end if commas else self._required_comma(index - 1) + 1
        if b"#" in self.source.data[before : item.start]:
            return (*commas, Splice(item.start, stop, ""))
        return (Splice(before, stop, ""),)

    def _with_comments(self, index: int) -> int:
        """The start of an entry's lines, with the comments that speak of it."""
        start = self.source.line_start(self.items[index].start)
        floor = self._required_comma(index - 1) + 1 if index else self.start
        return attached(self.source, start, self.source.line_end(floor - 1))

    # --- how it is laid out

    def _comma(self, index: int) -> int | None:
        """Where the comma after an entry is."""
        if not self.bracketed and index == len(self.items) - 1:
            found = self.source.data.find(b",", self.items[index].end, self.end)
            return None if found < 0 else found
        at = self._required_comma(index)
        return at if self.source.data[at : at + 1] == b"," else None

    def _required_comma(self, index: int) -> int:
        """Where the comma after an entry that is not the last must be."""
        return skip(self.source, self.items[index].end)

    def _starts_line(self, index: int) -> bool:
        """Whether an entry is the first thing on its line, inside brackets."""
        at = self.items[index].start
        return self.bracketed and not self.source.data[self.source.line_start(at) : at].strip()

    def _shares_line(self, index: int) -> bool:
        """Whether another entry begins on the line on which this one begins or ends."""
        begin = self.source.line_start(self.items[index].start)
        end = self.source.line_end(self.items[index].end)
        near = self.items[max(0, index - 1) : index] + self.items[index + 1 : index + 2]
        return any(begin <= other.start < end for other in near)

    def _alone(self, index: int) -> bool:
        """Whether an entry, its comma and its comment are all there is on their lines."""
        comma = self._comma(index)
        after = self.items[index].end if comma is None else comma + 1
        end = self._rest_of_line(after)
        return self._starts_line(index) and self.source.data[end : end + 1] in {b"\n", b"\r"}

    def _end_of_comment(self, offset: int) -> int:
        """The end of the comment that follows on the line, or `offset` if there is none."""
        end = self._rest_of_line(offset)
        return end if b"#" in self.source.data[offset:end] else offset

    def _rest_of_line(self, offset: int) -> int:
        """The end of the white space and the comment that follow on the line."""
        rest = _REST_OF_LINE.match(self.source.data, offset)
        return rest.end() if rest else offset

    def _pad(self, index: int) -> str:
        """White space as wide as what stands before the first entry on this entry's line."""
        begin = self.source.line_start(self.items[index].start)
        first = next(item.start for item in self.items if item.start >= begin)
        return re.sub(r"[^\t]", " ", self.source.text(Span(begin, first)))

    def _separator(self) -> str:
        """What one-line entries are separated by: `,` alone if the first two are."""
        if len(self.items) < 2:
            return ", "
        comma = self._required_comma(0)
        return ", " if self.source.data[comma + 1 : comma + 2].isspace() else ","

    def _fit(self, text: str, indent: str) -> str:
        """An entry of several lines, its later lines indented as the line that it begins on."""
        unit = "\t" if indent.startswith("\t") else self.source.indent_unit
        return reindent(text, indent, unit).strip() if "\n" in text else text

    # --- inserting

    def _fill(self, texts: tuple[str, ...]) -> tuple[Splice, ...]:
        if b"\n" not in self.source.data[self.start : self.end]:
            indent = self.source.indent_at(self.start)
            text = ", ".join(self._fit(text, indent) for text in texts)
            return (
                Splice(
                    self.start, self.start, text + ("," if self.pair and len(texts) == 1 else "")
                ),
            )
        opening, closing = self.source.indent_at(self.start), self.source.indent_at(self.end)
        pad = closing if len(closing) > len(opening) else opening + self.source.indent_unit
        below = min(self.source.line_end(self.start), self.source.line_start(self.end))
        return self._lines(below, pad, texts)

    def _lines(
        self, at: int, pad: str, texts: Iterable[str], last_comma: str = ","
    ) -> tuple[Splice, ...]:
        lines = [pad + self._fit(text, pad) for text in texts]
        return (Splice(at, at, ",\n".join(lines) + last_comma + "\n"),)

    def _append(self, texts: tuple[str, ...]) -> tuple[Splice, ...]:
        last = len(self.items) - 1
        comma = self._comma(last)
        after = self.items[last].end if comma is None else comma + 1
        rest_has_lines = b"\n" in self.source.data[after : self.end]
        commented = b"#" in self.source.data[after : self._end_of_comment(after)]
        if not (
            self.bracketed
            and (commented or (self._starts_line(last) and not self._shares_line(last)))
        ):
            return self._append_on_line(texts, comma)
        pad = self._pad(last)
        trailing = "" if comma is None else ","
        if rest_has_lines:
            below = self.source.line_end(after)  # above the comments that a list ends with
            lines = self._lines(min(below, self.source.line_start(self.end)), pad, texts, trailing)
            return lines if trailing else (Splice(after, after, ","), *lines)
        lines = self._lines(after, pad, texts, trailing)
        return (
            Splice(
                after, after, ("" if trailing else ",") + "\n" + lines[0].new.removesuffix("\n")
            ),
        )

    def _append_on_line(self, texts: tuple[str, ...], comma: int | None) -> tuple[Splice, ...]:
        separator = self._separator()
        indent = self.source.indent_at(self.items[-1].start)
        text = separator.join(self._fit(text, indent) for text in texts)
        if comma is None:
            at = self.items[-1].end
            return (Splice(at, at, separator + text),)
        at = comma + 1
        if len(self.items) == 1 and self.pair and b"\n" not in self.source.data[at : self.end]:
            return (Splice(at, at, " " + text),)  # the comma of a one-tuple is no trailing comma
        return (Splice(at, at, separator[1:] + text + ","),)

    def _put_before(self, index: int, texts: tuple[str, ...]) -> tuple[Splice, ...]:
        target = self.items[index]
        if self._starts_line(index) and not self._shares_line(index):
            before = self._required_comma(index - 1) if index else self.start - 1
            return self._lines(
                self.source.line_end(before), self.source.indent_at(target.start), texts
            )
        hugging = index == 0 and len(self.items) > 1 and self._starts_line(1)
        separator = (
            ",\n" + self.source.indent_at(self.items[1].start) if hugging else self._separator()
        )
        text = "".join(
            self._fit(text, self.source.indent_at(target.start)) + separator for text in texts
        )
        return (Splice(target.start, target.start, text), *self._comma_of_one())

    def _comma_of_one(self) -> tuple[Splice, ...]:
        """Drop the comma of a one-tuple that is about to have more entries."""
        comma = self._comma(0)
        if not self.pair or len(self.items) > 1 or comma != self.items[0].end:
            return ()
        if b"\n" in self.source.data[comma : self.end]:
            return ()
        return (Splice(comma, comma + 1, ""),)

    # --- removing

    def _commas_left_by(self, index: int) -> tuple[Splice, ...]:
        """What happens to another entry's comma when an entry goes."""
        count, last = len(self.items), len(self.items) - 1
        if self._comma(last) is not None or count == 1:
            return ()
        if self.pair and count == 2:  # a one-tuple remains
            return (Splice(self.items[last].end, self.items[last].end, ","),) if index == 0 else ()
        if index != last:
            return ()
        comma = self._required_comma(last - 1)
        return (Splice(comma, comma + 1, ""),)

    def _without(self, index: int, after: int) -> Splice:
        """Remove an entry that shares its line with a neighbour or a bracket, and has a
        successor.
        """
        item, following = self.items[index], self.items[index + 1]
        stop = self._end_of_comment(after)
        if b"\n" not in self.source.data[after : following.start]:
            return Splice(item.start, following.start, "")
        if index and b"\n" not in self.source.data[self.items[index - 1].end : item.start]:
            return Splice(self._required_comma(index - 1) + 1, stop, "")
        if b"#" in self.source.data[stop : following.start]:
            return Splice(item.start, stop, "")
        return Splice(item.start, following.start, "")


def into_class(source: Source, node: cst.ClassDef, index: int, text: str) -> tuple[Splice, ...]:
    """Splices after which `text` is in a class's parentheses, which are made where there are
    none.
    """
    sequence = Sequence.of_bases(source, node)
    if sequence is not None:
        return sequence.insert(index, text)
    at = source.span(node.type_parameters or node.name).end
    return (Splice(at, at, f"({text})"),)
