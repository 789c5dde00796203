"""ensure: base"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.refactor.field_order import check_field_order
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.sequences import into_class
from skills_engine.codemods.source.source import Edit, Source
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Base"]


@dataclass(frozen=True, kw_only=True)
class Base(SourceOperation):
    """The class `of` has the base class `base`: after its other bases, or with `position: first`
    before them.
    """

    ensure = "base"
    VALID = (
        Example(
            "the first",
            "class A:\n    x = 1\n",
            {"in": "m.py", "of": "A", "base": "B"},
            "class A(B):\n    x = 1\n",
        ),
        Example(
            "into parentheses",
            "class A(): ...\n",
            {"in": "m.py", "of": "A", "base": "B"},
            "class A(B): ...\n",
        ),
        Example(
            "after the others, before keywords",
            "class A(x.B, metaclass=M): ...\n",
            {"in": "m.py", "of": "A", "base": "C[int]"},
            "class A(x.B, C[int], metaclass=M): ...\n",
        ),
        Example(
            "before the others",
            "class A(\n    B,  # b\n): ...\n",
            {"in": "m.py", "of": "A", "base": "C", "position": "first"},
            "class A(\n    C,\n    B,  # b\n): ...\n",
        ),
        Example(
            "before object, which is last in every order",
            "class A(object): ...\n",
            {"in": "m.py", "of": "A", "base": "B"},
            "class A(B, object): ...\n",
        ),
        Example(
            "with a keyword only",
            "class A(metaclass=M): ...\n",
            {"in": "m.py", "of": "A", "base": "B"},
            "class A(B, metaclass=M): ...\n",
        ),
        Example(
            "there already",
            "class A(B[int,]): ...\n",
            {"in": "m.py", "of": "A", "base": "B[int, ]"},
            "class A(B[int,]): ...\n",
        ),
    )
    INVALID = (
        Refusal(
            "there is no such class",
            "class A: ...\n",
            {"in": "m.py", "of": "Z", "base": "B"},
            Outcome.MISSING,
            "m.py does not define Z",
        ),
        Refusal(
            "it is a function",
            "def A(): ...\n",
            {"in": "m.py", "of": "A", "base": "B"},
            Outcome.DRIFTED,
            "A is a function, not a class",
        ),
        Refusal(
            "it has that base with other parameters",
            "class A(B[int]): ...\n",
            {"in": "m.py", "of": "A", "base": "B[str]"},
            Outcome.DRIFTED,
            "A has the base B[int]",
        ),
        Refusal(
            "its fields would come after a default",
            "@dataclass\nclass A:\n    x: int = 1\n\n\n@dataclass\nclass B:\n    y: int\n",
            {"in": "m.py", "of": "B", "base": "A"},
            Outcome.DRIFTED,
            "in B, y is required, and x before it has a default",
        ),
    )

    of: str
    base: str
    position: Literal["first", "last"] = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        snippets.element("base", self.base)

    def describe(self) -> str:
        return f"make {self.of} a subclass of {snippets.one_line(self.base)}"

    def check(self, files: Files, source: Source, data: bytes) -> None:
        check_field_order(files, source, data, self.selected("of"), self.describe())

    def edit(self, source: Source) -> Edit:
        text, doing = self.base.strip(), self.describe()
        node = source.find(self.selected("of"), "class", doing=doing).node
        if not isinstance(node, cst.ClassDef):
            return Edit()
        own = [source.code(arg) for arg in node.bases]
        for base, arg in zip(own, node.bases, strict=True):
            if snippets.same_code(base, text):
                return Edit()
            if base.partition("[")[0].strip() == text.partition("[")[0].strip():
                raise source.drifted(
                    doing, f"{self.selected('of')} has the base {snippets.one_line(base)}", arg
                )
        index = 0 if self.position == "first" else len(own) - (own[-1:] == ["object"])
        return Edit(into_class(source, node, index, text), doing)
