"""ensure: default"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.expressions import Expression
from skills_engine.codemods.match.search import parameter_named
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["Default"]


@dataclass(frozen=True, kw_only=True)
class Default(SourceOperation):
    """The parameter of the function `of` has that default; `was` is what it is expected to be until
    then.
    """

    ensure = "default"
    VALID = (
        Example(
            "another default",
            "def f(a, b = (1), *, c=2): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b", "default": "None", "was": "1"},
            "def f(a, b = None, *, c=2): ...\n",
        ),
        Example("a first one", "def f(a, b): ...\n", {"in": "m.py", "of": "f", "parameter": "b", "default": 2}, "def f(a, b=2): ...\n"),
        Example(
            "a first one, of an annotated parameter",
            "class A:\n    async def f(\n        self,\n        *,\n        b: (int),  # why\n        c,\n    ): ...\n",
            {"in": "m.py", "of": "A.f", "parameter": "b", "default": "2"},
            "class A:\n    async def f(\n        self,\n        *,\n        b: (int) = 2,  # why\n        c,\n    ): ...\n",
        ),
        Example("so already", "def f(a='x'): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": '"x"'}, "def f(a='x'): ...\n"),
    )  # fmt: skip
    INVALID = (
        Refusal("no such function", "f = 1\n", {"in": "m.py", "of": "g", "parameter": "a", "default": "1"}, Outcome.MISSING, "does not define g"),
        Refusal("no such parameter", "def f(b): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "1"}, Outcome.MISSING, "f has no parameter a"),
        Refusal("two such functions", "def f(): ...\ndef f(): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "1"}, Outcome.AMBIGUOUS, "f is defined 2 times"),
        Refusal("it is another by now", "def f(a=2): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "3", "was": "1"}, Outcome.DRIFTED, "the default of a is 2, not 1"),
        Refusal("it has none", "def f(a): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "3", "was": "1"}, Outcome.DRIFTED, "a has no default"),
        Refusal("one without follows", "def f(a, /, b): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "3"}, Outcome.DRIFTED, "b follows, which has no default"),
        Refusal("a star", "def f(*a): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "default": "3"}, Outcome.DRIFTED, "*a cannot have a default"),
    )  # fmt: skip

    of: str
    parameter: str
    default: str
    was: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        Expression.parse(self.default, "default")
        if self.was:
            Expression.parse(self.was, "was")

    def describe(self) -> str:
        return f"set the default of {self.parameter} in {self.of} to {Expression.parse(self.default, 'default').short}"

    def edit(self, source: Source) -> Edit:
        doing, new = self.describe(), Expression.parse(self.default, "default")
        node = source.find(self.selected("of"), "function", doing=doing).node
        assert isinstance(node, cst.FunctionDef)  # noqa: S101 - what find was asked for
        param = parameter_named(source, node, self.parameter, doing)
        name = param.name.value
        if isinstance(param.star, str) and param.star:
            raise source.drifted(doing, f"{param.star}{name} cannot have a default", param)
        if new.is_code(param.default):
            return Edit()
        if self.was and not Expression.parse(self.was, "was").is_code(param.default):
            now = (
                f"the default of {name} is {source.code(param.default)}"
                if param.default
                else f"{name} has no default"
            )
            raise source.drifted(doing, f"{now}, not {self.was}", param)
        if param.default is not None:
            return Edit((new.instead_of(source, param.default, node),))
        positional = [*node.params.posonly_params, *node.params.params]
        if param in positional:
            after = positional[positional.index(param) + 1 :]
            for other in after[:1]:
                if other.default is None:
                    raise source.drifted(
                        doing, f"{other.name.value} follows, which has no default", other
                    )
        end = extract(source, [param]).end
        return Edit(
            (Splice(end, end, (" = " if param.annotation else "=") + new.at(source, node)),)
        )
