"""The strings and comments that are types: one reader for `rename`, `move` and `no-import`.

A string is a type in an annotation; inside a typing form, wherever that stands
(`Optional["Foo"]`, `dict[str, "Foo"]`); and where a function of `typing` takes one
(`cast("Foo", x)`, `NewType("T", "Foo")`, `TypedDict("T", {"x": "Foo"})`). A comment is one in
`x = []  # type: list[Foo]` and in `# type: (Foo) -> None`.
"""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from skills_engine.codemods.source.syntax import dotted_name
from skills_engine.parsing import parse_module
from skills_engine.types import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skills_engine.codemods.names.scopes import Names

__all__ = ["StringTypes", "children", "is_type_form", "types_among"]

_FORMS = frozenset({
    "Optional", "Union", "Callable", "Annotated", "ClassVar", "Final", "Required", "NotRequired",
    "ReadOnly", "Concatenate", "Unpack", "TypeGuard", "TypeIs", "Generic", "Protocol",
    "list", "dict", "set", "frozenset", "tuple", "type", "deque", "defaultdict", "OrderedDict",
    "Counter", "ChainMap", "List", "Dict", "Set", "FrozenSet", "Tuple", "Type", "Deque",
    "DefaultDict", "Mapping", "MutableMapping", "Sequence", "MutableSequence", "AbstractSet",
    "MutableSet", "Iterable", "Iterator", "Collection", "Container", "Generator", "AsyncGenerator",
    "AsyncIterable", "AsyncIterator", "Awaitable", "Coroutine", "Reversible", "ContextManager",
    "AsyncContextManager", "AbstractContextManager", "AbstractAsyncContextManager", "ItemsView",
    "KeysView", "ValuesView", "MappingView", "Mapped", "InitVar", "Literal",
})  # fmt: skip
"""What takes types in brackets; a lower-case name may be somebody's variable, but not these."""
_LAYOUT = {
    "lpar", "rpar", "lbracket", "rbracket", "lbrace", "rbrace", "comma", "semicolon", "colon",
    "equal", "dot", "bar", "leading_lines", "lines_after_decorators",
    "lines_after_module_docstring", "header", "footer", "trailing_whitespace",
    "asynchronous", "operator", "star",
}  # fmt: skip


@cache
def _fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    return tuple(
        f.name
        for f in fields(kind)
        if not f.name.startswith("whitespace") and f.name not in _LAYOUT
    )


_COMMENT = re.compile(r"#\s*type:\s*(?P<type>(?!ignore\b)[^#\n]*[^#\s])")
_SIGNATURE = re.compile(r"\((?P<parameters>.*)\)\s*->\s*(?P<returns>.+)")


def is_type_form(node: cst.Subscript) -> bool:
    return dotted_name(node.value).rpartition(".")[2] in _FORMS


_TAKE: dict[str, tuple[slice, tuple[str, ...]]] = {
    "cast": (slice(0, 1), ("typ",)),
    "TypeVar": (slice(1, None), ("bound", "default")),
    "ParamSpec": (slice(1, None), ("bound", "default")),
    "NewType": (slice(1, None), ("tp",)),
    "assert_type": (slice(1, 2), ("typ",)),
    "TypeAliasType": (slice(1, 2), ("value",)),
    "TypeAdapter": (slice(0, 1), ()),
}
"""Which arguments of a function are types: by position, by name."""


def types_among(call: cst.Call) -> list[cst.CSTNode]:
    """The arguments of a call that are types, where it is one of `typing`'s functions."""
    name = dotted_name(call.func).rpartition(".")[2]
    plain = [a.value for a in call.args if a.keyword is None and not a.star]
    named = {a.keyword.value: a.value for a in call.args if a.keyword is not None}
    if name in _TAKE:
        places, keys = _TAKE[name]
        return [*plain[places], *(named[key] for key in keys if key in named)]
    if name not in {"TypedDict", "NamedTuple"}:
        return []
    found: list[cst.CSTNode] = [value for key, value in named.items() if key != "total"]
    for fields_ in plain[1:]:
        if isinstance(fields_, cst.Dict):
            found += [element.value for element in fields_.elements]
        elif isinstance(fields_, cst.List | cst.Tuple):
            for pair in fields_.elements:
                if isinstance(pair.value, cst.Tuple):
                    found += [element.value for element in pair.value.elements[1:]]
    return found


class StringTypes:
    """The types in the strings and comments of one file, put where `names` finds them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._read: set[cst.CSTNode] = set()

    def below(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Read the strings of a type expression as types: what they hold. Those of `Literal` and
        the notes of `Annotated` are none.
        """
        match node:
            case cst.SimpleString():
                if node not in self._read:
                    self._read.add(node)
                    yield from self._string(node)
            case cst.ConcatenatedString():
                if node not in self._read:
                    self._read.add(node)
                    self._names.opaque.append(node)
            case cst.Subscript():
                form = dotted_name(node.value).rpartition(".")[2]
                elements: Sequence[cst.CSTNode] = () if form == "Literal" else node.slice
                for element in elements[:1] if form == "Annotated" else elements:
                    yield from self.below(element)
            case cst.Call():
                return
            case _:
                for child in children(node):
                    yield from self.below(child)

    def in_comments(self) -> Iterator[tuple[int, cst.CSTNode]]:
        """The types in comments, each with the offset of its comment."""
        source = self._names.source
        if b"type:" not in source.data:
            return
        for node in source.parents:
            if not isinstance(node, cst.Comment):
                continue
            found = _COMMENT.match(node.value)
            if found is None:
                continue
            at = source.span(node).start
            parts = [(found["type"], found.start("type"))]
            if signature := _SIGNATURE.fullmatch(found["type"]):
                first = found.start("type")
                parts = [
                    (signature[key], first + signature.start(key))
                    for key in ("parameters", "returns")
                ]
            for text, start in parts:
                offset = at + len(node.value[:start].encode())
                read = self._parsed(text, offset) if text.strip(" .") else []
                if read is None:
                    self._names.opaque.append(node)
                for type_ in read or ():
                    yield at, type_

    def _string(self, node: cst.SimpleString) -> Iterator[cst.CSTNode]:
        text = node.raw_value
        if node.evaluated_value != text:
            self._names.opaque.append(node)
            return
        bare = text.strip(" \t")
        before = text[: len(text) - len(text.lstrip(" \t"))]
        start = self._names.span(node).start + len(node.prefix) + len(node.quote)
        yield from self._parsed(bare, start + len(before.encode())) or ()

    def _parsed(self, text: str, start: int) -> list[cst.CSTNode] | None:
        """The statement that a text is, its nodes placed from `start` on; None where it is no
        type after all.
        """
        try:
            module = parse_module(text)
        except cst.ParserSyntaxError:
            return None
        if len(module.body) != 1:
            return None
        spans = MetadataWrapper(module, unsafe_skip_copy=True).resolve(ByteSpanPositionProvider)
        for part, at in spans.items():
            self._names.inside_strings[part] = Span(start + at.start, start + at.start + at.length)
        return [module.body[0]]


def children(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node's children that are not layout, in file order; much quicker than `node.children`."""
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            yield value
        elif isinstance(value, list | tuple):
            yield from (item for item in value if isinstance(item, cst.CSTNode))
