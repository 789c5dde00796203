"""ensure: class"""  # noqa: N999 - named, as every operation, after its word; loaded by name

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.defining import Position, check_place, definitions_in, ensure_definition
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Edit, Source

__all__ = ["Class"]

_MODULE = "import a\n\n\nclass A:\n    x = 1\n\n\na = A()\n"


@dataclass(frozen=True, kw_only=True)
class Class(SourceOperation):
    """The module, or the class or function `of`, has the class whose source is `code`, with
    decorators and comments.

    It goes `before` or `after` another definition there (with both, between them; where one of the
    two is gone, the other is enough), to `position: first` (after the docstring and the imports) or
    last (as it does without), which in a module is before a closing `if __name__ == "__main__":`.
    Another class of that name is a refusal, unless `replace: true`.
    """

    ensure = "class"
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
    code: str
    before: str = ""
    after: str = ""
    position: Position = ""
    replace: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        definitions_in(self.code, cst.ClassDef, "class")
        check_place(self.before, self.after, self.position)
        for key in ("before", "after"):
            if "." in getattr(self, key):
                raise Malformed(
                    key,
                    "a neighbour is named with its class",
                    "its name alone, and the class in `of`",
                )

    def describe(self) -> str:
        _, name = definitions_in(self.code, cst.ClassDef, "class")
        return f"add class {name} to {self.of or self.in_}"

    def edit(self, source: Source) -> Edit:
        snippet, name = definitions_in(self.code, cst.ClassDef, "class")
        selector = self.selected("of")
        owner = (
            source.find(selector, "class", "function", doing=self.describe()) if selector else None
        )
        return ensure_definition(
            self,
            source,
            owner,
            snippet,
            name,
            before=self.before,
            after=self.after,
            position=self.position,
            replace=self.replace,
        )
