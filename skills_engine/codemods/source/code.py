"""Code that a skill brings, to be put at whatever indent a file has."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.malformed import Malformed
from skills_engine.codemods.source.source import Source
from skills_engine.codemods.source.syntax import expressions, flatten
from skills_engine.errors import Unparsable

if TYPE_CHECKING:
    from skills_engine.codemods.source.definitions import Body

__all__ = ["Snippet", "body_indent", "is_docstring", "rigid_lines"]


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code that a skill brings: dedented source and its statements. `unit` is its own indent a
    level.
    """

    text: str
    nodes: tuple[cst.CSTNode, ...]
    unit: str
    rigid: frozenset[int]
    """The lines (from 1) that begin inside a string and so keep their bytes; docstrings move with
    the code.
    """

    @classmethod
    def parse(cls, code: str, key: str = "code") -> Snippet:
        """Raises Malformed (for `key`) for what is not Python, or is only comments."""
        text = code.replace("\r\n", "\n").strip("\n").rstrip()
        text = textwrap.dedent(text) if text[:1] in {" ", "\t"} else text
        try:
            source = Source.parse("code", (text + "\n").encode())
        except Unparsable as error:
            raise Malformed(
                key, f"it is not Python: {error.message}", "Python statements, not indented"
            ) from None
        if not source.module.body:
            raise Malformed(key, "there is no code", "Python statements")
        return cls(
            text,
            flatten(source.module),
            source.indent_unit,
            rigid_lines(source, source.module) - _docstrings(source),
        )

    @property
    def defines(self) -> bool:
        return any(isinstance(node, cst.ClassDef | cst.FunctionDef) for node in self.nodes)

    def lines(self, indent: str, unit: str) -> str:
        """The code at an indent, one `unit` a level, ending in a line end. Blank lines stay
        empty.
        """
        out = []
        for number, line in enumerate(self.text.split("\n"), 1):
            if number in self.rigid:
                out.append(line)
                continue
            level, bare = 0, line
            while bare.startswith(self.unit):
                level, bare = level + 1, bare.removeprefix(self.unit)
            out.append(indent + unit * level + bare if bare.strip() else "")
        return "\n".join(out) + "\n"


def rigid_lines(source: Source, root: cst.CSTNode) -> frozenset[int]:
    """The lines that begin inside a string below `root`."""
    found: set[int] = set()
    for node in expressions(root):
        if isinstance(node, cst.SimpleString | cst.FormattedString):
            span = source.span(node)
            found.update(range(source.line(span.start) + 1, source.line(span.end) + 1))
    return frozenset(found)


def _docstrings(source: Source) -> frozenset[int]:
    """The lines inside docstrings of definitions that are indented at least as much as the
    docstring is.
    """
    found: set[int] = set()
    for definition in source.definitions:
        body = getattr(definition.node, "body", None)
        if isinstance(body, cst.IndentedBlock) and is_docstring(body.body[0]):
            indent = body_indent(source, body)
            lines = {
                number: source.data.split(b"\n")[number - 1].decode()
                for number in rigid_lines(source, body.body[0])
            }
            if all(line.startswith(indent) or not line.strip() for line in lines.values()):
                found |= lines.keys()
    return frozenset(found)


def body_indent(source: Source, body: Body) -> str:
    """What the statements of a body begin with."""
    return (
        source.indent_at(source.span(body.body[0]).start)
        if isinstance(body, cst.IndentedBlock)
        else ""
    )


def is_docstring(statement: cst.CSTNode) -> bool:
    match statement:
        case cst.SimpleStatementLine(
            body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]
        ):
            return True
    return False
