"""Effects of loading a module: registrations by decorators, calls for their own sake,
stores into other objects. It is lost where nothing loads the module any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.syntax import dotted_name, flatten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.codemods.refactor.project import Project

__all__ = ["does_something", "effects", "loaders"]

_PLAIN = frozenset({
    "abstractmethod", "asynccontextmanager", "attrs", "cache", "cached_property", "classmethod",
    "contextmanager", "dataclass", "dataclass_transform", "define", "deprecated", "final", "frozen",
    "lru_cache", "no_type_check", "overload", "override", "property", "runtime_checkable",
    "singledispatch", "staticmethod", "total_ordering", "unique", "wraps",
})  # fmt: skip
"""Decorators of the library (and attrs) that change the definition alone."""


def loaders(project: Project, path: str) -> list[str]:
    """The files, tests left out, that load a module as they are loaded."""
    word = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
    return [
        names.path
        for names in project.mentioning(word)
        if not is_test(names.path) and path in project.imports(names.path, at_import_time=True)
    ]


def is_test(path: str) -> bool:
    """Whether pytest loads a file by its name or place."""
    *folders, name = path.split("/")
    return name.startswith("test_") or name == "conftest.py" or "tests" in folders


def does_something(statement: cst.CSTNode) -> bool:
    """Whether a statement of a module does more than to give a name to something."""
    match statement:
        case cst.FunctionDef() | cst.ClassDef():
            called = [
                d.decorator.func if isinstance(d.decorator, cst.Call) else d.decorator
                for d in statement.decorators
            ]
            return any(dotted_name(each).rpartition(".")[2] not in _PLAIN for each in called)
        case cst.Expr(value=cst.Call() | cst.Await()):
            return True
        case cst.AugAssign(target=target) | cst.AnnAssign(target=target):
            return not isinstance(target, cst.Name)
        case cst.Assign(targets=targets):
            return any(isinstance(each.target, cst.Attribute | cst.Subscript) for each in targets)
        case cst.If(test=test) if "__name__" in _names(test):
            return False
        case cst.If() | cst.Try() | cst.TryStar() | cst.With() | cst.For() | cst.While():
            return any(does_something(child) for child in _inner(statement))
    return False


def effects(module: cst.Module) -> Iterator[cst.CSTNode]:
    """The statements of a module's body that do something as it is loaded."""
    return (each for each in flatten(module) if does_something(each))


def _inner(statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for child in statement.children:
        if isinstance(child, cst.BaseSuite):
            yield from flatten(child)
        elif isinstance(child, cst.Else | cst.Finally | cst.ExceptHandler | cst.If):
            yield from _inner(child)


def _names(node: cst.CSTNode) -> set[str]:
    found = {node.value} if isinstance(node, cst.Name) else set()
    return found.union(*(_names(child) for child in node.children))
