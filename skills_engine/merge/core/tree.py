"""A version of a file as a tree, seen so that three of them can be merged.

A node is a range of a version's text. Its shape is one of three: `Fixed` (a
call: a function and arguments; the text between is glue), `Seq` (a list:
elements with separators, which may share lines), `Block` (a body: units that
have whole lines). A node without a shape is a leaf. Every byte of a version is
in exactly one leaf, glue, gap, lead or trail, so what is put together again
from one version is that version.

Signatures are small integers: two nodes of a merge have the same signature
exactly if they mean the same, whatever their layout and comments.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = [
    "Block",
    "Fixed",
    "Ids",
    "Item",
    "Node",
    "Seq",
    "Shape",
    "StatementSignature",
    "Unit",
    "Version",
    "comments_in",
    "constant",
    "words",
]

_WORD = re.compile(r"\w+")


class Ids:
    """Hash-consing: equal structures get the same number, in all versions of a merge."""

    def __init__(self) -> None:
        self._ids: dict[Hashable, int] = {}
        self.by_text: dict[tuple[str, str], int] = {}

    def of(self, value: Hashable) -> int:
        return self._ids.setdefault(value, len(self._ids))


@dataclass(frozen=True, slots=True)
class StatementSignature:
    """A statement of code: where it begins, and its signature."""

    start: int
    sig: int


class Version:
    """One version's text. `comments` are (offset, text) in order; `strings` are lines that begin
    inside a string.
    """

    def __init__(self, text: str, ids: Ids) -> None:
        self.text = text
        self.ids = ids
        self.comments: list[tuple[int, str]] = []
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.strings: frozenset[int] = frozenset()
        self.find_statements: Callable[[], list[StatementSignature]] = list

    @cached_property
    def statements(self) -> list[StatementSignature]:
        """The statements that would be known again elsewhere, in order of place; none where a file
        has no code.
        """
        return self.find_statements()

    def line_of(self, offset: int) -> int:
        """The line, from 0."""
        return bisect.bisect_right(self.starts, offset) - 1

    def start_of(self, line: int) -> int:
        return self.starts[line] if line < len(self.starts) else len(self.text)

    def indent_at(self, offset: int) -> str:
        """The indentation of the line that an offset is on."""
        start = self.starts[self.line_of(offset)]
        line = self.text[start : start + 200]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def said(self, start: int, end: int) -> tuple[str, ...]:
        """The comments between two offsets, without the blanks at their ends."""
        first = bisect.bisect_left(self.comments, (start, ""))
        last = bisect.bisect_left(self.comments, (end, ""))
        return tuple(text.rstrip() for _, text in self.comments[first:last])

    def holds(self, start: int, end: int) -> list[int]:
        """The signatures of the statements that begin between two offsets."""
        first = bisect.bisect_left(self.statements, start, key=lambda s: s.start)
        last = bisect.bisect_left(self.statements, end, key=lambda s: s.start)
        return [statement.sig for statement in self.statements[first:last]]

    def moved(self, start: int, end: int, old: str, new: str) -> str:
        """A range's text with its lines (not one that begins before it) indented by `new` instead
        of `old`.

        Lines that begin inside a string stay.
        """
        text = self.text[start:end]
        if old == new:
            return text
        first = self.line_of(start)
        lines = text.split("\n")
        for at in range(0 if start == self.starts[first] else 1, len(lines)):
            if first + at not in self.strings and lines[at].startswith(old) and lines[at].strip():
                lines[at] = new + lines[at][len(old) :]
        return "\n".join(lines)


def constant(sig: int) -> Callable[[], int]:
    """What signs a node whose signature is known."""
    return lambda: sig


@dataclass(eq=False, slots=True)
class Node:
    """A range of a version. `start` and `end` include redundant parentheses; `kind` says what may
    merge with what.
    """

    version: Version
    start: int
    end: int
    kind: str
    sign: Callable[[], int]
    build: Callable[[], Shape | None] = field(default=lambda: None)
    _sig: int = -1
    _shape: Shape | None = None
    _built: bool = False
    _indent: str | None = None

    @property
    def text(self) -> str:
        return self.version.text[self.start : self.end]

    @property
    def sig(self) -> int:
        if self._sig < 0:
            key = (self.kind, self.text)
            known = self.version.ids.by_text
            self._sig = known[key] if key in known else known.setdefault(key, self.sign())
        return self._sig

    @property
    def shape(self) -> Shape | None:
        if not self._built:
            self._shape, self._built = self.build(), True
        return self._shape

    @property
    def indent(self) -> str:
        if self._indent is None:
            block = self.shape
            self._indent = (
                block.indent if isinstance(block, Block) else self.version.indent_at(self.start)
            )
        return self._indent

    @property
    def said(self) -> tuple[str, ...]:
        return self.version.said(self.start, self.end)

    @property
    def holds(self) -> list[int]:
        return self.version.holds(self.start, self.end)

    def under(self, indent: str) -> str:
        """The text as it reads where the line it begins on is indented otherwise."""
        return self.version.moved(self.start, self.end, self.indent, indent)

    def means(self, other: Node) -> bool:
        """Whether only layout differs; comments count."""
        return self.sig == other.sig and self.said == other.said

    def reads(self, other: Node) -> bool:
        """Whether the texts are the same but for the indentation around them."""
        return self.text == other.text or (
            self.kind == other.kind and self.under("") == other.under("")
        )


@dataclass(eq=False, slots=True)
class Fixed:
    """A node of so many parts, in order of place."""

    parts: tuple[Node, ...]


@dataclass(eq=False, slots=True)
class Item:
    """An element: `lead` (blanks, comments of its own lines), the node, `pre` (blanks before the
    separator), whether a separator follows, and `trail` (a comment on its line). `free` ones may
    stand in any order."""

    lead: str
    node: Node
    pre: str
    separated: bool
    trail: str
    key: Hashable = None
    free: bool = True

    @property
    def sig(self) -> int:
        return self.node.sig


@dataclass(eq=False, slots=True)
class Seq:
    """Elements between `start` and `end`, the insides of the brackets.

    `head` is a comment on the line of the opening bracket; `close` what stands after the last
    element. With `infix`, separators (`and`) are part of the leads. `single` says that one element
    alone needs its separator; `trailing`, that one may follow the last; `filled`, that there must
    be an element.
    """

    start: int
    end: int
    head: str
    items: list[Item]
    close: str
    separator: str = ","
    infix: bool = False
    single: bool = False
    trailing: bool = True
    filled: bool = False


@dataclass(eq=False, slots=True)
class Unit:
    """Whole lines: `gap` (blank lines), then from `start`: lead comments, the node, the trail to
    the line's end.

    `role` is one of import, guard (imports on a condition), definition, assignment, statement,
    comment, filler (`pass`), docstring,
    clause, decorator, entry. `key` names it among its siblings; `strong` keys name it wherever it
    stands. `case` is of a clause: its word, what it asks about, and for which value. `binds` are
    the names that it gives, each with what it gives it to.
    """

    version: Version
    gap: str
    start: int
    code: int
    node: Node
    end: int
    role: str
    key: Hashable = None
    strong: bool = False
    title: str = ""
    case: tuple[str, Hashable, Hashable] | None = None
    binds: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def comment(cls, node: Node, end: int, first: str) -> Unit:
        """Lines of comments that belong to nothing below them; `first` is the first, stripped."""
        start, title = node.start, f"the comment {first}"
        return cls(node.version, "", start, start, node, end, "comment", title=title)

    @property
    def lead(self) -> str:
        return self.version.text[self.start : self.code]

    @property
    def trail(self) -> str:
        return self.version.text[self.node.end : self.end]

    @property
    def text(self) -> str:
        return self.version.text[self.start : self.end]

    @property
    def sig(self) -> int:
        return self.node.sig

    @property
    def said(self) -> tuple[str, ...]:
        return self.version.said(self.start, self.end)

    @property
    def holds(self) -> list[int]:
        return self.version.holds(self.code, self.end)

    def under(self, old: str, new: str) -> str:
        """The text, indented by `new` instead of `old`."""
        return self.version.moved(self.start, self.end, old, new)

    def means(self, other: Unit) -> bool:
        return self.sig == other.sig and self.said == other.said

    def rebinds(self, other: Unit) -> list[str]:
        """The names that two units give to different things."""
        mine, his = self.binds - other.binds, other.binds - self.binds
        return sorted({name for name, _ in mine} & {name for name, _ in his}) if his else []


@dataclass(eq=False, slots=True)
class Block:
    """Units in order; `tail` is blank text after the last. `scope` is one of definitions (a module,
    a class), statements, clauses, decorators, entries."""

    start: int
    end: int
    indent: str
    units: list[Unit]
    tail: str
    scope: str


Shape = Fixed | Seq | Block


def comments_in(text: str) -> tuple[str, ...]:
    """The comments of text that holds no strings."""
    return tuple(m.group().rstrip() for m in re.finditer(r"#[^\n]*", text))


def words(text: str) -> list[str]:
    return _WORD.findall(text)
