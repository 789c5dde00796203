"""ensure: annotation"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.expressions import Expression, assignment_of
from skills_engine.codemods.match.search import parameter_named
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.refactor.field_order import check_field_order
from skills_engine.codemods.source.snippets import parse
from skills_engine.codemods.source.source import Edit, Splice
from skills_engine.codemods.source.syntax import extract, parameters
from skills_engine.codemods.source.type_comments import on_line, signature_comment
from skills_engine.types import Outcome, Span

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.codemods.source.source import Source

__all__ = ["Annotation"]


@dataclass(frozen=True, kw_only=True)
class Annotation(SourceOperation):
    """The variable `of`, or a parameter of the function `of`, or what it returns, has that
    annotation.

    `parameter` is empty for a variable and `return` for what a function returns. `was` is what the
    annotation is expected to be until then; `Optional[X]` and `X | None` are one type. A type
    comment goes where the annotation comes; one of a whole signature becomes annotations.
    """

    ensure = "annotation"
    VALID = (
        Example(
            "of a variable",
            "x = 1  # one\n",
            {"in": "m.py", "of": "x", "annotation": "int"},
            "x: int = 1  # one\n",
        ),
        Example(
            "another one of a field",
            "class A:\n    x : 'int' = 1\n",
            {"in": "m.py", "of": "A.x", "annotation": "int | None", "was": "'int'"},
            "class A:\n    x : int | None = 1\n",
        ),
        Example(
            "another one of a field, which says it in other words",
            "class A:\n    x: Optional[int] = 1\n",
            {"in": "m.py", "of": "A.x", "annotation": "int | str | None", "was": "int | None"},
            "class A:\n    x: int | str | None = 1\n",
        ),
        Example(
            "of an instance's attribute",
            "class A:\n    def __init__(self):\n        self.x = []\n",
            {"in": "m.py", "of": "A.x", "annotation": "list[int]"},
            "class A:\n    def __init__(self):\n        self.x: list[int] = []\n",
        ),
        Example(
            "of a parameter with a default",
            "def f(a, b=(1), **c): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b", "annotation": "int"},
            "def f(a, b: int = (1), **c): ...\n",
        ),
        Example(
            "of a starred parameter",
            "def f(a, *b): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b", "annotation": "int"},
            "def f(a, *b: int): ...\n",
        ),
        Example(
            "of what a function returns",
            "async def f(\n    a,  # )\n) : return 1\n",
            {"in": "m.py", "of": "f", "parameter": "return", "annotation": "int"},
            "async def f(\n    a,  # )\n) -> int : return 1\n",
        ),
        Example(
            "another one of what a function returns",
            "def f() -> (\n    int\n): ...\n",
            {"in": "m.py", "of": "f", "parameter": "return", "annotation": "str"},
            "def f() -> str: ...\n",
        ),
        Example(
            "so already",
            "def f(a: List [ int ]): ...\n",
            {"in": "m.py", "of": "f", "parameter": "a", "annotation": "List[int]"},
            "def f(a: List [ int ]): ...\n",
        ),
        Example(
            "in the place of a type comment",
            "x = []  # type: list[int]  # why\n",
            {"in": "m.py", "of": "x", "annotation": "list[int]"},
            "x: list[int] = []  # why\n",
        ),
        Example(
            "in the place of a signature's type comment",
            "def f(a, b=1):\n    # type: (int, str) -> None\n    return\n",
            {"in": "m.py", "of": "f", "parameter": "a", "annotation": "int"},
            "def f(a: int, b: str = 1) -> None:\n    return\n",
        ),
    )
    INVALID = (
        Refusal("there is no such name", "y = 1\n", {"in": "m.py", "of": "x", "annotation": "int"}, Outcome.MISSING, "does not define x"),
        Refusal("no such parameter", "def f(b): ...\n", {"in": "m.py", "of": "f", "parameter": "a", "annotation": "int"}, Outcome.MISSING, "f has no parameter a"),
        Refusal("a variable has no parameters", "f = 1\n", {"in": "m.py", "of": "f", "parameter": "a", "annotation": "int"}, Outcome.DRIFTED, "f is a variable"),
        Refusal("it is another by now", "x: str = 1\n", {"in": "m.py", "of": "x", "annotation": "int", "was": "float"}, Outcome.DRIFTED, "the annotation is str, not float"),
        Refusal("it has none", "x = 1\n", {"in": "m.py", "of": "x", "annotation": "int", "was": "float"}, Outcome.DRIFTED, "there is no annotation, not float"),
        Refusal("several targets", "x = y = 1\n", {"in": "m.py", "of": "x", "annotation": "int"}, Outcome.DRIFTED, "shares its assignment"),
        Refusal(
            "it would be a field with a default, before a required one",
            "@dataclass\nclass A:\n    x = 1\n    y: int\n",
            {"in": "m.py", "of": "A.x", "annotation": "int"},
            Outcome.DRIFTED,
            "in A, y is required, and x before it has a default",
        ),
        Refusal("two definitions", "x = 1\nx = 2\n", {"in": "m.py", "of": "x", "annotation": "int"}, Outcome.AMBIGUOUS, "x is defined 2 times"),
    )  # fmt: skip

    of: str
    parameter: str = ""
    annotation: str
    was: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        Expression.parse(self.annotation, "annotation")
        if self.was:
            Expression.parse(self.was, "was")

    def describe(self) -> str:
        what = {"": self.of, "return": f"what {self.of} returns"}.get(
            self.parameter, f"{self.parameter} of {self.of}"
        )
        return f"annotate {what} as {Expression.parse(self.annotation, 'annotation').short}"

    def check(self, files: Files, source: Source, data: bytes) -> None:
        owner = self.selected("of").rpartition(".")[0]
        check_field_order(files, source, data, owner, self.describe())

    def edit(self, source: Source) -> Edit:
        doing, new = self.describe(), Expression.parse(self.annotation, "annotation")
        if not self.parameter:
            holder: cst.CSTNode = assignment_of(source, self.selected("of"), doing)
            now = holder.annotation if isinstance(holder, cst.AnnAssign) else None
        else:
            holder = function = source.find(self.selected("of"), "function", doing=doing).node
            assert isinstance(function, cst.FunctionDef)  # noqa: S101 - what find was asked for
            now = function.returns
            if self.parameter != "return":
                holder = parameter = parameter_named(source, function, self.parameter, doing)
                now = parameter.annotation
        old = now.annotation if now is not None else None
        if new.is_code(old):
            return Edit()
        if self.was and not self._is_as_expected(source, old):
            is_now = (
                f"the annotation is {source.code(old)}"
                if old is not None
                else "there is no annotation"
            )
            raise source.drifted(doing, f"{is_now}, not {self.was}", holder)
        if old is not None:
            return Edit((new.instead_of(source, old, holder),))
        added = self._added(source, holder, new.at(source, holder), doing)
        return Edit((added, *self._instead_of_comment(source, holder, doing)))

    def _instead_of_comment(
        self, source: Source, holder: cst.CSTNode, doing: str
    ) -> tuple[Splice, ...]:
        """A type comment goes where its annotation comes; the other types of a signature's become
        annotations too.
        """
        if isinstance(holder, cst.Assign):
            gone = on_line(source, source.span(holder).end)
            return (gone,) if gone else ()
        function = source.find(self.selected("of"), "function", doing=doing).node
        if not isinstance(function, cst.FunctionDef):
            return ()
        if isinstance(holder, cst.Param):
            own = on_line(source, source.span(holder).end)
            last = source.line(source.span(function.whitespace_before_colon).end)
            if own is not None and source.line(own.start) < last:
                return (own,)
        comment = signature_comment(source, function)
        if comment is None:
            return ()
        types = comment.by_parameter(function)
        if types is None:
            what = "the type comment of its signature has another number of parameters"
            raise source.drifted(doing, what, function)
        splices = [comment.splice]
        for parameter in parameters(function.params):
            if not isinstance(parameter, cst.Param) or parameter is holder or parameter.annotation:
                continue
            if (said := types.get(parameter.name.value)) is not None:
                splices.append(self._added(source, parameter, said, doing))
        if function.returns is None and holder is not function:
            splices.append(self._added(source, function, comment.returns, doing))
        return tuple(splices)

    def _is_as_expected(self, source: Source, old: cst.BaseExpression | None) -> bool:
        """Whether the annotation is `was`, in these words or in those before PEP 604."""
        if Expression.parse(self.was, "was").is_code(old):
            return True
        return old is not None and _type(source.code(old)) == _type(self.was)

    def _added(self, source: Source, holder: cst.CSTNode, text: str, doing: str) -> Splice:
        match holder:
            case cst.FunctionDef(whitespace_before_colon=space):
                at = source.span(space).start
                return Splice(at, at, f" -> {text}")
            case cst.Param(name=name, default=default):
                at = source.span(name).end
                if default is not None:
                    end = extract(source, [default]).start
                    if source.text(Span(at, end)).strip() == "=":
                        return Splice(at, end, f": {text} = ")
                return Splice(at, at, f": {text}")
            case cst.Assign(targets=[cst.AssignTarget(target=target)]):
                at = extract(source, [target]).end
                return Splice(at, at, f": {text}")
        raise source.drifted(doing, f"{self.of} shares its assignment with another name", holder)


def _type(text: str) -> str:
    class InNewWords(ast.NodeTransformer):
        def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
            self.generic_visit(node)
            return _in_new_words(node)

    return ast.dump(InNewWords().visit(parse(f"({text})")))


def _in_new_words(node: ast.Subscript) -> ast.expr:
    """`Optional[X]` as `X | None` and `Union[X, Y]` as `X | Y` (PEP 604): they mean the same."""
    match node.value:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="typing" | "t"), attr=name):
            pass
        case _:
            return node
    if name == "Optional":
        return ast.BinOp(node.slice, ast.BitOr(), ast.Constant(None))
    if name == "Union" and isinstance(node.slice, ast.Tuple):
        first, *rest = node.slice.elts
        return reduce(lambda left, right: ast.BinOp(left, ast.BitOr(), right), rest, first)
    return node
