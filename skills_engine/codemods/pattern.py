"""Patterns: Python source with metavariables, matched by syntax.

    $X         one expression, name or (alone on its line) statement; the same
               name twice must match the same code
    $_         anything, each time anew
    $...ARGS   any number of arguments, elements, parameters or statements
    $...       the same without a name

White space, comments, quotes, redundant parentheses and trailing commas do not
count. A header without a body (`for $X in items:`) matches the statement
whatever its body, `else` and decorators are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.parsing import parse_expression, parse_module
from skills_engine.codemods.snippets import first_line
from skills_engine.codemods.spans import byte_spans
from skills_engine.codemods.syntax import (
    descend,
    docstring,
    expressions,
    flatten,
    part,
    parts,
    same,
    text_of,
    units,
)
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skills_engine.codemods.syntax import Unit

__all__ = [
    "MANY",
    "SPELLED",
    "Match",
    "Metavariable",
    "Pattern",
    "Steps",
    "find_metavariables",
    "lone",
    "replace_metavariables",
]

Bindings = dict[str, tuple[cst.CSTNode, ...]]
_LEXEME = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"{3}|'{3}|["'])
                    (?:\\.|(?!(?P=quote)).)*(?P=quote))
      | (?P<word>\w+)
      | (?P<open>[\[({])
      | (?P<close>[\])}])
      | (?P<equals>(?<![=!<>:])=(?!=))
      | \$(?P<dots>\.\.\.)?(?P<name>[A-Za-z_]\w*)?""",
    re.VERBOSE | re.DOTALL,
)
_IN_FSTRING = re.compile(r"(?<!\{)\{\$(?P<name>[A-Za-z_]\w*)(?=[}!:=.])")
ONE, MANY = "metavariable_one_", "metavariable_many_"
"""How `$X` and `$...X` are spelled for the parser: identifiers that nobody has."""
SPELLED = re.compile(rf"(?P<stars>\*\*)?\b(?P<kind>{ONE}|{MANY})(?P<name>\w+)\b")
_ANYTHING = "_"
_YIELD = re.compile(r"yield\b(?![^\n]*\n)")
"""An expression that stands alone only in brackets, or as a statement."""
_STEPS = 1_000_000
"""So many comparisons of two nodes a search may make, some seconds' worth; a try for a name that
repeats counts thirty.
"""


@dataclass(frozen=True, slots=True)
class Metavariable:
    """`$name` or `$...name` in a source, from character `start` to `end`; `unpacked`, where the
    parser takes many only as `**`: in a dict, and after a keyword.
    """

    name: str
    many: bool
    start: int
    end: int
    unpacked: bool = False

    @property
    def identifier(self) -> str:
        return (MANY if self.many else ONE) + self.name


def find_metavariables(text: str) -> tuple[Metavariable, ...]:
    """The metavariables of a source in order; what is in comments and strings is none, but `{$X}`
    in an f-string is.
    """
    found: list[Metavariable] = []
    brackets: list[str] = []
    keywords: list[bool] = []
    for lexeme in _LEXEME.finditer(text):
        if lexeme["open"]:
            brackets.append(lexeme["open"])
            keywords.append(False)
        elif lexeme["close"]:
            del brackets[-1:], keywords[-1:]
        elif lexeme["string"] and "f" in lexeme["prefix"].lower():
            at = lexeme.start()
            for inner in _IN_FSTRING.finditer(lexeme["string"]):
                found.append(
                    Metavariable(inner["name"], False, at + inner.start() + 1, at + inner.end())
                )
        elif lexeme["equals"] and brackets[-1:] == ["("]:
            keywords[-1] = True
        elif lexeme[0].startswith("$"):
            name = lexeme["name"] or (_ANYTHING if lexeme["dots"] else "")
            if name:
                starred = text[: lexeme.start()].endswith("**")
                late = brackets[-1:] == ["("] and (keywords[-1] or starred)
                unpacked = (brackets[-1:] == ["{"] or late) and not starred
                found.append(
                    Metavariable(name, bool(lexeme["dots"]), lexeme.start(), lexeme.end(), unpacked)
                )
    return tuple(found)


