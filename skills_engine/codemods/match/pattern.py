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

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.match.matching import Matcher, Row, Steps
from skills_engine.codemods.match.metavariables import (
    ANYTHING,
    MANY,
    ONE,
    core,
    find_metavariables,
    is_many,
    is_named,
    replace_metavariables,
    variable_of,
)
from skills_engine.codemods.source.spans import byte_spans
from skills_engine.codemods.source.syntax import (
    descend,
    expressions,
    flatten,
    units,
)
from skills_engine.parsing import parse_expression, parse_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skills_engine.codemods.source.syntax import StatementUnit

__all__ = ["Match", "Pattern"]

_YIELD = re.compile(r"yield\b(?![^\n]*\n)")
"""An expression that stands alone only in brackets, or as a statement."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern matched: an expression, or a run of statements in one block."""

    nodes: tuple[cst.CSTNode, ...]
    bindings: Mapping[str, tuple[cst.CSTNode, ...]]
    units: tuple[StatementUnit, ...] = ()
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
        return frozenset(v.name for v in find_metavariables(self.text)) - {ANYTHING}

    @cached_property
    def occurrences(self) -> tuple[int, ...]:
        """The ids of the metavariables' names in the order in which they are written."""
        module = self.root
        if isinstance(module, cst.BaseExpression):
            module = cst.Module([cst.SimpleStatementLine([cst.Expr(module)])])
        assert isinstance(module, cst.Module)  # noqa: S101 - an expression or a module
        spans = byte_spans(module).nodes
        found = [n for n in spans if is_named(n, (ONE, MANY))]
        return tuple(id(n) for n in sorted(found, key=lambda n: spans[n][0]))

    @property
    def bare(self) -> bool:
        """Whether the pattern is a metavariable and nothing else, which matches everything."""
        return len(self.nodes) == 1 and variable_of(core(self.nodes[0])) is not None

    @property
    def spelled(self) -> str:
        """The source with identifiers for metavariables: valid Python."""
        return next(s for s in _spellings(self.text) if _parses(s))

    def fits(
        self, nodes: Sequence[cst.CSTNode], bindings: Mapping[str, tuple[cst.CSTNode, ...]]
    ) -> bool:
        """Whether this pattern matches just those nodes, with just those bindings."""
        return Matcher(self.header).sequence(self.nodes, nodes, dict(bindings)) is not None

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
        matcher = Matcher(self.header, steps)
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
        matcher = Matcher(self.header, Steps(self.text))
        row = Row(matcher, statements, [unit.node for unit in here], open_end=True)
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
            if is_many(statements[0]):
                return

    @property
    def statements(self) -> tuple[cst.CSTNode, ...]:
        """The pattern as statements: an expression is one too."""
        node = self.nodes[0]
        return (cst.Expr(node),) if isinstance(node, cst.BaseExpression) else self.nodes


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
        in_lists += is_many(node)
        stack += node.children
    if spelled != in_lists:
        raise Malformed(
            key,
            f"`{text}` has $... where one expression stands",
            "$...X among arguments, elements, parameters or statements; $X for one expression",
        )
