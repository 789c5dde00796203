"""ensure: parameter"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.names.capture import captured_by, overwritten_by
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.refactor.callers import (
    keyword_callers,
    moved_meaning,
    positional_callers,
    taken_option,
)
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.parameters import Signature, parse_parameter
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.codemods.source.type_comments import signature_comment
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Parameter"]


@dataclass(frozen=True, kw_only=True)
class Parameter(SourceOperation):
    """The function `of` has the parameter `parameter`: `name: int = 3`, `*args` or `**options`.

    A new one goes after the last of its kind, where there is `*args` behind it, or `before` or
    `after` the parameter of that name; `keyword_only: true` puts it after the `*`, which is made
    where there is none. Callers are not changed: give it a default, or change them too. A place
    that would give another meaning to what callers in the repository pass by position refuses, and
    names them; so does a name that the function reads already, that it binds before it reads it, or
    that callers pass into `**options`.
    """

    ensure = "parameter"
    VALID = (
        Example(
            "the only one",
            "def f() -> None: ...\n",
            {"in": "m.py", "of": "f", "parameter": "x: int"},
            "def f(x: int) -> None: ...\n",
        ),
        Example(
            "after the last",
            "class A:\n    def f(self, a, b: int = 2, *, c): ...\n",
            {"in": "m.py", "of": "A.f", "parameter": "d: str | None = None"},
            "class A:\n    def f(self, a, b: int = 2, d: str | None = None, *, c): ...\n",
        ),
        Example(
            "one a line",
            "def f(\n    a,  # first\n    b=(1),\n):\n    pass\n",
            {"in": "m.py", "of": "f", "parameter": "c=3"},
            "def f(\n    a,  # first\n    b=(1),\n    c=3,\n):\n    pass\n",
        ),
        Example(
            "before another",
            "def f(a, b): ...\n",
            {"in": "m.py", "of": "f", "parameter": "c", "before": "b"},
            "def f(a, c, b): ...\n",
        ),
        Example(
            "after another",
            "def f(a, /, b): ...\n",
            {"in": "m.py", "of": "f", "parameter": "c: int", "after": "b"},
            "def f(a, /, b, c: int): ...\n",
        ),
        Example(
            "keyword only, with a new star",
            "def f(a=1, **options): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b: int", "keyword_only": True},
            "def f(a=1, *, b: int, **options): ...\n",
        ),
        Example(
            "keyword only, on lines of their own",
            "def f(\n    a,\n): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b: int = 1", "keyword_only": True},
            "def f(\n    a,\n    *,\n    b: int = 1,\n): ...\n",
        ),
        Example(
            "keyword only, after the others",
            "def f(*args, a): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b", "keyword_only": True},
            "def f(*args, a, b): ...\n",
        ),
        Example(
            "*args in the place of a lone star",
            "def f(a, *, b): ...\n",
            {"in": "m.py", "of": "f", "parameter": "*args: int"},
            "def f(a, *args: int, b): ...\n",
        ),
        Example(
            "*args before the keyword-only ones' **options",
            "def f(a, **options): ...\n",
            {"in": "m.py", "of": "f", "parameter": "*args"},
            "def f(a, *args, **options): ...\n",
        ),
        Example(
            "**options",
            "async def f(a, *, b): ...\n",
            {"in": "m.py", "of": "f", "parameter": "**options: int"},
            "async def f(a, *, b, **options: int): ...\n",
        ),
        Example(
            "there already",
            "def f(a: 'X'=1): ...\n",
            {"in": "m.py", "of": "f", "parameter": 'a: "X" = 1'},
            "def f(a: 'X'=1): ...\n",
        ),
        Example(
            "behind *args, where it takes nothing from them",
            "def f(a, *rest): ...\n",
            {"in": "m.py", "of": "f", "parameter": "c=1"},
            "def f(a, *rest, c=1): ...\n",
        ),
        Example(
            "of a body that reads it before it binds it",
            "def f(a):\n    c = c or a\n    return c\n",
            {"in": "m.py", "of": "f", "parameter": "c=None"},
            "def f(a, c=None):\n    c = c or a\n    return c\n",
        ),
    )
    INVALID = (
        Refusal(
            "there is no such function",
            "def f(): ...\n",
            {"in": "m.py", "of": "g", "parameter": "a"},
            Outcome.MISSING,
            "m.py does not define g",
        ),
        Refusal(
            "it has another default",
            "def f(a: int = 2): ...\n",
            {"in": "m.py", "of": "f", "parameter": "a: int = 3"},
            Outcome.DRIFTED,
            "f has the parameter a: int = 2",
        ),
        Refusal(
            "a required one after one with a default",
            "def f(a=1): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b"},
            Outcome.DRIFTED,
            "b is required, and a before it has a default",
        ),
        Refusal(
            "the neighbour is not there",
            "def f(a): ...\n",
            {"in": "m.py", "of": "f", "parameter": "b", "before": "c"},
            Outcome.MISSING,
            "f has no parameter c",
        ),
        Refusal(
            "there are other **options",
            "def f(**kw): ...\n",
            {"in": "m.py", "of": "f", "parameter": "**options"},
            Outcome.DRIFTED,
            "f has the parameter **kw",
        ),
        Refusal(
            "it is not keyword-only",
            "def f(a): ...\n",
            {"in": "m.py", "of": "f", "parameter": "a", "keyword_only": True},
            Outcome.DRIFTED,
            "a is not keyword-only",
        ),
        Refusal(
            "callers fill the place by position",
            "def f(a, b=1): ...\n\n\nf(1, 2)\n",
            {"in": "m.py", "of": "f", "parameter": "c=0", "before": "b"},
            Outcome.DRIFTED,
            "would take what callers pass by position",
        ),
        Refusal(
            "the function reads a variable of that name",
            "c = 1\n\n\ndef f(a):\n    return lambda: c\n",
            {"in": "m.py", "of": "f", "parameter": "c=3"},
            Outcome.DRIFTED,
            "c has a meaning in it already",
        ),
        Refusal(
            "the function calls a builtin of that name",
            "def f(a):\n    return type(a)\n",
            {"in": "m.py", "of": "f", "parameter": "type=None"},
            Outcome.DRIFTED,
            "type has a meaning in it already",
        ),
        Refusal(
            "the body binds the name",
            "def f(a):\n    c = a\n    return c\n",
            {"in": "m.py", "of": "f", "parameter": "c=0"},
            Outcome.DRIFTED,
            "c is bound in it",
        ),
        Refusal(
            "callers pass it into the options",
            "def f(a, **k):\n    return k\n\n\nf(1, c=2)\n",
            {"in": "m.py", "of": "f", "parameter": "c=0", "keyword_only": True},
            Outcome.DRIFTED,
            "c would take what callers pass into **k: m.py:5",
        ),
        Refusal(
            "a type comment says the types",
            "def f(a):\n    # type: (int) -> None\n    return\n",
            {"in": "m.py", "of": "f", "parameter": "c=0"},
            Outcome.DRIFTED,
            "a type comment says the types",
        ),
    )

    of: str
    parameter: str
    before: str = ""
    after: str = ""
    keyword_only: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = parse_parameter("parameter", self.parameter)
        if self.before and self.after:
            raise Malformed("after", "the place is given twice", "keep `before` or `after`")
        if wanted.kind != "positional" and (self.before or self.after or self.keyword_only):
            key = "before" if self.before else "after" if self.after else "keyword_only"
            raise Malformed(
                key, "there is one place only for *args and for **options", f"leave `{key}` out"
            )

    def describe(self) -> str:
        return f"give {self.of} the parameter {snippets.one_line(self.parameter)}"

    def edit(self, source: Source) -> Edit:
        node = source.find(self.selected("of"), "function", doing=self.describe()).node
        if not isinstance(node, cst.FunctionDef):
            return Edit()
        signature = Signature.of(source, node)
        wanted = parse_parameter("parameter", self.parameter)
        text = self.parameter.strip()
        if self._is_there(source, signature):
            return Edit()
        if wanted.kind == "*args" and (lone := signature.kind("*")):
            return Edit(
                (signature.layout.replaced(signature.layout.items[lone[0]], text),), self.describe()
            )
        if (comment := signature_comment(source, node)) and comment.types != ("...",):
            what = "a type comment says the types of its parameters"
            hint = "make it annotations first, with `ensure: annotation`"
            raise source.drifted(self.describe(), what, node, hint=hint)
        if captured := captured_by(source, node, wanted.name):
            what = f"{wanted.name} has a meaning in it already, which would change"
            raise source.drifted(self.describe(), what, captured, hint="take another name")
        if lost := overwritten_by(source, node, wanted.name):
            what = f"{wanted.name} is bound in it, which would leave the parameter without effect"
            raise source.drifted(self.describe(), what, lost, hint="take another name")
        index = self._index(source, node, signature)
        self._check_order(source, signature, index)
        star = self.keyword_only and not signature.kind("*", "*args")
        return Edit(signature.layout.insert(index, *(["*"] if star else []), text), self.describe())

    def check(self, files: Files, source: Source, data: bytes) -> None:
        del data
        self._check_options(files, source)
        if (self.before or self.after) and not self.keyword_only:
            self._check_callers(files, source)

    def _check_options(self, files: Files, source: Source) -> None:
        """Refuse to take what callers pass into `**options` so far."""
        name = self.selected("of")
        node = source.find(name, "function", doing=self.describe()).node
        wanted = parse_parameter("parameter", self.parameter)
        if wanted.kind != "positional" or not isinstance(node, cst.FunctionDef):
            return
        if node.params.star_kwarg is None:
            return
        if callers := keyword_callers(Project(files), source.path, name, wanted.name):
            options = node.params.star_kwarg.name.value
            raise taken_option(self.describe(), wanted.name, options, callers)

    def _check_callers(self, files: Files, source: Source) -> None:
        """Refuse a place among the positional parameters that callers fill."""
        node = source.find(self.selected("of"), "function", doing=self.describe()).node
        wanted = parse_parameter("parameter", self.parameter)
        if wanted.kind != "positional" or not isinstance(node, cst.FunctionDef):
            return
        signature = Signature.of(source, node)
        index = self._index(source, node, signature)
        if any(star < index for star in signature.kind("*", "*args")):
            return
        before = sum(n < index for n in signature.kind("positional only", "positional"))
        callers = positional_callers(Project(files), source.path, self.selected("of"), before)
        if callers:
            raise moved_meaning(self.describe(), wanted.name, callers)

    def _is_there(self, source: Source, signature: Signature) -> bool:
        name, wanted = self.selected("of"), parse_parameter("parameter", self.parameter)
        for index, parameter in enumerate(signature.parameters):
            one_only = wanted.kind in {"*args", "**"} and parameter.kind == wanted.kind
            if parameter.node is None or not (
                one_only or (parameter.name and parameter.name == wanted.name)
            ):
                continue
            if parameter.code != wanted.code:
                own = snippets.one_line(source.text(signature.layout.items[index]))
                raise source.drifted(
                    self.describe(), f"{name} has the parameter {own}", parameter.node
                )
            if self.keyword_only and parameter.kind != "keyword only":
                raise source.drifted(
                    self.describe(), f"{wanted.name} is not keyword-only", parameter.node
                )
            return True
        return False

    def _index(self, source: Source, node: cst.FunctionDef, signature: Signature) -> int:
        wanted = parse_parameter("parameter", self.parameter)
        count = len(signature.parameters)
        if neighbour := self.before or self.after:
            index = signature.index(neighbour.lstrip("*"))
            if index is None:
                near = [p.node for p in signature.parameters if p.node is not None] or [node]
                raise source.missing(
                    self.describe(), f"{self.selected('of')} has no parameter {neighbour}", near
                )
            return index + bool(self.after)
        if wanted.kind == "**":
            return count
        if self.keyword_only or signature.kind("*args"):
            return next(iter(signature.kind("**")), count)
        return next(iter(signature.kind("*", "**")), count)

    def _check_order(self, source: Source, signature: Signature, index: int) -> None:
        """Refuse a required positional parameter after one with a default, as Python would."""
        wanted = parse_parameter("parameter", self.parameter)
        positional = signature.kind("positional only", "positional")
        beyond_star = any(star < index for star in signature.kind("*", "*args"))
        if wanted.kind != "positional" or self.keyword_only or beyond_star:
            return
        hint = "give it a default, `before` or `keyword_only: true`"
        for n in positional:
            other = signature.parameters[n]
            if n < index and wanted.required and not other.required and other.node is not None:
                what = f"{wanted.name} is required, and {other.name} before it has a default"
                raise source.drifted(self.describe(), what, other.node, hint=hint)
            if n >= index and not wanted.required and other.required and other.node is not None:
                what = f"{wanted.name} has a default, and {other.name} after it is required"
                raise source.drifted(
                    self.describe(), what, other.node, hint="leave the default out, or `after`"
                )
