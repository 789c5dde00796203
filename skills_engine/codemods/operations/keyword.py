"""ensure: keyword"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import libcst as cst

from skills_engine.codemods.operation import Example, Malformed, Refusal, SourceOperation
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.sequences import Sequence, into_class
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.codemods.source.syntax import extract
from skills_engine.types import Outcome

__all__ = ["Keyword"]


@dataclass(frozen=True, kw_only=True)
class Keyword(SourceOperation):
    """The class `of` has the class keyword `keyword`, such as `metaclass=M` or `total=False`:
    added, or set.
    """

    ensure = "keyword"
    VALID = (
        Example(
            "the first thing in parentheses",
            "class A:\n    x = 1\n",
            {"in": "m.py", "of": "A", "keyword": "metaclass=M"},
            "class A(metaclass=M):\n    x = 1\n",
        ),
        Example(
            "after the bases",
            "class A(\n    B,\n    # more\n    C,\n): ...\n",
            {"in": "m.py", "of": "A", "keyword": "total=False"},
            "class A(\n    B,\n    # more\n    C,\n    total=False,\n): ...\n",
        ),
        Example(
            "set to something else",
            "class A(B, total = True, x=1): ...\n",
            {"in": "m.py", "of": "A", "keyword": "total=False"},
            "class A(B, total = False, x=1): ...\n",
        ),
        Example(
            "before **options",
            "class A(B, **options): ...\n",
            {"in": "m.py", "of": "A", "keyword": "total=False"},
            "class A(B, total=False, **options): ...\n",
        ),
        Example(
            "there already",
            "class A(B, total= False): ...\n",
            {"in": "m.py", "of": "A", "keyword": "total=False"},
            "class A(B, total= False): ...\n",
        ),
    )
    INVALID = (
        Refusal(
            "there is no such class",
            "class A: ...\n",
            {"in": "m.py", "of": "Z", "keyword": "total=False"},
            Outcome.MISSING,
            "m.py does not define Z",
        ),
        Refusal(
            "it is a function",
            "def A(): ...\n",
            {"in": "m.py", "of": "A", "keyword": "total=False"},
            Outcome.DRIFTED,
            "A is a function, not a class",
        ),
    )

    of: str
    keyword: str

    def __post_init__(self) -> None:
        super().__post_init__()
        node = snippets.argument("keyword", self.keyword)
        if not isinstance(node, ast.keyword) or node.arg is None:
            raise Malformed("keyword", "this is no keyword", "write `name=value`")

    def describe(self) -> str:
        return f"give {self.of} the class keyword {snippets.one_line(self.keyword)}"

    def edit(self, source: Source) -> Edit:
        text, doing = self.keyword.strip(), self.describe()
        node = source.find(self.selected("of"), "class", doing=doing).node
        if not isinstance(node, cst.ClassDef):
            return Edit()
        name, _, value = text.partition("=")
        sequence = Sequence.of_bases(source, node)
        for arg in node.keywords:
            if (
                sequence is not None
                and arg.keyword is not None
                and arg.keyword.value == name.strip()
            ):
                if snippets.same_argument(source.code(arg), text):
                    return Edit()
                return Edit(
                    (sequence.replaced(extract(source, [arg.value]), value.strip()),), doing
                )
        named = [arg for arg in node.keywords if arg.keyword is not None]
        return Edit(into_class(source, node, len(node.bases) + len(named), text), doing)
