"""One attempt to match a pattern's nodes with a file's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.metavariables import (
    ANYTHING,
    core,
    is_many,
    lone,
    variable_of,
)
from skills_engine.codemods.source.snippets import first_line
from skills_engine.codemods.source.syntax import (
    docstring,
    flatten,
    is_row_of_one,
    part,
    parts,
    same,
    text_of,
)
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


__all__ = ["Bindings", "Matcher", "Row", "Steps"]


Bindings = dict[str, tuple[cst.CSTNode, ...]]


_STEPS = 1_000_000
"""So many comparisons of two nodes a search may make, some seconds' worth; a try for a name that
repeats counts thirty.
"""


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


class Matcher:
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
            self.holes[id(core(pattern))] = (node,)
            return _bind(variable, (node,), bindings)
        if (value := text_of(pattern)) is not None:
            return bindings if value == text_of(node) else None
        if isinstance(pattern, cst.BaseSuite | cst.Module | cst.Parameters):
            fits = isinstance(node, cst.Parameters) is isinstance(pattern, cst.Parameters)
            return self.sequence(flatten(pattern), flatten(node), bindings) if fits else None
        if type(pattern) is not type(node) and not self._is_try(pattern, node):
            return None
        several = isinstance(pattern, cst.Subscript) and is_many(pattern.slice[0].slice)
        if not several and is_row_of_one(pattern) != is_row_of_one(node):
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
        found = Row(self, pattern, nodes).match(0, b)
        return None if found is None else found[1]


class Row:
    """A row of a pattern's nodes against a row of a file's.

    Where a `$...X` found no place for the rest of the pattern, starting later finds none either:
    what has failed is remembered by place, with what is bound that the rest still asks for. So
    a row is matched in time linear in its nodes for each `$...`, unless names repeat.
    """

    def __init__(
        self,
        matcher: Matcher,
        pattern: Sequence[cst.CSTNode],
        nodes: Sequence[cst.CSTNode],
        *,
        open_end: bool = False,
    ) -> None:
        self._matcher, self._pattern, self._nodes = matcher, pattern, nodes
        self._open = open_end
        self._many = [is_many(item) for item in pattern]
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
            self._matcher.holes[id(core(item))] = tuple(self._nodes[start:after])
            more = None if taken is None else self._from(at + 1, after, taken)
            if more is not None:
                self._matcher.holes[id(core(item))] = tuple(self._nodes[start:after])
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
        if (variable := variable_of(node)) is not None:
            found.add(variable[0])
        stack += node.children
    return frozenset(found - {ANYTHING})


def _bind(name: str, nodes: tuple[cst.CSTNode, ...], bindings: Bindings) -> Bindings | None:
    if name == ANYTHING:
        return bindings
    if name in bindings:
        return bindings if same(_bare(bindings[name]), _bare(nodes)) else None
    return {**bindings, name: nodes}


def _bare(nodes: tuple[cst.CSTNode, ...]) -> tuple[cst.CSTNode, ...]:
    """An expression is the same code as the statement that is only it."""
    return tuple(n.value if isinstance(n, cst.Expr) else n for n in nodes)


def _single(pattern: cst.CSTNode, node: cst.CSTNode) -> str | None:
    """The `$X` that takes the whole of `node` at this place of the pattern."""
    variable = variable_of(core(pattern))
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
    if name == ANYTHING and isinstance(
        pattern, cst.Arg | cst.Param | cst.BaseElement | cst.WithItem | cst.MatchSequenceElement
    ):
        return name
    return None
