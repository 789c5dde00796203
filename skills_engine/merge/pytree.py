"""A Python file as a tree: statements with the comments and blank lines they own, clauses and
bodies.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from skills_engine.merge.cut import cut, find
from skills_engine.merge.pyexpr import Expressions, Located, docstring, kind
from skills_engine.merge.pystmt import (
    Compound,
    Definition,
    clause_of,
    groups_of,
    last_suite,
    lines_of,
    naming,
    statements_in,
    telling,
)
from skills_engine.merge.tree import Block, Fixed, Ids, Node, Seq, Shape, Statement, Unit, Version
from skills_engine.merge.types import Declined

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

__all__ = ["comments", "every", "parse", "tree"]

_LITERALS = (ast.Constant, ast.JoinedStr)
_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_REST = re.compile(r"[ \t\f]*(#[^\n]*)?\n")

_Head = tuple[int, str, "list[ast.expr]", "list[ast.stmt]"]
_DEF = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")


@lru_cache(maxsize=8)
def parse(text: str) -> ast.Module:
    """Raises Declined for what does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Declined("a version does not parse") from error


@lru_cache(maxsize=8)
def every(text: str) -> tuple[ast.AST, ...]:
    """All nodes of a text, outer ones first. Raises Declined for what does not parse."""
    return tuple(ast.walk(parse(text)))


def tree(text: str, ids: Ids, module: ast.Module | None = None) -> Node:
    """The tree of a text that ends with a newline."""
    version = Version(text, ids)
    version.strings = _strings(every(text) if module is None else ast.walk(module))
    module = module or parse(text)
    version.comments = comments(text)
    python = _Python(text, ids, version)
    version.find_statements = lambda: [
        Statement(python.span(stmt)[0], python.sig(stmt))
        for stmt in statements_in(module)
        if telling(stmt)
    ]
    last = len(version.starts) - 1
    return python.body(module.body, 0, last, "", whole=True, owner=module)


@lru_cache(maxsize=8)
def comments(text: str) -> list[tuple[int, str]]:
    """The comments of Python code with their offsets. Raises Declined for what cannot be cut into
    tokens.
    """
    if "#" not in text:
        return []
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    try:
        return [
            (starts[token.start[0] - 1] + token.start[1], token.string)
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
    except (tokenize.TokenError, IndentationError) as error:
        raise Declined("a version cannot be cut into tokens") from error


def _strings(nodes: Iterable[ast.AST]) -> frozenset[int]:
    """Lines (from 0) that begin inside a string literal that is no docstring."""
    literals: list[ast.expr] = []
    docs: set[int] = set()
    for node in nodes:
        if isinstance(node, _LITERALS):
            if node.end_lineno and node.end_lineno > node.lineno:
                literals.append(node)
        elif isinstance(node, _DOCUMENTED) and docstring(node.body) is not None:
            docs.add(id(node.body[0].value))  # type: ignore[attr-defined]
    inside: set[int] = set()
    for node in literals:
        literal = isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)  # type: ignore[attr-defined]
        if literal and id(node) not in docs:
            inside.update(range(node.lineno, node.end_lineno or node.lineno))
    return frozenset(inside)


