"""Finding the literal list, tuple, set or dict that an operation means, and editing it where it is
empty.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.match.calls import argument_of, find_call
from skills_engine.codemods.match.expressions import assignment_of
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.sequences import Display, Sequence
from skills_engine.codemods.source.snippets import one_line, same_code
from skills_engine.codemods.source.source import Splice
from skills_engine.codemods.source.syntax import descend, extract, flatten
from skills_engine.types import Span

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["Literal", "Where", "check_keys", "check_kind", "find_literals", "place"]

_AROUND = {
    "set",
    "frozenset",
    "tuple",
    "list",
    "dict",
    "deque",
    "OrderedDict",
    "MappingProxyType",
    "sorted",
}
"""What a literal may stand in as the only argument and still be the value: `frozenset({A})`."""
_IN_FROZENSET = re.compile(r"\bfrozenset\(\s*$")


@dataclass(frozen=True, slots=True)
class Where:
    """`of`, and the call and argument in which the literal is, if it is not the value itself."""

    of: str
    call: str = ""
    argument: str | int = ""

    def __str__(self) -> str:
        inside = f"{self.call or 'the call'}({self.argument})" if self.argument != "" else ""
        return " of ".join(part for part in (inside, self.of) if part)


@dataclass(frozen=True)
class Literal:
    """A literal in a file. `node` is its display, the call `set()` or `frozenset()` that has no
    elements yet, or the call `dict(a=1)`, whose keywords are its keys.
    """

    source: Source
    node: Display | cst.Call

    @property
    def is_dict(self) -> bool:
        return isinstance(self.node, cst.Dict) or self.by_keyword

    @property
    def by_keyword(self) -> bool:
        return isinstance(self.node, cst.Call) and self.source.code(self.node.func) == "dict"

    @property
    def elements(self) -> list[cst.BaseElement | cst.BaseDictElement | cst.Arg]:
        if isinstance(self.node, cst.Call):
            return list(self.node.args) if self.by_keyword else []
        return list(self.node.elements)

    def texts(self) -> list[str]:
        """The source of each element; of a dict's, the key's (a `**other` as it is). Of a keyword,
        a string.
        """
        return [self._label(element) for element in self.elements]

    def value(self, index: int) -> str:
        """The source of a dict's value."""
        element = self.elements[index]
        one = _one_entry(element)
        return self.source.text(extract(self.source, [element.value if one is None else one.value]))

    def matching(self, text: str) -> list[int]:
        """The indices of the elements (or keys) that are that code."""
        return [index for index, own in enumerate(self.texts()) if same_code(own, text)]

    def equal(self, text: str) -> list[int]:
        """The indices of the keys of a dict, or the members of a set, that are constants equal to
        that one: `True`, `1` and `1.0` are one key.
        """
        if isinstance(self.node, cst.List | cst.Tuple) or not (wanted := _constant(text)):
            return []
        return [n for n, own in enumerate(self.texts()) if _constant(own) == wanted]

    def insert(self, index: int, text: str, value: str = "") -> tuple[Splice, ...]:
        """Splices with the element, or the key `text` of a dict and its value."""
        if not isinstance(self.node, cst.Call):
            whole = f"{text}: {value}" if value else text
            return Sequence.of_display(self.source, self.node).insert(index, whole)
        sequence = Sequence.of_arguments(self.source, self.node)
        if self.by_keyword:
            return sequence.insert(index, _as_argument(text, value))
        begin = self.source.span(self.node).start
        if self.source.code(self.node.func) != "set":
            begin = sequence.start  # frozenset() becomes frozenset({A})
        end = sequence.end + (begin != sequence.start)
        inside = sequence.insert(0, text)
        if (
            inside[0].start == sequence.start
        ):  # the brackets and the element meet: one splice keeps their order
            rest = self.source.text(Span(sequence.start, sequence.end))
            return (Splice(begin, end, "{" + inside[0].new + rest + "}"),)
        return (Splice(begin, sequence.start, "{"), *inside, Splice(sequence.end, end, "}"))

    def remove(self, index: int) -> tuple[Splice, ...]:
        """Splices without the element; a set that loses its last becomes `set()`."""
        if isinstance(self.node, cst.Call):
            return Sequence.of_arguments(self.source, self.node).remove(index)
        sequence = Sequence.of_display(self.source, self.node)
        splices = sequence.remove(index)
        if len(sequence.items) > 1:
            return splices
        if isinstance(self.node, cst.Tuple) and not sequence.bracketed:
            return (Splice(sequence.start, sequence.end, "()"),)
        if not isinstance(self.node, cst.Set):
            return splices
        whole = self.source.span(self.node)
        before = self.source.text(Span(self.source.line_start(whole.start), whole.start))
        opening, closing = ("", "") if _IN_FROZENSET.search(before) else ("set(", ")")
        return (
            Splice(whole.start, whole.start + 1, opening),
            *splices,
            Splice(whole.end - 1, whole.end, closing),
        )

    def _label(self, element: cst.BaseElement | cst.BaseDictElement | cst.Arg) -> str:
        if isinstance(element, cst.Arg) and element.keyword is not None:
            return repr(element.keyword.value)
        entry = element if isinstance(element, cst.DictElement) else _one_entry(element)
        if entry is not None:
            return self.source.text(extract(self.source, [entry.key]))
        return self.source.text(self.source.span(element))