def replace_metavariables(text: str, new: Sequence[str]) -> str:
    """The source with its metavariables, in order, replaced."""
    out: list[str] = []
    at = 0
    for variable, replacement in zip(find_metavariables(text), new, strict=True):
        out += [text[at : variable.start], replacement]
        at = variable.end
    return "".join([*out, text[at:]])


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern matched: an expression, or a run of statements in one block."""

    nodes: tuple[cst.CSTNode, ...]
    bindings: Mapping[str, tuple[cst.CSTNode, ...]]
    units: tuple[Unit, ...] = ()
    body: cst.BaseSuite | cst.Module | None = None
    pairs: Mapping[int, cst.CSTNode] = field(default_factory=dict)
    """By the id of a node in the pattern, what it matched."""
    holes: Mapping[int, tuple[cst.CSTNode, ...]] = field(default_factory=dict)
    """By the id of a metavariable's name in the pattern, what it matched there."""


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern. Make it with `Pattern.parse`."""

    text: str
    nodes: tuple[cst.CSTNode, ...]
    is_expression: bool
    root: cst.CSTNode
    header: cst.CSTNode | None = None
    """The last statement, where its header is all that must match."""

    @classmethod
    def parse(cls, text: str, key: str = "pattern", *, statements: bool = False) -> Pattern:
        """Raises Malformed (for `key`) for what is not Python. `statements`: do not read it as an
        expression.
        """
        text = text.replace("\r\n", "\n").strip("\n").rstrip()
        if not text.strip():
            raise Malformed(
                key, "the pattern is empty", "Python source with metavariables such as $X"
            )
        if not statements and (expression := _expression(text)) is not None:
            _check_lists(expression, text, key)
            return cls(text, (expression,), is_expression=True, root=expression)
        header_only = False
        module = _module(text)
        if module is None and text.endswith(":"):
            header_only = True
            tails = (" $...", " $...\nfinally: $...", "\n    case $_: $...")
            module = next((m for tail in tails if (m := _module(text + tail))), None)
        if module is None:
            raise Malformed(
                key,
                f"`{text}` is not Python",
                "an expression or statements, with $X and $...X in it",
            )
        _check_lists(module, text, key)
        found = flatten(module)
        if not found:
            raise Malformed(key, "the pattern holds no code", "an expression or statements")
        return cls(
            text, found, is_expression=False, root=module, header=found[-1] if header_only else None
        )

    @property
    def names(self) -> frozenset[str]:
        """The metavariables, `$_` and `$...` left out."""
        return frozenset(v.name for v in find_metavariables(self.text)) - {_ANYTHING}

    @cached_property
    def occurrences(self) -> tuple[int, ...]:
        """The ids of the metavariables' names in the order in which they are written."""
        module = self.root
        if isinstance(module, cst.BaseExpression):
            module = cst.Module([cst.SimpleStatementLine([cst.Expr(module)])])
        assert isinstance(module, cst.Module)  # noqa: S101 - an expression or a module
        spans = byte_spans(module).nodes
        found = [n for n in spans if _is_named(n, (ONE, MANY))]
        return tuple(id(n) for n in sorted(found, key=lambda n: spans[n][0]))

    @property
    def bare(self) -> bool:
        """Whether the pattern is a metavariable and nothing else, which matches everything."""
        return len(self.nodes) == 1 and _variable(_core(self.nodes[0])) is not None

    @property
    def spelled(self) -> str:
        """The source with identifiers for metavariables: valid Python."""
        return next(s for s in _spellings(self.text) if _parses(s))

    def fits(
        self, nodes: Sequence[cst.CSTNode], bindings: Mapping[str, tuple[cst.CSTNode, ...]]
    ) -> bool:
        """Whether this pattern matches just those nodes, with just those bindings."""
        return _Matcher(self.header).sequence(self.nodes, nodes, dict(bindings)) is not None

    def in_expressions(self, root: cst.CSTNode) -> Iterator[Match]:
        """The expressions below `root` that match, in file order. Raises CannotEnsure."""
        steps = Steps(self.text)
        for node in expressions(root):
            if (match := self.at(node, steps=steps)) is not None:
                yield match

    def at(
        self,
        node: cst.CSTNode,
        bindings: Mapping[str, tuple[cst.CSTNode, ...]] | None = None,
        steps: Steps | None = None,
    ) -> Match | None:
        """A match of this pattern (of one expression or statement) with exactly that node."""
        matcher = _Matcher(self.header, steps)
        found = matcher.node(self.nodes[0], node, dict(bindings or {}))
        if found is None:
            return None
        return Match((node,), found, pairs=matcher.pairs, holes=matcher.holes)

    def in_blocks(self, body: cst.BaseSuite | cst.Module, *, into: bool = False) -> Iterator[Match]:
        """The runs of statements that match in a body and its blocks (in nested definitions with
        `into`).
        """
        for block in descend(body, into=into):
            yield from self.in_block(block)

    def in_block(self, block: cst.BaseSuite | cst.Module) -> Iterator[Match]:
        """The runs that match among the statements directly in a block; they do not overlap.
        Raises CannotEnsure.
        """
        here = units(block)
        statements = self.statements
        matcher = _Matcher(self.header, Steps(self.text))
        row = _Row(matcher, statements, [unit.node for unit in here], open_end=True)
        start = 0
        while start < len(here):
            found = row.match(start, {})
            if found is not None and found[0] > start:
                end, bindings = found
                run = here[start:end]
                nodes = tuple(u.node for u in run)
                pairs, holes = dict(matcher.pairs), dict(matcher.holes)
                yield Match(nodes, bindings, run, block, pairs, holes)
                start = end
            else:
                start += 1
            if _is_many(statements[0]):
                return

    @property
    def statements(self) -> tuple[cst.CSTNode, ...]:
        """The pattern as statements: an expression is one too."""
        node = self.nodes[0]
        return (cst.Expr(node),) if isinstance(node, cst.BaseExpression) else self.nodes


