"""The place of new code that names the neighbours it had: one of them is enough, and both say more
than one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import libcst as cst

from skills_engine.codemods.source.snippets import parse
from skills_engine.codemods.source.syntax import units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.codemods.match.pattern import Match
    from skills_engine.codemods.source.definitions import Body
    from skills_engine.codemods.source.source import Source

__all__ = ["between", "follow", "line_of", "position", "shared_name"]


def between(after: Sequence[int], before: Sequence[int]) -> int | None:
    """The index to insert at, given the indexes of what it comes `after` and `before`; None where
    that is no one place.

    Where the two touch once, it is there, however often each of them stands elsewhere. Where others
    came between them, it goes below those. Where only one of them stands once, that one decides.
    """
    touching = [index + 1 for index in after if index + 1 in before]
    if touching:
        return touching[0] if len(touching) == 1 else None
    if len(after) == len(before) == 1:
        return before[0] if after[0] < before[0] else None
    if len(after) == 1:
        return after[0] + 1
    return before[0] if len(before) == 1 else None


def position(match: Match) -> range:
    """Where a match of statements stands among those of its block."""
    assert match.body is not None  # noqa: S101  # as that of every match in a block
    first = next(i for i, unit in enumerate(units(match.body)) if unit.node is match.nodes[0])
    return range(first, first + len(match.nodes))


def line_of(source: Source, match: Match, doing: str, *, first: bool) -> tuple[Body, int]:
    """The block of a match and the index of its first or last line there. Raises CannotEnsure if it
    has none.
    """
    unit, block = match.units[0 if first else -1], match.body
    if not isinstance(block, cst.IndentedBlock | cst.Module):
        hint = "put that body on lines of its own first"
        raise source.drifted(
            doing, "the statement stands on the line of its header", unit.node, hint=hint
        )
    if not (unit.first if first else unit.last):
        hint = "put them on two lines first"
        raise source.drifted(
            doing, "the statement shares its line with another statement", unit.node, hint=hint
        )
    return block, next(i for i, line in enumerate(block.body) if line is unit.line)


def follow(
    one: Sequence[Match], other: Sequence[Match]
) -> tuple[list[tuple[Match, Match]], list[tuple[Match, Match]]]:
    """The pairs of matches of which the second follows the first in one block: those that touch,
    and the others.
    """
    touching: list[tuple[Match, Match]] = []
    apart: list[tuple[Match, Match]] = []
    for first in one:
        for second in other:
            if (
                first.body is second.body
                and (gap := position(second).start - position(first).stop) >= 0
            ):
                (apart if gap else touching).append((first, second))
    return touching, apart


def shared_name(one: str, other: str) -> str:
    """A variable that one of two pieces of code assigns and the other reads or assigns: their order
    matters. Or ''.
    """
    (writes, uses), (others_writes, others_uses) = _variables(one), _variables(other)
    return min((writes & (others_writes | others_uses)) | (others_writes & uses), default="")


def _variables(code: str) -> tuple[set[str], set[str]]:
    """The variables, and the attributes of variables, that code assigns and those that it reads;
    none where it is written for a newer Python than this one."""
    writes: set[str] = set()
    uses: set[str] = set()
    text = code.replace("\r\n", "\n")
    try:
        tree = parse(f"if True:\n{text}" if text[:1].isspace() else text)
    except SyntaxError:
        return writes, uses
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            (uses if isinstance(node.ctx, ast.Load) else writes).add(ast.unparse(node))
    return writes, uses
