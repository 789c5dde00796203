"""ensure: decorator"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.refactor.field_order import check_field_order
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.source import Edit, Source, Splice, reindent
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Decorator"]


@dataclass(frozen=True, kw_only=True)
class Decorator(SourceOperation):
    """The function or class `of` is decorated with `decorator`, written without its @.

    A new decorator goes first (outermost), or with `position: last` right above the definition.
    """

    ensure = "decorator"
    VALID = (
        Example(
            "a function without one",
            "# about f\ndef f(): ...\n",
            {"in": "m.py", "of": "f", "decorator": "cache"},
            "# about f\n@cache\ndef f(): ...\n",
        ),
        Example(
            "a method, outermost",
            "class A:\n    x = 1\n\n    @old  # why\n    async def f(self): ...\n",
            {"in": "m.py", "of": "A.f", "decorator": "retry(times=3)"},
            "class A:\n    x = 1\n\n    @retry(times=3)\n    @old  # why\n    async def f(self): ...\n",
        ),
        Example(
            "a class, innermost",
            "@old\n# about A\nclass A: ...\n",
            {"in": "m.py", "of": "A", "decorator": "dataclass", "position": "last"},
            "@old\n@dataclass\n# about A\nclass A: ...\n",
        ),
        Example(
            "one of several lines",
            "class A:\n    def f(self): ...\n",
            {"in": "m.py", "of": "A.f", "decorator": "retry(\n    times=3,\n)"},
            "class A:\n    @retry(\n        times=3,\n    )\n    def f(self): ...\n",
        ),
        Example(
            "another use of a decorator that is there",
            "@mark('a')\ndef f(): ...\n",
            {"in": "m.py", "of": "f", "decorator": "mark('b')"},
            "@mark('b')\n@mark('a')\ndef f(): ...\n",
        ),
        Example(
            "there already",
            "@mark( 'a' )\ndef f(): ...\n",
            {"in": "m.py", "of": "f", "decorator": 'mark("a")'},
            "@mark( 'a' )\ndef f(): ...\n",
        ),
    )
    INVALID = (
        Refusal(
            "there is no such function",
            "def f(): ...\n",
            {"in": "m.py", "of": "g", "decorator": "cache"},
            Outcome.MISSING,
            "m.py does not define g",
        ),
        Refusal(
            "it is defined twice",
            "if x:\n    def f(): ...\nelse:\n    def f(): ...\n",
            {"in": "m.py", "of": "f", "decorator": "cache"},
            Outcome.AMBIGUOUS,
            "f is defined 2 times",
        ),
        Refusal(
            "it has that decorator with arguments",
            "@dataclass(frozen=True)\nclass A: ...\n",
            {"in": "m.py", "of": "A", "decorator": "dataclass"},
            Outcome.DRIFTED,
            "A is decorated with dataclass(frozen=True)",
        ),
        Refusal(
            "its fields are in no order for that",
            "class A:\n    x: int = 1\n    y: int\n",
            {"in": "m.py", "of": "A", "decorator": "dataclass"},
            Outcome.DRIFTED,
            "in A, y is required, and x before it has a default",
        ),
    )

    of: str
    decorator: str
    position: Literal["first", "last"] = "first"

    def __post_init__(self) -> None:
        super().__post_init__()
        snippets.expression("decorator", self.decorator)

    def describe(self) -> str:
        return f"decorate {self.of} with @{snippets.one_line(self.decorator)}"

    def check(self, files: Files, source: Source, data: bytes) -> None:
        check_field_order(files, source, data, self.selected("of"), self.describe())

    def edit(self, source: Source) -> Edit:
        text, doing = self.decorator.strip(), self.describe()
        node = source.find(self.selected("of"), "class", "function", doing=doing).node
        decorators = node.decorators if isinstance(node, cst.ClassDef | cst.FunctionDef) else ()
        for decorator in decorators:
            own = source.text(extract(source, [decorator.decorator]))
            if snippets.same_code(own, text):
                return Edit()
            if _with_and_without_call(own, text):
                what = f"{self.selected('of')} is decorated with {snippets.one_line(own)}"
                raise source.drifted(doing, what, decorator)
        if decorators and self.position == "last":
            at = source.line_end(source.span(decorators[-1]).end)
        else:
            at = source.line_start(source.span(decorators[0] if decorators else node).start)
        indent = source.indent_at(source.span(node).start)
        return Edit((Splice(at, at, reindent("@" + text, indent, source.indent_unit)),), doing)


def _with_and_without_call(one: str, other: str) -> bool:
    """Whether one is `name` and the other `name(...)`."""
    first, second = snippets.expression("decorator", one), snippets.expression("decorator", other)
    if isinstance(first, ast.Call) == isinstance(second, ast.Call):
        return False
    bare = [ast.dump(node.func if isinstance(node, ast.Call) else node) for node in (first, second)]
    return bare[0] == bare[1]
