"""A replacement: source with metavariables, filled with the bytes that a pattern matched.

What a metavariable matched is copied verbatim, comments inside included, and so
is what lies between where pattern and replacement agree. Where precedence
demands parentheses they are put: not by a table, but by parsing with and without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.match.in_place import in_place, is_loose, plain
from skills_engine.codemods.match.metavariables import SPELLED, find_metavariables, lone
from skills_engine.codemods.match.pattern import Match, Pattern
from skills_engine.codemods.match.rewrite import Indents, difference
from skills_engine.codemods.match.tokens import comments_in
from skills_engine.codemods.source.blocks import block_of, extent
from skills_engine.codemods.source.code import Snippet, rigid_lines
from skills_engine.codemods.source.syntax import extract, flatten
from skills_engine.parsing import parse_expression, parse_module
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.codemods.source.source import Source

__all__ = ["Template", "region", "stands_alone"]

Nodes = tuple[cst.CSTNode, ...]
Texts = Callable[[Nodes], str]
_STATEMENTS = (cst.BaseSmallStatement, cst.BaseCompoundStatement)
_INLINE_BODY = re.compile(r"^([ \t]*)(\S[^\n]*:)[ \t]*(\$\.\.\.\w*)[ \t]*$", re.MULTILINE)
_LONE = re.compile(rf"^(?P<indent>[ \t]*){SPELLED.pattern}\n", re.MULTILINE)
_EMPTY = "\0"


@dataclass(frozen=True, slots=True)
class Template:
    """A replacement. Make it with `Template.parse`."""

    pattern: Pattern
    spelled: str

    @classmethod
    def parse(cls, text: str, key: str = "with", *, statements: bool = False) -> Template:
        """Raises Malformed (for `key`)."""
        pattern = Pattern.parse(
            _INLINE_BODY.sub(r"\1\2\n\1    \3", text), key, statements=statements
        )
        if pattern.header is not None:
            raise Malformed(key, "it is a header without a body", "the body too, as `$...BODY`")
        return cls(pattern, pattern.spelled)

    def is_one_line(self, match: Match) -> bool:
        """Whether it is simple statements on one line, which fit wherever one does."""
        if "\n" in self.pattern.text:
            return False
        for node in self.pattern.nodes:
            name = lone(node)
            bound = match.bindings.get(name, (node,)) if name else (node,)
            if len(bound) != 1 or isinstance(bound[0], cst.BaseCompoundStatement):
                return False
        return True

    def expression(
        self, source: Source, match: Match, matched_by: Pattern, texts: Texts | None = None
    ) -> str:
        """The expression to put in the place of `match.nodes[0]`, inside that node's parentheses if
        it has any.

        `texts` gives the source of bound nodes, where that is not their own.
        """
        node = match.nodes[0]
        marks = self._marks(source, match)
        text = self._changed(source, source.span(node), match, matched_by, marks, texts)
        filled = text is None
        if text is None:
            text = self._fill(self.spelled, match, texts or _verbatim(source), marks)
        own = self.pattern.nodes[0]
        if (
            isinstance(node, cst.BaseExpression)
            and node.lpar
            and isinstance(own, cst.BaseExpression)
            and own.lpar
        ):  # those of the node serve as well
            text = text.strip().removeprefix("(").removesuffix(")")
        if filled:
            text = self._with_comments(source, match, text)
        return in_place(source, node, text)

    def statements(self, source: Source, match: Match, matched_by: Pattern) -> str:
        """The statements to put from the first matched one's first byte to the last one's end (see
        `region`).
        """
        marks = self._marks(source, match)
        span = region(source, match)
        text = self._changed(source, span, match, matched_by, marks, None)
        if text is not None:
            return text
        tail = source.text(Span(*_end(source, match)))
        if not stands_alone(match):
            return self._fill(self.spelled, match, _verbatim(source), marks) + tail
        indent = source.indent_at(source.span(match.nodes[0]).start)
        lines = Snippet.parse(self.spelled).lines(indent, source.indent_unit)
        out, at = [], 0
        for line in _LONE.finditer(lines):
            nodes = match.bindings.get(line["name"], ())
            if all(isinstance(n, _STATEMENTS) for n in nodes):
                out += [
                    lines[at : line.start()],
                    _moved(source, nodes, line["indent"], line["indent"] != indent),
                ]
                at = line.end()
        text = "".join([*out, lines[at:]])
        filled = self._fill(text, match, _verbatim(source), marks).removesuffix("\n")
        filled += tail if "#" not in filled.rpartition("\n")[2] else ""
        lost = self._lost(source, match, span, filled)
        above = "".join(f"{indent}{comment}\n" for comment in lost)
        return (above + filled).removeprefix(indent)

    def _lost(self, source: Source, match: Match, span: Span, text: str) -> list[str]:
        """The comments of what is replaced that a text has not, those of what is thrown away left
        out.
        """
        lost = comments_in(plain(source, source.text(span))) - comments_in(text)
        for name, nodes in match.bindings.items():
            if nodes and name not in self.pattern.names:
                lost -= comments_in(source.text(extract(source, nodes)))
        return list(lost.elements())

    def _with_comments(self, source: Source, match: Match, text: str) -> str:
        """An expression; where it would lose comments, in brackets below them."""
        node = match.nodes[0]
        lost = self._lost(source, match, source.span(node), text)
        if not lost:
            return text
        outer = source.indent_at(source.span(node).start)
        inner = outer + source.indent_unit
        above = "".join(f"{inner}{comment}\n" for comment in lost)
        return f"(\n{above}{inner}{text}\n{outer})"

    def _fill(self, text: str, match: Match, texts: Texts, marks: frozenset[str]) -> str:
        """Spelled source with what the metavariables matched; those in `marks` in parentheses."""

        def put(found: re.Match[str]) -> str:
            name, stars = found["name"], found["stars"] or ""
            if name not in match.bindings:
                return found[0]
            nodes = match.bindings[name]
            if not nodes:
                return _EMPTY
            inside = texts(nodes)
            stars = stars if found["kind"].endswith("one_") else ""
            return stars + (f"({inside})" if name in marks else inside)

        filled = SPELLED.sub(put, text)
        return re.sub(rf"{_EMPTY}\s*,\s*|\s*,\s*{_EMPTY}|{_EMPTY}", "", filled)

    def _marks(self, source: Source, match: Match) -> frozenset[str]:
        """The metavariables that need parentheses here."""
        doubtful = {
            name
            for name, nodes in match.bindings.items()
            if name in self.pattern.names and len(nodes) == 1 and is_loose(nodes[0])
        }
        if not doubtful or self._holds(source, match, frozenset()):
            return frozenset()
        marks = frozenset(doubtful)
        for name in sorted(doubtful):
            if self._holds(source, match, marks - {name}):
                marks -= {name}
        return marks

    def _holds(self, source: Source, match: Match, marks: frozenset[str]) -> bool:
        """Whether the filled source parses as the template with the bindings in it."""
        whole = {
            n: nodes
            for n, nodes in match.bindings.items()
            if any(isinstance(x, _STATEMENTS) for x in nodes)
        }
        part = {n: nodes for n, nodes in match.bindings.items() if n not in whole}
        kept = Match(match.nodes, part)
        return self._is_filled(self._fill(self.spelled, kept, _verbatim(source), marks), part)

    def _is_filled(self, text: str, bindings: Mapping[str, Nodes], indent: str = "") -> bool:
        """Whether a text is the replacement, with the bindings in it."""
        try:
            if self.pattern.is_expression:
                nodes: Nodes = (parse_expression(f"({text}\n)"),)
            else:
                head = f"if 1:\n{indent}" if indent else ""
                module = parse_module(f"{head}pass\n{indent}{text}\n")  # all at one indent
                nodes = flatten(module)
                nodes = flatten(nodes[0].body) if head else nodes  # type: ignore[attr-defined]
                nodes = nodes[1:]
        except (cst.ParserSyntaxError, cst.CSTValidationError):
            return False
        return self.pattern.fits(nodes, bindings)

    def _changed(
        self,
        source: Source,
        span: Span,
        match: Match,
        matched_by: Pattern,
        marks: frozenset[str],
        texts: Texts | None,
    ) -> str | None:
        """What matched, with the difference of pattern and replacement made in it; None where that
        is not the replacement.
        """
        whole = source.text(span)
        pattern = _INLINE_BODY.sub(r"\1\2\n\1    \3", matched_by.text)
        variables = find_metavariables(pattern)
        if len(variables) != len(matched_by.occurrences):
            return None
        holes: list[tuple[str, int, int]] = []
        bound: dict[str, Nodes] = {}
        for variable, occurrence in zip(variables, matched_by.occurrences, strict=True):
            nodes = match.holes.get(occurrence)
            if nodes is None:
                return None
            name = variable.name if variable.name != "_" else f"_ {len(holes)}"
            bound.setdefault(name, nodes)
            place = extract(source, nodes) if nodes else None
            ends = (-1, -1)
            if place is not None:
                ends = (
                    _characters(source, span, place.start),
                    _characters(source, span, place.end),
                )
            holes.append((name, *ends))
        moved = texts or _verbatim(source)

        def text_of(name: str) -> str:
            inside = moved(bound[name]).replace("\n", source.newline)
            return f"({inside})" if name in marks else inside

        made = difference(
            whole,
            holes,
            (pattern, variables),
            (self.pattern.text, find_metavariables(self.pattern.text)),
            text_of,
            Indents(source.indent_at(span.start), source.indent_unit),
        )
        if made is None:
            return None
        made, whole = plain(source, made), plain(source, whole)
        for name, start, end in holes:
            if any(isinstance(n, _STATEMENTS) for n in bound[name]) and name in self.pattern.names:
                before = whole[:start].rpartition("\n")
                moved_to = f"{before[1]}{before[2]}{whole[start:end]}"
                if not before[2].strip() and moved_to not in made:
                    return None  # it stands at another indent now
        if texts is not None:
            return made
        indent = source.indent_at(span.start)
        return made if self._is_filled(made, match.bindings, indent) else None


def stands_alone(match: Match) -> bool:
    """Whether matched statements have their lines for themselves."""
    first, last = match.units[0].first, match.units[-1].last
    return first and last and isinstance(match.body, cst.IndentedBlock | cst.Module)


def region(source: Source, match: Match) -> Span:
    """What replaced statements stood on, with the comment at the end of the last line."""
    return Span(extract(source, match.nodes).start, _end(source, match)[1])


def _end(source: Source, match: Match) -> tuple[int, int]:
    """The end of matched statements, and of the comment behind them that no metavariable took."""
    ends = [
        _lines(source, nodes).end
        for nodes in match.holes.values()
        if nodes and isinstance(nodes[0], _STATEMENTS)
    ]
    end = max([extract(source, match.nodes).end, *ends])
    rest = source.text(Span(end, source.line_end(end))).rstrip()
    commented = rest.lstrip(" \t").startswith("#")
    return end, end + (len(rest.encode()) if commented else 0)


def _characters(source: Source, span: Span, at: int) -> int:
    """A byte offset as one of the characters of a span."""
    return len(source.text(Span(span.start, at)))


def _verbatim(source: Source) -> Texts:
    return lambda nodes: plain(source, source.text(extract(source, nodes)))


def _lines(source: Source, nodes: Nodes) -> Span:
    """Bound statements with the comments above the first and after the last, where they have lines
    of their own.
    """
    span = extract(source, nodes)
    first, last = block_of(source, nodes[0]), block_of(source, nodes[-1])
    start = extent(source, *first).start if first else span.start
    end = span.end
    if last:
        line = source.text(Span(end, source.line_end(end)))
        end += len(line.rstrip().encode())
    return Span(start, end)


def _moved(source: Source, nodes: Sequence[cst.CSTNode], indent: str, needed: bool) -> str:
    """Bound statements as lines at another indent; `pass` for none where a statement is
    `needed`.
    """
    if not nodes:
        return f"{indent}pass\n" * needed
    span = _lines(source, tuple(nodes))
    old = source.indent_at(source.span(nodes[0]).start)
    if block_of(source, nodes[0]) is None:
        return f"{indent}{plain(source, source.text(span))}\n"
    rigid = frozenset().union(*(rigid_lines(source, node) for node in nodes))
    number = source.line(span.start)
    out = []
    for line in plain(source, source.text(span)).split("\n"):
        out.append(
            indent + line.removeprefix(old) if line.strip() and number not in rigid else line
        )
        number += 1
    return "\n".join(out) + "\n"
