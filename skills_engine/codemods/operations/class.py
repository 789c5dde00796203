"""ensure: class"""  # noqa: N999 - named, as every operation, after its word; loaded by name

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

__all__ = ["Class"]

_MODULE = "import a\n\n\nclass A:\n    x = 1\n\n\na = A()\n"


@dataclass(frozen=True, kw_only=True)
class Class(DefinitionOperation):
    """The module, or the class or function `of`, has the class whose source is `code`, with
    decorators and comments.

    It goes `before` or `after` another definition there (with both, between them; where one of the
    two is gone, the other is enough), to `position: first` (after the docstring and the imports) or
    last (as it does without), which in a module is before a closing `if __name__ == "__main__":`.
    Another class of that name is a refusal, unless `replace: true`.
    """

    ensure = "class"
    node = cst.ClassDef
    noun = "class"
    VALID = (
        Example(
            "last",
            _MODULE,
            {"in": "m.py", "code": "class B(A): ..."},
            _MODULE + "\n\nclass B(A): ...\n",
        ),
        Example(
            "after another",
            _MODULE,
            {"in": "m.py", "code": "@dataclass\nclass B(A):\n    y: int\n", "after": "A"},
            _MODULE.replace("a = A", "@dataclass\nclass B(A):\n    y: int\n\n\na = A"),
        ),
        Example(
            "before another",
            _MODULE,
            {"in": "m.py", "code": "class B: ...", "before": "A"},
            _MODULE.replace("class A", "class B: ...\n\n\nclass A"),
        ),
        Example(
            "inside another, first",
            _MODULE,
            {"in": "m.py", "of": "A", "code": "class Meta:\n    y = 1", "position": "first"},
            _MODULE.replace("    x", "    class Meta:\n        y = 1\n\n    x"),
        ),
        Example(
            "inside a function, in place of its body",
            "def f(): ...\n",
            {"in": "m.py", "of": "f", "code": "class B: ..."},
            "def f():\n    class B: ...\n",
        ),
        Example(
            "there already", _MODULE, {"in": "m.py", "code": "class A():\n    x = (1)"}, _MODULE
        ),
        Example(
            "another one is replaced where that is said",
            _MODULE,
            {"in": "m.py", "code": "class A:\n    x = 2", "replace": True},
            _MODULE.replace("x = 1", "x = 2"),
        ),
    )
    INVALID = (
        Refusal("there is another", _MODULE, {"in": "m.py", "code": "class A: ..."}, Outcome.DRIFTED, "already has another A"),
        Refusal("a variable has that name", _MODULE, {"in": "m.py", "code": "class a: ...", "replace": True}, Outcome.DRIFTED, "already has another a"),
        Refusal("no such class", _MODULE, {"in": "m.py", "of": "C", "code": "class B: ..."}, Outcome.MISSING, "does not define C"),
        Refusal("the neighbour is gone", _MODULE, {"in": "m.py", "of": "A", "code": "class B: ...", "after": "y"}, Outcome.MISSING, "does not define A.y"),
    )  # fmt: skip

    of: str = ""

    def owner(self, source: Source) -> Definition | None:
        selector = self.selected("of")
        if not selector:
            return None
        return source.find(selector, "class", "function", doing=self.describe())

    def where(self) -> str:
        return self.of or self.in_
