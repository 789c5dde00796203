"""Kinds of edits to expressions."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from pairs.edits import Edit, Kind, Site, Tree, expression, number

__all__ = ["EXPRESSIONS"]

Node = TypeVar("Node", bound=ast.AST)


def _within(
    site: Site, kind: type[Node], good: Callable[[Node], bool] = lambda _: True
) -> list[Node]:
    """Nodes of a class in the statement that edits are near, without what f-strings hold."""
    return [n for n in _walk(site.focus) if isinstance(n, kind) and good(n)]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.JoinedStr | ast.expr_context | ast.comprehension):
            yield from _walk(child)


def _pick(rng: random.Random, row: list[Node]) -> Node | None:
    return rng.choice(row) if row else None


def _value(site: Site, rng: random.Random) -> ast.expr | None:
    """An expression that is read, with parentheses of its own or none needed."""
    kinds = ast.Call | ast.Name | ast.Attribute | ast.Constant | ast.List | ast.Dict
    taken = {id(n.func) for n in _within(site, ast.Call)}
    taken |= {id(n.value) for n in _within(site, ast.Attribute)}
    taken |= {id(n.value) for n in _within(site, ast.Subscript)}
    docs = {id(n.value) for n in _within(site, ast.Expr) if isinstance(n.value, ast.Constant)}
    return _pick(
        rng,
        [
            n
            for n in _within(site, ast.expr)
            if isinstance(n, kinds)
            and isinstance(getattr(n, "ctx", ast.Load()), ast.Load)
            and id(n) not in taken | docs
            and site.one_line(n)
        ],
    )


def _replaced(site: Site, node: ast.AST, text: str) -> Edit:
    new = expression(text)
    return Edit(((*site.span(node), text),), lambda tree: tree.replace(number(node), lambda _: new))


def _around(before: str, after: str) -> Kind:
    """Wrap an expression: the text before it and behind it."""

    def kind(site: Site, rng: random.Random) -> Edit | None:
        node = _value(site, rng)
        if node is None or (after == ".done()" and isinstance(node, ast.Constant)):
            return None
        start, end = site.span(node)

        def change(tree: Tree) -> None:
            def wrapped(inner: ast.AST) -> ast.AST:
                outer = expression(f"{before}HOLE{after}")
                for parent in ast.walk(outer):
                    for name, value in ast.iter_fields(parent):
                        if isinstance(value, ast.Name) and value.id == "HOLE":
                            setattr(parent, name, inner)
                        elif isinstance(value, list):
                            value[:] = [
                                inner if isinstance(v, ast.Name) and v.id == "HOLE" else v
                                for v in value
                            ]
                return outer

            tree.replace(number(node), wrapped)

        return Edit(((start, start, before), (end, end, after)), change)

    return kind


def wrapped_alike(site: Site, rng: random.Random) -> Edit | None:
    """f(a) becomes f(f(a))."""
    node = _pick(rng, _within(site, ast.Call, lambda n: isinstance(n.func, ast.Name)))
    if node is None or not isinstance(node.func, ast.Name) or not site.one_line(node):
        return None
    name = node.func.id
    start, end = site.span(node)

    def change(tree: Tree) -> None:
        def outer(inner: ast.AST) -> ast.AST:
            assert isinstance(inner, ast.expr)
            return ast.Call(ast.Name(name, ast.Load()), [inner], [])

        tree.replace(number(node), outer)

    return Edit(((start, start, f"{name}("), (end, end, ")")), change)


# --- arguments


def _call(site: Site, rng: random.Random, good: Callable[[ast.Call], bool]) -> ast.Call | None:
    return _pick(rng, _within(site, ast.Call, lambda n: site.one_line(n) and good(n)))


def _plain(node: ast.Call) -> bool:
    return not any(isinstance(a, ast.GeneratorExp | ast.Starred) for a in node.args) and all(
        k.arg for k in node.keywords
    )


def argument_added(site: Site, rng: random.Random) -> Edit | None:
    """By position, behind the others."""
    node = _call(site, rng, lambda n: _plain(n) and bool(n.args))
    if node is None:
        return None
    name, at = rng.choice(["extra", "limit"]), site.span(node.args[-1])[1]
    if site.text[at] not in ",)":
        return None

    def change(tree: Tree) -> None:
        call = tree.node(number(node))
        assert isinstance(call, ast.Call)
        row, place = tree.row(number(node.args[-1]))
        row.insert(place + 1, ast.Name(name, ast.Load()))

    return Edit(((at, at, f", {name}"),), change)


def argument_first(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and bool(n.args))
    if node is None:
        return None
    at = site.span(node.args[0])[0]
    if site.text[at - 1] != "(":
        return None

    def change(tree: Tree) -> None:
        row, place = tree.row(number(node.args[0]))
        row.insert(place, ast.Name("context", ast.Load()))

    return Edit(((at, at, "context, "),), change)


def _taken_out(site: Site, row: list[ast.AST], rng: random.Random) -> Edit | None:
    """An element of a row goes, with a comma."""
    if len(row) < 2:
        return None
    at = rng.randrange(len(row))
    start, end = site.span(row[at])
    if at:
        start = site.span(row[at - 1])[1]
    else:
        end = site.span(row[1])[0]
    gap = site.text[start : site.span(row[at])[0]] + site.text[site.span(row[at])[1] : end]
    if gap.strip() != ",":
        return None

    def change(tree: Tree) -> None:
        there, place = tree.row(number(row[at]))
        del there[place]

    return Edit(((start, end, ""),), change)


def _swapped(site: Site, row: list[ast.AST], rng: random.Random) -> Edit | None:
    """Two neighbours of a row change places."""
    if len(row) < 2:
        return None
    at = rng.randrange(len(row) - 1)
    one, other = row[at], row[at + 1]
    if site.source(one) == site.source(other) or not (site.one_line(one) and site.one_line(other)):
        return None

    def change(tree: Tree) -> None:
        there, first = tree.row(number(one))
        same, second = tree.row(number(other))
        if there is not same:
            raise LookupError
        there[first], there[second] = there[second], there[first]

    return Edit(
        ((*site.span(one), site.source(other)), (*site.span(other), site.source(one))), change
    )


def argument_deleted(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and len(n.args) > 1)
    return None if node is None else _taken_out(site, list(node.args), rng)


def argument_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and bool(n.args))
    return None if node is None else _replaced(site, rng.choice(node.args), "changed_argument")


def arguments_swapped(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and len(n.args) > 1)
    return None if node is None else _swapped(site, list(node.args), rng)


def keyword_added(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and bool(n.args or n.keywords))
    if node is None:
        return None
    name, at = rng.choice(["timeout", "strict", "log"]), site.span(node)[1] - 1
    if site.text[:at].rstrip().endswith(",") or any(k.arg == name for k in node.keywords):
        return None

    def change(tree: Tree) -> None:
        call = tree.node(number(node))
        assert isinstance(call, ast.Call)
        call.keywords.append(ast.keyword(name, ast.Constant(3)))

    return Edit(((at, at, f", {name}=3"),), change)


def keyword_to_empty(site: Site, rng: random.Random) -> Edit | None:
    """f() becomes f(log=3)."""
    node = _call(site, rng, lambda n: not n.args and not n.keywords)
    if node is None:
        return None
    at = site.span(node)[1] - 1

    def change(tree: Tree) -> None:
        call = tree.node(number(node))
        assert isinstance(call, ast.Call)
        call.keywords.append(ast.keyword("log", ast.Constant(3)))

    return Edit(((at, at, "log=3"),), change)


def keyword_deleted(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and bool(n.keywords))
    if node is None:
        return None
    row = sorted([*node.args, *node.keywords], key=lambda part: site.span(part)[0])
    at = row.index(rng.choice(node.keywords))
    if at == 0:
        return None
    start, end = site.span(row[at - 1])[1], site.span(row[at])[1]

    def change(tree: Tree) -> None:
        there, place = tree.row(number(row[at]))
        del there[place]

    return Edit(((start, end, ""),), change)


def keyword_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and bool(n.keywords))
    return (
        None if node is None else _replaced(site, rng.choice(node.keywords).value, "changed_value")
    )


def keywords_swapped(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: _plain(n) and len(n.keywords) > 1)
    return None if node is None else _swapped(site, list(node.keywords), rng)


def callee_renamed(site: Site, rng: random.Random) -> Edit | None:
    node = _call(site, rng, lambda n: isinstance(n.func, ast.Name | ast.Attribute))
    if node is None:
        return None
    if isinstance(node.func, ast.Name):
        return _replaced(site, node.func, "renamed")
    start, end = site.span(node.func)
    begin = end - len(node.func.attr) if isinstance(node.func, ast.Attribute) else start

    def change(tree: Tree) -> None:
        function = tree.node(number(node.func))
        assert isinstance(function, ast.Attribute)
        function.attr = "renamed"

    return Edit(((begin, end, "renamed"),), change)


# --- displays, constants, operators


def _display(site: Site, rng: random.Random, least: int) -> ast.List | ast.Tuple | ast.Set | None:
    rows = [
        n
        for n in _within(site, ast.expr)
        if isinstance(n, ast.List | ast.Tuple | ast.Set)
        and len(n.elts) >= least
        and site.one_line(n)
        and site.source(n)[0] in "([{"
        and isinstance(getattr(n, "ctx", ast.Load()), ast.Load)
    ]
    return _pick(rng, rows)


def element_added(site: Site, rng: random.Random) -> Edit | None:
    node = _display(site, rng, 1)
    if node is None:
        return None
    at = rng.randrange(len(node.elts))
    begin = site.span(node.elts[at])[0]
    text = rng.choice(["added_one", "added_two"])
    if not (site.text[begin - 1] in "[{(" or site.text[begin - 2 : begin] == ", "):
        return None

    def change(tree: Tree) -> None:
        row, place = tree.row(number(node.elts[at]))
        row.insert(place, ast.Name(text, ast.Load()))

    return Edit(((begin, begin, f"{text}, "),), change)


def element_deleted(site: Site, rng: random.Random) -> Edit | None:
    node = _display(site, rng, 3)
    return None if node is None else _taken_out(site, list(node.elts), rng)


def element_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _display(site, rng, 1)
    return None if node is None else _replaced(site, rng.choice(node.elts), "changed_element")


def elements_swapped(site: Site, rng: random.Random) -> Edit | None:
    node = _display(site, rng, 2)
    return None if node is None else _swapped(site, list(node.elts), rng)


def _dict(site: Site, rng: random.Random) -> ast.Dict | None:
    return _pick(rng, _within(site, ast.Dict, lambda n: bool(n.keys) and all(n.keys)))


def key_added(site: Site, rng: random.Random) -> Edit | None:
    node = _dict(site, rng)
    if node is None or node.keys[0] is None:
        return None
    begin = site.span(node.keys[0])[0]
    if site.text[begin - 1] != "{":
        return None
    key = rng.choice(["added", "new"])

    def change(tree: Tree) -> None:
        there = tree.node(number(node))
        assert isinstance(there, ast.Dict)
        there.keys.insert(0, ast.Constant(key))
        there.values.insert(0, ast.Constant(1))

    return Edit(((begin, begin, f'"{key}": 1, '),), change)


def value_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _dict(site, rng)
    return None if node is None else _replaced(site, rng.choice(node.values), "changed_value")


def string_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _pick(
        rng, _within(site, ast.Constant, lambda n: isinstance(n.value, str) and site.one_line(n))
    )
    return None if node is None else _replaced(site, node, '"a changed text"')


def number_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _pick(rng, _within(site, ast.Constant, lambda n: type(n.value) is int))
    return None if node is None else _replaced(site, node, "4711")


def name_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _pick(rng, _within(site, ast.Name, lambda n: isinstance(n.ctx, ast.Load)))
    return None if node is None else _replaced(site, node, "other_name")


def operand_added(site: Site, rng: random.Random) -> Edit | None:
    node = _pick(rng, _within(site, ast.BoolOp, site.one_line))
    if node is None:
        return None
    word = "and" if isinstance(node.op, ast.And) else "or"
    at = site.span(node.values[-1])[1]

    def change(tree: Tree) -> None:
        row, place = tree.row(number(node.values[-1]))
        row.insert(place + 1, ast.Name("ready", ast.Load()))

    return Edit(((at, at, f" {word} ready"),), change)


def operator_changed(site: Site, rng: random.Random) -> Edit | None:
    node = _pick(rng, _within(site, ast.Compare, lambda n: len(n.ops) == 1 and site.one_line(n)))
    if node is None or not isinstance(node.ops[0], ast.Eq | ast.Gt | ast.Lt):
        return None
    start, end = site.span(node.left)[1], site.span(node.comparators[0])[0]
    if site.text[start:end].strip() not in {"==", "<", ">"}:
        return None

    def change(tree: Tree) -> None:
        there = tree.node(number(node))
        assert isinstance(there, ast.Compare)
        there.ops = [ast.NotEq()]

    return Edit(((start, end, " != "),), change)


EXPRESSIONS: dict[str, Kind] = {
    "wrap in a call": _around("wrapped(", ")"),
    "wrap in a call with arguments": _around("guard(", ", n=1)"),
    "wrap by the same callee": wrapped_alike,
    "chain a call": _around("", ".done()"),
    "read an attribute of it": _around("", ".value"),
    "subscribe it": _around("", "[0]"),
    "wrap in a list": _around("[", "]"),
    "wrap in a lambda": _around("later(lambda: ", ")"),
    "wrap in a condition": _around("(", " if ready else None)"),
    "argument added": argument_added,
    "argument put first": argument_first,
    "argument deleted": argument_deleted,
    "argument changed": argument_changed,
    "arguments swapped": arguments_swapped,
    "keyword added": keyword_added,
    "keyword to an empty call": keyword_to_empty,
    "keyword deleted": keyword_deleted,
    "keyword changed": keyword_changed,
    "keywords swapped": keywords_swapped,
    "callee renamed": callee_renamed,
    "element added": element_added,
    "element deleted": element_deleted,
    "element changed": element_changed,
    "elements swapped": elements_swapped,
    "key added": key_added,
    "value of a key changed": value_changed,
    "string changed": string_changed,
    "number changed": number_changed,
    "name changed": name_changed,
    "operand added": operand_added,
    "operator changed": operator_changed,
}  # fmt: skip
