"""Type comments (PEP 484): of a variable, of a signature, of a parameter on its own line.

Where an annotation comes, a comment that says the type too must go: type checkers refuse both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.source import Splice
from skills_engine.codemods.source.syntax import flatten, parameters
from skills_engine.parsing import parse_expression
from skills_engine.types import Span

if TYPE_CHECKING:
    from skills_engine.codemods.source.source import Source

__all__ = ["SignatureComment", "on_line", "signature_comment"]

_ON_LINE = re.compile(r"[ \t]*#\s*type:\s*(?!ignore\b)(?P<type>[^#\n]*[^#\s])")
_SIGNATURE = re.compile(r"#\s*type:\s*\((?P<parameters>.*)\)\s*->\s*(?P<returns>[^#\n]*[^#\s])")


@dataclass(frozen=True, slots=True)
class SignatureComment:
    """`# type: (int, *str) -> None` below or behind a function's header. `types` are those of the
    parameters, without stars; `splice` takes it away.
    """

    types: tuple[str, ...]
    returns: str
    splice: Splice

    def by_parameter(self, node: cst.FunctionDef) -> dict[str, str] | None:
        """The type of each parameter; None where their number is another. `...` says nothing."""
        names = [p.name.value for p in parameters(node.params) if isinstance(p, cst.Param)]
        if self.types == ("...",):
            return {}
        if len(names) == len(self.types) + 1:
            names = names[1:]  # self or cls
        return dict(zip(names, self.types, strict=True)) if len(names) == len(self.types) else None


def on_line(source: Source, at: int) -> Splice | None:
    """What takes the type comment away that follows on a line from an offset."""
    rest = source.text(Span(at, source.line_end(at)))
    start = rest.find("#")
    if start < 0:
        return None
    blank = len(rest[:start]) - len(rest[:start].rstrip(" \t"))
    found = _ON_LINE.match(rest, start - blank)
    if found is None:
        return None
    begin = at + len(rest[: found.start()].encode())
    return Splice(begin, begin + len(found[0].encode()), "")


def signature_comment(source: Source, node: cst.FunctionDef) -> SignatureComment | None:
    first = flatten(node.body)[:1]
    colon = source.span(node.whitespace_before_colon).end
    stop = source.span(first[0]).start if first else source.line_end(colon)
    text = source.text(Span(colon, stop))
    found = _SIGNATURE.search(text)
    if found is None:
        return None
    begin = colon + len(text[: found.start()].encode())
    end = begin + len(found[0].encode())
    line = source.line_start(begin)
    if not source.text(Span(line, begin)).strip():
        splice = Splice(line, source.line_end(end), "")
    else:
        before = source.text(Span(line, begin))
        splice = Splice(begin - (len(before) - len(before.rstrip())), end, "")
    return SignatureComment(_parts(found["parameters"]), found["returns"].strip(), splice)


def _parts(text: str) -> tuple[str, ...]:
    """The types between the brackets, stars left out."""
    if not text.strip():
        return ()
    bare = re.sub(r"(^|,)\s*\*{1,2}\s*", r"\1 ", text)
    try:
        found = parse_expression(f"({bare},)")
    except cst.ParserSyntaxError:
        return ()
    module = cst.Module([])
    elements = found.elements if isinstance(found, cst.Tuple) else ()
    return tuple(module.code_for_node(element.value) for element in elements)
