"""Compound statements of Python: decorators, headers, clauses and their bodies."""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Sequence

from skills_engine.lines import bare_lines
from skills_engine.merge.core.split import find
from skills_engine.merge.core.tree import Block, Fixed, Node, Unit, constant
from skills_engine.merge.python.expressions import Located, kind
from skills_engine.merge.python.statements import (
    Compound,
    Definition,
    clause_of,
    last_suite,
    lines_of,
)
from skills_engine.merge.python.trivia import REST, Trivia
from skills_engine.merge.types import Unsupported

__all__ = ["Clauses"]

_Head = tuple[int, str, Sequence[Located], "list[ast.stmt]"]
_KEYED = frozenset({"elif", "except", "case"})
_DEF = re.compile(r"(?:async\s+)?(?:def|class)\s+(\w+)")


class Clauses(Trivia):
    """Makes nodes of compound statements; what a body is made of, a subclass knows."""

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
        raise NotImplementedError

    def _compound(self, stmt: Compound, top: int, bottom: int, prefix: str) -> Node:
        start, end = self.version.start_of(top), self.version.start_of(bottom)
        if self._inline(stmt):
            begin = start + len(self.version.indent_at(start))
            close = self.span(stmt)[1]
            return Node(self.version, begin, close, kind(stmt), lambda: self.sig(stmt))
        made: list[Block] = []

        def build() -> Block | None:
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
        first = lines_of(stmt)[0] if not isinstance(stmt, Definition) else stmt.lineno - 1
        units: list[Unit] = []
        at = top
        if isinstance(stmt, ast.Match):
            at = self._match_header(units, stmt, at)
            heads = self._cases(stmt, at)
        else:
            heads = [(first, *clause_of(stmt)), *self._later_clauses(stmt, indent)]
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
            raise Unsupported("lines that are neither statements nor comments")
        self._gaps(units, top)
        return Block(
            self.version.start_of(top), self.version.start_of(bottom), indent, units, "", "clauses"
        )

    def _match_header(self, units: list[Unit], stmt: ast.Match, at: int) -> int:
        code = self.span(stmt)[0]
        subject = self.expr(stmt.subject, code, self.span(stmt.cases[0].pattern)[0])
        end = find(self.text, ":", subject.end, len(self.text)) + 1
        line = self.version.line_of(end)
        node = Node(
            self.version,
            code,
            end,
            "clause match",
            lambda: self.ids.of(("match", subject.sig)),
            lambda: Fixed((subject,)),
        )
        stop = self.version.start_of(line + 1)
        start = self.version.start_of(at)
        title = "the subject of match"
        units.append(
            Unit(self.version, "", start, code, node, stop, "clause", ("match",), False, title)
        )
        return line + 1

    def _cases(self, stmt: ast.Match, at: int) -> list[_Head]:
        heads: list[_Head] = []
        for case in stmt.cases:
            line = case.pattern.lineno - 1
            while line > at and not self._line(line).lstrip().startswith("case"):
                line -= 1
            parts: list[Located] = [case.pattern, *([case.guard] if case.guard else [])]
            heads.append((line, "case", parts, case.body))
            at = lines_of(case.body[-1])[1]
        return heads

    def _case(self, word: str, parts: Sequence[ast.AST]) -> tuple[str, Hashable, Hashable] | None:
        """What a clause asks about and for which constant; None where that is not so plain."""
        match word, *parts:
            case ("else",):
                return ("else", None, None)
            case "elif", ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant() as c]):
                return (word, self.sig(left), repr(c.value))
            case "case", ast.MatchValue(value=ast.Constant() as c):
                return (word, None, repr(c.value))
        return None

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
        title = f"the decorator {bare_lines(self.text[sign:end])[0]} of {name}"
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
        raise Unsupported(f"no line begins with {word}")

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
            inside = Node(self.version, begin, end, "suite", constant(sig))
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
        if node.end != stop and not REST.fullmatch(self.text[node.end : stop]):
            raise Unsupported("a statement that shares its line with another")
        key = (word, tuple(self.sig(p) for p in parts)) if word in _KEYED else (word,)
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
            self._case(word, parts),
        )

    def _header(self, stmt: Compound, code: int, first: int) -> list[Node]:
        """The parts of a first clause's header."""
        if not isinstance(stmt, Definition):
            return self.row(list(clause_of(stmt)[1]), code, first)
        match = _DEF.match(self.text, code)
        if match is None:
            raise Unsupported("a definition that is not understood")
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
