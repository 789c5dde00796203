"""Comments and blank lines of Python code, and which statement owns them."""

from __future__ import annotations

import re

from skills_engine.merge.core.tree import Node, Unit, constant
from skills_engine.merge.python.expressions import Expressions
from skills_engine.merge.types import Unsupported

__all__ = ["REST", "Trivia"]

REST = re.compile(r"[ \t\f]*(#[^\n]*)?\n")
"""What may follow a statement on its line."""


class Trivia(Expressions):
    """Makes units of comments, and sets the gaps between units."""

    def _gaps(self, units: list[Unit], first: int) -> None:
        at = self.version.start_of(first)
        for unit in units:
            unit.gap = self.version.text[at : unit.start]
            if unit.gap.strip():
                raise Unsupported("lines that are neither statements nor comments")
            at = unit.end

    def _trivia(self, units: list[Unit], at: int, top: int, *, attach: bool) -> int:
        """Make units of the comments on lines `at` to `top`; with `attach`, those right above `top`
        belong to what stands there. The line where what follows begins."""
        groups: list[tuple[int, int]] = []
        for line in range(at, top):
            text = self._line(line)
            if not REST.fullmatch(text):
                raise Unsupported("lines that are neither statements nor comments")
            if text.strip() and groups and groups[-1][1] == line:
                groups[-1] = (groups[-1][0], line + 1)
            elif text.strip():
                groups.append((line, line + 1))
        lead = groups.pop()[0] if attach and groups and groups[-1][1] == top else top
        for begin, end in groups:
            start, stop = self.version.start_of(begin), self.version.start_of(end)
            said = self.version.said(start, stop)
            node = Node(
                self.version, start, stop - 1, "comment", constant(self.ids.of(("comment", said)))
            )
            units.append(Unit.comment(node, stop, said[0]))
        if attach:
            return lead
        return groups[-1][1] if groups else at

    def _with_comments(self, bottom: int, stop: int, indent: str) -> int:
        """A compound statement's last line, with the comments behind it that are indented more than
        it is.
        """
        end = bottom
        for line in range(bottom, stop):
            text = self._line(line)
            if text.strip():
                margin = text[: len(text) - len(text.lstrip())]
                if (
                    not text.lstrip().startswith("#")
                    or len(margin) <= len(indent)
                    or not margin.startswith(indent)
                ):
                    break
                end = line + 1
        return end

    def _line(self, line: int) -> str:
        return self.version.text[self.version.start_of(line) : self.version.start_of(line + 1)]
