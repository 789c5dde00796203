"""ensure: value"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.codemods.match.expressions import Expression, value_of
from skills_engine.codemods.names.bound import only_assigned
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.refactor.field_order import check_field_order
from skills_engine.codemods.source.snippets import one_line
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.source.source import Source

__all__ = ["Value"]


@dataclass(frozen=True, kw_only=True)
class Value(SourceOperation):
    """The variable or attribute `of` is assigned `value`; `was` is what it is expected to be until
    then.

    `App.limit` is the class's own variable or, where it has none, the `self.limit` that its methods
    assign.
    """

    ensure = "value"
    VALID = (
        Example("a constant", "LIMIT = 10  # seconds\n", {"in": "m.py", "of": "LIMIT", "value": 30}, "LIMIT = 30  # seconds\n"),
        Example("with a module's name", {"a/b.py": "X: int = (\n    1\n)\n"}, {"of": "a.b:X", "value": "2", "was": "1"}, {"a/b.py": "X: int = 2\n"}),
        Example(
            "a class's, indented as it stands there",
            "class A:\n\tx = {}\n",
            {"in": "m.py", "of": "A.x", "value": '{\n    "a": 1,\n}'},
            'class A:\n\tx = {\n\t\t"a": 1,\n\t}\n',
        ),
        Example("a type alias", "type Names = list[str]\n", {"in": "m.py", "of": "Names", "value": "set[str]"}, "type Names = set[str]\n"),
        Example("of several targets", "a = b = 1\n", {"in": "m.py", "of": "b", "value": "None"}, "a = b = None\n"),
        Example("only declared until now", "x: int  # why\n", {"in": "m.py", "of": "x", "value": "0"}, "x: int = 0  # why\n"),
        Example("one of two on a line", "a = 1; b = 2\n", {"in": "m.py", "of": "a", "value": "x, y"}, "a = x, y; b = 2\n"),
        Example(
            "an instance's",
            "class A:\n    def __init__(self):\n        self.x: int = 1\n",
            {"in": "m.py", "of": "A.x", "value": "2"},
            "class A:\n    def __init__(self):\n        self.x: int = 2\n",
        ),
        Example("so already, in other quotes", "x = ('a')\n", {"in": "m.py", "of": "x", "value": '"a"', "was": "0"}, "x = ('a')\n"),
    )  # fmt: skip
    INVALID = (
        Refusal("there is none", "y = 1\n", {"in": "m.py", "of": "x", "value": "1"}, Outcome.MISSING, "does not define x"),
        Refusal("it is something else by now", "x = 2\n", {"in": "m.py", "of": "x", "value": "3", "was": "1"}, Outcome.DRIFTED, "x is 2, not 1"),
        Refusal("assigned twice", "x = 1\nx = 2\n", {"in": "m.py", "of": "x", "value": "3"}, Outcome.AMBIGUOUS, "x is defined 2 times"),
        Refusal("unpacked", "x, (y, *z) = f()\n", {"in": "m.py", "of": "z", "value": "3"}, Outcome.DRIFTED, "z is bound in another way"),
        Refusal("a loop's", "for x in y: pass\n", {"in": "m.py", "of": "x", "value": "3"}, Outcome.DRIFTED, "x is bound in another way"),
        Refusal(
            "a required field comes after it",
            "@dataclass\nclass A:\n    x: int\n    y: int\n",
            {"in": "m.py", "of": "A.x", "value": "3"},
            Outcome.DRIFTED,
            "in A, y is required, and x before it has a default",
        ),
        Refusal("a function", "def x(): ...\n", {"in": "m.py", "of": "x", "value": "3"}, Outcome.DRIFTED, "x is a function"),
        Refusal(
            "an instance's, assigned twice",
            "class A:\n    def f(self):\n        self.x = 1\n    def g(self):\n        self.x = 2\n",
            {"in": "m.py", "of": "A.x", "value": "3"},
            Outcome.AMBIGUOUS,
            "A.x is assigned 2 times",
        ),
    )  # fmt: skip

    of: str
    value: str
    was: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        Expression.parse(self.value, "value")
        if self.was:
            Expression.parse(self.was, "was")

    def describe(self) -> str:
        return f"set {self.of} to {Expression.parse(self.value, 'value').short}"

    def check(self, files: Files, source: Source, data: bytes) -> None:
        owner = self.selected("of").rpartition(".")[0]
        check_field_order(files, source, data, owner, self.describe())

    def edit(self, source: Source) -> Edit:
        doing, new = self.describe(), Expression.parse(self.value, "value")
        assignment = value_of(source, self.selected("of"), doing)
        only_assigned(source, self.selected("of"), doing)
        old = assignment.value
        if new.is_code(old):
            return Edit()
        if self.was and not Expression.parse(self.was, "was").is_code(old):
            now = (
                one_line(source.text(extract(source, [old])))
                if old is not None
                else "without a value"
            )
            raise source.drifted(doing, f"{self.of} is {now}, not {one_line(self.was)}", assignment)
        text = new.at(source, assignment)
        if old is None:
            end = source.span(assignment).end
            return Edit((Splice(end, end, f" = {text}"),))
        return Edit((new.instead_of(source, old, assignment),))