class Steps:
    """How many comparisons a search has made. Raises CannotEnsure where it would go on for ever."""

    def __init__(self, text: str = "", most: int = _STEPS) -> None:
        self.made = 0
        self._text, self._most = text, most

    def count(self, weight: int = 1) -> None:
        self.made += weight
        if self.made > self._most:
            raise CannotEnsure(
                Outcome.AMBIGUOUS,
                f"the pattern `{first_line(self._text)}` can match in too many ways: a metavariable"
                " stands in it twice, with `$...` between",
                hint="give what repeats another name, or match less",
            )


class _Matcher:
    """One attempt. Bindings are passed along and copied when they grow, so a failed branch leaves
    nothing behind.
    """

    def __init__(self, header: cst.CSTNode | None, steps: Steps | None = None) -> None:
        self.header = header
        self.pairs: dict[int, cst.CSTNode] = {}
        self.holes: dict[int, tuple[cst.CSTNode, ...]] = {}
        self._steps = steps or Steps()

    def step(self, weight: int = 1) -> None:
        self._steps.count(weight)

    def node(self, pattern: cst.CSTNode, node: cst.CSTNode, bindings: Bindings) -> Bindings | None:
        self.step()
        self.pairs[id(pattern)] = node
        if (text := docstring(pattern)) is not None:
            return bindings if text == docstring(node) else None
        if (variable := _single(pattern, node)) is not None:
            self.holes[id(_core(pattern))] = (node,)
            return _bind(variable, (node,), bindings)
        if (value := text_of(pattern)) is not None:
            return bindings if value == text_of(node) else None
        if isinstance(pattern, cst.BaseSuite | cst.Module | cst.Parameters):
            fits = isinstance(node, cst.Parameters) is isinstance(pattern, cst.Parameters)
            return self.sequence(flatten(pattern), flatten(node), bindings) if fits else None
        if type(pattern) is not type(node) and not self._is_try(pattern, node):
            return None
        return self.fields(pattern, node, self._names(pattern), bindings)

    def _is_try(self, pattern: cst.CSTNode, node: cst.CSTNode) -> bool:
        """`try:` alone is the header of one with `except*`, too."""
        return (
            pattern is self.header
            and isinstance(pattern, cst.Try)
            and isinstance(node, cst.TryStar)
        )

    def _names(self, pattern: cst.CSTNode) -> tuple[str, ...]:
        if isinstance(pattern, cst.FormattedString):
            return ("parts",)
        ignored = (
            {"orelse", "finalbody", "handlers", "decorators", "cases"}
            if pattern is self.header
            else set()
        )
        return tuple(name for name in parts(type(pattern)) if name not in ignored)

    def fields(
        self, pattern: cst.CSTNode, node: cst.CSTNode, names: Iterable[str], b: Bindings
    ) -> Bindings | None:
        for name in names:
            one, other = part(pattern, name), part(node, name)
            found: Bindings | None = b
            if isinstance(one, cst.CSTNode) and isinstance(other, cst.CSTNode):
                found = self.node(one, other, b)
            elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
                found = self.sequence(one, other, b)
            elif not same(one, other):
                return None
            if found is None:
                return None
            b = found
        return b

    def sequence(
        self, pattern: Sequence[cst.CSTNode], nodes: Sequence[cst.CSTNode], b: Bindings
    ) -> Bindings | None:
        found = _Row(self, pattern, nodes).match(0, b)
        return None if found is None else found[1]


