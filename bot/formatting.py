"""The agent's Markdown as messengers show it: a text, and the marks on it.

A reply is parsed once, by markdown-it-py, into `Rich`: what is read, and spans over it. A channel
turns spans into entities, or into marks of its own (`marked`). CommonMark decides what a mark is,
but for HTML and link definitions, which are text here: nothing that was written may vanish.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from bot.log import log

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

__all__ = ["Rich", "Span", "marked", "parse", "parser", "unix", "utf16"]

INDENT = "    "
DEEPEST = 90
MOST_LOOKED_AT = 2_000_000
"""Characters of a paragraph, for each of its `[`: the parser reads on from each one to the end."""
RULE = "———"
STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
BLOCKS = {"paragraph_open", "heading_open", "blockquote_open", "list_item_open", "table_open"}
BLOCKS |= {"hr", "fence", "code_block"}
ADDRESS = re.compile(r"(https?|mailto|tel|tg):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """A mark on `text[start:end]`. `value` is a link's address, or the language of `pre`.

    `kind` is bold, italic, strike, code, pre, link or quote.
    """

    kind: str
    start: int
    end: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rich:
    """A text as it is read, and its spans, none of them empty; outer ones come first."""

    text: str
    spans: tuple[Span, ...] = ()


def utf16(text: str) -> int:
    """The length in UTF-16 code units, in which messengers count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(markdown: str) -> Rich:
    """What is read, and its marks. What cannot be parsed is read as it is."""
    text = unix(markdown)
    if any(len(one) * one.count("[") > MOST_LOOKED_AT for one in text.split("\n\n")):
        return Rich(text)
    try:
        tokens = parser().parse(text)
    except Exception as error:  # noqa: BLE001  # a fault of the parser's
        log.warning("not parsed", error=error)
        return Rich(text)
    if any(token.level > DEEPEST for token in tokens):  # deeper still, the parser drops text
        return Rich(text)
    writer = _Writer(text.split("\n"))
    writer.blocks(tokens)
    return writer.rich()


def marked(rich: Rich, marks: Mapping[str, str]) -> str:
    """The text with a messenger's own `marks` about each line of a span; what has none is plain.

    An address stands behind the words that it is linked to, and a quotation has `> ` before lines.
    """
    before: dict[int, str] = {}
    after: dict[int, str] = {}
    for span in rich.spans:
        if span.kind == "link":
            if span.value.removeprefix("mailto:") != rich.text[span.start : span.end]:
                after[span.end] = f" ({span.value})" + after.get(span.end, "")
        elif span.kind == "pre" and (mark := marks.get("pre")):
            before[span.start] = before.get(span.start, "") + mark + "\n"
            after[span.end] = f"\n{mark}" + after.get(span.end, "")
        elif span.kind == "quote":
            for start, _ in _lines(rich.text, span):
                before[start] = before.get(start, "") + "> "
        elif mark := marks.get(span.kind):
            for start, end in _lines(rich.text, span):
                before[start] = before.get(start, "") + mark
                after[end] = mark + after.get(end, "")
    places = range(len(rich.text) + 1)
    return "".join(after.get(at, "") + before.get(at, "") + rich.text[at : at + 1] for at in places)


def _lines(text: str, span: Span) -> Iterator[tuple[int, int]]:
    """Where each line of a span begins and ends, blanks at its ends left out."""
    start = span.start
    for line in text[span.start : span.end].split("\n"):
        if words := line.strip():
            begin = start + line.index(words)
            yield begin, begin + len(words)
        start += len(line) + 1


def unix(text: str) -> str:
    """A text with one kind of line ends, as the parser sees it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@cache
def parser() -> "MarkdownIt":
    """CommonMark, with tables and strikethrough."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  # a tenth of a second, for the first reply

    options = {"html": False, "maxNesting": DEEPEST + 10}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.disable("reference")  # `[to do]: call` would vanish
    parser.inline.ruler.at("newline", _newline)
    parser.parse("a")  # it makes ready what several threads may use from here on
    return parser


