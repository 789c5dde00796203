"""Signatures of functions, methods and classes, and the question whether a call fits one."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.check.modules import CallTarget, Modules, plain_bases
from skills_engine.check.scopes import Function, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["CallSignature", "Shape", "called", "constructor", "shape", "signature_of"]

_TRANSPARENT = {
    "abstractmethod",
    "asynccontextmanager",
    "cache",
    "classmethod",
    "contextmanager",
    "deprecated",
    "final",
    "lru_cache",
    "override",
    "runtime_checkable",
    "staticmethod",
    "total_ordering",
}
"""Decorators that leave the parameters as they are written. Any other makes a signature unknown."""

_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """How a call passes its arguments. Made only for calls without `*args` and `**kwargs`."""

    positional: int
    keywords: frozenset[str]


def shape(call: ast.Call) -> Shape | None:
    if any(isinstance(arg, ast.Starred) for arg in call.args) or any(
        k.arg is None for k in call.keywords
    ):
        return None
    return Shape(len(call.args), frozenset(k.arg for k in call.keywords if k.arg))


@dataclass(frozen=True, slots=True)
class CallSignature:
    """Parameters as a caller sees them: `self` and `cls` are gone."""

    positional: tuple[str, ...] = ()
    only_positional: int = 0
    required: int = 0
    """How many of `positional`, from the left, have no default."""
    keywords: tuple[tuple[str, bool], ...] = ()
    """Keyword-only parameters, and whether each is required."""
    any_positional: bool = False
    any_keyword: bool = False

    def refuses(self, call: Shape) -> str:
        """Why a call cannot bind, as Python would say it; empty if it can."""
        if call.positional > len(self.positional) and not self.any_positional:
            return f"it takes {_count(len(self.positional))} and got {call.positional}"
        given = set(self.positional[: call.positional])
        by_name = set(self.positional[self.only_positional :])
        twice = sorted(call.keywords & given & by_name)
        if twice:
            return f"{twice[0]!r} is given twice"
        known = by_name | {name for name, _ in self.keywords}
        unknown = sorted(call.keywords - known)
        if unknown and not self.any_keyword:
            return f"it has no parameter {unknown[0]!r}"
        named = call.keywords & known
        lacking = [n for n in self.positional[call.positional : self.required] if n not in named]
        lacking += [name for name, required in self.keywords if required and name not in named]
        if lacking:
            return f"it needs {', '.join(repr(name) for name in lacking)}"
        return ""

    def accepts_all_of(self, old: CallSignature) -> bool:
        """Whether every call that bound to the old parameters binds to these: what was added has
        defaults.
        """
        now = dict(self.keywords)
        return (
            self.positional[: len(old.positional)] == old.positional
            and self.only_positional <= old.only_positional
            and self.required <= old.required
            and all(name in now and (required or not now[name]) for name, required in old.keywords)
            and not any(
                required for name, required in self.keywords if name not in dict(old.keywords)
            )
            and self.any_positional >= old.any_positional
            and self.any_keyword >= old.any_keyword
        )

    def bound(self) -> CallSignature | None:
        """Without the first parameter, which the instance or the class takes."""
        if not self.positional:
            return self if self.any_positional else None
        only = max(self.only_positional - 1, 0)
        return CallSignature(
            self.positional[1:],
            only,
            max(self.required - 1, 0),
            self.keywords,
            self.any_positional,
            self.any_keyword,
        )


def _count(number: int) -> str:
    return (
        "no positional arguments"
        if number == 0
        else f"{number} positional argument{'s' * (number > 1)}"
    )


def signature_of(node: Function) -> CallSignature | None:
    """The parameters as written, or None if a decorator may have changed them."""
    if not _decorators(node) <= _TRANSPARENT:
        return None
    args = node.args
    names = [a.arg for a in (*args.posonlyargs, *args.args)]
    return CallSignature(
        tuple(names),
        len(args.posonlyargs),
        len(names) - len(args.defaults),
        tuple(
            (a.arg, default is None)
            for a, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        ),
        args.vararg is not None,
        args.kwarg is not None,
    )


def called(modules: Modules, target: CallTarget, *, through: str) -> CallSignature | None:
    """The signature behind a call. `through` says what is before the dot: an "instance", a "class"
    or nothing ("").
    """
    node = target.node
    if isinstance(node, ast.ClassDef):
        return constructor(modules, target)
    if node is None:
        return None
    signature = signature_of(node)
    if signature is None or target.owner is None:
        return signature
    decorators = _decorators(node)
    if "staticmethod" in decorators:
        return signature
    if "classmethod" in decorators or through == "instance":
        return signature.bound()
    return signature


def constructor(modules: Modules, target: CallTarget, depth: int = 0) -> CallSignature | None:
    """What a class is made with: its `__init__`, its fields, or those of its one base. None if it
    is not clear.
    """
    node = target.node
    if not isinstance(node, ast.ClassDef) or depth > _DEPTH or node.keywords:
        return None
    members = modules.members(node)
    kind = _dataclass(modules, target)
    if (
        "__new__" in members
        or kind == "other"
        or not _decorators(node) - {"dataclass"} <= _TRANSPARENT
    ):
        return None
    if "__init__" in members:
        init = members.functions.get("__init__")
        signature = signature_of(init) if init else None
        return signature.bound() if signature else None
    if kind == "dataclass":
        fields = _fields(modules, target, depth)
        return _of_fields(fields) if fields is not None else None
    base = modules.base(target)
    if base is not None:
        return constructor(modules, base, depth + 1)
    return None if plain_bases(node) else CallSignature()


def _decorators(node: Function | ast.ClassDef) -> set[str]:
    """The last part of each decorator's name; an empty string for one that has none."""
    found = set()
    for decorator in node.decorator_list:
        parts = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        found.add(parts[-1] if parts else "")
    return found


