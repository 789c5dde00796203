"""ensure: no-element"""

from __future__ import annotations

from dataclasses import dataclass

from skills_engine.codemods.match.literals import (
    Where,
    check_keys,
    check_kind,
    find_literals,
    place,
)
from skills_engine.codemods.names.bound import only_assigned
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.edits import Draft
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.types import Outcome

__all__ = ["NoElement"]


@dataclass(frozen=True, kw_only=True)
class NoElement(SourceOperation):
    """The list, tuple, set or dict literal `of` does not have `element` (a dict: `key`).

    `of`, `call` and `argument` say which literal, as for `element`. The comments above the element
    and at the end of its line go with it.
    """

    ensure = "no-element"
    VALID = (
        Example(
            "on one line", "X = [A, B]\n", {"in": "m.py", "of": "X", "element": "B"}, "X = [A]\n"
        ),
        Example(
            "with its line and its comment",
            "X = [\n    # first\n    A,\n    B,  # b\n    C,\n]\n",
            {"in": "m.py", "of": "X", "element": "B"},
            "X = [\n    # first\n    A,\n    C,\n]\n",
        ),
        Example(
            "the last of several, without a trailing comma",
            "X = [\n    A,  # a\n    B\n]\n",
            {"in": "m.py", "of": "X", "element": "B"},
            "X = [\n    A  # a\n]\n",
        ),
        Example(
            "so that a tuple of one is left",
            "X = (A, B)\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = (B,)\n",
        ),
        Example(
            "so that a set is empty",
            "X = {A}\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = set()\n",
        ),
        Example(
            "so that a frozen set is empty",
            "X = frozenset({A})\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = frozenset()\n",
        ),
        Example(
            "so that a bare tuple is empty",
            "X = A,\n",
            {"in": "m.py", "of": "X", "element": "A"},
            "X = ()\n",
        ),
        Example(
            "every time", "X = [A, B, A]\n", {"in": "m.py", "of": "X", "element": "A"}, "X = [B]\n"
        ),
        Example(
            "a dict's entry",
            "X = {'a': 1, 'b': 2}\n",
            {"in": "m.py", "of": "X", "key": '"b"'},
            "X = {'a': 1}\n",
        ),
        Example(
            "a keyword of dict(…)",
            "X = dict(a=1, b=2)\n",
            {"in": "m.py", "of": "X", "key": '"b"'},
            "X = dict(a=1)\n",
        ),
        Example(
            "also where it was added with +=",
            "__all__ = ['a']\n__all__ += ['b', 'c']\n",
            {"in": "m.py", "of": "__all__", "element": "'b'"},
            "__all__ = ['a']\n__all__ += ['c']\n",
        ),
        Example(
            "in a call",
            "def f():\n    return App(plugins=[A, B])\n",
            {"in": "m.py", "of": "f", "call": "App", "argument": "plugins", "element": "A"},
            "def f():\n    return App(plugins=[B])\n",
        ),
        Example("none there", "X = [A]\n", {"in": "m.py", "of": "X", "element": "B"}, "X = [A]\n"),
    )
    INVALID = (
        Refusal(
            "there is no such list",
            "Y = [A]\n",
            {"in": "m.py", "of": "X", "element": "A"},
            Outcome.MISSING,
            "m.py does not define X",
        ),
        Refusal(
            "it is computed",
            "X = list(Y)\n",
            {"in": "m.py", "of": "X", "element": "A"},
            Outcome.DRIFTED,
            "X is not a literal list but list(Y)",
        ),
    )

    of: str = ""
    call: str = ""
    argument: str | int = ""
    element: str = ""
    key: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_keys(self.of, self.call, self.argument, self.element, self.key)

    def describe(self) -> str:
        what = snippets.one_line(self.element or self.key)
        return f"remove {what} from {place(self.in_, self.of, self.call, self.argument)}"

    def edit(self, source: Source) -> Edit:
        where = Where(self.selected("of"), self.call, self.argument)
        only_assigned(source, where.of, self.describe(), grows=True)
        draft = Draft(source)
        while True:
            for literal in find_literals(draft.source, where, self.describe()):
                check_kind(draft.source, where, literal, bool(self.key), self.describe())
                if found := literal.matching(self.element or self.key):
                    draft.make(literal.remove(found[0]))
                    break
            else:
                return Edit(draft.splices, self.describe())
