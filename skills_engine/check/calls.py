"""Rule "signature": calls that clearly refer to a definition in the tree must fit its
parameters.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.check.modules import Modules, Target
from skills_engine.check.scopes import Bindings, Function, Imported, bindings, children, dotted
from skills_engine.check.signatures import Shape, Signature, called, constructor, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

__all__ = ["Call", "calls", "misfits", "signatures"]


@dataclass(frozen=True, slots=True)
class _Scope:
    """A function's (or class body's) own names, and what is around it."""

    names: Bindings
    parent: _Scope | None = None
    is_class: bool = False
    owner: ast.ClassDef | None = None
    """The class that a method is in; `receiver` is the method's first parameter, of the kind
    `through`.
    """
    receiver: str = ""
    through: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call by name. `owner` is set where the first part is `self`, `cls` or `super()` of a method
    in that class.
    """

    parts: tuple[str, ...]
    shape: Shape
    line: int
    owner: ast.ClassDef | None = None
    through: str = ""
    local: Imported | None = field(default=None, compare=False)

    @property
    def form(self) -> tuple[tuple[str, ...], Shape]:
        """What decides whether it fits, the definition aside."""
        return self.parts, self.shape


def calls(tree: ast.Module, skip: Collection[Function] = ()) -> Iterator[Call]:
    """The calls of a file whose target could be known; those on local variables left out.

    The bodies of the functions in `skip` are passed over.
    """
    waiting: list[tuple[ast.AST, _Scope | None]] = [(node, None) for node in reversed(tree.body)]
    while waiting:
        node, scope = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                outside = [
                    *node.decorator_list,
                    node.args,
                    *([node.returns] if node.returns else []),
                ]
                waiting += [(child, scope) for child in outside]
                if node not in skip:
                    inner = _function_scope(node, scope)
                    waiting += [(child, inner) for child in reversed(node.body)]
                continue
            case ast.ClassDef():
                body = _Scope(bindings(node.body), scope, is_class=True, owner=node)
                waiting += [
                    (child, scope) for child in (*node.bases, *node.keywords, *node.decorator_list)
                ]
                waiting += [(child, body) for child in reversed(node.body)]
                continue
            case ast.Lambda():
                waiting.append((node.args, scope))
                waiting.append(
                    (node.body, _Scope(bindings([node.body], parameters=node.args), scope))
                )
                continue
            case ast.With() | ast.AsyncWith() if any(
                _expects(item.context_expr) for item in node.items
            ):
                continue
            case ast.Try() if any(_catches(handler) for handler in node.handlers):
                waiting += [
                    (child, scope) for child in (*node.handlers, *node.orelse, *node.finalbody)
                ]
                continue
            case ast.Call():
                found = _call(node, scope)
                if found is not None:
                    yield found
        waiting += [(child, scope) for child in children(node)]


def _expects(context: ast.expr) -> bool:
    """`with pytest.raises(…)`, `self.assertRaises(…)` and the like: what is inside is wrong on
    purpose.
    """
    return isinstance(context, ast.Call) and dotted(context.func)[-1:] in {
        ("raises",),
        ("assertRaises",),
        ("assertRaisesRegex",),
        ("suppress",),
    }


