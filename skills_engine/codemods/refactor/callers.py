"""Callers of a function, or of a class, with so many arguments by position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.type_strings import children
from skills_engine.codemods.refactor.types import Types
from skills_engine.codemods.source.syntax import dotted_name
from skills_engine.errors import CannotEnsure
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.names.scopes import Names, Scope
    from skills_engine.codemods.refactor.project import Project
    from skills_engine.codemods.refactor.types import Thing
    from skills_engine.types import Place

__all__ = ["keyword_callers", "moved_meaning", "positional_callers", "taken_option"]

_MANY = 1000
"""What a star may stand for."""


def positional_callers(project: Project, path: str, selector: str, index: int) -> list[Place]:
    """The calls in a project that pass more than `index` arguments by position (or a star) to the
    function or class at `selector`, as far as the code says what is called.

    Instances of subclasses without a constructor of their own count for a class, and patterns
    (`case A(x, y)`) do.
    """
    return _Callers(project, path, selector, index).found()


def keyword_callers(project: Project, path: str, selector: str, keyword: str) -> list[Place]:
    """The calls in a project that pass that keyword to the function at `selector`, as far as the
    code says what is called.
    """
    return _Callers(project, path, selector, 0, keyword).found()


def moved_meaning(doing: str, name: str, callers: list[Place]) -> CannotEnsure:
    """The refusal of what would take arguments by position."""
    hint = "put it last, make it keyword-only, or change the callers first"
    return _taken(doing, f"{name} would take what callers pass by position", callers, hint)


def taken_option(doing: str, name: str, options: str, callers: list[Place]) -> CannotEnsure:
    """The refusal of what would take a keyword that went into `**options` so far."""
    hint = "take another name, or change the callers first"
    return _taken(doing, f"{name} would take what callers pass into **{options}", callers, hint)


def _taken(doing: str, what: str, callers: list[Place], hint: str) -> CannotEnsure:
    shown = tuple(callers[:20])
    text = f"{doing}: {what}: {'; '.join(map(str, shown))}"
    return CannotEnsure(Outcome.DRIFTED, text, candidates=shown, hint=hint)


class _Callers:
    def __init__(
        self, project: Project, path: str, selector: str, index: int, keyword: str = ""
    ) -> None:
        self._project, self._index, self._keyword = project, index, keyword
        self._types = Types(project)
        self._names = project.at(path)
        if selector.endswith(".__init__"):  # called by the name of its class, without self
            selector, self._index = selector.removesuffix(".__init__"), index - 1
        *owners, self._name = selector.split(".")
        scope: Scope | None = self._names.module
        for owner in owners:
            scope = None if scope is None else _inner(scope, owner)
        bound = scope.bound.get(self._name, []) if scope else []
        self._node = bound[0].node if len(bound) == 1 else None
        self._class = _inner(scope, self._name) if scope else None

    def found(self) -> list[Place]:
        if self._node is None:
            return []
        words = {self._name}
        if isinstance(self._node, cst.ClassDef):
            for names in self._project.mentioning(self._name):
                words |= {s.node.name.value for s in names.classes if self._inherits(s)}  # type: ignore[attr-defined]
        places: list[Place] = []
        for names in self._project.mentioning(*sorted(words)):
            for node, scope in _walk(names, names.source.module, names.module):
                if self._is_caller(node, scope):
                    places.append(names.source.place(node))
        return places

    def _is_caller(self, node: cst.CSTNode, scope: Scope) -> bool:
        match node:
            case cst.Call(func=func, args=args) if self._keyword:
                if not any(a.keyword and a.keyword.value == self._keyword for a in args):
                    return False
                return any(self._is_target(t, func, scope, _MANY) for t in self._of(func, scope))
            case _ if self._keyword:
                return False
            case cst.Call(func=func, args=args):
                given = sum(a.keyword is None and not a.star for a in args)
                given += _MANY * any(a.star == "*" for a in args)
                things = self._of(func, scope) if given >= self._index else ()
                return any(self._is_target(t, func, scope, given) for t in things)
            case cst.MatchClass(cls=cls, patterns=patterns):
                return len(patterns) > self._index and any(
                    t.kind == "class" and t.scope is self._class for t in self._of(cls, scope)
                )
        return False

    def _of(self, node: cst.BaseExpression, scope: Scope) -> frozenset[Thing]:
        return self._types.of(node, scope)

    def _is_target(self, thing: Thing, func: cst.CSTNode, scope: Scope, given: int) -> bool:
        if thing.kind == "class" and thing.scope is not None:
            ours = thing.scope is self._class or self._inherits(thing.scope)
            return ours and given > self._index
        if thing.kind != "function" or thing.node is not self._node:
            return False
        bound = 0
        if isinstance(func, cst.Attribute) and isinstance(self._node, cst.FunctionDef):
            static = any(dotted_name(d.decorator) == "staticmethod" for d in self._node.decorators)
            owners = self._of(func.value, scope)
            of_class = any(dotted_name(d.decorator) == "classmethod" for d in self._node.decorators)
            on_object = any(o.kind in {"instance", "super"} for o in owners)
            bound = int(not static and (on_object or of_class))
        return given + bound > self._index

    def _inherits(self, scope: Scope) -> bool:
        """Whether a class has its constructor from the one that is meant."""
        if self._class is None or scope is self._class or "__init__" in scope.bound:
            return False
        return self._class in self._types.ancestors(scope)[0]


def _inner(scope: Scope, name: str) -> Scope | None:
    bound = scope.bound.get(name, [])
    return scope.inner.get(bound[0].node) if len(bound) == 1 else None


def _walk(names: Names, node: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
    """Every node with the scope that it is in."""
    stack = [(node, scope)]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        inner = scope.inner.get(node, scope)
        stack += [(child, inner) for child in children(node)]
