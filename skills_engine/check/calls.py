"""Rule "signature": calls that clearly refer to a definition in the tree must fit its
parameters.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skills_engine.check.finding import Hit
from skills_engine.check.modules import CallTarget, Modules
from skills_engine.check.scopes import Bindings, Function, ImportBinding, bindings, dotted
from skills_engine.check.signatures import CallSignature, Shape, called, constructor, shape
from skills_engine.syntax import children

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
    local: ImportBinding | None = field(default=None, compare=False)
    made: bool = False
    """Whether it is of a method of what the class, all parts but the last, has just made."""
    use: str = field(default="value", compare=False)
    """`awaited`, `handed` on (to another call, a caller, `async for`), or a `value` there."""

    @property
    def form(self) -> tuple[tuple[str, ...], Shape]:
        """What decides whether it fits, the definition aside."""
        return self.parts, self.shape


def calls(tree: ast.Module, skip: Collection[Function] = ()) -> Iterator[Call]:
    """The calls of a file whose target could be known; those on local variables left out.

    The bodies of the functions in `skip` are passed over.
    """
    used: dict[ast.AST, str] = {}
    waiting: list[tuple[ast.AST, _Scope | None]] = [(node, None) for node in reversed(tree.body)]
    while waiting:
        node, scope = waiting.pop()
        used.update(_used(node))
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
                    yield replace(found, use=used.get(node, "value"))
        waiting += [(child, scope) for child in children(node)]


def _used(node: ast.AST) -> dict[ast.AST, str]:
    """Of the parts of a node, those that it awaits, or hands on as they are."""
    match node:
        case ast.Await(value=value):
            return {value: "awaited"}
        case ast.Call(args=args, keywords=keywords):
            return dict.fromkeys([*args, *(keyword.value for keyword in keywords)], "handed")
        case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
            return {value: "handed"}
        case ast.AsyncFor(iter=value) | ast.comprehension(iter=value, is_async=1):
            return {value: "handed"}
        case ast.AsyncWith(items=items):
            return dict.fromkeys([item.context_expr for item in items], "handed")
        case ast.Lambda(body=value):
            return {value: "handed"}
    return {}


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
    parts, made = dotted(node.func), False
    match node.func:
        case ast.Attribute(value=ast.Call(func=maker), attr=name) if not parts and dotted(maker):
            parts, made = (*dotted(maker), name), True
    form = shape(node)
    if not parts or form is None:
        return None
    found = _resolved(parts, form, node.lineno, scope)
    return replace(found, made=made) if found is not None and not (made and found.owner) else None


def _resolved(parts: tuple[str, ...], form: Shape, line: int, scope: _Scope | None) -> Call | None:
    """The call of a name as its scope sees it; None for a local variable's."""
    root = parts[0]
    at, direct = scope, True
    while at is not None:
        if root == "super()":
            if at.receiver:
                return Call(parts, form, line, at.owner, at.through)
        elif at.is_class and not direct:
            pass  # a class's names are not seen from its methods
        elif root == at.receiver and root:
            return Call(parts, form, line, at.owner, at.through)
        elif root in at.names.outer:
            return None
        elif root in at.names:
            imported = at.names.imports.get(root)
            return Call(parts, form, line, local=imported) if imported else None
        at, direct = at.parent, False
    return Call(parts, form, line) if root != "super()" else None


def misfits(
    modules: Modules,
    path: str,
    wanted: Callable[[Call], bool],
    skip: Collection[Function] = (),
    lost: Collection[str] = (),
    turned: Collection[tuple[str, str]] = (),
) -> Iterator[Hit]:
    """The wanted calls of a file that cannot bind in this version of the tree.

    `lost` names methods that some class had and has no more: only of these is
    a call on `self` to nothing a hit, as mixins call what others define. `turned` has the path and
    name of what became another kind of thing: a function a coroutine, a class, or the reverse.
    """
    tree = modules.version.module(path)
    parsed = modules.version.parsed(path)
    if tree is None or parsed is None:
        return
    for call in sorted((c for c in calls(tree, skip) if wanted(c)), key=lambda c: c.line):
        signature = _signature(modules, path, call)
        reason = signature.refuses(call.shape) if signature else ""
        name = ".".join(call.parts[:-1]) + "()." + call.parts[-1] if call.made else ""
        name = name or ".".join(call.parts)
        other = _other_kind(modules, path, call, turned)
        if other:
            yield Hit(("kind", name, other), call.line, parsed.line(call.line), f"{name} {other}")
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


