"""Imports that always happen: whether a module's own code has imported a name whenever it comes to
its end, on every path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.imports.statements import is_type_checking, names_of
from skills_engine.codemods.match.expressions import bound_by
from skills_engine.codemods.source.flow import takes_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.codemods.imports.statements import Guard
    from skills_engine.codemods.source.source import Source
    from skills_engine.import_order import ImportedName

__all__ = ["deleted_by", "is_imported"]

_HARMLESS = {"catch_warnings", "nullcontext"}
"""Context managers of which it is known that they let no exception pass in silence."""


def is_imported(source: Source, name: ImportedName, under: Guard = "") -> bool:
    """Whether the file imports `name` on every path; with `under`, at least for type checkers.

    A `try` counts where each of its handlers imports something under that name, or leaves. What
    stands in a loop, a condition with one branch or a `with` may not have run. What is bound to
    something else or deleted behind its import is not imported.
    """
    return _Paths(source.path, name, under).after(source.module.body, False)


class _Paths:
    def __init__(self, path: str, name: ImportedName, under: Guard) -> None:
        self._path, self._name, self._under = path, name, under

    def after(self, body: Sequence[cst.CSTNode], bound: bool, *, any_of: bool = False) -> bool:
        """Whether the name is bound behind some statements, or that is never reached. `any_of`: to
        whatever is imported.
        """
        for line in body:
            if isinstance(line, cst.SimpleStatementLine | cst.SimpleStatementSuite):
                for small in line.body:
                    if _leaves(small):
                        return True
                    bound = self._after_small(small, bound, any_of)
            else:
                bound = self._after_block(line, bound, any_of)
        return bound

    def _after_small(self, small: cst.CSTNode, bound: bool, any_of: bool) -> bool:
        if isinstance(small, cst.Import | cst.ImportFrom):
            for theirs in names_of(small):
                if theirs.means(self._name, self._path):
                    bound = True
                elif theirs.clashes(self._name, self._path):
                    bound = any_of
            return bound
        return bound and not self._rebinds(small)

    def _rebinds(self, node: cst.CSTNode) -> bool:
        """Whether a statement itself gives the name to something else, or takes it away."""
        if self._name.module == "__future__" or not self._name.bound:
            return False  # what these bring nothing takes away
        match node:
            case cst.Del():
                return self._name.bound in deleted_by(node)
            case cst.FunctionDef(name=name) | cst.ClassDef(name=name) | cst.TypeAlias(name=name):
                return name.value == self._name.bound
            case cst.AnnAssign(value=None) | cst.Try() | cst.TryStar() | cst.Match():
                return False
        return self._name.bound in bound_by(node)

    def _after_block(self, node: cst.CSTNode, bound: bool, any_of: bool) -> bool:
        def into(suite: cst.BaseSuite, was: bool, *, other: bool = any_of) -> bool:
            return self.after(_lines(suite), was, any_of=other)

        bound = bound and not self._rebinds(node)
        match node:
            case cst.If():
                return self._after_if(node, bound, into)
            case cst.Try() | cst.TryStar():
                done = into(node.body, bound)
                if node.orelse is not None:
                    done = into(node.orelse.body, done)
                handled = [
                    into(handler.body, bound, other=True) and not self._is_named(handler)
                    for handler in node.handlers
                ]
                every = done and all(handled)
                return into(node.finalbody.body, every) if node.finalbody else every
            case cst.With():
                inside = into(node.body, bound)
                return inside if all(map(_is_harmless, node.items)) else bound and inside
            case cst.For() | cst.While():
                return bound and into(node.body, bound)
            case cst.Match():
                bound = bound and self._name.bound not in bound_by(node)
                cases = [into(case.body, bound) for case in node.cases]
                return all(cases) and (bound or any(map(takes_all, node.cases)))
        return bound

    def _is_named(self, handler: cst.ExceptHandler | cst.ExceptStarHandler) -> bool:
        """Whether the exception has the name, which is gone behind its handler."""
        match handler.name:
            case cst.AsName(name=cst.Name(value=name)):
                return name == self._name.bound
        return False

    def _after_if(
        self, node: cst.If, bound: bool, into: Callable[[cst.BaseSuite, bool], bool]
    ) -> bool:
        body, orelse = into(node.body, bound), bound
        if isinstance(node.orelse, cst.If):
            orelse = self._after_if(node.orelse, bound, into)
        elif node.orelse is not None:
            orelse = into(node.orelse.body, bound)
        if is_type_checking(node.test):
            return body or orelse if self._under else orelse
        match node.test:
            case cst.Name(value="True") | cst.Integer(value="1"):
                return body
            case cst.Name(value="False") | cst.Integer(value="0"):
                return orelse
        return body and orelse


def deleted_by(node: cst.Del) -> set[str]:
    """The names that a `del` takes away."""
    gone = node.target
    targets = [e.value for e in gone.elements] if isinstance(gone, cst.Tuple | cst.List) else [gone]
    return {t.value for t in targets if isinstance(t, cst.Name)}


def _lines(suite: cst.BaseSuite) -> Sequence[cst.CSTNode]:
    return suite.body if isinstance(suite, cst.IndentedBlock) else [suite]


def _leaves(small: cst.CSTNode) -> bool:
    match small:
        case cst.Raise() | cst.Return():
            return True
        case cst.Expr(value=cst.Call(func=cst.Name(value="exit" | "quit"))):
            return True
        case cst.Expr(
            value=cst.Call(
                func=cst.Attribute(
                    value=cst.Name(value="sys" | "os"), attr=cst.Name(value="exit" | "_exit")
                )
            )
        ):
            return True
    return False


def _is_harmless(item: cst.WithItem) -> bool:
    match item.item:
        case cst.Call(func=cst.Name(value=name) | cst.Attribute(attr=cst.Name(value=name))):
            return name in _HARMLESS
    return False
