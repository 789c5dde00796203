"""A Python text as facts that can be counted: words, edges of its syntax tree, rows, statements,
comments, imports; each with the scope (the definition) that it stands in.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from skills_engine.judge.known import KNOWN, MOST
from skills_engine.judge.labels import BODIES, SKIPPED, header_of, label_of, plain_label, words_of
from skills_engine.judge.pieces import guards_imports, suites, top
from skills_engine.syntax import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skills_engine.judge.pieces import ParsedText, StatementPiece

__all__ = ["Body", "CountedStatement", "Four", "Reading", "read"]

_COMMENT = re.compile(r'("""|\'\'\'|"|\')(?:\\.|(?!\1).)*?\1|(?P<comment>#[^\n]*)', re.DOTALL)
Fact = TypeVar("Fact")
Scoped = tuple[str, str]
"""A scope, and a word in it."""


@dataclass(frozen=True, slots=True)
class CountedStatement:
    """A statement without what stands in its bodies. `key` tells it from others, by its meaning;
    `title` is for people. One that all texts share has its text as key, and was not looked into.
    """

    key: str
    scope: str
    title: str
    words: Counter[str]
    shared: bool = False
    clause: bool = False
    guard: bool = False
    """It only imports, on a condition: it may stand where an import may."""
    node: ast.AST | None = field(default=None, compare=False, repr=False)

    @property
    def defines(self) -> bool:
        return self.title.startswith(("def ", "class "))

    @property
    def named(self) -> bool:
        """Whether its title says what it defines or assigns."""
        return self.defines or self.title.endswith("=")

    @property
    def telling(self) -> bool:
        """Whether it says enough to be known again."""
        return len(self.key) > 24


@dataclass(frozen=True, slots=True)
class Body:
    """Statements of one body, in order. `owner` is the key of the statement that has it, '' for a
    definition's or the module's, and `role` says which body of it.
    """

    owner: str
    role: str
    scope: str
    statements: list[CountedStatement] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """The facts of one text. Edges are (scope, parent, role, child), by labels of the nodes."""

    words: Counter[Scoped] = field(default_factory=Counter)
    edges: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    labels: Counter[Scoped] = field(default_factory=Counter)
    rows: list[tuple[str, str, str, tuple[str, ...]]] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    sequence: list[CountedStatement] = field(default_factory=list)
    """All statements in the order of the text."""
    statements: list[CountedStatement] = field(default_factory=list)
    """Those that count: without docstrings and what is shared, with clauses and decorators."""
    comments: Counter[Scoped] = field(default_factory=Counter)
    remarks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Lines with a comment; of a comment alone, also the line below it."""
    captions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Lines of comments right above a definition, each with its name."""
    imports: set[tuple[str, str, str, str]] = field(default_factory=set)
    bound: set[Scoped] = field(default_factory=set)
    used: set[Scoped] = field(default_factory=set)
    module: ast.Module = field(default_factory=lambda: ast.Module([], []))

    def add(self, part: Reading) -> None:
        """Take in what a statement says; its first body is the one that it stands in."""
        _count(self.words, part.words)
        _count(self.edges, part.edges)
        _count(self.labels, part.labels)
        self.rows += part.rows
        self.bodies += part.bodies[1:]
        self.sequence += part.sequence
        self.statements += part.statements
        _count(self.comments, part.comments)
        self.imports |= part.imports
        self.bound |= part.bound
        self.used |= part.used


Four = tuple[Reading, Reading, Reading, Reading]
"""The readings of base, ours, theirs and the result."""


def _count(bag: Counter[Fact], more: Mapping[Fact, int]) -> None:
    """As `Counter.update`, of which most of the time goes into telling what it is given."""
    for fact, n in more.items():
        bag[fact] = bag.get(fact, 0) + n


def read(source: ParsedText, shared: frozenset[str]) -> Reading:
    """The facts of a text, without the pieces that `shared` names."""
    reader = _Reader(source, shared, KNOWN if len(KNOWN) < MOST else {})
    reader.body(Body("", "body", ""), source.module.body, "module")
    last = source.module.body[-1] if source.module.body else None
    reader.behind(last, (last.end_lineno if last else 0) or 0, len(source.rows), "")
    reader.out.module = source.module
    reader.out.remarks = _remarks(source.rows)
    reader.out.captions = _captions(source)
    return reader.out


def _remarks(rows: list[str]) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for at, row in enumerate(rows):
        if "#" in row:
            line = row.strip()
            below = rows[at + 1].strip() if line.startswith("#") and at + 1 < len(rows) else ""
            found[line, below] += 1
    return found


