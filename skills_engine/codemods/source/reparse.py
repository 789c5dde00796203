"""A module after a few splices, from the module before them: what they do not touch is not parsed
again.

Thirty skills that each add a line to the same file would otherwise parse all of
it sixty times. Only the statements of the module that a splice touches, or ends
beside, are parsed; where their text cannot stand alone, the caller parses the
whole file.
"""

from __future__ import annotations

import libcst as cst

from skills_engine.codemods.source.spans import Spans, byte_spans
from skills_engine.parsing import parse_module

__all__ = ["reparse"]


def reparse(
    module: cst.Module, spans: Spans, data: bytes, touched: tuple[int, int], grown: int
) -> tuple[cst.Module, Spans] | None:
    """The module and the spans of `data`, which is the module's code but for the bytes of it that
    are `touched`.

    `grown` is by how many bytes `data` is longer. None where the whole must be parsed: the first
    statement is touched (it shares comments with the module's head), or what is there now is no
    statement.
    """
    low, high = touched
    reached = [n for n, (start, end) in enumerate(spans.whole) if start <= high and end >= low]
    if not reached:
        return None
    first, after = reached[0], reached[-1] + 1
    if low <= spans.nodes[module.body[first]][0] and not _simple(module.body[first - 1]):
        first -= 1  # its last block may claim comments that are there now
    if first <= 0:
        return None
    last = after == len(module.body)
    begin, end = spans.whole[first][0], len(data) - grown if last else spans.whole[after - 1][1]
    try:
        part = parse_module(data[begin : end + grown].decode("utf-8"))
    except (cst.ParserSyntaxError, UnicodeDecodeError, RecursionError):
        return None
    if not part.body or (part.footer and not last):
        return None
    if part.default_newline != module.default_newline:
        return None
    if not all(map(_simple, [*module.body[first:after], *part.body])):
        # A block notes its indentation only where it is not the file's, which is that of the file's
        # first block.
        indented = any(
            isinstance(getattr(each, "body", None), cst.IndentedBlock)
            for each in module.body[:first]
        )
        if not indented or part.default_indent != module.default_indent:
            return None
    inner = byte_spans(part)
    head, *rest = part.body
    headed = head.with_changes(leading_lines=part.header) if part.header else head
    whole = module.with_changes(
        body=[*module.body[:first], headed, *rest, *module.body[after:]],
        footer=part.footer if last else module.footer,
        has_trailing_newline=part.has_trailing_newline if last else module.has_trailing_newline,
    )
    nodes = {
        node: (start, stop) if stop <= begin else (start + grown, stop + grown)
        for node, (start, stop) in spans.nodes.items()
        if stop <= begin or start >= end
    }
    nodes |= {node: (start + begin, stop + begin) for node, (start, stop) in inner.nodes.items()}
    nodes[headed], nodes[whole] = nodes[head], (0, len(data))
    middle = [(start + begin, stop + begin) for start, stop in inner.whole]
    middle[0] = (begin, middle[0][1])  # with what was the part's header
    shifted = [(start + grown, stop + grown) for start, stop in spans.whole[after:]]
    return whole, Spans(nodes, (*spans.whole[:first], *middle, *shifted))


def _simple(statement: cst.BaseStatement | cst.SimpleStatementLine) -> bool:
    return isinstance(statement, cst.SimpleStatementLine)
