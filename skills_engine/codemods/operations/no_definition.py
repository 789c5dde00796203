"""ensure: no-definition"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.expressions import bound_otherwise
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.source.blocks import remove
from skills_engine.codemods.source.source import Edit
from skills_engine.codemods.source.syntax import descend, flatten
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.source.definitions import Definition
    from skills_engine.codemods.source.source import Source

__all__ = ["NoDefinition"]

_MODULE = '''\
import a


# Old.
@cache
def f():
    return 1  # one
    # end of f


class A:
    """Doc."""

    x = 1

    @property
    def y(self): ...

    @y.setter
    def y(self, y): ...

    z = 2
'''


@dataclass(frozen=True, kw_only=True)
class NoDefinition(SourceOperation):
    """The class, function, method, variable or type alias `of` is not defined.

    It goes with its decorators, the comment directly above and the blank lines that it needed. A
    body that becomes empty gets `pass`. Functions of one name in one body (overloads, a property
    and its setter) go together. A variable that other statements of its scope change (`X += …`,
    `X[…] = …`, `X.a = …`, `X.append(…)`) is a refusal that names them.
    """

    ensure = "no-definition"
    VALID = (
        Example(
            "a function, its decorator and comment",
            _MODULE,
            {"in": "m.py", "of": "f"},
            _MODULE[: _MODULE.index("# Old")] + _MODULE[_MODULE.index("class") :],
        ),
        Example(
            "a class at the end",
            _MODULE,
            {"in": "m.py", "of": "A"},
            _MODULE[: _MODULE.index("\n\nclass")],
        ),
        Example(
            "a property and its setter",
            _MODULE,
            {"in": "m.py", "of": "A.y"},
            _MODULE[: _MODULE.index("    @property")] + "    z = 2\n",
        ),
        Example("a variable", _MODULE, {"in": "m.py", "of": "A.x"}, _MODULE.replace("    x = 1\n\n", "")),
        Example("the last of a file without a line end", "x = 1\n\n\ny = (\n    2\n)", {"in": "m.py", "of": "y"}, "x = 1"),
        Example(
            "all that a class has",
            "class A:\n    # Why.\n    x: int = 1\nb = 1\n",
            {"in": "m.py", "of": "A.x"},
            "class A:\n    pass\nb = 1\n",
        ),
        Example(
            "all but the docstring",
            "class A:\n    'A.'\n\n    def f(self): ...\n\n\nb = 1\n",
            {"in": "m.py", "of": "A.f"},
            "class A:\n    'A.'\n\n\nb = 1\n",
        ),
        Example("in a branch", "if A:\n    def f(): ...\n", {"in": "m.py", "of": "f"}, "if A:\n    pass\n"),
        Example("it is not there", _MODULE, {"in": "m.py", "of": "A.f"}, _MODULE),
    )  # fmt: skip
    INVALID = (
        Refusal(
            "defined in two branches",
            "if A:\n    def f(): ...\nelse:\n    def f(): ...\n",
            {"in": "m.py", "of": "f"},
            Outcome.AMBIGUOUS,
            "f is defined 2 times",
        ),
        Refusal("assigned twice", "x = 1\nx = 2\n", {"in": "m.py", "of": "x"}, Outcome.AMBIGUOUS, "x is defined 2 times"),
        Refusal("one of two on a line", "a = 1; b = 2\n", {"in": "m.py", "of": "a"}, Outcome.DRIFTED, "a shares its line"),
        Refusal("one of two targets", "a = b = 2\n", {"in": "m.py", "of": "a"}, Outcome.DRIFTED, "a shares its assignment"),
        Refusal("it is added to", "x = []\nif a:\n    x += [1]\n", {"in": "m.py", "of": "x"}, Outcome.DRIFTED, "x is changed elsewhere, too"),
        Refusal("something is put into it", "x = {}\nx['a'] = 1\n", {"in": "m.py", "of": "x"}, Outcome.DRIFTED, "x is changed elsewhere, too"),
        Refusal("unpacked", "a, b = 2, 3\n", {"in": "m.py", "of": "a"}, Outcome.DRIFTED, "a is bound in another way"),
    )  # fmt: skip

    of: str

    def describe(self) -> str:
        return f"remove {self.of}"

    def edit(self, source: Source) -> Edit:
        doing, name = self.describe(), self.selected("of")
        present = [d for d in source.definitions if d.qualname == name]
        if not present:
            if other := bound_otherwise(source, name):
                raise source.drifted(
                    doing, f"{name} is bound in another way than by a definition of its own", *other
                )
            return Edit()
        body = present[0].body
        if len(present) > 1 and not all(d.kind == "function" and d.body is body for d in present):
            raise source.ambiguous(
                doing, f"{name} is defined {len(present)} times", [d.node for d in present]
            )
        self._check_alone(source, present[0], doing)
        indexes = [
            index
            for index, line in enumerate(body.body)
            if any(line is d.statement for d in present)
        ]
        if indexes != list(range(indexes[0], indexes[-1] + 1)):
            raise source.ambiguous(
                doing, f"{name} is defined {len(present)} times, apart", [d.node for d in present]
            )
        if others := [small for small in _additions(source, name) if present[0].kind == "variable"]:
            hint = "take that away first, with `ensure: no-statement`"
            raise source.drifted(doing, f"{name} is changed elsewhere, too", *others, hint=hint)
        return remove(source, body, indexes[0], indexes[-1])

    def _check_alone(self, source: Source, definition: Definition, doing: str) -> None:
        node, line = definition.node, definition.statement
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) > 1:
            raise source.drifted(
                doing, f"{definition.qualname} shares its line with another statement", node
            )
        if isinstance(node, cst.Assign) and len(node.targets) > 1:
            raise source.drifted(
                doing, f"{definition.qualname} shares its assignment with another name", node
            )


_ADDING = frozenset({
    "add", "append", "extend", "insert", "register", "setdefault", "update",
})  # fmt: skip


def _additions(source: Source, selector: str) -> list[cst.CSTNode]:
    """The statements of a variable's scope that change it, and so need it."""
    owner, _, name = selector.rpartition(".")
    bodies: list[cst.BaseSuite | cst.Module] = [source.module]
    if owner:
        nodes = [d.node for d in source.definitions if d.qualname == owner]
        bodies = [n.body for n in nodes if isinstance(n, cst.ClassDef | cst.FunctionDef)]
    return [
        small
        for body in bodies
        for block in descend(body)
        for small in flatten(block)
        if _adds(small, name)
    ]


def _adds(small: cst.CSTNode, name: str) -> bool:
    match small:
        case cst.AugAssign(target=cst.Name(value=found)):
            return found == name
        case cst.AugAssign(target=cst.Attribute() | cst.Subscript() as target):
            return _root(target) == name
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Attribute() | cst.Subscript() as target)]
        ):
            return _root(target) == name
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=method)))):
            return method in _ADDING and isinstance(owner, cst.Name) and owner.value == name
    return False


def _root(node: cst.BaseExpression) -> str:
    while isinstance(node, cst.Attribute | cst.Subscript):
        node = node.value
    return node.value if isinstance(node, cst.Name) else ""