def _captions(source: ParsedText) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for piece in source.pieces.values():
        if isinstance(piece.stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            at = top(piece.stmt) - 1
            while at >= 0 and (line := source.rows[at].strip()).startswith("#"):
                found[line, piece.stmt.name] += 1
                at -= 1
    return found


class _Reader:
    def __init__(
        self, source: ParsedText, shared: frozenset[str], known: dict[tuple[str, str], Reading]
    ) -> None:
        self.source, self.shared, self.known = source, shared, known
        self.out = Reading()
        self.met: set[tuple[str, str]] = set()

    def body(self, body: Body, stmts: list[ast.stmt], label: str) -> None:
        """Read the statements of a body; `label` is that of what has it."""
        self.out.bodies.append(body)
        last: ast.stmt | None = None
        for stmt in stmts:
            piece = self.source.pieces[id(stmt)]
            if piece.key in self.shared:
                said = CountedStatement(piece.key, body.scope, "", Counter(), shared=True)
                body.statements.append(said)
                self.out.sequence.append(said)
            else:
                self.behind(last, piece.start, top(stmt), body.scope)
                self._known(piece, body, label)
            last = stmt

    def _known(self, piece: StatementPiece, body: Body, label: str) -> None:
        """Read a statement, or take what was read where it stood in another text."""
        key = (piece.key, label)
        if key in self.met or self._holds_shared(piece.stmt):
            self._statement(piece, body, label)
            return
        self.met.add(key)
        kept = self.known.get(key)
        if kept is None:
            reader = _Reader(self.source, self.shared, {})
            within = Body(body.owner, body.role, body.scope)
            reader.out.bodies.append(within)
            reader._statement(piece, within, label)
            kept = self.known[key] = reader.out
        body.statements.extend(kept.bodies[0].statements)
        self.out.add(kept)

    def _holds_shared(self, stmt: ast.stmt) -> bool:
        return any(
            self.source.pieces[id(inner)].key in self.shared or self._holds_shared(inner)
            for suite in suites(stmt)
            for inner in suite.body
        )

    # --- statements

    def _statement(self, piece: StatementPiece, body: Body, parent: str) -> None:
        scope, stmt = body.scope, piece.stmt
        below = suites(stmt)
        inner = scope
        if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{scope}.{stmt.name}".lstrip(".")
        head = top(stmt)
        self.comments(max(head, piece.start), top(below[0].body[0]) if below else piece.end, inner)
        match stmt:
            case ast.Import() | ast.ImportFrom():
                self._import(stmt, scope)
                return
            case ast.Pass():
                return
        label, words = label_of(stmt), Counter[str]()
        self.out.edges[scope, parent, body.role, label] += 1
        self.out.labels[scope, label] += 1
        guard = guards_imports(stmt)
        said = CountedStatement(header_of(stmt), scope, label, words, guard=guard, node=stmt)
        body.statements.append(said)
        self.out.sequence.append(said)
        if not _docstring(stmt):
            self.out.statements.append(said)
        if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.out.words[scope, stmt.name] += 1
            self.out.bound.add((scope, stmt.name))
            self._definition(stmt, inner, words)
            label = "class" if isinstance(stmt, ast.ClassDef) else "def"
            self.body(Body("", "body", inner), stmt.body, label)
        else:
            self._children(stmt, plain_label(stmt), scope, words)
            for suite in below:
                holder, name = said, label
                if suite.clause is not None:
                    holder, name = self._clause(suite.clause, scope, label)
                self.body(Body(holder.key, suite.role, scope), suite.body, name)
        _count(self.out.words, {(inner, word): n for word, n in words.items()})

    def _definition(
        self,
        stmt: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        scope: str,
        words: Counter[str],
    ) -> None:
        words[type(stmt).__name__] += 1
        for decorator in stmt.decorator_list:
            self.out.statements.append(
                CountedStatement("@" + written(decorator), scope, "@", Counter(), clause=True)
            )
        self._row(stmt.decorator_list, "def", "decorator", scope, words)
        if isinstance(stmt, ast.ClassDef):
            self._row([*stmt.bases, *stmt.keywords], "def", "base", scope, words)
        else:
            self._parameters(stmt.args, "def", scope, words)
            if stmt.returns is not None:
                self._row([stmt.returns], "def", "returns", scope, words)

    def _clause(self, clause: ast.AST, scope: str, parent: str) -> tuple[CountedStatement, str]:
        """Read the header of a handler or a case; it and its label."""
        label, words = label_of(clause), Counter[str]()
        self.out.edges[scope, parent, "clause", label] += 1
        self.out.labels[scope, label] += 1
        said = CountedStatement(header_of(clause), scope, label, words, clause=True, node=clause)
        self.out.statements.append(said)
        self._children(clause, label, scope, words)
        _count(self.out.words, {(scope, word): n for word, n in words.items()})
        return said, label

    def _import(self, stmt: ast.Import | ast.ImportFrom, scope: str) -> None:
        module = ""
        if isinstance(stmt, ast.ImportFrom):
            module = "." * stmt.level + (stmt.module or "")
        for alias in stmt.names:
            self.out.imports.add((scope, module, alias.name, alias.asname or ""))
            self.out.bound.add((scope, alias.asname or alias.name.partition(".")[0]))

    # --- expressions

    def _children(self, node: ast.AST, label: str, scope: str, words: Counter[str]) -> None:
        for word in words_of(node):
            words[word] += 1
        bodies = not isinstance(node, ast.expr)
        for role, value in ast.iter_fields(node):
            if role in SKIPPED or (bodies and role in BODIES):
                continue
            if isinstance(value, list):
                self._row(
                    [part for part in value if isinstance(part, ast.AST)], label, role, scope, words
                )
            elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
                self._row([value], label, role, scope, words)

    def _row(
        self,
        row: Sequence[ast.AST],
        parent: str,
        role: str,
        scope: str,
        words: Counter[str],
    ) -> None:
        labels = tuple(self._node(node, parent, scope, words) for node in row)
        for label in labels:
            self.out.edges[scope, parent, role, label] += 1
        if labels:
            self.out.rows.append((scope, parent, role, labels))

    def _node(self, node: ast.AST, parent: str, scope: str, words: Counter[str]) -> str:
        """Read an expression; its label."""
        label = label_of(node)
        self.out.labels[scope, label] += 1
        match node:
            case ast.Lambda():
                words["lambda"] += 1
                self._parameters(node.args, label, scope, words)
                self._row([node.body], label, "body", scope, words)
            case ast.Call():
                self._row([node.func], label, "func", scope, words)
                self._row([*node.args, *node.keywords], label, "arguments", scope, words)
            case ast.Dict():
                keys = [f"{label_of(key)}:" if key else "**" for key in node.keys]
                for key, name, value in zip(node.keys, keys, node.values, strict=True):
                    self.out.edges[scope, label, "key", name] += 1
                    self.out.labels[scope, name] += 1
                    if key is not None:
                        self._node(key, label, scope, words)
                    self._row([value], name, "value", scope, words)
                self.out.rows.append((scope, label, "key", tuple(keys)))
            case ast.Name(id=name):
                stored = isinstance(node.ctx, ast.Store)
                (self.out.bound if stored else self.out.used).add((scope, name))
                words[name] += 1
            case _:
                self._children(node, label, scope, words)
        return label

    def _parameters(
        self, args: ast.arguments, parent: str, scope: str, words: Counter[str]
    ) -> None:
        positional = [*args.posonlyargs, *args.args]
        defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        rows = list(zip([""] * len(positional), positional, defaults, strict=True))
        if args.vararg is not None:
            rows.append(("*", args.vararg, None))
        rows += zip([""] * len(args.kwonlyargs), args.kwonlyargs, args.kw_defaults, strict=True)
        if args.kwarg is not None:
            rows.append(("**", args.kwarg, None))
        labels = tuple(f"par {stars}{arg.arg}" for stars, arg, _ in rows)
        for label, (_, arg, default) in zip(labels, rows, strict=True):
            self.out.edges[scope, parent, "parameter", label] += 1
            self.out.labels[scope, label] += 1
            words[arg.arg] += 1
            if arg.annotation is not None:
                self._row([arg.annotation], label, "annotation", scope, words)
            if default is not None:
                self._row([default], label, "default", scope, words)
        if labels:
            self.out.rows.append((scope, parent, "parameter", labels))

    # --- comments

    def behind(self, last: ast.stmt | None, first: int, end: int, scope: str) -> None:
        """Count the comments on lines `first` to `end`, which stand behind the statement `last`.
        One that is indented as its body is belongs to the definition that ends there.
        """
        within = [(0, scope)]
        while last is not None and (below := suites(last)):
            if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                scope = f"{scope}.{last.name}".lstrip(".")
                within.append((last.body[0].col_offset, scope))
            last = below[-1].body[-1]
        for at in range(first, end):
            row = self.source.rows[at]
            column = len(row) - len(row.lstrip())
            inner = [name for least, name in within if least <= column]
            self.comments(at, at + 1, inner[-1])

    def comments(self, first: int, end: int, scope: str) -> None:
        """Count the comments on lines `first` to `end`."""
        text = "\n".join(self.source.rows[first:end])
        if "#" in text:
            for match in _COMMENT.finditer(text):
                if match["comment"]:
                    self.out.comments[scope, match["comment"].rstrip()] += 1


def _docstring(stmt: ast.stmt) -> bool:
    return isinstance(stmt, ast.Expr) and isinstance(stmt.value, ast.Constant)
