"""ensure: argument"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

import libcst as cst

from skills_engine.codemods.match.calls import find_call
from skills_engine.codemods.match.in_place import quoted_for
from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.edits import Draft
from skills_engine.codemods.source.sequences import Sequence
from skills_engine.codemods.source.source import Edit, Source, Splice
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome

__all__ = ["Argument"]


@dataclass(frozen=True, kw_only=True)
class Argument(SourceOperation):
    """The one call of `call` in the function or class `of` (or the module's own code) has
    `argument`.

    `call` is the callee as it is written: `web.Application`. `argument` is `x`, `name=value`,
    `*args` or `**options`; a keyword with another value is set, or with `replace: false` refused. A
    positional one goes last, or to `position` (`first`, or an index from 0). Of several calls,
    `nth` picks one, counted from 1.
    """

    ensure = "argument"
    VALID = (
        Example(
            "in an f-string, with the other quotes",
            "x = f'{go(a)}'\n",
            {"in": "m.py", "call": "go", "argument": "b='c'"},
            "x = f'{go(a, b=\"c\")}'\n",
        ),
        Example(
            "a keyword",
            "def main():\n    app = web.Application(debug=True)\n",
            {"in": "m.py", "of": "main", "call": "web.Application", "argument": "name='x'"},
            "def main():\n    app = web.Application(debug=True, name='x')\n",
        ),
        Example(
            "a keyword on a line of its own, before **options",
            "app = App(\n    1,  # one\n    **options,\n)\n",
            {"in": "m.py", "call": "App", "argument": "debug=True"},
            "app = App(\n    1,  # one\n    debug=True,\n    **options,\n)\n",
        ),
        Example(
            "a keyword that is set to something else",
            "app = App(debug = False)\n",
            {"in": "m.py", "call": "App", "argument": "debug=True"},
            "app = App(debug = True)\n",
        ),
        Example(
            "a positional one, after the last",
            "x = f(a, k=1)\n",
            {"in": "m.py", "call": "f", "argument": "b"},
            "x = f(a, b, k=1)\n",
        ),
        Example(
            "a positional one, first",
            "x = f(\n    a\n)\n",
            {"in": "m.py", "call": "f", "argument": "b", "position": "first"},
            "x = f(\n    b,\n    a\n)\n",
        ),
        Example(
            "a positional one, at an index",
            "x = f(a, b)\n",
            {"in": "m.py", "call": "f", "argument": "g(1)", "position": 1},
            "x = f(a, g(1), b)\n",
        ),
        Example(
            "the only one", "f()\n", {"in": "m.py", "call": "f", "argument": "*args"}, "f(*args)\n"
        ),
        Example(
            "**options last",
            "f(*a, k=1)\n",
            {"in": "m.py", "call": "f", "argument": "**options"},
            "f(*a, k=1, **options)\n",
        ),
        Example(
            "beside a generator, which gets parentheses",
            "f(x for x in y)\n",
            {"in": "m.py", "call": "f", "argument": "key=k"},
            "f((x for x in y), key=k)\n",
        ),
        Example(
            "in a decorator",
            "@app.command(name='x')\ndef f(): ...\n",
            {"in": "m.py", "of": "f", "call": "app.command", "argument": "hidden=True"},
            "@app.command(name='x', hidden=True)\ndef f(): ...\n",
        ),
        Example(
            "in the header of a class",
            "class A(B, metaclass=made(1)): ...\n",
            {"in": "m.py", "of": "A", "call": "made", "argument": "strict=True"},
            "class A(B, metaclass=made(1, strict=True)): ...\n",
        ),
        Example(
            "of the second call",
            "f(1)\nf(2)\n",
            {"in": "m.py", "call": "f", "argument": "3", "nth": 2},
            "f(1)\nf(2, 3)\n",
        ),
        Example(
            "there already",
            "f( 'a' )\n",
            {"in": "m.py", "call": "f", "argument": '"a"'},
            "f( 'a' )\n",
        ),
    )
    INVALID = (
        Refusal(
            "nothing calls it there",
            "def main():\n    web.App(1)\n",
            {"in": "m.py", "of": "main", "call": "App", "argument": "2"},
            Outcome.MISSING,
            "main does not call App",
        ),
        Refusal(
            "two calls",
            "f(1)\nf(2)\n",
            {"in": "m.py", "call": "f", "argument": "3"},
            Outcome.AMBIGUOUS,
            "m.py calls f 2 times",
        ),
        Refusal(
            "the keyword has another value, which is to stay",
            "f(a=1)\n",
            {"in": "m.py", "call": "f", "argument": "a=2", "replace": False},
            Outcome.DRIFTED,
            "f has a=1",
        ),
        Refusal(
            "there are not so many positional ones",
            "f(**a)\n",
            {"in": "m.py", "call": "f", "argument": "b", "position": 2},
            Outcome.DRIFTED,
            "f has 0 positional arguments",
        ),
    )

    of: str = ""
    call: str
    argument: str
    position: Literal["first", "last"] | int = "last"
    replace: bool = True
    nth: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        snippets.expression("call", self.call)
        node = snippets.argument("argument", self.argument)
        if self.position != "last" and not _is_positional(node):
            raise Malformed(
                "position", "only a positional argument has a position", "leave `position` out"
            )

    def describe(self) -> str:
        where = " in ".join(part for part in (self.of, self.in_) if part)
        return f"pass {snippets.one_line(self.argument)} to {self.call} in {where}"

    def edit(self, source: Source) -> Edit:
        doing, text = self.describe(), self.argument.strip()
        call = find_call(source, self.selected("of"), self.call, doing, self.nth)
        text = quoted_for(source, call, text)
        node = snippets.argument("argument", text)
        sequence = Sequence.of_arguments(source, call)
        if isinstance(node, ast.keyword) and node.arg is not None:
            for index, arg in enumerate(call.args):
                if arg.keyword is not None and arg.keyword.value == node.arg:
                    return self._set(source, sequence, index, arg, text)
        elif any(snippets.same_argument(source.code(arg), text) for arg in call.args):
            return Edit()
        if parentheses := _parentheses(source, call):
            draft = Draft(source)
            draft.make(parentheses)
            draft.make(self.edit(draft.source).splices)
            return Edit(draft.splices, doing)
        return Edit(sequence.insert(self._index(source, call, node), text), doing)

    def _set(self, source: Source, sequence: Sequence, index: int, arg: cst.Arg, text: str) -> Edit:
        value = extract(source, [arg.value])
        if snippets.same_argument(source.code(arg), text):
            return Edit()
        if not self.replace:
            what = f"{self.call} has {snippets.one_line(source.code(arg))}"
            raise source.drifted(
                self.describe(), what, arg, hint="leave `replace: false` out to set it"
            )
        new = text.partition("=")[2].strip()
        return Edit(
            (sequence.replaced(value, new),), f"set {snippets.one_line(text)} in {self.call}"
        )

    def _index(self, source: Source, call: cst.Call, node: ast.AST) -> int:
        count = len(call.args)
        options = next((n for n, arg in enumerate(call.args) if arg.star == "**"), count)
        if isinstance(node, ast.keyword):
            return count if node.arg is None else options
        positional = [
            n for n, arg in enumerate(call.args) if arg.keyword is None and arg.star != "**"
        ]
        if self.position == "first":
            return 0
        if self.position == "last":
            return positional[-1] + 1 if positional else 0
        if self.position > len(positional):
            what = f"{self.call} has {len(positional)} positional arguments"
            raise source.drifted(self.describe(), what, call)
        return self.position


def _is_positional(node: ast.AST) -> bool:
    return not isinstance(node, ast.keyword | ast.Starred)


def _parentheses(source: Source, call: cst.Call) -> tuple[Splice, ...]:
    """Parentheses for a generator that was the only argument and so needed none."""
    match list(call.args):
        case [cst.Arg(value=cst.GeneratorExp(lpar=[]), keyword=None, star="") as only]:
            span = source.span(only)
            return (Splice(span.start, span.start, "("), Splice(span.end, span.end, ")"))
    return ()