def _catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler expects a call that does not fit; `except Exception` around a whole program
    does not.
    """
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(t is not None and dotted(t)[-1:] == ("TypeError",) for t in types)


def _function_scope(node: Function, scope: _Scope | None) -> _Scope:
    names = bindings(node.body, parameters=node.args)
    if scope is None or not scope.is_class:
        return _Scope(names, scope)
    first = [a.arg for a in (*node.args.posonlyargs, *node.args.args)][:1]
    decorators = {dotted(d)[-1:] for d in node.decorator_list}
    if not first or ("staticmethod",) in decorators or names.times[first[0]] != 1:
        return _Scope(names, scope, owner=scope.owner)
    through = "class" if ("classmethod",) in decorators else "instance"
    return _Scope(names, scope, owner=scope.owner, receiver=first[0], through=through)


def _call(node: ast.Call, scope: _Scope | None) -> Call | None:
    parts = dotted(node.func)
    form = shape(node)
    if not parts or form is None:
        return None
    root = parts[0]
    at, direct = scope, True
    while at is not None:
        if root == "super()":
            if at.receiver:
                return Call(parts, form, node.lineno, at.owner, at.through)
        elif at.is_class and not direct:
            pass  # a class's names are not seen from its methods
        elif root == at.receiver and root:
            return Call(parts, form, node.lineno, at.owner, at.through)
        elif root in at.names.outer:
            return None
        elif root in at.names:
            imported = at.names.imports.get(root)
            return Call(parts, form, node.lineno, local=imported) if imported else None
        at, direct = at.parent, False
    return Call(parts, form, node.lineno) if root != "super()" else None


def misfits(
    modules: Modules,
    path: str,
    wanted: Callable[[Call], bool],
    skip: Collection[Function] = (),
    lost: Collection[str] = (),
) -> Iterator[Hit]:
    """The wanted calls of a file that cannot bind in this version of the tree.

    `lost` names methods that some class had and has no more: only of these is
    a call on `self` to nothing a hit, as mixins call what others define.
    """
    tree = modules.version.module(path)
    parsed = modules.version.parsed(path)
    if tree is None or parsed is None:
        return
    for call in sorted((c for c in calls(tree, skip) if wanted(c)), key=lambda c: c.line):
        signature = _signature(modules, path, call)
        reason = signature.refuses(call.shape) if signature else ""
        name = ".".join(call.parts)
        if reason:
            key = ("call", name, str(call.shape.positional), *sorted(call.shape.keywords))
            yield Hit(
                key, call.line, parsed.line(call.line), f"the call of {name} does not fit: {reason}"
            )
        elif signature is None and call.parts[-1] in lost and _vanished(modules, path, call):
            yield Hit(
                ("method", name),
                call.line,
                parsed.line(call.line),
                f"the call of {name}: there is no such method",
            )


def _signature(modules: Modules, path: str, call: Call) -> Signature | None:
    if call.owner is None:
        target = modules.resolve(path, call.parts, call.local)
        return called(modules, target, through="class") if target else None
    if len(call.parts) != 2:
        return None
    name = call.parts[1]
    own = Target(path, call.owner)
    if call.parts[0] == "super()":
        base = modules.base(own)
        if base is None:
            return None
        if name == "__init__":
            return constructor(modules, base)
        target = modules.method(base, name)
    else:
        if name in modules.stores(call.owner):
            return None
        target = modules.method(own, name)
    return called(modules, target, through=call.through) if target else None


def _vanished(modules: Modules, path: str, call: Call) -> bool:
    """Whether a method that is called on `self`, `cls` or `super()` is clearly not there."""
    if call.owner is None or len(call.parts) != 2:
        return False
    own = Target(path, call.owner)
    return modules.lacks(modules.base(own) if call.parts[0] == "super()" else own, call.parts[1])


def signatures(modules: Modules, path: str, *, other: Modules) -> dict[str, Signature | None]:
    """The functions, methods and constructors of a module by qualified name; None where it is not
    clear.

    Definitions that have the same text in the `other` version are left out.
    """
    index, same = modules.index(path), _texts(other, path)
    if index is None:
        return {}
    found: dict[str, Signature | None] = {}
    for name, function in index.names.functions.items():
        if _text(modules, path, function) not in same:
            found[name] = called(modules, Target(path, function), through="")
    for name, node in index.names.classes.items():
        if _text(modules, path, node) in same:
            continue
        found[name] = constructor(modules, Target(path, node))
        for inner, method in modules.members(node).functions.items():
            found[f"{name}.{inner}"] = called(
                modules, Target(path, method, node), through="instance"
            )
    return found


def _texts(modules: Modules, path: str) -> set[str]:
    index = modules.index(path)
    nodes = [*index.names.functions.values(), *index.names.classes.values()] if index else []
    return {_text(modules, path, node) for node in nodes}


def _text(modules: Modules, path: str, node: Function | ast.ClassDef) -> str:
    parsed = modules.version.parsed(path)
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return (
        "\n".join(map(parsed.line, range(first, (node.end_lineno or first) + 1))) if parsed else ""
    )