def _signature(modules: Modules, path: str, call: Call) -> CallSignature | None:
    target = _target(modules, path, call)
    if target is None:
        return None
    if call.parts[0] == "super()" and call.parts[-1] == "__init__" and target.owner is None:
        return constructor(modules, target)
    through = "instance" if call.made else call.through or "class"
    return called(modules, target, through=through)


def _target(modules: Modules, path: str, call: Call) -> CallTarget | None:
    """What is called; of `super().__init__` without one, the base class."""
    if call.made:
        made = modules.resolve(path, call.parts[:-1], call.local)
        if made is None or not isinstance(made.node, ast.ClassDef):
            return None
        name = call.parts[-1]
        return None if name in modules.stores(made.node) else modules.method(made, name)
    if call.owner is None:
        return modules.resolve(path, call.parts, call.local)
    if len(call.parts) != 2:
        return None
    name = call.parts[1]
    own = CallTarget(path, call.owner)
    if call.parts[0] == "super()":
        base = modules.base(own)
        return base if base is None or name == "__init__" else modules.method(base, name)
    return None if name in modules.stores(call.owner) else modules.method(own, name)


def _other_kind(
    modules: Modules, path: str, call: Call, turned: Collection[tuple[str, str]]
) -> str:
    """How a call's target is another kind of thing than the call takes it for; empty if not."""
    if not turned:
        return ""
    target = _target(modules, path, call)
    node = target.node if target else None
    if target is None or node is None or (target.path, node.name) not in turned:
        return ""
    match node:
        case ast.AsyncFunctionDef() if call.use == "value" and not _is_generator(node):
            return "is a coroutine function now, and is called without `await`"
        case ast.AsyncFunctionDef() if call.use == "value":
            return "is an asynchronous generator now, and is called as if it were none"
        case ast.FunctionDef() if call.use == "awaited":
            return "is no coroutine function any longer, and is awaited"
        case ast.ClassDef():
            return "was a function, and is a class now"
    return ""


def _is_generator(node: ast.AST) -> bool:
    waiting = children(node)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(inner, Function | ast.Lambda | ast.ClassDef):
            waiting += children(inner)
    return False


def _vanished(modules: Modules, path: str, call: Call) -> bool:
    """Whether a method that is called on `self`, `cls`, `super()` or a new object is clearly not
    there.
    """
    if call.made:
        made = modules.resolve(path, call.parts[:-1], call.local)
        return modules.lacks(made, call.parts[-1])
    if call.owner is None or len(call.parts) != 2:
        return False
    own = CallTarget(path, call.owner)
    return modules.lacks(modules.base(own) if call.parts[0] == "super()" else own, call.parts[1])


def signatures(modules: Modules, path: str, *, other: Modules) -> dict[str, CallSignature | None]:
    """The functions, methods and constructors of a module by qualified name; None where it is not
    clear.

    Definitions that have the same text in the `other` version are left out.
    """
    index, same = modules.index(path), _texts(other, path)
    if index is None:
        return {}
    found: dict[str, CallSignature | None] = {}
    for name, function in index.names.functions.items():
        if _text(modules, path, function) not in same:
            found[name] = called(modules, CallTarget(path, function), through="")
    for name, node in index.names.classes.items():
        if _text(modules, path, node) in same:
            continue
        found[name] = constructor(modules, CallTarget(path, node))
        for inner, method in modules.members(node).functions.items():
            found[f"{name}.{inner}"] = called(
                modules, CallTarget(path, method, node), through="instance"
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
