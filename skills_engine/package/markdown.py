"""SKILL.md cut into its frontmatter, headings, prose and fenced blocks, each with its line.

The part of CommonMark that decides where a fenced block begins and ends, so
that the engine runs exactly the blocks that a reader of the rendered page sees:
not those inside another fence, an HTML comment, a quotation or an indented
block. <https://spec.commonmark.org/0.31.2/#leaf-blocks>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Block", "Document", "Fence", "Heading", "Html", "Prose", "normalised", "split"]

_FENCE = re.compile(r" {0,3}(?P<marks>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_HEADING = re.compile(r" {0,3}(?P<level>#{1,6})(?:[ \t]+(?P<title>.*?))??(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_ITEM = re.compile(r" {0,3}([-*+>]|\d+[.)])")
_HTML = tuple(
    (re.compile(r" {0,3}" + start, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for start, end in (
        (r"<(script|pre|style|textarea)(\s|>|$)", r"</(script|pre|style|textarea)>"),
        (r"<!--", r"-->"),
        (r"<\?", r"\?>"),
        (r"<![a-z]", r">"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (r"</?[a-z][a-z0-9-]*(\s|/?>|$)", r"^\s*$"),
    )
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of any level."""

    line: int
    title: str


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block. `line` is the opening fence; the first line of `text` is the one after it,
    and each has its end.

    One with an `indent` may be part of a list item and end where that ends, which is not known
    here.
    """

    line: int
    indent: int
    info: str
    text: str
    raw: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Html:
    """A comment, or a block of tags up to the next blank line."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Prose:
    """Lines of anything else."""

    line: int
    text: str


Block = Heading | Fence | Html | Prose


@dataclass(frozen=True, slots=True)
class Document:
    """`frontmatter` is the text between the two `---` lines, which begins in line 2; None if there
    is none.
    """

    frontmatter: str | None
    body: str
    body_line: int

    def blocks(self) -> Iterator[Block]:
        """The body in order."""
        return _blocks(self.body.split("\n"), self.body_line)


def normalised(text: str) -> str:
    """Text with `\\n` line ends, whichever it had."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split(text: str) -> Document:
    """Cut a page whose line ends are `\\n`."""
    lines = text.split("\n")
    if lines[0].rstrip(" ") == "---":
        for number, line in enumerate(lines[1:], 1):
            if line.rstrip(" ") == "---":
                return Document(
                    "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]), number + 2
                )
    return Document(None, text, 1)


def _blocks(lines: Sequence[str], first: int) -> Iterator[Block]:
    prose: list[str] = []
    start = at = 0

    def flush() -> Iterator[Prose]:
        if any(line.strip() for line in prose):
            yield Prose(first + start, "\n".join(prose).rstrip("\n"))
        prose.clear()

    while at < len(lines):
        line = lines[at]
        block: Block
        if fence := _FENCE.match(line):
            taken, block = _fence(lines, at, first, fence)
        elif (taken := _html(lines, at)) > 0:
            block = Html(first + at, "\n".join(lines[at : at + taken]))
        elif heading := _HEADING.match(line):
            taken, block = 1, Heading(first + at, (heading["title"] or "").strip())
        elif _UNDERLINE.match(line) and prose and prose[-1].strip() and not _ITEM.match(prose[-1]):
            title = [prose.pop()]
            while prose and prose[-1].strip() and not _ITEM.match(prose[-1]):
                title.append(prose.pop())
            taken, block = (
                1,
                Heading(
                    first + at - len(title), " ".join(part.strip() for part in reversed(title))
                ),
            )
        else:
            if not prose:
                start = at
            if prose or line.strip():
                prose.append(line)
            at += 1
            continue
        yield from flush()
        yield block
        at += taken
    yield from flush()


def _fence(lines: Sequence[str], at: int, first: int, opening: re.Match[str]) -> tuple[int, Fence]:
    """How many lines a fenced block takes, and the block; one that nothing closes goes on to the
    end.
    """
    marks = opening["marks"]
    indent = opening.start("marks")
    closing = re.compile(rf" {{0,3}}{re.escape(marks[0])}{{{len(marks)},}}[ \t]*$")
    end = next((n for n in range(at + 1, len(lines)) if closing.match(lines[n])), None)
    content = lines[at + 1 : end]
    text = "".join(_dedent(line, indent) + "\n" for line in content)
    taken = len(lines) - at if end is None else end - at + 1
    raw = "\n".join(lines[at : at + taken])
    return taken, Fence(first + at, indent, opening["info"].strip(), text, raw, end is not None)


def _dedent(line: str, most: int) -> str:
    """A line without the indentation of its fence."""
    return line[min(most, len(line) - len(line.lstrip(" "))) :]


def _html(lines: Sequence[str], at: int) -> int:
    """How many lines an HTML block takes; 0 if none begins here."""
    for start, end in _HTML:
        if opening := start.match(lines[at]):
            if end.search(lines[at], opening.end()):
                return 1
            return next(
                (n - at + 1 for n in range(at + 1, len(lines)) if end.search(lines[n])),
                len(lines) - at,
            )
    return 0
