"""A Python file as LibCST sees it, edited by splicing bytes.

LibCST parses without loss, so a node's byte span in the code that it would
generate is its span in the file. An operation finds nodes here, and answers
with splices; all other bytes are copied. Offsets count UTF-8 bytes of the text
without a byte order mark; a file in another declared encoding is decoded first
and encoded again after.
"""

from __future__ import annotations

import io
import sys
import tokenize
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.definitions import (
    Body,
    Definition,
    Kind,
    definitions_in,
    how_to_say,
    implementation,
    named,
)
from skills_engine.codemods.source.one_line import OneLine
from skills_engine.codemods.source.reparse import reparse
from skills_engine.codemods.source.spans import Spans, byte_spans
from skills_engine.errors import CannotEnsure, Unparsable
from skills_engine.lines import split_lines
from skills_engine.parsing import parse_module
from skills_engine.types import Outcome, Place, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


__all__ = ["Edit", "Source", "Splice", "reindent", "spliced"]

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, order=True)
class Splice:
    """Replace the bytes from `start` to `end` by `new`, whose line ends are `\\n` (the file's own
    are put in).
    """

    start: int
    end: int
    new: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What an operation wants done to a file. No splices: the condition holds already."""

    splices: tuple[Splice, ...] = ()
    summary: str = ""

    def places(self, source: Source) -> tuple[Place, ...]:
        return tuple(source.place(splice.start) for splice in sorted(self.splices))


@dataclass(frozen=True)
class Source:
    """One parsed file. Make it with `Source.parse`."""

    path: str
    original: bytes
    encoding: str
    bom: bool
    data: bytes = field(repr=False)
    module: cst.Module = field(repr=False)

    # --- reading

    @classmethod
    @lru_cache(maxsize=16)
    def parse(cls, path: str, original: bytes) -> Source:
        """Raises Unparsable, which names the line, for what Python would not accept either.

        The last few are kept, and those that a splice made are parsed where it changed them: what
        one operation has written, the next one reads.
        """
        before = _spliced.pop((path, original), None)
        if before is not None and (after := before[0]._after(original, before[1])) is not None:
            return after
        text, encoding = _decode(path, original)
        bom = text.startswith(_BOM)
        text = text.removeprefix(_BOM)
        if "\r" in text.replace("\r\n", ""):
            raise Unparsable(
                f"{path}: the file has carriage returns that end no line",
                hint="save it with line ends of one kind (LF or CRLF)",
            )
        try:
            module = parse_module(text)
        except cst.ParserSyntaxError as error:
            raise Unparsable(
                f"{path}:{error.raw_line}: the file does not parse: {error.message.strip()}",
                hint="mend the file first",
            ) from None
        except RecursionError:
            raise Unparsable(f"{path}: the file is nested too deeply to parse") from None
        return cls(path, original, encoding, bom, text.encode("utf-8"), module)

    @classmethod
    def check(cls, path: str, before: bytes, data: bytes, doing: str) -> None:
        """Refuse an edit whose result Python does not compile: the splice met a shape that it did
        not know.

        A file may be for a newer Python than this one, and not have compiled `before`: then it must
        parse.
        """
        error = _error(path, data)
        if error is not None and _error(path, before) is not None:
            cls.parse(path, data)
            return
        if error is not None:
            line = getattr(error, "lineno", None) or 1
            version = ".".join(map(str, sys.version_info[:2]))
            raise CannotEnsure(
                Outcome.DRIFTED,
                f"{doing}: the result would not compile on Python {version} ({error.args[0]})",
                candidates=(Place(path, line),),
                hint="report this shape, or make the change by hand",
            ) from None

    def _after(self, original: bytes, splices: Sequence[Splice]) -> Source | None:
        """This source after splices, without parsing all of it; None where that must be."""
        if self.encoding != "utf-8":
            return None
        data = original.removeprefix(_BOM.encode())
        touched = (splices[0].start, max(splice.end for splice in splices))
        found = reparse(self.module, self._spans, data, touched, len(data) - len(self.data))
        if found is None:
            return None
        after = replace(self, original=original, data=data, module=found[0])
        after.__dict__["_spans"] = found[1]  # where cached_property would put it
        return after

    @cached_property
    def _spans(self) -> Spans:
        return byte_spans(self.module)

    def span(self, node: cst.CSTNode) -> Span:
        """The node's bytes, without whitespace and comments around it; for a definition, without
        its decorators.
        """
        return Span(*self._spans.nodes[node])

    def code(self, node: cst.CSTNode) -> str:
        """The node's own text, as in the file."""
        return self.text(self.span(node))

    def text(self, span: Span) -> str:
        return self.data[span.start : span.end].decode("utf-8")

    def line(self, offset: int) -> int:
        """The line (from 1) that an offset is on."""
        return self.data.count(b"\n", 0, offset) + 1

    def place(self, at: cst.CSTNode | int) -> Place:
        offset = at if isinstance(at, int) else self.span(at).start
        text = self.text(Span(self.line_start(offset), self.line_end(offset)))
        return Place(self.path, self.line(offset), text.strip())

    def line_start(self, offset: int) -> int:
        """The offset of the first byte of the line that `offset` is on."""
        return self.data.rfind(b"\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """The offset just after the line that `offset` is on, its line end included."""
        found = self.data.find(b"\n", offset)
        return len(self.data) if found < 0 else found + 1

    def indent_at(self, offset: int) -> str:
        """The white space that the line of `offset` begins with."""
        line = self.text(Span(self.line_start(offset), self.line_end(offset)))
        return line[: len(line) - len(line.lstrip(" \t"))]

    @property
    def indent_unit(self) -> str:
        return self.module.default_indent

    @property
    def newline(self) -> str:
        return self.module.default_newline

    @cached_property
    def parents(self) -> Mapping[cst.CSTNode, cst.CSTNode]:
        """Each node's parent. Costs a walk of the whole file: only for those who need it."""
        found: dict[cst.CSTNode, cst.CSTNode] = {}
        stack: list[cst.CSTNode] = [self.module]
        while stack:
            node = stack.pop()
            for child in node.children:
                found[child] = node
                stack.append(child)
        return found

    # --- finding definitions

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """Every definition in file order; those in `if`, `try` and `with` blocks count for the
        scope around them.
        """
        return tuple(definitions_in(self.module, ""))

    def find(self, selector: str, *kinds: Kind, doing: str = "") -> Definition:
        """The one definition with that qualified name (and one of the kinds, if any are given). Of
        overloads it is the function that runs, but for who asks for functions alone: the
        signature is all of theirs.

        Raises CannotEnsure: MISSING with names that look alike, AMBIGUOUS with all that match.
        """
        there = named(self.definitions, selector)
        fitting = [d for d in there if not kinds or d.kind in kinds]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            runs = implementation(fitting)
            if runs is not None and kinds != ("function",):
                return runs
            what = f"{selector} is defined {len(fitting)} times"
            raise self.ambiguous(doing, what, [d.node for d in fitting], how_to_say(fitting, runs))
        if there:
            raise self.drifted(
                doing, f"{selector} is a {there[0].kind}, not a {' or '.join(kinds)}", there[0].node
            )
        tail = selector.rpartition(".")[2]
        alike = [
            d.node for d in self.definitions if d.name == tail and (not kinds or d.kind in kinds)
        ]
        owner = selector.rpartition(".")[0]
        rest = [d for d in self.definitions if not kinds or d.kind in kinds]
        beside = [d.node for d in rest if d.qualname.rpartition(".")[0] == owner]
        raise self.missing(
            doing,
            f"{self.path} does not define {selector}",
            alike or beside or [d.node for d in rest],
        )

    def has(self, selector: str) -> bool:
        return any(d.qualname == selector for d in self.definitions)

    def body_of(self, definition: Definition | None) -> Body:
        """The block of a class or function, or the module for None. Raises OneLine for a
        one-line suite.
        """
        if definition is None:
            return self.module
        node = definition.node
        if not isinstance(node, cst.ClassDef | cst.FunctionDef):
            raise self.drifted("", f"{definition.qualname} has no block of its own", node)
        if not isinstance(node.body, cst.IndentedBlock):
            raise OneLine(definition.qualname, node, self.place(node))
        return node.body

    # --- refusing

    def missing(
        self, doing: str, what: str, near: Iterable[cst.CSTNode] = (), hint: str = ""
    ) -> CannotEnsure:
        return self._refusal(Outcome.MISSING, doing, what, near, hint)

    def ambiguous(
        self, doing: str, what: str, near: Iterable[cst.CSTNode] = (), hint: str = ""
    ) -> CannotEnsure:
        return self._refusal(
            Outcome.AMBIGUOUS, doing, what, near, hint or "say more exactly which one"
        )

    def drifted(self, doing: str, what: str, *near: cst.CSTNode, hint: str = "") -> CannotEnsure:
        return self._refusal(Outcome.DRIFTED, doing, what, near, hint)

    def _refusal(
        self, outcome: Outcome, doing: str, what: str, near: Iterable[cst.CSTNode], hint: str
    ) -> CannotEnsure:
        places = tuple(self.place(node) for node in near)[:20]
        return CannotEnsure(
            outcome, f"{doing}: {what}" if doing else what, candidates=places, hint=hint
        )

    # --- writing

    def splice(self, splices: Sequence[Splice]) -> bytes:
        """The file's bytes with the splices made, in its own encoding and line ends. Splices must
        not overlap.
        """
        if not splices:
            return self.original
        data = spliced(
            self.data, (Splice(s.start, s.end, self._with_newlines(s.new)) for s in splices)
        )
        text = (_BOM if self.bom else "") + data.decode("utf-8")
        try:
            made = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise Unparsable(
                f"{self.path}: the file is in {self.encoding}, which cannot write "
                f"{text[error.start : error.end]!r}",
                hint="save it as UTF-8 and change the line that says otherwise, or write an escape",
            ) from None
        while len(_spliced) >= _KEPT:
            del _spliced[next(iter(_spliced))]
        _spliced[self.path, made] = (self, sorted(splices))
        return made

    def _with_newlines(self, text: str) -> str:
        return text.replace("\n", self.newline) if self.newline != "\n" else text


_KEPT = 4
_spliced: dict[tuple[str, bytes], tuple[Source, Sequence[Splice]]] = {}
"""The last files that splices made, and of what."""


def _error(path: str, data: bytes) -> SyntaxError | ValueError | None:
    """What this Python has against a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # an invalid escape in the owner's code is not ours to judge
            compile(data, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return error
    except (RecursionError, MemoryError):
        return ValueError("it is nested too deeply to be compiled")
    return None


def spliced(data: bytes, splices: Iterable[Splice]) -> bytes:
    """UTF-8 with the splices made. Raises ValueError if they overlap."""
    out: list[bytes] = []
    at = 0
    for splice in sorted(splices):
        if splice.start < at:
            raise ValueError(f"splices overlap at byte {splice.start}")
        out += [data[at : splice.start], splice.new.encode("utf-8")]
        at = splice.end
    return b"".join([*out, data[at:]])


def reindent(code: str, indent: str, unit: str) -> str:
    """Indent a dedented snippet (4 spaces a level) by `indent`, one `unit` a level; the inside of
    strings stays.

    The result ends in one line end. Blank lines stay empty.
    """
    code = code.strip("\n") + "\n"
    inside = _string_lines(code)
    out = []
    for number, line in enumerate(split_lines(code), 1):
        if number in inside or not line.strip():
            out.append(line if number in inside else "\n")
            continue
        bare = line.lstrip(" ")
        level, rest = divmod(len(line) - len(bare), 4)
        out.append(indent + unit * level + " " * rest + bare)
    return "".join(out)


def _string_lines(code: str) -> set[int]:
    """The lines that begin inside a string literal."""
    inside: set[int] = set()
    fstring_starts: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.STRING:
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
            elif tokenize.tok_name[token.type] in {"FSTRING_START", "TSTRING_START"}:
                fstring_starts.append(token.start[0])
            elif tokenize.tok_name[token.type] in {"FSTRING_END", "TSTRING_END"}:
                inside.update(range(fstring_starts.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        return inside
    return inside


def _decode(path: str, data: bytes) -> tuple[str, str]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise Unparsable(
            f"{path}: the file cannot be decoded: {error}",
            hint="save it as UTF-8, or declare its encoding in the first line (PEP 263)",
        ) from None
    return text, encoding
