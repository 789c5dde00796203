"""A replacement: source with metavariables, filled with the bytes that a pattern matched.

What a metavariable matched is copied verbatim, comments inside included, and so
is what lies between where pattern and replacement agree. Where precedence
demands parentheses they are put: not by a table, but by parsing with and without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.blocks import Snippet, block_of, extent, rigid_lines
from skills_engine.codemods.parsing import parse_expression, parse_module
from skills_engine.codemods.pattern import SPELLED, Match, Pattern, find_metavariables
from skills_engine.codemods.syntax import extract, flatten, same
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skills_engine.codemods.source import Source

__all__ = ["Template", "region"]

Nodes = tuple[cst.CSTNode, ...]
Texts = Callable[[Nodes], str]
_ATOMS = (
    cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.BaseString, cst.List, cst.Set, cst.Dict,
    cst.ListComp, cst.SetComp, cst.DictComp, cst.Ellipsis,
)  # fmt: skip
_STATEMENTS = (cst.BaseSmallStatement, cst.BaseCompoundStatement)
_INLINE_BODY = re.compile(r"^([ \t]*)(\S[^\n]*:)[ \t]*(\$\.\.\.\w*)[ \t]*$", re.MULTILINE)
_LONE = re.compile(rf"^(?P<indent>[ \t]*){SPELLED.pattern}\n", re.MULTILINE)
_EMPTY = "\0"
_TOKEN = re.compile(
    r"#[^\n]*|\w+|(?P<quote>\"{3}|'{3}|[\"'])(?:\\.|(?!(?P=quote)).)*(?P=quote)|\S", re.DOTALL
)


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
        return cls(pattern, pattern.spelled)

    @property
    def one_line(self) -> bool:
        """Whether it is simple statements on one line, which fit wherever one does."""
        simple = all(
            isinstance(n, cst.BaseSmallStatement | cst.BaseExpression) for n in self.pattern.nodes
        )
        return simple and "\n" not in self.pattern.text

    def expression(
        self, source: Source, match: Match, matched_by: Pattern, texts: Texts | None = None
    ) -> str:
        """The expression to put in the place of `match.nodes[0]`, inside that node's parentheses if
        it has any.

        `texts` gives the source of bound nodes, where that is not their own.
        """
        node = match.nodes[0]
        marks = self._marks(source, match)
        text = None if texts else self._between(source, source.span(node), match, matched_by, marks)
        if text is None:
            text = self._fill(self.spelled, match, texts or _verbatim(source), marks)
        own = self.pattern.nodes[0]
        if (
            isinstance(node, cst.BaseExpression)
            and node.lpar
            and isinstance(own, cst.BaseExpression)
            and own.lpar
        ):
            text = (
                text.strip().removeprefix("(").removesuffix(")")
            )  # those of the node serve as well
        return _in_place(source, node, text)

    def statements(self, source: Source, match: Match, matched_by: Pattern) -> str:
        """The statements to put from the first matched one's first byte to the last one's end (see
        `region`).
        """
        marks = self._marks(source, match)
        if self.one_line:
            text = self._between(source, extract(source, match.nodes), match, matched_by, marks)
            return (
                text
                if text is not None
                else self._fill(self.spelled, match, _verbatim(source), marks)
            )
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
        return (
            self._fill(text, match, _verbatim(source), marks)
            .removeprefix(indent)
            .removesuffix("\n")
        )

    def _fill(self, text: str, match: Match, texts: Texts, marks: frozenset[str]) -> str:
        """Spelled source with what the metavariables matched; those in `marks` in parentheses."""
        starred = {v.name for v in find_metavariables(self.pattern.text) if v.many and not v.braced}

        def put(found: re.Match[str]) -> str:
            name, stars = found["name"], found["stars"] or ""
            if name not in match.bindings:
                return found[0]
            nodes = match.bindings[name]
            if not nodes:
                return _EMPTY
            inside = texts(nodes)
            one = found["kind"].endswith("one_")
            return (stars if one or name in starred else "") + (
                f"({inside})" if name in marks else inside
            )

        filled = SPELLED.sub(put, text)
        return re.sub(rf"{_EMPTY}\s*,\s*|\s*,\s*{_EMPTY}|{_EMPTY}", "", filled)

    def _marks(self, source: Source, match: Match) -> frozenset[str]:
        """The metavariables that need parentheses here."""
        doubtful = {
            name
            for name, nodes in match.bindings.items()
            if name in self.pattern.names and len(nodes) == 1 and _is_loose(nodes[0])
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

    def _is_filled(self, text: str, bindings: Mapping[str, Nodes]) -> bool:
        try:
            nodes = flatten(parse_module(text + "\n"))
        except (cst.ParserSyntaxError, cst.CSTValidationError):
            return False
        if self.pattern.is_expression:
            nodes = tuple(n.value for n in nodes if isinstance(n, cst.Expr))
        return self.pattern.fits(nodes, bindings)

    def _between(
        self, source: Source, span: Span, match: Match, matched_by: Pattern, marks: frozenset[str]
    ) -> str | None:
        """The filled source with the file's own bytes between the metavariables wherever the
        pattern has the same.

        None where the metavariables come in another order, or more than once.
        """
        ours, theirs = find_metavariables(self.pattern.text), find_metavariables(matched_by.text)
        names = [v.name for v in ours]
        unique = len(set(names)) == len(names) and "_" not in names
        if (
            not unique
            or names != [v.name for v in theirs]
            or not all(match.bindings.get(n) for n in names)
        ):
            return None
        spans = [extract(source, match.bindings[name]) for name in names]
        edges = [span.start, *[edge for s in spans for edge in (s.start, s.end)], span.end]
        gaps = [source.text(Span(*pair)) for pair in zip(edges[::2], edges[1::2], strict=True)]
        out: list[str] = []
        for gap, new, old in zip(
            gaps, _literals(self.pattern.text), _literals(matched_by.text), strict=True
        ):
            out.append(_gap(gap, old, new))
        for i, (name, inside) in enumerate(zip(names, spans, strict=True)):
            text = source.text(inside)
            out[i] += f"({text})" if name in marks else text
        filled = _plain(source, "".join(out))
        return filled if self._is_filled(filled, match.bindings) else None


def region(source: Source, match: Match) -> Span:
    """What replaced statements stood on: with the comment after the last one, if a metavariable
    took it along.
    """
    span = extract(source, match.nodes)
    ends = [
        _lines(source, nodes).end
        for nodes in match.bindings.values()
        if nodes and isinstance(nodes[0], _STATEMENTS)
    ]
    return Span(span.start, max([span.end, *ends]))


def _literals(text: str) -> list[str]:
    edges = [0, *[edge for v in find_metavariables(text) for edge in (v.start, v.end)], len(text)]
    return [text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _gap(gap: str, old: str, new: str) -> str:
    """What `new` asks for where the file has `gap` for the pattern's `old`: only the tokens that
    differ are changed.
    """
    theirs, before, after = _tokens(gap), _tokens(old), _tokens(new)
    extra = len(theirs) - len(before)  # a trailing comma
    if [t[0] for t in theirs[max(0, extra) :]] != [t[0] for t in before]:
        return new
    if [t[0] for t in before] == [t[0] for t in after]:
        return gap
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    if not head and not tail:
        return new
    start = after[head - 1].end() if head else 0
    end = after[-tail].start() if tail else len(new)
    if head + tail == len(before):  # something between, or nothing
        at = len(gap) if not tail else theirs[extra + head - 1].end() if head else 0
        added = new[start:end].lstrip() if gap[:at][-1:].isspace() else new[start:end]
        return gap[:at] + added + gap[at:]
    first, last = theirs[extra + head], theirs[-tail - 1]
    return gap[: first.start()] + new[start:end].strip() + gap[last.end() :]


def _tokens(text: str) -> list[re.Match[str]]:
    return [token for token in _TOKEN.finditer(text) if not token[0].startswith("#")]


def _common(one: Sequence[re.Match[str]], other: Sequence[re.Match[str]]) -> int:
    pairs = takewhile(lambda pair: pair[0][0] == pair[1][0], zip(one, other, strict=False))
    return sum(1 for _ in pairs)


def _verbatim(source: Source) -> Texts:
    return lambda nodes: _plain(source, source.text(extract(source, nodes)))


def _plain(source: Source, text: str) -> str:
    """Splices have `\\n` and get the file's line ends."""
    return text.replace(source.newline, "\n")


