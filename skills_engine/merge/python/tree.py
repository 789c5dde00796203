"""A Python file as a tree: statements with the comments and blank lines they own, clauses and
bodies.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from skills_engine.judge.pieces import guards_imports
from skills_engine.merge.core.split import split
from skills_engine.merge.core.tree import (
    Block,
    Ids,
    Node,
    Seq,
    Shape,
    StatementSignature,
    Unit,
    Version,
    constant,
)
from skills_engine.merge.python.bindings import bound_by
from skills_engine.merge.python.clauses import Clauses
from skills_engine.merge.python.expressions import kind
from skills_engine.merge.python.source import comments, docstring, every, parse, strings
from skills_engine.merge.python.statements import (
    Compound,
    Definition,
    groups_of,
    lines_of,
    naming,
    statements_in,
    telling,
)
from skills_engine.merge.python.trivia import REST
from skills_engine.merge.types import Unsupported

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["tree"]


def tree(text: str, ids: Ids, module: ast.Module | None = None) -> Node:
    """The tree of a text that ends with a newline."""
    version = Version(text, ids)
    version.strings = strings(every(text) if module is None else ast.walk(module))
    module = module or parse(text)
    version.comments = comments(text)
    python = _Python(text, ids, version)
    version.find_statements = lambda: [
        StatementSignature(python.span(stmt)[0], python.sig(stmt))
        for stmt in statements_in(module)
        if telling(stmt)
    ]
    last = len(version.starts) - 1
    return python.body(module.body, 0, last, "", whole=True, owner=module)


class _Python(Clauses):
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
            raise Unsupported("lines that are neither statements nor comments")
        self._gaps(units, first)
        return Block(
            self.version.start_of(first), self.version.start_of(last), indent, units, tail, scope
        )

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
        if scope == "definitions" and guards_imports(stmt):
            role = "guard"
        begin, end = self.span(stmt)[0], self.span(group[-1])[1]
        if isinstance(stmt, Compound) and len(group) == 1:
            node = self._compound(stmt, top, bottom, prefix)
            code = node.start
        else:
            if begin != code:
                raise Unsupported("a statement that shares its line with another")
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
                    constant(self.ids.of(("docstring", said))),
                )
        stop = self.version.start_of(bottom)
        if not REST.fullmatch(self.text[node.end : stop]) and node.end != stop:
            raise Unsupported("a statement that shares its line with another")
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
            binds=bound_by(stmt) if strong else frozenset(),
        )

    def _line_of(self, group: list[ast.stmt], end: int) -> Node:
        sig = self.ids.of(("line", tuple(self.sig(stmt) for stmt in group)))
        return Node(self.version, self.span(group[0])[0], end, "line", constant(sig))

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
        return split(self.text, start, end, elements, trailing=opening >= 0, filled=True)
