"""Python expressions as nodes: spans from `ast`, redundant parentheses included."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from skills_engine.merge.core.split import find, infix, split
from skills_engine.merge.core.tree import Fixed, Ids, Node, Seq, Shape, Version
from skills_engine.merge.python.source import docstring
from skills_engine.syntax import children

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

__all__ = ["Expressions"]

_TRIVIA = r"(?:[ \t\f\n]|\\\n|#[^\n]*\n)*"
_OPEN = re.compile(r"\(" + _TRIVIA + r"\Z")
_CLOSE = re.compile(_TRIVIA + r"\)")
_SKIPPED = {"ctx", "type_comment", "kind", "type_ignores"}

Located = ast.expr | ast.stmt | ast.arg | ast.keyword | ast.alias | ast.excepthandler | ast.pattern


class Expressions:
    """Makes nodes of one parsed version."""

    def __init__(self, text: str, ids: Ids, version: Version) -> None:
        self.text = text
        self.ids = ids
        self.version = version
        self._lines = None if text.isascii() else text.encode().split(b"\n")
        self._sigs: dict[ast.AST, int] = {}
        self.empty = ids.of("nothing")

    # --- places

    def at(self, line: int, column: int) -> int:
        """The offset of `ast`'s line (from 1) and column (in UTF-8 bytes)."""
        if self._lines is not None:
            column = len(self._lines[line - 1][:column].decode("utf-8", "replace"))
        return self.version.starts[line - 1] + column

    def span(self, node: Located) -> tuple[int, int]:
        last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.at(node.lineno, node.col_offset), self.at(last, column)

    def wrapped(self, start: int, end: int, low: int, high: int) -> tuple[int, int]:
        """A span with the parentheses around it that lie between `low` and `high`."""
        while True:
            opening, closing = (
                _OPEN.search(self.text, low, start),
                _CLOSE.match(self.text, end, high),
            )
            if opening is None or closing is None:
                return start, end
            start, end = opening.start(), closing.end()

    # --- meaning

    def sig(self, node: ast.AST) -> int:
        """What a node means, whatever its layout; a docstring means its text without
        indentation.
        """
        known = self._sigs.get(node)
        if known is None:
            known = self._sigs[node] = (
                self._by_text(node)
                if isinstance(node, ast.stmt)
                else self.ids.of(self._signature(node))
            )
        return known

    def _by_text(self, stmt: ast.stmt) -> int:
        """As `sig`: a statement that another version has, too, is not looked into again."""
        if getattr(stmt, "decorator_list", None):  # these are not in the statement's span
            return self.ids.of(self._signature(stmt))
        key = ("statement", self.text[slice(*self.span(stmt))])
        known = self.ids.by_text.get(key)
        if known is None:
            known = self.ids.by_text[key] = self.ids.of(self._signature(stmt))
        return known

    def _signature(self, node: ast.AST) -> Hashable:
        if isinstance(node, ast.Constant):
            return ("Constant", type(node.value).__name__, repr(node.value))
        if isinstance(node, ast.Name):
            return ("Name", node.id)
        values: list[Hashable] = [type(node).__name__]
        for name in node._fields:
            if name in _SKIPPED:
                continue
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                values.append(self.sig(value))
            elif isinstance(value, list):
                parts = [self.sig(v) if isinstance(v, ast.AST) else v for v in value]
                if name == "body" and isinstance(
                    node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ):
                    said = docstring(value)
                    if said is not None:
                        parts[0] = self.ids.of(("docstring", said))
                values.append(tuple(parts))
            else:
                values.append(value)
        return tuple(values)

    # --- nodes

    def leaf(self, start: int, end: int, kind: str) -> Node:
        return Node(
            self.version, start, end, kind, lambda: self.ids.of((kind, self.text[start:end]))
        )

    def expr(self, node: Located, low: int, high: int) -> Node:
        """The node of an expression that lies between two offsets."""
        start, end = self.span(node)
        start, end = self.wrapped(start, end, low, high)
        return Node(
            self.version, start, end, kind(node), lambda: self.sig(node), lambda: self.shape(node)
        )

    def row(self, nodes: list[Located], low: int, high: int) -> list[Node]:
        """Expressions in order of place, each with its own parentheses."""
        spans = [self.span(node) for node in nodes]
        made = []
        for k, node in enumerate(nodes):
            following = spans[k + 1][0] if k + 1 < len(nodes) else high
            made.append(self.expr(node, low, following))
            low = made[-1].end
        return made

    def shape(self, node: ast.AST) -> Shape | None:
        start, end = self.span(node)  # type: ignore[arg-type]
        match node:
            case ast.Name() | ast.Constant() | ast.JoinedStr() | ast.arg() | ast.alias():
                return None
            case ast.Attribute():
                value = self.expr(node.value, start, end)
                name = end - len(node.attr)
                return (
                    Fixed((value, self.leaf(name, end, "name")))
                    if self.text[name:end] == node.attr
                    else None
                )
            case ast.Call():
                return self._call(node, start, end)
            case ast.List() | ast.Set():
                return self._elements(
                    node.elts, start + 1, end - 1, filled=isinstance(node, ast.Set)
                )
            case ast.Tuple():
                own = self._own_brackets(node, start, end)
                return self._elements(node.elts, start + own, end - own, single=True)
            case ast.Dict():
                return self._dict(node, start, end)
            case ast.BoolOp():
                return infix(self.text, start, end, self.row(list(node.values), start, end))
        children = sorted(_children(node), key=lambda child: (child.lineno, child.col_offset))
        return Fixed(tuple(self.row(children, start, end))) if children else None

    def _elements(
        self,
        nodes: list[ast.expr],
        start: int,
        end: int,
        *,
        single: bool = False,
        filled: bool = False,
    ) -> Seq | None:
        made = self.row(list(nodes), start, end)
        return split(
            self.text,
            start,
            end,
            [(node, None, True) for node in made],
            single=single,
            filled=filled,
        )

    def _own_brackets(self, node: ast.Tuple, start: int, end: int) -> int:
        """1 if the tuple's span includes parentheses of its own, else 0."""
        if not node.elts:
            return 1
        first, behind = self.span(node.elts[0])
        comma = find(self.text, ",", behind, end)
        opened = _count(self.text[start:first], "(")
        return opened - _count(self.text[behind : comma if comma >= 0 else end], ")")

    def _dict(self, node: ast.Dict, start: int, end: int) -> Seq | None:
        elements: list[tuple[Node, Hashable, bool]] = []
        low = start + 1
        heads = [
            self.span(key or value)[0] for key, value in zip(node.keys, node.values, strict=True)
        ]
        for k, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
            high = heads[k + 1] if k + 1 < len(heads) else end - 1
            value_start = self.span(value)[0]
            if key is None:
                stars = find(self.text, "**", low, value_start)
                made = self.expr(value, stars + 2, high)
                pair = self._pair(stars, made.end, (made,), ("**", self.sig(value)))
                elements.append((pair, None, True))
            else:
                left = self.expr(key, low, value_start)
                made = self.expr(value, left.end, high)
                pair = self._pair(
                    left.start, made.end, (left, made), (self.sig(key), self.sig(value))
                )
                elements.append((pair, ("key", self.sig(key)), True))
            low = pair.end
        return split(self.text, start + 1, end - 1, elements)

    def _pair(self, start: int, end: int, parts: tuple[Node, ...], meaning: Hashable) -> Node:
        return Node(
            self.version,
            start,
            end,
            "pair",
            lambda: self.ids.of(("pair", meaning)),
            lambda: Fixed(parts),
        )

    def _call(self, node: ast.Call, start: int, end: int) -> Fixed | None:
        function = self.expr(node.func, start, end)
        opening = find(self.text, "(", function.end, end)
        inside: list[Located] = [*node.args, *node.keywords]
        inside.sort(key=lambda child: (child.lineno, child.col_offset))
        if (
            len(inside) == 1
            and isinstance(inside[0], ast.GeneratorExp)
            and self.span(inside[0])[0] == opening
        ):
            return Fixed((function, self.expr(inside[0], opening, end)))
        return Fixed((function, self.arguments(inside, opening, end)))

    def arguments(self, inside: list[Located], opening: int, end: int) -> Node:
        """What stands in parentheses after a function or a class's name, parentheses included."""

        def build() -> Seq | None:
            elements: list[tuple[Node, Hashable, bool]] = []
            for made, child in zip(self.row(inside, opening + 1, end - 1), inside, strict=True):
                named = isinstance(child, ast.keyword) and child.arg is not None
                elements.append((made, ("keyword", child.arg) if named else None, named))  # type: ignore[union-attr]
            return split(self.text, opening + 1, end - 1, elements)

        def sign() -> int:
            return self.ids.of(
                ("arguments", tuple(self.sig(child) for child in inside)) if inside else "nothing"
            )

        return Node(self.version, opening, end, "arguments", sign, build)

    def parameters(self, node: ast.arguments, opening: int, closing: int) -> Node:
        """A function's parameters, parentheses included."""
        return Node(
            self.version,
            opening,
            closing + 1,
            "parameters",
            lambda: self.sig(node),
            lambda: self._parameters(node, opening + 1, closing),
        )

    def _parameters(self, node: ast.arguments, start: int, end: int) -> Seq | None:
        positional = [*node.posonlyargs, *node.args]
        defaults = dict(zip(reversed(positional), reversed(node.defaults), strict=False))
        rows: list[tuple[int, ast.arg, ast.expr | None, str, bool]] = [
            (self.span(arg)[0], arg, defaults.get(arg), "", arg in defaults) for arg in positional
        ]
        for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            rows.append((self.span(arg)[0], arg, default, "", True))
        for arg_, stars in ((node.vararg, "*"), (node.kwarg, "**")):
            if arg_ is not None:
                rows.append(
                    (self.text.rindex(stars, start, self.span(arg_)[0]), arg_, None, stars, True)
                )
        rows.sort(key=lambda row: row[0])
        elements: list[tuple[Node, Hashable, bool]] = []
        for k, (begin, arg, default, stars, free) in enumerate(rows):
            high = rows[k + 1][0] if k + 1 < len(rows) else end
            elements.append(
                (self._parameter(begin, arg, default, high), ("parameter", stars, arg.arg), free)
            )
        if node.posonlyargs:
            behind = elements[len(node.posonlyargs) - 1][0].end
            slash = find(self.text, "/", behind, end)
            elements.append((self.leaf(slash, slash + 1, "marker"), ("marker", "/"), False))
        if node.kwonlyargs and node.vararg is None:
            star = self.text.rindex("*", start, self.span(node.kwonlyargs[0])[0])
            elements.append((self.leaf(star, star + 1, "marker"), ("marker", "*"), False))
        elements.sort(key=lambda element: element[0].start)
        return split(self.text, start, end, elements)

    def _parameter(self, begin: int, arg: ast.arg, default: ast.expr | None, high: int) -> Node:
        start, end = self.span(arg)
        named = start + len(arg.arg)
        typed = end
        if arg.annotation is not None:
            typed = self.expr(arg.annotation, named, high).end
        annotation = self.optional(arg.annotation, named, typed, typed)
        stop = typed
        if default is not None:
            stop = self.expr(default, typed, high).end
        value = self.optional(default, typed, stop, high)
        name = self.leaf(begin, named, "name")
        meaning = (
            self.sig(arg),
            self.sig(default) if default is not None else self.empty,
            self.text[begin:start],
        )
        return Node(
            self.version,
            begin,
            stop,
            "parameter",
            lambda: self.ids.of(("parameter", meaning)),
            lambda: Fixed((name, annotation, value)),
        )

    def optional(self, node: ast.expr | None, start: int, end: int, high: int) -> Node:
        """A part that may be missing, with the token that introduces it (`: int`, `= 3`, `->
        None`).
        """
        return Node(
            self.version,
            start,
            end,
            "optional",
            lambda: self.empty if node is None else self.sig(node),
            lambda: None if node is None else Fixed((self.expr(node, start, max(end, high)),)),
        )


def kind(node: ast.AST) -> str:
    """The class of a node, and its operators; `async` is a word of its header."""
    name = type(node).__name__.removeprefix("Async")
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.UnaryOp() | ast.AugAssign():
            return f"{name} {type(node.op).__name__}"
        case ast.Compare():
            return f"{name} {' '.join(type(op).__name__ for op in node.ops)}"
    return name


def _children(node: ast.AST) -> Iterator[Located]:
    for child in children(node):
        if isinstance(child, ast.comprehension | ast.withitem | ast.arguments):
            yield from _children(child)
        elif isinstance(child, Located):
            yield child


def _count(gap: str, bracket: str) -> int:
    return re.sub(r"#[^\n]*", "", gap).count(bracket)
