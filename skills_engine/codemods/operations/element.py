"""ensure: element"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skills_engine.codemods.match.anchors import between
from skills_engine.codemods.match.literals import (
    Where,
    check_keys,
    check_kind,
    find_literals,
    place,
)
from skills_engine.codemods.match.ordering import sorted_index
from skills_engine.codemods.names.bound import only_assigned
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.edits import begins_line
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.match import literals
    from skills_engine.errors import CannotEnsure

__all__ = ["Element"]


@dataclass(frozen=True, kw_only=True)
class Element(SourceOperation):
    """The list, tuple, set or dict literal `of` has `element` (a dict: `key` with `value`).

    `of` is a name that the literal is assigned to: `CHANNELS`, `__all__`, `App.CHANNELS` (in the
    class's body, or in a method as `self.CHANNELS`), or the function that returns it. Where the literal is an argument of the call
    that is assigned, `argument` says which, by name or index; where it is an argument of a call
    somewhere in the function, class or (without `of`) module, `call` says which call too.

    A new element goes `position: last` (or `first`, or `sorted` by text), or `before` or `after`
    another element. With both it goes where they touch, or directly `before` where others have come
    between; where one of the two is gone, the other is enough. Lines of comment above the element
    come with it. A key or a set's member that equals another (`1` and `True`) is a refusal.
    """

    ensure = "element"
    VALID = (
        Example(
            "one line stays one line",
            "CHANNELS = [Console]  # all\n",
            {"in": "m.py", "of": "CHANNELS", "element": "Telegram"},
            "CHANNELS = [Console, Telegram]  # all\n",
        ),
        Example(
            "in what a function returns",
            "def known():\n    return [Console]\n",
            {"in": "m.py", "of": "known", "element": "Telegram"},
            "def known():\n    return [Console, Telegram]\n",
        ),
        Example(
            "nearly sorted, where it disturbs least",
            "X = ['__a__', 'Bee', 'Cat', 'ant', 'Dog']\n",
            {"in": "m.py", "of": "X", "element": "'Cow'", "position": "sorted"},
            "X = ['__a__', 'Bee', 'Cat', 'ant', 'Cow', 'Dog']\n",
        ),
        Example(
            "one a line, with a trailing comma and comments",
            "CHANNELS: list[type[Channel]] = [\n    Console,  # always\n    # more:\n]\n",
            {"in": "m.py", "of": "CHANNELS", "element": "Telegram"},
            "CHANNELS: list[type[Channel]] = [\n    Console,  # always\n    Telegram,\n    # more:\n]\n",
        ),
        Example(
            "one a line, without a trailing comma",
            "X = [\n    A,\n    B  # b\n]\n",
            {"in": "m.py", "of": "X", "element": "C"},
            "X = [\n    A,\n    B,  # b\n    C\n]\n",
        ),
        Example(
            "hanging from the bracket",
            "X = [A,  # a\n     B]\n",
            {"in": "m.py", "of": "X", "element": "C"},
            "X = [A,  # a\n     B,\n     C]\n",
        ),
        Example(
            "first, above the comment of the one that was",
            "X = (\n    # about a\n    A,\n)\n",
            {"in": "m.py", "of": "X", "element": "B", "position": "first"},
            "X = (\n    B,\n    # about a\n    A,\n)\n",
        ),
        Example(
            "sorted, in __all__",
            '__all__ = [\n    "Alpha",\n    "Gamma",\n]\n',
            {"in": "m.py", "of": "__all__", "element": "'Beta'", "position": "sorted"},
            '__all__ = [\n    "Alpha",\n    \'Beta\',\n    "Gamma",\n]\n',
        ),
        Example(
            "before another, however that is written",
            "X = [a( 1 ), 'b']\n",
            {"in": "m.py", "of": "X", "element": "c", "before": '"b"'},
            "X = [a( 1 ), c, 'b']\n",
        ),
        Example(
            "after another",
            "X = [a,b]\n",
            {"in": "m.py", "of": "X", "element": "c", "after": "a"},
            "X = [a,c,b]\n",
        ),
        Example(
            "a list in a class body, selected with its module",
            {"bot/app.py": "class App:\n    CHANNELS = ()\n"},
            {"of": "bot.app:App.CHANNELS", "element": "Telegram"},
            {"bot/app.py": "class App:\n    CHANNELS = (Telegram,)\n"},
        ),
        Example(
            "a list that an instance gets",
            "class App:\n    def __init__(self):\n        self.channels: list[str] = [a]\n",
            {"in": "m.py", "of": "App.channels", "element": "b"},
            "class App:\n    def __init__(self):\n        self.channels: list[str] = [a, b]\n",
        ),
        Example(
            "a tuple of one",
            "X = (A,)\n",
            {"in": "m.py", "of": "X", "element": "B"},
            "X = (A, B)\n",
        ),
        Example(
            "a bare tuple",
            "X = A, B  # c\n",
            {"in": "m.py", "of": "X", "element": "C"},
            "X = A, B, C  # c\n",
        ),
        Example(
            "an empty list", "X = []\n", {"in": "m.py", "of": "X", "element": "A"}, "X = [A]\n"
        ),
        Example(
            "an empty list on two lines",
            "X = [  # none yet\n]\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = [  # none yet\n    A,\n]\n",
        ),
        Example(
            "an empty set", "X = set()\n", {"in": "m.py", "of": "X", "element": "A"}, "X = {A}\n"
        ),
        Example(
            "an empty frozen set",
            "X = frozenset()\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = frozenset({A})\n",
        ),
        Example(
            "a frozen set",
            "X = frozenset({A})\n",
            {"in": "m.py", "of": "X", "element": "B"},
            "X = frozenset({A, B})\n",
        ),
        Example(
            "a dict's entry",
            "X = {\n    'a': 1,\n}\n",
            {"in": "m.py", "of": "X", "key": '"b"', "value": "f(2)"},
            "X = {\n    'a': 1,\n    \"b\": f(2),\n}\n",
        ),
        Example(
            "a key of dict(…) is a keyword",
            "X = dict(\n    a=1,  # one\n    c=3,\n)\n",
            {"in": "m.py", "of": "X", "key": "'b'", "value": "f(2)", "after": '"a"'},
            "X = dict(\n    a=1,  # one\n    b=f(2),\n    c=3,\n)\n",
        ),
        Example(
            "a key of dict(…) that is no word",
            "X = dict(a=1, **more)\n",
            {"in": "m.py", "of": "X", "key": "'/b'", "value": "2"},
            "X = dict(a=1, **more, **{'/b': 2})\n",
        ),
        Example(
            "a key that dict(…) has already",
            "X = dict(a=1, **{'/b': 2})\n",
            {"in": "m.py", "of": "X", "key": '"/b"', "value": "2"},
            "X = dict(a=1, **{'/b': 2})\n",
        ),
        Example(
            "an empty dict's first entry",
            "def f():\n    x: dict[str, int] = {}\n",
            {"in": "m.py", "of": "f.x", "key": "'a'", "value": "1"},
            "def f():\n    x: dict[str, int] = {'a': 1}\n",
        ),
        Example(
            "before a dict's key",
            "X = {'a': 1, **more}\n",
            {"in": "m.py", "of": "X", "key": "'b'", "value": "2", "before": '"a"'},
            "X = {'b': 2, 'a': 1, **more}\n",
        ),
        Example(
            "an argument of the call that is assigned",
            "app = App(1, plugins=[A])\n",
            {"in": "m.py", "of": "app", "argument": "plugins", "element": "B"},
            "app = App(1, plugins=[A, B])\n",
        ),
        Example(
            "an argument of a call in a function, by index",
            "def main():\n    with x:\n        run(web.App([A]), 1)\n",
            {"in": "m.py", "of": "main", "call": "web.App", "argument": 0, "element": "B"},
            "def main():\n    with x:\n        run(web.App([A, B]), 1)\n",
        ),
        Example(
            "an argument of a call at module level",
            "setup(\n    packages=['a'],\n)\n",
            {"in": "m.py", "call": "setup", "argument": "packages", "element": "'b'"},
            "setup(\n    packages=['a', 'b'],\n)\n",
        ),
        Example(
            "an element of several lines",
            "X = [\n    A,\n]\n",
            {"in": "m.py", "of": "X", "element": "F(\n    a=1,\n)"},
            "X = [\n    A,\n    F(\n        a=1,\n    ),\n]\n",
        ),
        Example(
            "equal elements of a list are two",
            "X = [True]\n",
            {"in": "m.py", "of": "X", "element": "1"},
            "X = [True, 1]\n",
        ),
        Example(
            "what is there already, in other quotes",
            "X = [f('a', 1,)]\n",
            {"in": "m.py", "of": "X", "element": 'f("a",1)'},
            "X = [f('a', 1,)]\n",
        ),
        Example(
            "what is added with += already",
            "__all__ = ['a']\n__all__ += ['b']\n",
            {"in": "m.py", "of": "__all__", "element": '"b"'},
            "__all__ = ['a']\n__all__ += ['b']\n",
        ),
        Example(
            "between two",
            "CHANNELS = [A, A2, C]\n",
            {"in": "m.py", "of": "CHANNELS", "element": "B", "after": "A", "before": "C"},
            "CHANNELS = [A, A2, B, C]\n",
        ),
        Example(
            "between two, of which one is gone",
            "CHANNELS = [A, D]\n",
            {"in": "m.py", "of": "CHANNELS", "element": "B", "after": "A", "before": "C"},
            "CHANNELS = [A, B, D]\n",
        ),
        Example(
            "with a comment above it",
            "CHANNELS = [\n    A,\n    # The last.\n    C,\n]\n",
            {"in": "m.py", "of": "CHANNELS", "element": "# Another.\nB", "after": "A"},
            "CHANNELS = [\n    A,\n    # Another.\n    B,\n    # The last.\n    C,\n]\n",
        ),
    )
    INVALID = (
        Refusal("a comment that has no line", "CHANNELS = [A]\n", {"in": "m.py", "of": "CHANNELS", "element": "# Why.\nB"}, Outcome.DRIFTED, "would have no line of its own"),
        Refusal("a function returns in two places", "def f(a):\n    if a:\n        return [1]\n    return [2]\n", {"in": "m.py", "of": "f", "element": "3"}, Outcome.AMBIGUOUS, "f returns in 2 places"),
        Refusal("two functions have the name", "def f():\n    return [1]\n\n\ndef f():\n    return [2]\n", {"in": "m.py", "of": "f", "element": "3"}, Outcome.AMBIGUOUS, "f is defined 2 times"),
        Refusal("the neighbours have changed places", "CHANNELS = [C, A]\n", {"in": "m.py", "of": "CHANNELS", "element": "B", "after": "A", "before": "C"}, Outcome.DRIFTED, "CHANNELS has C before A"),
        Refusal("two methods assign it", "class A:\n    def f(self):\n        self.x = [1]\n\n    def g(self):\n        self.x = [2]\n", {"in": "m.py", "of": "A.x", "element": "3"}, Outcome.AMBIGUOUS, "A.x is assigned 2 times"),
        Refusal("the call is in another function", "def f():\n    g([])\n", {"in": "m.py", "call": "g", "argument": 0, "element": "B"}, Outcome.MISSING, "m.py does not call g itself, but in f"),
        Refusal("there is no such list", "OTHER = []\n", {"in": "m.py", "of": "CHANNELS", "element": "A"}, Outcome.MISSING, "m.py does not define CHANNELS"),
        Refusal("it is assigned twice", "if x:\n    X = [A]\nelse:\n    X = [B]\n", {"in": "m.py", "of": "X", "element": "C"}, Outcome.AMBIGUOUS, "X is defined 2 times"),
        Refusal("it is put together from several literals", "__all__ = ['a']\n__all__ += ['b']\n", {"in": "m.py", "of": "__all__", "element": "'c'"}, Outcome.AMBIGUOUS, "__all__ is put together from 2 literals"),
        Refusal("it is a sum", "X = A + [B]\n", {"in": "m.py", "of": "X", "element": "C"}, Outcome.DRIFTED, "X is not a literal list but A + [B]"),
        Refusal("the neighbour is not there", "X = [A]\n", {"in": "m.py", "of": "X", "element": "C", "after": "B"}, Outcome.MISSING, "X has no element B"),
        Refusal("the key has another value", "X = {'a': 1}\n", {"in": "m.py", "of": "X", "key": "'a'", "value": "2"}, Outcome.DRIFTED, "X has 'a' already, with the value 1"),
        Refusal("the keyword has another value", "X = dict(a=1)\n", {"in": "m.py", "of": "X", "key": "'a'", "value": "2"}, Outcome.DRIFTED, "X has 'a' already, with the value 1"),
        Refusal("an equal key", "X = {True: 1}\n", {"in": "m.py", "of": "X", "key": "1", "value": "2"}, Outcome.DRIFTED, "X has True, which equals 1"),
        Refusal("an equal member of a set", "X = {1.0, 2}\n", {"in": "m.py", "of": "X", "element": "1"}, Outcome.DRIFTED, "X has 1.0, which equals 1"),
        Refusal("it became a dict", "X = {'a': A}\n", {"in": "m.py", "of": "X", "element": "B"}, Outcome.DRIFTED, "X is a dict"),
        Refusal("the call is made twice", "def f():\n    g([])\n    g([])\n", {"in": "m.py", "of": "f", "call": "g", "argument": 0, "element": "B"}, Outcome.AMBIGUOUS, "f calls g 2 times"),
    )  # fmt: skip

    of: str = ""
    call: str = ""
    argument: str | int = ""
    element: str = ""
    key: str = ""
    value: str = ""
    position: Literal["first", "last", "sorted"] = "last"
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_keys(self.of, self.call, self.argument, self.element, self.key)
        if bool(self.key) != bool(self.value):
            raise Malformed(
                "value", "an entry of a dict has a key and a value", "give `key` and `value`"
            )
        for name in ("key", "value"):
            if text := getattr(self, name):
                snippets.expression(name, text)
        if (self.before or self.after) and self.position != "last":
            raise Malformed(
                "position", "the place is given twice", "keep `position`, `before` or `after`"
            )

    def describe(self) -> str:
        what = snippets.bare(self.element) or f"{snippets.bare(self.key)}: {self.value}"
        return (
            f"add {snippets.one_line(what)} to {place(self.in_, self.of, self.call, self.argument)}"
        )

    def edit(self, source: Source) -> Edit:
        where = Where(self.selected("of"), self.call, self.argument)
        doing = self.describe()
        found = find_literals(source, where, doing)
        only_assigned(source, where.of, doing, grows=True)
        wanted = (self.key or self.element).strip()
        for literal in found:
            check_kind(source, where, literal, bool(self.key), doing)
            for index in literal.matching(wanted):
                self._check_value(source, where, literal, index)
                return Edit()
        for literal in found:
            for index in literal.equal(wanted):
                own = snippets.one_line(literal.texts()[index])
                what = f"{where} has {own}, which equals {snippets.one_line(wanted)}"
                raise source.drifted(doing, what, literal.elements[index])
        if len(found) > 1:
            what = f"{where} is put together from {len(found)} literals"
            raise source.ambiguous(
                doing, what, [literal.node for literal in found], "make it one literal"
            )
        index = self._index(source, where, found[0], wanted)
        splices = found[0].insert(index, wanted, self.value.strip())
        if wanted.startswith("#") and not any(begins_line(source, splice) for splice in splices):
            hint = "write each element on a line of its own there, or leave the comment out"
            raise source.drifted(
                doing, "the comment would have no line of its own", found[0].node, hint=hint
            )
        return Edit(splices, doing)

    def _check_value(
        self, source: Source, where: Where, literal: literals.Literal, index: int
    ) -> None:
        if self.key and not snippets.same_code(literal.value(index), self.value):
            shown = snippets.one_line(literal.value(index))
            what = f"{where} has {self.key} already, with the value {shown}"
            raise source.drifted(self.describe(), what, literal.elements[index])

    def _index(self, source: Source, where: Where, literal: literals.Literal, wanted: str) -> int:
        beside = {
            word: literal.matching(name)
            for word in ("after", "before")
            if (name := getattr(self, word))
        }
        if beside:
            index = between(beside.get("after", ()), beside.get("before", ()))
            if index is None:
                raise self._no_place(source, where, literal, beside)
            return index
        if self.position == "sorted":
            return sorted_index(literal.texts(), wanted)
        return 0 if self.position == "first" else len(literal.elements)

    def _no_place(
        self, source: Source, where: Where, literal: literals.Literal, beside: dict[str, list[int]]
    ) -> CannotEnsure:
        """The refusal where the neighbours say no one place."""
        shown = {word: snippets.one_line(getattr(self, word)) for word in beside}
        for word, indexes in beside.items():
            if len(indexes) > 1:
                what = f"{where} has {len(indexes)} elements {shown[word]}"
                return source.ambiguous(
                    self.describe(), what, [literal.elements[index] for index in indexes]
                )
        if all(beside.values()):
            nodes = [literal.elements[indexes[0]] for indexes in beside.values()]
            return source.drifted(
                self.describe(), f"{where} has {' before '.join(reversed(shown.values()))}", *nodes
            )
        what = f"{where} has no element {' or '.join(shown.values())}"
        return source.missing(self.describe(), what, literal.elements or [literal.node])