def _dataclass(modules: Modules, target: CallTarget) -> str:
    """ "dataclass", "other" (something else of that name, or without an `__init__`) or ""."""
    node = target.node
    if not isinstance(node, ast.ClassDef):
        return ""
    for decorator in node.decorator_list:
        parts = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if parts[-1:] != ("dataclass",):
            continue
        index = modules.index(target.path)
        source = index.names.imports.get(parts[0]) if index else None
        if source is None or source.module != "dataclasses":
            return "other"
        return "other" if _keyword(decorator, "init") is False else "dataclass"
    return ""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    required: bool
    only_keyword: bool


def _of_fields(fields: Iterable[_Field]) -> CallSignature:
    positional = [f for f in fields if not f.only_keyword]
    return CallSignature(
        tuple(f.name for f in positional),
        0,
        sum(f.required for f in positional),
        tuple((f.name, f.required) for f in fields if f.only_keyword),
    )


def _fields(modules: Modules, target: CallTarget, depth: int) -> list[_Field] | None:
    """A dataclass's fields, those of its base first. None if a base is not clear."""
    node = target.node
    if (
        not isinstance(node, ast.ClassDef)
        or depth > _DEPTH
        or _dataclass(modules, target) == "other"
    ):
        return None
    fields: dict[str, _Field] = {}
    if plain_bases(node):
        base = modules.base(target)
        inherited = _fields(modules, base, depth + 1) if base else None
        if inherited is None:
            return None
        fields = {f.name: f for f in inherited}
    if _dataclass(modules, target) == "dataclass":
        only_keyword = any(_keyword(d, "kw_only") is True for d in node.decorator_list)
        fields |= {f.name: f for f in _own_fields(node, only_keyword)}
    return list(fields.values())


def _own_fields(node: ast.ClassDef, only_keyword: bool) -> Iterator[_Field]:
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                written = ast.unparse(annotation)
                if "ClassVar" in written:
                    continue
                if written.rpartition(".")[2] == "KW_ONLY":
                    only_keyword = True
                    continue
                if _field_option(value, "init") is False:
                    continue
                explicit = _field_option(value, "kw_only")
                yield _Field(
                    name,
                    not _has_default(value),
                    only_keyword if not isinstance(explicit, bool) else explicit,
                )


def _is_field(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and dotted(value.func)[-1:] == ("field",)


def _field_option(value: ast.expr | None, name: str) -> object:
    return _keyword(value, name) if value is not None and _is_field(value) else None


def _has_default(value: ast.expr | None) -> bool:
    if value is None:
        return False
    if isinstance(value, ast.Call) and _is_field(value):
        return any(k.arg in {"default", "default_factory", None} for k in value.keywords)
    return True


def _keyword(node: ast.expr, name: str) -> object:
    """The constant that a call passes by that name, or None."""
    keywords: Sequence[ast.keyword] = node.keywords if isinstance(node, ast.Call) else ()
    for keyword in keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None
