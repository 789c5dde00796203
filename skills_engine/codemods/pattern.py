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
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.parsing import parse_expression, parse_module
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skills_engine.codemods.syntax import Unit

__all__ = ["MANY", "SPELLED", "Match", "Pattern", "find_metavariables", "replace_metavariables"]

Bindings = dict[str, tuple[cst.CSTNode, ...]]
_LEXEME = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"{3}|'{3}|["'])
                    (?:\\.|(?!(?P=quote)).)*(?P=quote))
      | (?P<word>\w+)
      | (?P<open>[\[({])
      | (?P<close>[\])}])
      | \$(?P<dots>\.\.\.)?(?P<name>[A-Za-z_]\w*)?""",
    re.VERBOSE | re.DOTALL,
)
_IN_FSTRING = re.compile(r"(?<!\{)\{\$(?P<name>[A-Za-z_]\w*)(?=[}!:=.])")
ONE, MANY = "metavariable_one_", "metavariable_many_"
"""How `$X` and `$...X` are spelled for the parser: identifiers that nobody has."""
SPELLED = re.compile(rf"(?P<stars>\*\*)?\b(?P<kind>{ONE}|{MANY})(?P<name>\w+)\b")
_ANYTHING = "_"


@dataclass(frozen=True, slots=True)
class Metavariable:
    """`$name` or `$...name` in a source, from character `start` to `end`; `braced` directly between
    `{` and `}`.
    """

    name: str
    many: bool
    start: int
    end: int
    braced: bool = False

    @property
    def identifier(self) -> str:
        return (MANY if self.many else ONE) + self.name


def find_metavariables(text: str) -> tuple[Metavariable, ...]:
    """The metavariables of a source in order; what is in comments and strings is none, but `{$X}`
    in an f-string is.
    """
    found: list[Metavariable] = []
    brackets: list[str] = []
    for lexeme in _LEXEME.finditer(text):
        if lexeme["open"]:
            brackets.append(lexeme["open"])
        elif lexeme["close"]:
            del brackets[-1:]
        elif lexeme["string"] and "f" in lexeme["prefix"].lower():
            at = lexeme.start()
            for inner in _IN_FSTRING.finditer(lexeme["string"]):
                found.append(
                    Metavariable(inner["name"], False, at + inner.start() + 1, at + inner.end())
                )
        elif lexeme[0].startswith("$"):
            name = lexeme["name"] or (_ANYTHING if lexeme["dots"] else "")
            if name:
                braced = brackets[-1:] == ["{"]
                found.append(
                    Metavariable(name, bool(lexeme["dots"]), lexeme.start(), lexeme.end(), braced)
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


@dataclass(frozen=True, slots=True)
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
            module = _module(text + " $...") or _module(text + " $...\nfinally: $...")
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
        """The expressions below `root` that match, in file order."""
        for node in expressions(root):
            if (match := self.at(node)) is not None:
                yield match

    def at(
        self, node: cst.CSTNode, bindings: Mapping[str, tuple[cst.CSTNode, ...]] | None = None
    ) -> Match | None:
        """A match of this pattern (of one expression or statement) with exactly that node."""
        matcher = _Matcher(self.header)
        found = matcher.node(self.nodes[0], node, dict(bindings or {}))
        return None if found is None else Match((node,), found, pairs=matcher.pairs)

    def in_blocks(self, body: cst.BaseSuite | cst.Module, *, into: bool = False) -> Iterator[Match]:
        """The runs of statements that match in a body and its blocks (in nested definitions with
        `into`).
        """
        for block in descend(body, into=into):
            yield from self.in_block(block)

    def in_block(self, block: cst.BaseSuite | cst.Module) -> Iterator[Match]:
        """The runs that match among the statements directly in a block; they do not overlap."""
        here = units(block)
        statements = self.statements
        start, stop = 0, len(here)
        while start < stop:
            found = self._run(statements, here, start)
            if found is not None and found[0] > start:
                end, bindings, pairs = found
                run = here[start:end]
                yield Match(tuple(u.node for u in run), bindings, run, block, pairs)
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

    def _run(
        self, pattern: Sequence[cst.CSTNode], here: Sequence[Unit], start: int
    ) -> tuple[int, Bindings, Mapping[int, cst.CSTNode]] | None:
        matcher = _Matcher(self.header)
        found = matcher.prefix(pattern, [unit.node for unit in here[start:]], {}, open_end=True)
        return None if found is None else (start + found[0], found[1], matcher.pairs)


class _Matcher:
    """One attempt. Bindings are passed along and copied when they grow, so a failed branch leaves
    nothing behind.
    """

    def __init__(self, header: cst.CSTNode | None) -> None:
        self.header = header
        self.pairs: dict[int, cst.CSTNode] = {}

    def node(self, pattern: cst.CSTNode, node: cst.CSTNode, bindings: Bindings) -> Bindings | None:
        self.pairs[id(pattern)] = node
        if (text := docstring(pattern)) is not None:
            return bindings if text == docstring(node) else None
        if (variable := _single(pattern, node)) is not None:
            return _bind(variable, (node,), bindings)
        if (value := text_of(pattern)) is not None:
            return bindings if value == text_of(node) else None
        if isinstance(pattern, cst.BaseSuite | cst.Module | cst.Parameters):
            fits = isinstance(node, cst.Parameters) is isinstance(pattern, cst.Parameters)
            return self.sequence(flatten(pattern), flatten(node), bindings) if fits else None
        if type(pattern) is not type(node):
            return None
        return self.fields(pattern, node, self._names(pattern), bindings)

    def _names(self, pattern: cst.CSTNode) -> tuple[str, ...]:
        if isinstance(pattern, cst.FormattedString):
            return ("parts",)
        ignored = (
            {"orelse", "finalbody", "handlers", "decorators"} if pattern is self.header else set()
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
        found = self.prefix(pattern, nodes, b)
        return None if found is None else found[1]

    def prefix(
        self,
        pattern: Sequence[cst.CSTNode],
        nodes: Sequence[cst.CSTNode],
        b: Bindings,
        *,
        open_end: bool = False,
    ) -> tuple[int, Bindings] | None:
        """How many nodes the pattern takes (all, but for `open_end`); `$...X` as few as let the
        rest match.
        """
        first = next((i for i, item in enumerate(pattern) if _is_many(item)), len(pattern))
        if len(nodes) < sum(not _is_many(item) for item in pattern):
            return None
        for one, other in zip(pattern[:first], nodes[:first], strict=True):
            found = self.node(one, other, b)
            if found is None:
                return None
            b = found
        if first == len(pattern):
            return (first, b) if open_end or len(nodes) == first else None
        name, rest = _name(pattern[first]), pattern[first + 1 :]
        for after in range(first, len(nodes) + 1) if rest else [len(nodes)]:
            taken = b if name == _ANYTHING else _bind(name, tuple(nodes[first:after]), b)
            more = (
                None
                if taken is None
                else self.prefix(rest, nodes[after:], taken, open_end=open_end)
            )
            if more is not None:
                return after + more[0], more[1]
        return None


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
    if name == _ANYTHING and isinstance(
        pattern, cst.Arg | cst.Param | cst.BaseElement | cst.WithItem
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
        case cst.Arg(keyword=None, star="", value=inner) | cst.WithItem(asname=None, item=inner):
            return inner
        case (
            cst.Param(annotation=None, default=None, star="", name=inner)
            | cst.ImportAlias(asname=None, name=inner)
        ):
            return inner
        case (
            cst.SubscriptElement(slice=cst.Index(star=None, value=inner))
            | cst.Decorator(decorator=inner)
        ):
            return inner
    return node


def _variable(node: cst.CSTNode) -> tuple[str, bool] | None:
    """Name and manyness of the metavariable that a Name stands for."""
    if isinstance(node, cst.Name) and node.value.startswith((ONE, MANY)):
        many = node.value.startswith(MANY)
        return node.value[len(MANY if many else ONE) :], many
    return None


def _name(item: cst.CSTNode) -> str:
    variable = _variable(_core(item))
    return variable[0] if variable else ""


def _is_many(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Name):  # outside a sequence
        return False
    variable = _variable(_core(node))
    return variable is not None and variable[1]


def _expression(text: str) -> cst.BaseExpression | None:
    for spelled in _spellings(text):
        try:
            found = parse_expression(spelled)
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
    """The source for the parser: plainly, and with `$...X` as `**` so that it may stand in a
    dict.
    """
    variables = find_metavariables(text)
    yield replace_metavariables(text, [v.identifier for v in variables])
    if any(v.many and v.braced for v in variables):
        yield replace_metavariables(
            text, ["**" * (v.many and v.braced) + v.identifier for v in variables]
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