class _Row:
    """A row of a pattern's nodes against a row of a file's.

    Where a `$...X` found no place for the rest of the pattern, starting later finds none either:
    what has failed is remembered by place, with what is bound that the rest still asks for. So
    a row is matched in time linear in its nodes for each `$...`, unless names repeat.
    """

    def __init__(
        self,
        matcher: _Matcher,
        pattern: Sequence[cst.CSTNode],
        nodes: Sequence[cst.CSTNode],
        *,
        open_end: bool = False,
    ) -> None:
        self._matcher, self._pattern, self._nodes = matcher, pattern, nodes
        self._open = open_end
        self._many = [_is_many(item) for item in pattern]
        self._least = [sum(not m for m in self._many[at:]) for at in range(len(pattern) + 1)]
        self._failed: dict[tuple[object, ...], int] = {}
        self._names: list[frozenset[str]] | None = None

    def match(self, start: int, b: Bindings) -> tuple[int, Bindings] | None:
        """Where the nodes end that the pattern takes from `start` on (the last, but for an open
        end); `$...X` takes as few as let the rest match.
        """
        if len(self._nodes) - start < self._least[0]:
            return None
        return self._from(0, start, b)

    def _from(self, at: int, start: int, b: Bindings) -> tuple[int, Bindings] | None:
        while at < len(self._pattern) and not self._many[at]:
            if start == len(self._nodes):
                return None
            found = self._matcher.node(self._pattern[at], self._nodes[start], b)
            if found is None:
                return None
            at, start, b = at + 1, start + 1, found
        if at == len(self._pattern):
            return (start, b) if self._open or start == len(self._nodes) else None
        return self._gap(at, start, b)

    def _gap(self, at: int, start: int, b: Bindings) -> tuple[int, Bindings] | None:
        item = self._pattern[at]
        name, end = lone(item), len(self._nodes) - self._least[at + 1]
        rest = self._rest(at)
        fixed = not self._open and not any(self._many[at + 1 :])
        bound = tuple(sorted((n, *map(id, b[n])) for n in rest if n in b))
        repeats = name in rest or name in b
        key = (at, bound, start if repeats else -1)
        if self._failed.get(key, len(self._nodes) + 1) <= start:
            return None
        last = at + 1 == len(self._pattern)
        for after in [len(self._nodes)] if last else range(end if fixed else start, end + 1):
            if after < start:
                break
            self._matcher.step(30 if repeats or bound else 1)
            taken = _bind(name, tuple(self._nodes[start:after]), b)
            self._matcher.holes[id(_core(item))] = tuple(self._nodes[start:after])
            more = None if taken is None else self._from(at + 1, after, taken)
            if more is not None:
                self._matcher.holes[id(_core(item))] = tuple(self._nodes[start:after])
                return more
        self._failed[key] = start
        return None

    def _rest(self, at: int) -> frozenset[str]:
        """The metavariables that the pattern asks for from an index on, that of a `$...` there
        left out.
        """
        if self._names is None:
            names: list[frozenset[str]] = [frozenset()]
            for item in reversed(self._pattern):
                names.insert(0, names[0] | _asked(item))
            self._names = names
        return self._names[at + 1]


def _asked(root: cst.CSTNode) -> frozenset[str]:
    """The metavariables in a node of a pattern."""
    found, stack = set(), [root]
    while stack:
        node = stack.pop()
        if (variable := _variable(node)) is not None:
            found.add(variable[0])
        stack += node.children
    return frozenset(found - {_ANYTHING})


def _bind(name: str, nodes: tuple[cst.CSTNode, ...], bindings: Bindings) -> Bindings | None:
    if name == _ANYTHING:
        return bindings
    if name in bindings:
        return bindings if same(_bare(bindings[name]), _bare(nodes)) else None
    return {**bindings, name: nodes}


def _bare(nodes: tuple[cst.CSTNode, ...]) -> tuple[cst.CSTNode, ...]:
    """An expression is the same code as the statement that is only it."""
    return tuple(n.value if isinstance(n, cst.Expr) else n for n in nodes)