def _is_loose(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.BaseExpression) and not isinstance(node, _ATOMS) and not node.lpar


def _in_place(source: Source, node: cst.CSTNode, text: str) -> str:
    """The text, in parentheses if the code around would otherwise read it as something else."""
    span = source.span(node)
    around = (
        source.text(Span(max(0, span.start - 1), span.start)),
        source.text(Span(span.end, span.end + 1)),
    )
    glued = (around[0] + text[:1]).isidentifier() or (
        (text[-1:] + "_" + around[1]).isidentifier() and around[1]
    )
    try:
        atom = isinstance(parse_expression(text), _ATOMS) or text.startswith("(")
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        atom = False
    if atom and not glued and not text.startswith("("):
        return text
    plain, safe = _parse_around(source, node, text), _parse_around(source, node, f"({text})")
    if safe is None or (plain is not None and same(plain, safe)):
        return text
    return f"({text})"


def _parse_around(source: Source, node: cst.CSTNode, text: str) -> cst.Module | None:
    """The statement that holds a node, parsed with another text in its place."""
    statement = node
    while not isinstance(source.parents[statement], cst.IndentedBlock | cst.Module):
        statement = source.parents[statement]
    span, place = extract(source, [statement]), source.span(node)
    indent = source.text(Span(source.line_start(span.start), span.start))
    head = f"if 1:\n{indent}" if indent else ""
    code = (
        source.text(Span(span.start, place.start)) + text + source.text(Span(place.end, span.end))
    )
    try:
        return parse_module(head + _plain(source, code) + "\n")
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return None


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
        return f"{indent}{_plain(source, source.text(span))}\n"
    rigid = frozenset().union(*(rigid_lines(source, node) for node in nodes))
    number = source.line(span.start)
    out = []
    for line in _plain(source, source.text(span)).split("\n"):
        out.append(
            indent + line.removeprefix(old) if line.strip() and number not in rigid else line
        )
        number += 1
    return "\n".join(out) + "\n"