def _newline(state: "StateInline", silent: bool) -> bool:
    """A line's end, and what the next line begins with, as they are."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")
        state.push("softbreak", "br", 0)
    state.pos += 1
    return True


class _Writer:
    """Writes the parser's tokens as a text, and remembers the spans."""

    def __init__(self, source: Sequence[str] = ()) -> None:
        self._source = source
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._open: list[int] = []
        self._margins: list[str] = []
        self._behind: list[str] = []
        self._fresh = True  # nothing stands yet where the next block begins

    def rich(self) -> Rich:
        spans = (span for span in self._spans if span.kind and span.end > span.start)
        return Rich("".join(self._parts), tuple(spans))

    def blocks(self, tokens: "Sequence[Token]") -> None:  # noqa: PLR0912  # a branch a kind of token
        rows: list[list[str]] = []
        for token in tokens:
            if token.type in BLOCKS:
                self._begin(token)
            match token.type:
                case "paragraph_open" if token.level == 0 and token.map:
                    line = self._source[token.map[0]]
                    self._put(line[: len(line) - len(line.lstrip())])
                case "heading_open":
                    self._enter("bold")
                case "blockquote_open" if self._within("quote"):
                    self._contain("", "> ", "> ")
                case "blockquote_open":
                    self._contain("quote", "", "")
                case "list_item_open":
                    marker = f"{token.info}{token.markup} " if token.info else "• "
                    self._contain("", marker, " " * len(marker))
                case "blockquote_close" | "list_item_close":
                    self._margins.pop()
                    self._leave()
                    self._fresh = False
                case "heading_close":
                    self._leave()
                case "hr":
                    self._put(RULE)
                case "fence" | "code_block":
                    self._code(token)
                case "tr_open":
                    rows.append([])
                case "table_close":
                    self._pre(_aligned(rows))
                    rows = []
                case "inline" if rows:
                    cell = _Writer()
                    cell._inlines(token.children or ())
                    rows[-1].append(marked(cell.rich(), {}))
                case "inline":
                    self._inlines(token.children or ())

    def _begin(self, token: "Token") -> None:
        """A block begins on a line of its own, after as much room as it has in the source."""
        if not self._fresh and token.map:
            above = self._source[token.map[0] - 1].strip(" \t>")
            self._put("\n" if above else "\n\n")
        self._fresh = False

    def _contain(self, kind: str, marker: str, margin: str) -> None:
        self._enter(kind)
        self._put(marker)
        self._margins.append(margin)
        self._fresh = True

    def _inlines(self, tokens: "Sequence[Token]") -> None:
        for token in tokens:
            match token.type:
                case "softbreak" | "hardbreak":
                    self._put("\n")
                case "code_inline":
                    self._enter("" if self._within("link") else "code")
                    self._put(token.content)
                    self._leave()
                case "strong_open" | "em_open" | "s_open":
                    self._enter(STYLES[token.tag])
                case "strong_close" | "em_close" | "s_close":
                    self._leave()
                case "link_open":
                    self._link(token, "href")
                case "image":
                    self._link(token, "src")
                    self._inlines(token.children or ())
                    self._end_link()
                case "link_close":
                    self._end_link()
                case _:
                    self._put(token.content)

    def _link(self, token: "Token", name: str) -> None:
        """A link with an address that messengers know; another address stands behind the words."""
        address, title = str(token.attrs.get(name, "")), str(token.attrs.get("title", ""))
        known = ADDRESS.match(address) and not self._within("link")
        self._enter("link" if known else "", address if known else "")
        self._behind.append(", ".join(part for part in ("" if known else address, title) if part))

    def _end_link(self) -> None:
        span, behind = self._spans[self._open[-1]], self._behind.pop()
        if self._length == span.start:  # without words
            self._put(span.value)
        self._leave()
        if behind:
            self._put(f" ({behind})")

    def _code(self, token: "Token") -> None:
        """A block of code. What follows its language is said before it: it may be all there is."""
        code, words = token.content.removesuffix("\n"), token.info.split()
        if token.type == "code_block":
            code = "\n".join(INDENT + line if line.strip() else line for line in code.split("\n"))
        if len(words) > 1 or (words and not code):
            self._put(token.info.strip() + ("\n" if code else ""))
        self._pre(code, words[0] if words else "")

    def _pre(self, text: str, language: str = "") -> None:
        self._enter("pre", language)
        self._put(text, margin="")
        self._leave()

    def _within(self, kind: str) -> bool:
        return any(self._spans[number].kind == kind for number in self._open)

    def _enter(self, kind: str, value: str = "") -> None:
        """A span begins; of a kind that is under way there is no second one."""
        self._spans.append(Span("" if self._within(kind) else kind, self._length, 0, value))
        self._open.append(len(self._spans) - 1)

    def _leave(self) -> None:
        number = self._open.pop()
        self._spans[number] = replace(self._spans[number], end=self._length)

    def _put(self, text: str, margin: str | None = None) -> None:
        margin = "".join(self._margins) if margin is None else margin
        text = re.sub(r"\n(?!\n)", f"\n{margin}", text) if margin else text
        self._parts.append(text)
        self._length += len(text)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """A table in columns, for letters that are all as wide."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = [
        " | ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join([*lines[:1], "-+-".join("-" * width for width in widths), *lines[1:]])


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(character) in {"W", "F"} for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))
