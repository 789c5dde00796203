"""Modules that an expression takes by a name in a string: `importlib.import_module("bot.app")`."""

from __future__ import annotations

from importlib.util import resolve_name
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.syntax import dotted_name

if TYPE_CHECKING:
    from skills_engine.codemods.names.scopes import Scope

__all__ = ["by_name"]


def by_name(expression: cst.Call | cst.Subscript, scope: Scope) -> str | None:
    """The module as an import in that file would name it, dots in front included; None for what is
    no such expression.
    """
    match expression:
        case cst.Subscript(
            value=taken,
            slice=[cst.SubscriptElement(slice=cst.Index(value=cst.SimpleString() as text))],
        ) if _is(taken, scope, "sys", "modules"):
            return _text(text)
        case cst.Call(
            func=cst.Name(value="__import__"), args=[cst.Arg(value=cst.SimpleString() as text)]
        ):
            return (_text(text) or "").partition(".")[0] or None
        case cst.Call(func=func, args=[cst.Arg(value=cst.SimpleString() as text), *rest]) if _is(
            func, scope, "importlib", "import_module"
        ):
            module = _text(text)
            if module is None or not module.startswith("."):
                return module
            return _relative(module, rest[0].value, scope.names.path) if rest else None
    return None


def _text(node: cst.SimpleString) -> str | None:
    value = node.evaluated_value
    return value if isinstance(value, str) else None


def _relative(module: str, package: cst.BaseExpression, path: str) -> str | None:
    """What counts from a package that is named, or from the importing file's own."""
    own = {"__package__", "__name__"} if path.endswith("/__init__.py") else {"__package__"}
    match package:
        case cst.Name(value=name):
            return module if name in own else None
        case cst.SimpleString():
            try:
                return resolve_name(module, _text(package) or "")
            except ImportError:
                return None
    return None


def _is(node: cst.BaseExpression, scope: Scope, module: str, name: str) -> bool:
    """Whether an expression is that name of a module of Python's own, as the file imports it."""
    root, _, rest = dotted_name(node).partition(".")
    imported = [b.imported for b in scope.owner(root).bound.get(root, ())]
    wanted = (module, "") if rest == name else (module, name)
    return rest in {"", name} and {(i.module, i.name) if i else None for i in imported} == {wanted}
