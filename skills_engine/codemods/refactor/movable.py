"""A definition as something that can stand elsewhere: its bytes, the names that it needs, what it
must leave alone.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.refactor.move_imports import alone, module_span, written
from skills_engine.codemods.source.comments import attached
from skills_engine.codemods.source.source import Splice
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.names.scopes import Imported, Names, Use
    from skills_engine.codemods.refactor.project import Project
    from skills_engine.codemods.source.source import Source

__all__ = ["Piece", "import_of"]

_OF_A_FILE = {"__file__", "__path__", "__spec__", "__package__", "__loader__"}


@dataclass(frozen=True)
class Piece:
    """The one statement of a module's body that defines `name`; `span` has its decorators and
    attached comments.
    """

    project: Project
    names: Names
    name: str
    statement: cst.BaseStatement
    span: Span

    @classmethod
    def cut(cls, project: Project, names: Names, name: str, doing: str) -> Piece:
        """Raises CannotEnsure for what is not one statement that defines one name."""
        source = names.source
        bindings = names.module.bound.get(name, [])
        nodes = [b.node for b in bindings]
        if len(bindings) != 1:
            raise source.ambiguous(
                doing, f"{name} is bound {len(bindings)} times in {source.path}", nodes
            )
        node = nodes[0]
        statement: cst.CSTNode = node
        if isinstance(node, cst.Assign | cst.AnnAssign | cst.TypeAlias):
            statement = source.parents[node]
        whole = isinstance(statement, cst.ClassDef | cst.FunctionDef | cst.SimpleStatementLine)
        if (
            not whole
            or source.parents[statement] is not source.module
            or not alone(source, statement)
        ):
            raise source.drifted(
                doing, f"{name} is not a statement of its own in the body of {source.path}", node
            )
        if isinstance(node, cst.Assign) and (
            len(node.targets) > 1 or not isinstance(node.targets[0].target, cst.Name)
        ):
            raise source.drifted(doing, f"{name} is assigned together with other names", node)
        if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) > 1:
            raise source.drifted(doing, f"{name} shares its line with another statement", node)
        piece = cls(project, names, name, statement, _whole(source, statement))  # type: ignore[arg-type]
        piece._check(doing)
        return piece

    def _check(self, doing: str) -> None:
        source = self.names.source
        for scope in self.names.scopes:
            inside = scope.parent is not None and self.has(scope.node)
            for name in scope.global_:
                if (inside or name == self.name) and name in self.names.module.bound:
                    what = f"`global {name}` ties it to {source.path}"
                    raise self.names.drifted(doing, what, scope.node, hint="move it by hand")
        for use in self.uses():
            if use.node.value in _OF_A_FILE:
                raise self.names.drifted(
                    doing, f"it uses {use.node.value}, which moves with it", use.node
                )
            if use.owner is self.names.module and not self.names.module.bound.get(use.node.value):
                if not hasattr(builtins, use.node.value) and self.names.stars:
                    what = f"{use.node.value} comes from a star import"
                    raise self.names.drifted(doing, what, use.node, hint="import it by name first")
            elif use.node.value != self.name and self.changing(use.node.value):
                what = f"it uses {use.node.value}, which {source.path} assigns more than once"
                raise self.names.drifted(doing, what, use.node, hint="move it by hand")

    def changing(self, name: str) -> bool:
        """Whether a module's variable is given values at several places, so that importing it is
        not sharing it.
        """
        bindings = self.names.module.bound.get(name, [])
        return (
            any(b.kind in {"assignment", "loop", "other"} for b in bindings) and len(bindings) > 1
        )

    def has(self, node: cst.CSTNode) -> bool:
        return self.span.start <= self.names.span(node).start < self.span.end

    def uses(self) -> Iterator[Use]:
        """The uses of the module's variables (and of builtins) inside."""
        for uses in self.names.uses.values():
            for use in uses:
                if use.scope is not self.names.module and not self.has(use.scope.node):
                    continue
                if self.has(use.node) and use.owner is self.names.module:
                    yield use

    def needs(self) -> set[str]:
        """The module's names that it uses, its own left out."""
        return {u.node.value for u in self.uses() if self.names.module.bound.get(u.node.value)} - {
            self.name
        }

    def used_outside(self, name: str) -> bool:
        """Whether the rest of the module uses a name of the module's, in `__all__` too."""
        if any(literal.evaluated_value == name for literal in self.names.exports):
            return True
        bound = {b.name for b in self.names.module.bound.get(name, ())}
        return any(
            use.owner is self.names.module and not self.has(use.node) and use.node not in bound
            for use in self.names.uses[name]
        )

    def text(self, changes: Sequence[Splice] = ()) -> str:
        """The statement with `\\n` line ends and some changes; relative imports inside it name
        their module in full.
        """
        splices = list(changes)
        for imported in self.names.imports:
            statement = imported.statement
            if isinstance(statement, cst.ImportFrom) and statement.relative and self.has(statement):
                stem = self.project.stem(self.names.path, imported.module)
                span = module_span(self.names.source, statement)
                if stem is not None:
                    splices.append(Splice(span.start, span.end, self.project.dotted(stem)))
        text, at = "", self.span.start
        for splice in sorted(set(splices)):
            text += self.names.source.text(Span(at, splice.start)) + splice.new
            at = splice.end
        text += self.names.source.text(Span(at, self.span.end))
        return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"

    def removal(self) -> Splice:
        """The statement and the blank lines after it go; at the end of the file, those before
        it.
        """
        source = self.names.source
        start, end = self.span.start, self.span.end
        while end < len(source.data) and not source.data[end : source.line_end(end)].strip():
            end = source.line_end(end)
        if end == len(source.data):
            while start > 0 and not source.data[source.line_start(start - 1) : start].strip():
                start = source.line_start(start - 1)
        return Splice(start, end, "")


def import_of(project: Project, imported: Imported) -> str:
    """An import as any other file can write it."""
    stem = project.stem(imported.scope.names.path, imported.module)
    inside = imported.module.startswith(".") and stem is not None
    return written(imported, project.dotted(stem) if inside and stem else imported.module)


def _whole(source: Source, statement: cst.CSTNode) -> Span:
    """A statement's lines, with its decorators, the comments right above it and, in a block, those
    that end it.
    """
    span = source.span(statement)
    decorators = (
        statement.decorators if isinstance(statement, cst.ClassDef | cst.FunctionDef) else ()
    )
    first = source.span(decorators[0]).start if decorators else span.start
    start = attached(source, source.line_start(first))
    end = at = source.line_end(
        span.end - 1 if source.data[span.end - 1 : span.end] == b"\n" else span.end
    )
    if isinstance(statement, cst.ClassDef | cst.FunctionDef):
        while at < len(source.data):
            line = source.data[at : source.line_end(at)]
            at = source.line_end(at)
            if line.strip() and not (line[:1] in b" \t" and line.lstrip().startswith(b"#")):
                break
            if line.strip():
                end = at
    else:
        after = source.module.body[source.module.body.index(statement) + 1 :]
        match after[:1]:
            case [cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]) as note]:
                if source.line_start(source.span(note).start) == end:  # what documents the variable
                    end = source.line_end(source.span(note).end)
    return Span(start, end)
