"""ensure: field"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.match.anchors import between
from skills_engine.codemods.names.bound import bound_too
from skills_engine.codemods.operation import Example, Refusal, SourceOperation
from skills_engine.codemods.refactor.callers import moved_meaning, positional_callers
from skills_engine.codemods.refactor.field_order import check_field_order
from skills_engine.codemods.refactor.project import Project
from skills_engine.codemods.source import snippets
from skills_engine.codemods.source.edits import is_blank_at, lines_above, lines_at
from skills_engine.codemods.source.fields import FieldLine as Declared
from skills_engine.codemods.source.fields import fields_of, is_enum, orders_fields, parse_field
from skills_engine.codemods.source.source import Edit, Source, Splice, reindent
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files
    from skills_engine.errors import CannotEnsure

__all__ = ["Field"]


@dataclass(frozen=True, kw_only=True)
class Field(SourceOperation):
    """The class `of` has the field `field`: `name: type = default`, or `NAME = value` as in an
    enum.

    A new one goes after the last field, or `before` or `after` the field of that name; with both,
    where they touch, or directly `before` where others have come between; where one of the two is
    gone, the other is enough. A field without a default goes before those with one where the class
    needs that: in dataclasses and named tuples. Where callers in the repository fill the place by
    position, that is a refusal, which names them; so is a required field after one that a base has
    with a default (or before a subclass's, the other way round), the name of a method, and in an
    enum a value that another member has.
    """

    ensure = "field"
    VALID = (
        Example(
            "after the last field, with what documents that",
            'class A(TypedDict):\n    """Doc."""\n\n    x: int\n    """An x."""\n\n    def f(self): ...\n',
            {"in": "m.py", "of": "A", "field": "y: str"},
            'class A(TypedDict):\n    """Doc."""\n\n    x: int\n    """An x."""\n    y: str\n\n    def f(self): ...\n',
        ),
        Example(
            "of an enum",
            "class Color(Enum):\n    RED = 1  # red\n    GREEN = 2\n",
            {"in": "m.py", "of": "Color", "field": "BLUE = 3"},
            "class Color(Enum):\n    RED = 1  # red\n    GREEN = 2\n    BLUE = 3\n",
        ),
        Example(
            "required, in a dataclass",
            "@dataclass(frozen=True)\nclass A:\n    x: int\n    # optional ones\n    y: int = 1\n    z: list[int] = field(default_factory=list)\n",
            {"in": "m.py", "of": "A", "field": "n: str"},
            "@dataclass(frozen=True)\nclass A:\n    x: int\n    n: str\n    # optional ones\n    y: int = 1\n    z: list[int] = field(default_factory=list)\n",
        ),
        Example(
            "required, in a dataclass that takes keywords only",
            "@dataclass(kw_only=True)\nclass A:\n    x: int = 1\n",
            {"in": "m.py", "of": "A", "field": "n: str"},
            "@dataclass(kw_only=True)\nclass A:\n    x: int = 1\n    n: str\n",
        ),
        Example(
            "required, where a base has defaults but takes keywords only",
            "@dataclass(kw_only=True)\nclass A:\n    x: int = 1\n\n\n@dataclass\nclass B(A):\n    y: int\n",
            {"in": "m.py", "of": "B", "field": "n: str"},
            "@dataclass(kw_only=True)\nclass A:\n    x: int = 1\n\n\n@dataclass\nclass B(A):\n    y: int\n    n: str\n",
        ),
        Example(
            "with a default, in a named tuple",
            "class A(NamedTuple):\n    x: int\n",
            {"in": "m.py", "of": "A", "field": "y: int = field(\n    default=1,\n)"},
            "class A(NamedTuple):\n    x: int\n    y: int = field(\n        default=1,\n    )\n",
        ),
        Example(
            "before another, above its comment",
            "class A:\n    x: int\n    # about y\n    y: int\n",
            {"in": "m.py", "of": "A", "field": "n: str", "before": "y"},
            "class A:\n    x: int\n    n: str\n    # about y\n    y: int\n",
        ),
        Example(
            "after another",
            "class A(BaseModel):\n    x: int\n    y: int\n    model_config = ConfigDict()\n",
            {"in": "m.py", "of": "A", "field": "n: str = ''", "after": "x"},
            "class A(BaseModel):\n    x: int\n    n: str = ''\n    y: int\n    model_config = ConfigDict()\n",
        ),
        Example(
            "between two, after what others have put there",
            "class A:\n    x: int\n    own: int\n    y: int\n",
            {"in": "m.py", "of": "A", "field": "n: str", "after": "x", "before": "y"},
            "class A:\n    x: int\n    own: int\n    n: str\n    y: int\n",
        ),
        Example(
            "between two, of which one is gone",
            "class A:\n    x: int\n    z: int\n",
            {"in": "m.py", "of": "A", "field": "n: str", "after": "x", "before": "y"},
            "class A:\n    x: int\n    n: str\n    z: int\n",
        ),
        Example(
            "in the place of pass",
            "class A:\n    pass  # so far\n",
            {"in": "m.py", "of": "A", "field": "x: int"},
            "class A:\n    x: int  # so far\n",
        ),
        Example(
            "in the place of dots on the class's line",
            "class A: ...\nclass B: ...\n",
            {"in": "m.py", "of": "A", "field": "x: int"},
            "class A:\n    x: int\nclass B: ...\n",
        ),
        Example(
            "after the docstring that is all there is",
            'class A:\n    """Doc."""\n',
            {"in": "m.py", "of": "A", "field": "x: int"},
            'class A:\n    """Doc."""\n\n    x: int\n',
        ),
        Example(
            "between docstring and pass",
            'class A:\n    """Doc."""\n    pass\n',
            {"in": "m.py", "of": "A", "field": "x: int"},
            'class A:\n    """Doc."""\n\n    x: int\n',
        ),
        Example(
            "between docstring and methods",
            'class A:\n    """Doc."""\n\n    def f(self): ...\n',
            {"in": "m.py", "of": "A", "field": "x: int"},
            'class A:\n    """Doc."""\n\n    x: int\n\n    def f(self): ...\n',
        ),
        Example(
            "before methods",
            "class A:\n    # about f\n    @d\n    def f(self): ...\n",
            {"in": "m.py", "of": "A", "field": "x = 1"},
            "class A:\n    x = 1\n\n    # about f\n    @d\n    def f(self): ...\n",
        ),
        Example(
            "there already",
            "class A:\n    x: 'int'=1\n",
            {"in": "m.py", "of": "A", "field": 'x: "int" = 1'},
            "class A:\n    x: 'int'=1\n",
        ),
    )
    INVALID = (
        Refusal("there is no such class", "class A: ...\n", {"in": "m.py", "of": "B", "field": "x: int"}, Outcome.MISSING, "m.py does not define B"),
        Refusal("it has another type", "class A:\n    x: int\n", {"in": "m.py", "of": "A", "field": "x: str"}, Outcome.DRIFTED, "A has the field x: int"),
        Refusal("the neighbour is not there", "class A:\n    x: int\n", {"in": "m.py", "of": "A", "field": "y: str", "after": "z"}, Outcome.MISSING, "A has no field z"),
        Refusal("the neighbours have changed places", "class A:\n    y: int\n    x: int\n", {"in": "m.py", "of": "A", "field": "n: str", "after": "x", "before": "y"}, Outcome.DRIFTED, "A has y before x"),
        Refusal("a required one after one with a default", "@dataclass\nclass A:\n    x: int = 1\n", {"in": "m.py", "of": "A", "field": "y: str", "after": "x"}, Outcome.DRIFTED, "y is required, and x before it has a default"),
        Refusal("callers fill the place by position", "@dataclass\nclass A:\n    a: int = 1\n\n\nA(5)\n", {"in": "m.py", "of": "A", "field": "b: int"}, Outcome.DRIFTED, "would take what callers pass by position"),
        Refusal(
            "a base has a default",
            {
                "a.py": "@dataclass\nclass A:\n    x: int = 1\n",
                "b.py": "from a import A\n\n\n@dataclass\nclass B(A):\n    y: int = 2\n",
            },
            {"of": "b:B", "field": "z: int"},
            Outcome.DRIFTED,
            "in B, z is required, and x before it has a default",
        ),
        Refusal(
            "a subclass has a required one",
            {
                "a.py": "@dataclass\nclass A:\n    x: int\n",
                "b.py": "from a import A\n\n\n@dataclass\nclass B(A):\n    y: int\n",
            },
            {"of": "a:A", "field": "z: int = 1"},
            Outcome.DRIFTED,
            "in B, y is required, and z before it has a default",
        ),
    )  # fmt: skip

    of: str
    field: str
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_field("field", self.field)

    def describe(self) -> str:
        return f"give {self.of} the field {snippets.one_line(self.field)}"

    def edit(self, source: Source) -> Edit:
        doing, name = self.describe(), self.selected("of")
        node = source.find(name, "class", doing=doing).node
        if not isinstance(node, cst.ClassDef):
            return Edit()
        wanted = parse_field("field", self.field)
        fields = fields_of(source, node.body.body)
        for field in fields:
            if field.name != wanted.name:
                continue
            if field.code == wanted.code:
                return Edit()
            own = snippets.one_line(source.code(field.node or node))
            raise source.drifted(doing, f"{name} has the field {own}", field.node or node)
        for member in node.body.body:
            if isinstance(member, cst.FunctionDef) and member.name.value == wanted.name:
                raise source.drifted(doing, f"{name}.{wanted.name} is a method", member)
        there = [d.node for d in source.definitions if d.qualname == f"{name}.{wanted.name}"]
        if [source.code(each) for each in there] == [self.field.strip()]:
            return Edit()  # what the class has for itself, like __slots__
        if other := [*there, *bound_too(source, node, wanted.name)]:
            what = f"{name}.{wanted.name} is bound already, by what is no field of its own"
            raise source.drifted(doing, what, *other)
        for field in fields:
            if wanted.same_member(field) and is_enum(source, node) and field.node:
                what = f"{field.name} has that value: {wanted.name} would be another name of it"
                raise source.drifted(doing, what, field.node, hint="give it a value of its own")
        index = self._index(source, node, fields, wanted)
        return Edit(self._splices(source, node, fields, index), doing)

    def check(self, files: Files, source: Source, data: bytes) -> None:
        self._check_callers(files, source)
        check_field_order(files, source, data, self.selected("of"), self.describe())

    def _check_callers(self, files: Files, source: Source) -> None:
        """Refuse a place among the fields that callers fill by position."""
        name = self.selected("of")
        node = source.find(name, "class", doing=self.describe()).node
        wanted = parse_field("field", self.field)
        if not (isinstance(node, cst.ClassDef) and orders_fields(source, node)):
            return
        fields = fields_of(source, node.body.body)
        index = self._index(source, node, fields, wanted)
        if not (wanted.required or wanted.optional) or any(f.keyword_only for f in fields[:index]):
            return
        before = sum(field.required or field.optional for field in fields[:index])
        if callers := positional_callers(Project(files), source.path, name, before):
            raise moved_meaning(self.describe(), wanted.name, callers)

    def _index(
        self, source: Source, node: cst.ClassDef, fields: list[Declared], wanted: Declared
    ) -> int:
        """Which field the new one comes before."""
        ordered = orders_fields(source, node)
        if self.before or self.after:
            after, before = (
                [n for n, field in enumerate(fields) if field.name == x][:1]
                for x in (self.after, self.before)
            )
            found = between(after, before)
            if found is None:
                raise self._no_place(source, node, fields)
            index = found
        elif ordered and wanted.required and not any(field.keyword_only for field in fields):
            return next(
                (n for n, field in enumerate(fields) if field.optional), _last(fields, wanted)
            )
        else:
            return _last(fields, wanted)
        for n, field in enumerate(fields if ordered else []):
            if n < index and wanted.required and field.optional and field.node:
                what = f"{wanted.name} is required, and {field.name} before it has a default"
                raise source.drifted(
                    self.describe(), what, field.node, hint="give it a default, or another place"
                )
            if n >= index and wanted.optional and field.required and field.node:
                what = f"{wanted.name} has a default, and {field.name} after it is required"
                raise source.drifted(
                    self.describe(), what, field.node, hint="give it another place"
                )
        return index

    def _no_place(self, source: Source, node: cst.ClassDef, fields: list[Declared]) -> CannotEnsure:
        near = [field.node for field in fields if field.node] or [node]
        owner, wanted = self.selected("of"), [name for name in (self.after, self.before) if name]
        if {field.name for field in fields}.isdisjoint(wanted):
            return source.missing(
                self.describe(), f"{owner} has no field {' or '.join(wanted)}", near
            )
        return source.drifted(
            self.describe(), f"{owner} has {self.before} before {self.after}", *near
        )

    def _splices(
        self, source: Source, node: cst.ClassDef, fields: list[Declared], index: int
    ) -> tuple[Splice, ...]:
        body = list(node.body.body)
        if not isinstance(node.body, cst.IndentedBlock):
            return self._in_suite(source, node)
        indent = source.indent_at(source.span(body[0]).start)
        text = reindent(self.field.strip(), indent, source.indent_unit)
        if index and (line := fields[index - 1].line) is not None:
            if index < len(fields) and fields[index].line is line:
                raise source.drifted(
                    self.describe(), "the fields on both sides are on one line", line
                )
            following = body[body.index(line) + 1 :]
            last = following[0] if following and _is_string(following[0]) else line
            return (lines_at(source, source.line_end(source.span(last).end), text),)
        if fields and (line := fields[0].line) is not None:
            above = body[: body.index(line)]
            bound = source.line_end(source.span(above[-1]).end) if above else 0
            at = lines_above(source, source.line_start(source.span(line).start), bound)
            return (Splice(at, at, text),)
        return self._first(source, node, body, text)

    def _first(
        self, source: Source, node: cst.ClassDef, body: list[cst.CSTNode], text: str
    ) -> tuple[Splice, ...]:
        """Into a body without fields: in the place of `pass`, after the docstring, or before all
        else.
        """
        documented = _is_string(body[0])
        rest = body[1:] if documented else body
        if len(rest) == 1 and _is_placeholder(rest[0]):
            span = source.span(rest[0])
            line = source.line_start(span.start)
            close = documented and not is_blank_at(source, source.line_start(line - 1))
            return (
                *((Splice(line, line, "\n"),) if close else ()),
                Splice(span.start, span.end, text.strip()),
            )
        if documented:
            at = source.line_end(source.span(body[0]).end)
            close = bool(rest) and not is_blank_at(source, at)
            return (lines_at(source, at, "\n" + text + ("\n" if close else "")),)
        first = rest[0]
        decorators = first.decorators if isinstance(first, cst.ClassDef | cst.FunctionDef) else ()
        start = source.line_start(source.span(decorators[0] if decorators else first).start)
        at = lines_above(source, start, source.line_end(source.span(node.name).end))
        return (Splice(at, at, text + "\n"),)

    def _in_suite(self, source: Source, node: cst.ClassDef) -> tuple[Splice, ...]:
        """Into `class A: ...`, which becomes a block, or `class E(Enum): A = 1`, which stays a
        line.
        """
        smalls = list(node.body.body)
        if len(smalls) == 1 and _is_placeholder(smalls[0]):
            span = source.span(smalls[0])
            colon = source.data.rfind(b":", 0, span.start) + 1
            indent = source.indent_at(source.span(node).start) + source.indent_unit
            text = reindent(self.field.strip(), indent, source.indent_unit).removesuffix("\n")
            return (Splice(colon, span.end, "\n" + text),)
        if "\n" in self.field.strip() or self.before or self.after:
            raise source.drifted(
                self.describe(), f"{self.selected('of')} is written on one line", node
            )
        at = source.span(smalls[-1]).end
        return (Splice(at, at, "; " + self.field.strip()),)


def _last(fields: list[Declared], wanted: Declared) -> int:
    """After the last field of the same sort: annotated, or not."""
    same = [n for n, field in enumerate(fields) if field.annotated == wanted.annotated]
    return same[-1] + 1 if same else len(fields)


def _is_string(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]
        ):
            return True
    return False


def _is_placeholder(node: cst.CSTNode) -> bool:
    match node:
        case cst.Pass() | cst.Expr(value=cst.Ellipsis()):
            return True
        case cst.SimpleStatementLine(body=[only]):
            return _is_placeholder(only)
    return False
