"""ensure: method"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.defining import DefinitionOperation
from skills_engine.codemods.operation import Example, Refusal
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.source.definitions import Definition
    from skills_engine.codemods.source.source import Source

__all__ = ["Method"]

_APP = '''\
class App:
    """Doc."""

    def start(self) -> None:
        run()

    # Ends it.
    def stop(self) -> None: ...


app = App()
'''
_PAUSE = "@final\nasync def pause(self) -> None:\n    # Waits.\n    await sleep(1)\n"
_PAUSE_IN = (
    "    @final\n    async def pause(self) -> None:\n        # Waits.\n        await sleep(1)\n"
)
_LONG = 'def c(self):\n    """\n    C.\n    """\n    if self:\n        return (1, """\n  {1}""",\n                2)'
_LONG_IN = '\tdef c(self):\n\t\t"""\n\t\tC.\n\t\t"""\n\t\tif self:\n\t\t\treturn (1, """\n  {1}""",\n\t\t\t\t\t2)\n'


@dataclass(frozen=True, kw_only=True)
class Method(DefinitionOperation):
    """The class `of` has the method whose source is `code`, with its decorators and comments.

    It goes `before` or `after` a member (with both, between them; where one of the two is gone, the
    other is enough), or to `position: first` or `last` (as it does without). Several functions that
    share a name, such as a property's getter and setter, may stand in `code` together. Another
    method of that name is a refusal, unless `replace: true`.
    """

    ensure = "method"
    node = cst.FunctionDef
    noun = "method"
    VALID = (
        Example(
            "last in the class",
            _APP,
            {"in": "m.py", "of": "App", "code": _PAUSE},
            _APP.replace("...\n", "...\n\n" + _PAUSE_IN),
        ),
        Example(
            "after another one",
            _APP,
            {"in": "m.py", "of": "App", "code": _PAUSE, "after": "start"},
            _APP.replace("run()\n", "run()\n\n" + _PAUSE_IN),
        ),
        Example(
            "before another one and its comment",
            _APP,
            {"in": "m.py", "of": "App", "code": _PAUSE, "before": "stop"},
            _APP.replace("    # Ends", _PAUSE_IN + "\n    # Ends"),
        ),
        Example(
            "between two, of which one is gone",
            _APP,
            {"in": "m.py", "of": "App", "code": _PAUSE, "after": "run", "before": "stop"},
            _APP.replace("    # Ends", _PAUSE_IN + "\n    # Ends"),
        ),
        Example(
            "between two, below what others have put there",
            "class A:\n    def f(self): ...\n\n    def own(self): ...\n\n    def h(self): ...\n",
            {"in": "m.py", "of": "A", "code": "def g(self): ...", "after": "f", "before": "h"},
            "class A:\n    def f(self): ...\n\n    def own(self): ...\n\n    def g(self): ...\n\n    def h(self): ...\n",
        ),
        Example(
            "first, after the docstring",
            _APP,
            {"in": "m.py", "of": "App", "code": _PAUSE, "position": "first"},
            _APP.replace('Doc."""\n', 'Doc."""\n\n' + _PAUSE_IN),
        ),
        Example(
            "after fields, in a file that ends without a line end",
            "class A:\n    x: int\n    y = 1",
            {"in": "m.py", "of": "A", "code": "def f(self): return 1"},
            "class A:\n    x: int\n    y = 1\n\n    def f(self): return 1",
        ),
        Example(
            "a field gets a blank line on both sides",
            "class A:\n    x = 1\n    y = 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self): ...", "after": "x"},
            "class A:\n    x = 1\n\n    def f(self): ...\n\n    y = 1\n",
        ),
        Example(
            "in place of pass",
            "class A(B):\n    '''Doc.'''\n    pass\n",
            {"in": "m.py", "of": "A", "code": "def f(self):\n    pass"},
            "class A(B):\n    '''Doc.'''\n\n    def f(self):\n        pass\n",
        ),
        Example(
            "in place of a one-line body, whose comment stays",
            "class A(B): ... ;  # empty\nx = 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self):\n    pass"},
            "class A(B):  # empty\n    def f(self):\n        pass\nx = 1\n",
        ),
        Example(
            "in a class that stands on one line",
            "class A: x = 1  # one\n",
            {"in": "m.py", "of": "A", "code": "def f(self):\n    pass"},
            "class A:\n    x = 1  # one\n\n    def f(self):\n        pass\n",
        ),
        Example(
            "with the file's tabs, and without blank lines where the file has none",
            "class P:\n\tdef a(self): ...\n\tdef b(self): ...\n",
            {"in": "m.py", "of": "P", "code": _LONG},
            "class P:\n\tdef a(self): ...\n\tdef b(self): ...\n" + _LONG_IN,
        ),
        Example(
            "a property with its setter",
            "class A:\n    def f(self): ...\n",
            {
                "in": "m.py",
                "of": "A",
                "code": "@property\ndef x(self): ...\n\n@x.setter\ndef x(self, x): ...",
            },
            "class A:\n    def f(self): ...\n\n    @property\n    def x(self): ...\n\n    @x.setter\n    def x(self, x): ...\n",
        ),
        Example(
            "another layout of the same method is the same",
            "class A:\n    def f( self ) :\n        return ('a',\n          b,)  # why\n",
            {"in": "m.py", "of": "A", "code": 'def f(self):\n    return "a", b'},
            "class A:\n    def f( self ) :\n        return ('a',\n          b,)  # why\n",
        ),
        Example(
            "another one is replaced where that is said",
            "class A:\n    # Why.\n    @old\n    def f(self):\n        return 1\n        # end\n\n    x = 2\n",
            {"in": "m.py", "of": "A", "code": "def f(self):\n    return 2", "replace": True},
            "class A:\n    # Why.\n    def f(self):\n        return 2\n\n    x = 2\n",
        ),
        Example(
            "the setter of a property, after the property",
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    def f(self): ...\n",
            {"in": "m.py", "of": "A", "code": "@x.setter\ndef x(self, value):\n    print(value)"},
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, value):\n        print(value)\n\n    def f(self): ...\n",
        ),
        Example(
            "a property whose setter is there too",
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, value): ...\n",
            {"in": "m.py", "of": "A", "code": "@property\ndef x(self):\n    return 1"},
            "class A:\n    @property\n    def x(self):\n        return 1\n\n    @x.setter\n    def x(self, value): ...\n",
        ),
    )
    INVALID = (
        Refusal("there is no such class", "class B: ...\n", {"in": "m.py", "of": "A", "code": "def f(self): ..."}, Outcome.MISSING, "does not define A"),
        Refusal("a function is no class", "def A(): ...\n", {"in": "m.py", "of": "A", "code": "def f(self): ..."}, Outcome.DRIFTED, "A is a function"),
        Refusal(
            "it has another method of that name",
            "class A:\n    def f(self): return 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self): return 2"},
            Outcome.DRIFTED,
            "already has another A.f",
        ),
        Refusal(
            "a field has that name",
            "class A:\n    f = 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self): return 2", "replace": True},
            Outcome.DRIFTED,
            "already has another A.f",
        ),
        Refusal(
            "the neighbour is gone",
            "class A:\n    x = 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self): ...", "after": "y"},
            Outcome.MISSING,
            "does not define A.y",
        ),
        Refusal(
            "the neighbours have changed places",
            "class A:\n    def h(self): ...\n\n    def f(self): ...\n",
            {"in": "m.py", "of": "A", "code": "def g(self): ...", "after": "f", "before": "h"},
            Outcome.DRIFTED,
            "A.h stands before A.f",
        ),
        Refusal(
            "the neighbour is in a block",
            "class A:\n    if X:\n        y = 1\n",
            {"in": "m.py", "of": "A", "code": "def f(self): ...", "after": "y"},
            Outcome.DRIFTED,
            "A.y stands in a block of its own",
        ),
        Refusal("two classes have that name", "class A: ...\nclass A: ...\n", {"in": "m.py", "of": "A", "code": "def f(self): ..."}, Outcome.AMBIGUOUS, "A is defined 2 times"),
    )  # fmt: skip

    of: str

    def owner(self, source: Source) -> Definition | None:
        return source.find(self.selected("of"), "class", doing=self.describe())

    def where(self) -> str:
        return self.of