class _Python(Expressions):
    """Makes nodes of statements."""

    # --- bodies

    def body(
        self,
        stmts: list[ast.stmt],
        first: int,
        last: int,
        prefix: str,
        *,
        owner: ast.AST,
        whole: bool = False,
    ) -> Node:
        """The node of the statements on lines `first` to `last` (from 0, `last` not included)."""
        start, end = self.version.start_of(first), self.version.start_of(last)
        said = docstring(stmts) if isinstance(owner, ast.Module | Definition) else None

        def sign() -> int:
            sigs = [self.sig(stmt) for stmt in stmts]
            if said is not None:
                sigs[0] = self.ids.of(("docstring", said))
            return self.ids.of(("body", tuple(sigs)))

        scope = "definitions" if isinstance(owner, ast.Module | ast.ClassDef) else "statements"
        indent = "" if whole else self.version.indent_at(self.span(stmts[0])[0])
        made: list[Block] = []

        def build() -> Block:
            if not made:
                made.append(
                    self._block(stmts, first, last, prefix, scope, indent, said is not None)
                )
            return made[0]

        return Node(self.version, start, end, "body", sign, build)

    def _block(
        self,
        stmts: list[ast.stmt],
        first: int,
        last: int,
        prefix: str,
        scope: str,
        indent: str,
        documented: bool,
    ) -> Block:
        units: list[Unit] = []
        at = first
        groups = groups_of(stmts)
        for k, group in enumerate(groups):
            top, bottom = lines_of(group[0])[0], lines_of(group[-1])[1]
            if isinstance(group[-1], Compound):
                stop = lines_of(groups[k + 1][0])[0] if k + 1 < len(groups) else last
                bottom = self._with_comments(bottom, stop, indent)
            at = self._trivia(units, at, top, attach=True)
            unit = self._statement(group, at, top, bottom, prefix, scope, documented and k == 0)
            units.append(unit)
            at = bottom
        at = self._trivia(units, at, last, attach=False)
        tail = self.version.text[self.version.start_of(at) : self.version.start_of(last)]
        if tail.strip():
            raise Declined("lines that are neither statements nor comments")
        self._gaps(units, first)
        return Block(
            self.version.start_of(first), self.version.start_of(last), indent, units, tail, scope
        )

    def _gaps(self, units: list[Unit], first: int) -> None:
        at = self.version.start_of(first)
        for unit in units:
            unit.gap = self.version.text[at : unit.start]
            if unit.gap.strip():
                raise Declined("lines that are neither statements nor comments")
            at = unit.end

    def _trivia(self, units: list[Unit], at: int, top: int, *, attach: bool) -> int:
        """Make units of the comments on lines `at` to `top`; with `attach`, those right above `top`
        belong to what stands there. The line where what follows begins."""
        groups: list[tuple[int, int]] = []
        for line in range(at, top):
            text = self._line(line)
            if not _REST.fullmatch(text):
                raise Declined("lines that are neither statements nor comments")
            if text.strip() and groups and groups[-1][1] == line:
                groups[-1] = (groups[-1][0], line + 1)
            elif text.strip():
                groups.append((line, line + 1))
        lead = groups.pop()[0] if attach and groups and groups[-1][1] == top else top
        for begin, end in groups:
            start, stop = self.version.start_of(begin), self.version.start_of(end)
            said = self.version.said(start, stop)
            node = Node(
                self.version, start, stop - 1, "comment", _constant(self.ids.of(("comment", said)))
            )
            units.append(
                Unit(
                    self.version,
                    "",
                    start,
                    start,
                    node,
                    stop,
                    "comment",
                    title=f"the comment {said[0]}",
                )
            )
        if attach:
            return lead
        return groups[-1][1] if groups else at

    def _with_comments(self, bottom: int, stop: int, indent: str) -> int:
        """A compound statement's last line, with the comments behind it that are indented more than
        it is.
        """
        end = bottom
        for line in range(bottom, stop):
            text = self._line(line)
            if text.strip():
                margin = text[: len(text) - len(text.lstrip())]
                if (
                    not text.lstrip().startswith("#")
                    or len(margin) <= len(indent)
                    or not margin.startswith(indent)
                ):
                    break
                end = line + 1
        return end

    def _line(self, line: int) -> str:
        return self.version.text[self.version.start_of(line) : self.version.start_of(line + 1)]

    # --- statements

    def _statement(
        self,
        group: list[ast.stmt],
        lead: int,
        top: int,
        bottom: int,
        prefix: str,
        scope: str,
        documented: bool,
    ) -> Unit:
        stmt = group[0]
        start = self.version.start_of(top)
        code = start + len(self._line(top)) - len(self._line(top).lstrip(" \t\f"))
        role, key, title = naming(stmt, prefix, self)
        begin, end = self.span(stmt)[0], self.span(group[-1])[1]
        if isinstance(stmt, Compound) and len(group) == 1:
            node = self._compound(stmt, top, bottom, prefix)
            code = node.start
        else:
            if begin != code:
                raise Declined("a statement that shares its line with another")
            if self.text[end : self.version.start_of(bottom)].lstrip(" \t").startswith(";"):
                end = self.text.index(";", end) + 1
            node = self._simple(stmt, end) if len(group) == 1 else self._line_of(group, end)
            if documented:
                role, key, title = (
                    "docstring",
                    ("docstring",),
                    f"the docstring of {prefix.rstrip('.') or 'the module'}",
                )
                said = docstring([stmt])
                node = Node(
                    self.version,
                    begin,
                    end,
                    "docstring",
                    _constant(self.ids.of(("docstring", said))),
                )
        stop = self.version.start_of(bottom)
        if not _REST.fullmatch(self.text[node.end : stop]) and node.end != stop:
            raise Declined("a statement that shares its line with another")
        if len(group) > 1:
            role, key = "statement", None
        strong = role in {"definition", "import"} or (
            role == "assignment" and scope == "definitions"
        )
        return Unit(
            self.version,
            "",
            self.version.start_of(lead),
            code,
            node,
            stop,
            role,
            key,
            strong,
            title,
        )

    def _line_of(self, group: list[ast.stmt], end: int) -> Node:
        sig = self.ids.of(("line", tuple(self.sig(stmt) for stmt in group)))
        return Node(self.version, self.span(group[0])[0], end, "line", _constant(sig))

    def _simple(self, stmt: ast.stmt, end: int) -> Node:
        start = self.span(stmt)[0]
        return Node(
            self.version,
            start,
            end,
            kind(stmt),
            lambda: self.sig(stmt),
            lambda: self._simple_shape(stmt),
        )

    def _simple_shape(self, stmt: ast.stmt) -> Shape | None:
        start, end = self.span(stmt)
        match stmt:
            case ast.Import() | ast.ImportFrom():
                return self._import(stmt, start, end)
            case ast.Global() | ast.Nonlocal():
                return None
        return self.shape(stmt)

    def _import(self, stmt: ast.Import | ast.ImportFrom, start: int, end: int) -> Seq | None:
        first = self.span(stmt.names[0])[0]
        opening = self.text.rfind("(", start, first)
        if opening >= 0:
            start, end = opening + 1, end - 1
        else:
            start = first
        elements: list[tuple[Node, Hashable, bool]] = [
            (self.leaf(*self.span(alias), "alias"), ("name", alias.name, alias.asname), True)
            for alias in stmt.names
        ]
        return cut(self.text, start, end, elements, trailing=opening >= 0, filled=True)

    # --- compound statements

    def _compound(self, stmt: Compound, top: int, bottom: int, prefix: str) -> Node:
        start, end = self.version.start_of(top), self.version.start_of(bottom)
        if self._inline(stmt):
            begin = start + len(self.version.indent_at(start))
            close = self.span(stmt)[1]
            return Node(self.version, begin, close, kind(stmt), lambda: self.sig(stmt))
        made: list[Block] = []

        def build() -> Block | None:
            if isinstance(stmt, ast.Match):
                return None
            if not made:
                made.append(self._clauses(stmt, top, bottom, prefix))
            return made[0]

        return Node(self.version, start, end, kind(stmt), lambda: self.sig(stmt), build)

    def _inline(self, stmt: Compound) -> bool:
        """Whether the last suite stands on its header's line, so that the statement does not end
        with a line.
        """
        tail = last_suite(stmt)
        start = self.span(tail[0])[0]
        margin = self.text[self.version.starts[self.version.line_of(start)] : start]
        return bool(margin.strip(" \t\f"))

    def _clauses(self, stmt: Compound, top: int, bottom: int, prefix: str) -> Block:
        indent = self.version.indent_at(self.span(stmt)[0])
        heads = [
            (
                lines_of(stmt)[0] if not isinstance(stmt, Definition) else stmt.lineno - 1,
                *clause_of(stmt),
            )
        ]
        heads += self._later_clauses(stmt, indent)
        units: list[Unit] = []
        at = top
        if isinstance(stmt, Definition):
            for decorator in stmt.decorator_list:
                at = self._decorator(units, decorator, at, prefix + stmt.name)
        for k, (line, word, parts, body) in enumerate(heads):
            limit = heads[k + 1][0] if k + 1 < len(heads) else bottom
            last = lines_of(body[-1])[1] if body else line + 1
            if isinstance(body[-1], Compound):
                last = self._with_comments(
                    last, limit, self.version.indent_at(self.span(body[-1])[0])
                )
            last = self._with_comments(last, limit, indent)
            lead = self._trivia(units, at, line, attach=True)
            units.append(self._clause_unit(stmt, (line, word, parts, body), lead, last, prefix))
            at = last
        if self.text[self.version.start_of(at) : self.version.start_of(bottom)].strip():
            raise Declined("lines that are neither statements nor comments")
        self._gaps(units, top)
        return Block(
            self.version.start_of(top), self.version.start_of(bottom), indent, units, "", "clauses"
        )

    def _decorator(self, units: list[Unit], decorator: ast.expr, at: int, name: str) -> int:
        start, end = self.span(decorator)
        sign = self.text.rindex("@", 0, start)
        line = self.version.line_of(sign)
        stop = self.version.start_of(self.version.line_of(end) + 1)
        lead = self._trivia(units, at, line, attach=True)
        node = Node(
            self.version,
            sign,
            self.wrapped(start, end, sign + 1, stop)[1],
            "decorator",
            lambda: self.ids.of(("decorator", self.sig(decorator))),
            lambda: Fixed((self.expr(decorator, sign + 1, stop),)),
        )
        key = (
            "decorator",
            self.sig(decorator.func if isinstance(decorator, ast.Call) else decorator),
        )
        title = f"the decorator {self.text[sign:end].splitlines()[0]} of {name}"
        units.append(
            Unit(
                self.version,
                "",
                self.version.start_of(lead),
                sign,
                node,
                stop,
                "decorator",
                key,
                False,
                title,
            )
        )
        return self.version.line_of(end) + 1

    def _later_clauses(self, stmt: Compound, indent: str) -> list[_Head]:
        """The lines of `elif`, `else`, `except`, `finally`, with their parts and bodies."""
        out: list[_Head] = []
        node: ast.AST = stmt
        while isinstance(node, ast.If) and node.orelse:
            nested = node.orelse[0]
            before = lines_of(node.body[-1])[1]
            if (
                len(node.orelse) == 1
                and isinstance(nested, ast.If)
                and self.text.startswith("elif", self.span(nested)[0])
            ):
                out.append((nested.lineno - 1, "elif", [nested.test], nested.body))
                node = nested
            else:
                out.append(
                    (self._keyword("else", before, node.orelse, indent), "else", [], node.orelse)
                )
                return out
        if isinstance(stmt, ast.Try | ast.TryStar):
            for handler in stmt.handlers:
                out.append(
                    (
                        handler.lineno - 1,
                        "except",
                        [handler.type] if handler.type else [],
                        handler.body,
                    )
                )
        if (
            isinstance(stmt, ast.Try | ast.TryStar | ast.For | ast.AsyncFor | ast.While)
            and stmt.orelse
        ):
            before = lines_of((out[-1][3] if out else stmt.body)[-1])[1]
            out.append(
                (self._keyword("else", before, stmt.orelse, indent), "else", [], stmt.orelse)
            )
        if isinstance(stmt, ast.Try | ast.TryStar) and stmt.finalbody:
            before = lines_of((out[-1][3] if out else stmt.body)[-1])[1]
            out.append(
                (
                    self._keyword("finally", before, stmt.finalbody, indent),
                    "finally",
                    [],
                    stmt.finalbody,
                )
            )
        return out

    def _keyword(self, word: str, first: int, body: list[ast.stmt], indent: str) -> int:
        for line in range(first, lines_of(body[0])[0] + 1):
            if self._line(line).startswith(indent + word):
                return line
        raise Declined(f"no line begins with {word}")

    def _clause_unit(self, stmt: Compound, head: _Head, lead: int, last: int, prefix: str) -> Unit:
        line, word, parts, body = head
        start = self.version.start_of(line)
        code = start + len(self.version.indent_at(start))
        name = prefix + stmt.name if isinstance(stmt, Definition) else ""
        inner = name + "." if name else prefix
        title = name or f"the {word} clause" + (f" in {prefix.rstrip('.')}" if prefix else "")
        first = self.span(body[0])[0]
        top = lines_of(body[0])[0]
        nodes = (
            self._header(stmt, code, first)
            if word == clause_of(stmt)[0]
            else self.row(list(parts), code, first)
        )
        colon = find(self.text, ":", nodes[-1].end if nodes else code, first)
        opened = self.version.line_of(colon) + 1
        if top < opened:
            begin, end = first, self.span(body[-1])[1]
            sig = self.ids.of(("body", tuple(self.sig(s) for s in body)))
            inside = Node(self.version, begin, end, "suite", _constant(sig))
        else:
            inside = self.body(
                body, opened, last, inner, owner=stmt if word in {"def", "class"} else ast.Pass()
            )
            end = inside.end
        meaning = tuple(node.sig for node in nodes), inside.sig
        node = Node(
            self.version,
            code,
            end,
            f"clause {word}",
            lambda: self.ids.of((word, meaning)),
            lambda: Fixed((*nodes, inside)),
        )
        stop = self.version.start_of(last)
        if node.end != stop and not _REST.fullmatch(self.text[node.end : stop]):
            raise Declined("a statement that shares its line with another")
        key = (word, tuple(self.sig(p) for p in parts)) if word in {"elif", "except"} else (word,)
        return Unit(
            self.version,
            "",
            self.version.start_of(lead),
            code,
            node,
            stop,
            "clause",
            key,
            False,
            title,
        )

    def _header(self, stmt: Compound, code: int, first: int) -> list[Node]:
        """The parts of a first clause's header."""
        if not isinstance(stmt, Definition):
            return self.row(list(clause_of(stmt)[1]), code, first)
        match = _DEF.match(self.text, code)
        if match is None:
            raise Declined("a definition that is not understood")
        name = self.leaf(match.start(1), match.end(1), "name")
        generic = getattr(stmt, "type_params", [])
        after = find(self.text, "]", self.span(generic[-1])[1], first) + 1 if generic else name.end
        if isinstance(stmt, ast.ClassDef):
            inside: list[Located] = sorted(
                [*stmt.bases, *stmt.keywords], key=lambda n: (n.lineno, n.col_offset)
            )
            behind = self.row(inside, after, first)[-1].end if inside else after
            colon = find(self.text, ":", behind, first)
            closing = self.text.rfind(")", after, colon) + 1
            opening = find(self.text, "(", after, colon)
            bases = (
                self.arguments(inside, opening, closing)
                if closing and opening >= 0
                else self.optional(None, after, after, after)
            )
            return [name, bases]
        opening = find(self.text, "(", after, first)
        closing = self._closing(stmt, opening, first)
        returns = self.expr(stmt.returns, closing + 1, first) if stmt.returns is not None else None
        end = returns.end if returns else closing + 1
        return [
            name,
            self.parameters(stmt.args, opening, closing),
            self.optional(stmt.returns, closing + 1, end, first),
        ]

    def _closing(
        self, stmt: ast.FunctionDef | ast.AsyncFunctionDef, opening: int, first: int
    ) -> int:
        """Where the parameters' closing parenthesis is."""
        args = stmt.args
        ends = [opening + 1]
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        ends += [self.span(arg)[1] for arg in every if arg is not None]
        for default in [*args.defaults, *args.kw_defaults]:
            if default is not None:
                start, end = self.span(default)
                ends.append(self.wrapped(start, end, max(e for e in ends if e <= start), first)[1])
        for arg in every:
            if arg is not None and arg.annotation is not None:
                ends.append(self.expr(arg.annotation, self.span(arg)[0], first).end)
        return find(self.text, ")", max(ends), first)


def _constant(sig: int) -> Callable[[], int]:
    return lambda: sig