def _single(pattern: cst.CSTNode, node: cst.CSTNode) -> str | None:
    """The `$X` that takes the whole of `node` at this place of the pattern."""
    variable = _variable(_core(pattern))
    if variable is None or variable[1]:
        return None
    name = variable[0]
    if isinstance(pattern, cst.Name):
        return name if isinstance(node, cst.BaseExpression) else None
    if isinstance(pattern, cst.Expr):
        return (
            name if isinstance(node, cst.BaseSmallStatement | cst.BaseCompoundStatement) else None
        )
    if isinstance(pattern, cst.MatchAs):
        return name if isinstance(node, cst.MatchPattern) else None
    if name == _ANYTHING and isinstance(
        pattern, cst.Arg | cst.Param | cst.BaseElement | cst.WithItem | cst.MatchSequenceElement
    ):
        return name
    return None


def _core(node: cst.CSTNode) -> cst.CSTNode:
    """The expression that an argument, element, parameter or statement consists of, if it is
    nothing else.
    """
    match node:
        case cst.Expr(value=inner) | cst.Element(value=inner) | cst.StarredDictElement(value=inner):
            return inner
        case cst.Arg(keyword=None, star="**", value=inner) | cst.Param(star="**", name=inner):
            return inner if _is_named(inner, MANY) else node
        case cst.Arg(keyword=None, star="", value=inner) | cst.WithItem(asname=None, item=inner):
            return inner
        case (
            cst.Param(annotation=None, default=None, name=inner)
            | cst.ImportAlias(asname=None, name=inner)
        ):
            return inner
        case cst.MatchSequenceElement(value=inner) | cst.MatchOrElement(pattern=inner):
            return _core(inner)
        case cst.MatchAs(pattern=None, name=cst.Name() as inner):
            return inner if _is_named(inner, (ONE, MANY)) else node
        case (
            cst.SubscriptElement(slice=cst.Index(star=None, value=inner))
            | cst.Decorator(decorator=inner)
        ):
            return inner
    return node


def _is_named(node: cst.CSTNode, kinds: str | tuple[str, ...]) -> bool:
    return isinstance(node, cst.Name) and node.value.startswith(kinds)


def _variable(node: cst.CSTNode) -> tuple[str, bool] | None:
    """Name and manyness of the metavariable that a Name stands for."""
    if isinstance(node, cst.Name) and node.value.startswith((ONE, MANY)):
        many = node.value.startswith(MANY)
        return node.value[len(MANY if many else ONE) :], many
    return None


def lone(node: cst.CSTNode) -> str:
    """The name of the metavariable that is all of a statement; '' for any other."""
    variable = _variable(_core(node))
    return variable[0] if variable else ""


def _is_many(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Name | cst.MatchAs):  # outside a sequence
        return False
    variable = _variable(_core(node))
    return variable is not None and variable[1]


def _expression(text: str) -> cst.BaseExpression | None:
    for spelled in _spellings(text):
        try:
            found = parse_expression(f"({spelled})" if _YIELD.match(spelled) else spelled)
        except (cst.ParserSyntaxError, cst.CSTValidationError):
            continue
        return None if isinstance(found, cst.Name) and found.value.startswith(MANY) else found
    return None


def _module(text: str) -> cst.Module | None:
    for spelled in _spellings(text):
        try:
            return parse_module(spelled)
        except (cst.ParserSyntaxError, cst.CSTValidationError):
            continue
    return None


def _spellings(text: str) -> Iterator[str]:
    """The source for the parser: plainly, and with `$...X` as `**` so that it may stand in a dict
    and after a keyword.
    """
    variables = find_metavariables(text)
    yield replace_metavariables(text, [v.identifier for v in variables])
    if any(v.many and v.unpacked for v in variables):
        yield replace_metavariables(
            text, ["**" * (v.many and v.unpacked) + v.identifier for v in variables]
        )


def _parses(text: str) -> bool:
    try:
        parse_module(text)
    except (cst.ParserSyntaxError, cst.CSTValidationError):
        return False
    return True


def _check_lists(root: cst.CSTNode, text: str, key: str) -> None:
    """Refuse `$...X` where there is one of something: as an operand, say."""
    stack, spelled, in_lists = [root], 0, 0
    while stack:
        node = stack.pop()
        spelled += isinstance(node, cst.Name) and node.value.startswith(MANY)
        in_lists += _is_many(node)
        stack += node.children
    if spelled != in_lists:
        raise Malformed(
            key,
            f"`{text}` has $... where one expression stands",
            "$...X among arguments, elements, parameters or statements; $X for one expression",
        )