def _one_entry(
    element: cst.BaseElement | cst.BaseDictElement | cst.Arg,
) -> cst.DictElement | None:
    """The entry of `**{"a b": 1}`, as an argument."""
    match element:
        case cst.Arg(star="**", value=cst.Dict(elements=[cst.DictElement() as one])):
            return one
    return None


def _as_argument(key: str, value: str) -> str:
    """An argument of `dict(…)` that makes an entry, with the comment above it."""
    bare = snippets.bare(key)
    comment = key[: len(key) - len(bare)]
    (name,) = _constant(bare) or (None,)
    if isinstance(name, str) and name.isidentifier() and not iskeyword(name):
        return f"{comment}{name}={value}"
    return f"{comment}**{{{bare}: {value}}}"


def check_keys(of: str, call: str, argument: str | int, element: str, key: str) -> None:
    """The keys that `element` and `no-element` share."""
    if not (of or call):
        raise Malformed("of", "the list is not named", "`of: NAME`, or `call` and `argument`")
    if call and argument == "":
        raise Malformed(
            "argument", "the argument of the call is not named", "`argument:` and its name or index"
        )
    if bool(element) == bool(key):
        raise Malformed(
            "element", "one of `element` and `key` is needed", "`element`, or for a dict `key`"
        )
    snippets.element("element", element) if element else snippets.expression("key", key)


def place(in_: str, of: str, call: str, argument: str | int) -> str:
    """Where the literal is, for people."""
    where = str(Where(of, call, argument))
    return f"{where} in {in_}" if in_ else where


def check_kind(source: Source, where: Where, literal: Literal, keyed: bool, doing: str) -> None:
    """Refuse a list where a dict is meant, and the other way round."""
    if literal.is_dict and not keyed:
        raise source.drifted(
            doing, f"{where} is a dict", literal.node, hint="give `key` and `value`"
        )
    if keyed and not literal.is_dict:
        raise source.drifted(doing, f"{where} is no dict", literal.node, hint="give `element`")


def find_literals(source: Source, where: Where, doing: str) -> list[Literal]:
    """The literal that `where` says, and those that are added to it with `+=` in the same block.

    Raises CannotEnsure where there is no literal, several, or an expression instead of one.
    """
    if where.call:
        call = find_call(source, where.of, where.call, doing)
        return [
            _literal(source, where, argument_of(source, call, where.argument, doing).value, doing)
        ]
    if (returned := _returned(source, where, doing)) is not None:
        return [returned]
    node = assignment_of(source, where.of, doing)
    value = node.value
    if value is None:
        raise source.drifted(doing, f"{where.of} is declared, but has no value there", node)
    if where.argument != "":
        if not isinstance(value, cst.Call):
            shown = one_line(source.code(value))
            raise source.drifted(doing, f"{where.of} is no call but {shown}", node)
        value = argument_of(source, value, where.argument, doing).value
    literals = [_literal(source, where, value, doing)]
    if not source.has(where.of):
        return literals  # an instance's, which `+=` elsewhere may see at any time
    found = source.find(where.of, "variable", doing=doing)
    for statement in found.body.body:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                match small:
                    case cst.AugAssign(
                        target=cst.Name(value=name), operator=cst.AddAssign(), value=more
                    ):
                        if name == found.name and isinstance(more, Display):
                            literals.append(Literal(source, more))
    return literals


def _returned(source: Source, where: Where, doing: str) -> Literal | None:
    """What a function returns, where `of` is one: the same literal wherever it ends."""
    found = [d.node for d in source.definitions if d.qualname == where.of]
    functions = [node for node in found if isinstance(node, cst.FunctionDef)]
    if not functions or len(functions) < len(found) or where.argument != "":
        return None
    if len(functions) > 1:
        raise source.ambiguous(doing, f"{where.of} is defined {len(functions)} times", functions)
    returns = [
        small
        for block in descend(functions[0].body)
        for small in flatten(block)
        if isinstance(small, cst.Return)
    ]
    if len(returns) > 1:
        raise source.ambiguous(doing, f"{where.of} returns in {len(returns)} places", returns)
    if not returns or returns[0].value is None:
        raise source.drifted(doing, f"{where.of} returns nothing", functions[0])
    return _literal(source, where, returns[0].value, doing)


def _literal(source: Source, where: Where, value: cst.BaseExpression, doing: str) -> Literal:
    if isinstance(value, Display):
        return Literal(source, value)
    if isinstance(value, cst.Call):
        name = source.code(value.func).rpartition(".")[2]
        match value.args:
            case [] if source.code(value.func) in {"set", "frozenset"}:
                return Literal(source, value)
            case args if source.code(value.func) == "dict" and all(map(_names_its_key, args)):
                return Literal(source, value)
            case [
                cst.Arg(
                    value=cst.List() | cst.Set() | cst.Dict() | cst.Tuple() as inner,
                    keyword=None,
                    star="",
                )
            ] if name in _AROUND:
                return Literal(source, inner)
    shown = one_line(source.text(extract(source, [value])))
    raise source.drifted(
        doing,
        f"{where} is not a literal list but {shown}",
        value,
        hint="give its elements a literal of their own",
    )


def _names_its_key(argument: cst.Arg) -> bool:
    return argument.keyword is not None or argument.star == "**"


def _constant(text: str) -> tuple[object, ...]:
    """The constant that code is, alone in a tuple; () for other code."""
    try:
        return (ast.literal_eval(snippets.bare(text)),)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ()
