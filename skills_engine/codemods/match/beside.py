"""Statements put beside those that patterns match, or found to stand there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.codemods.match.anchors import follow, line_of, position, shared_name
from skills_engine.codemods.source.blocks import extent, insert
from skills_engine.codemods.source.flow import leaving
from skills_engine.codemods.source.source import Edit
from skills_engine.codemods.source.syntax import flatten, same
from skills_engine.types import Span

if TYPE_CHECKING:
    import libcst as cst

    from skills_engine.codemods.match.pattern import Match
    from skills_engine.codemods.source.code import Snippet
    from skills_engine.codemods.source.source import Source

__all__ = ["between_both", "holds", "insert_at", "inside_run", "stands"]


def between_both(
    source: Source, after: list[Match], before: list[Match], snippet: Snippet, doing: str
) -> Edit | None:
    """Between two statements that say one place together; None where one of them has to say it
    alone. Raises.
    """
    touching, apart = follow(after, before)
    if any(_between(*pair, snippet, (after, before)) for pair in (*touching, *apart)):
        return Edit()
    if len(touching) == 1:
        return insert_at(source, touching[0][0], snippet, doing, before=False)
    if touching or not len(after) == len(before) == 1:
        return None
    if not apart:
        nodes = (after[0].nodes[0], before[0].nodes[0])
        hint = "name the one that it belongs to"
        raise source.drifted(doing, "the two do not follow one another there", *nodes, hint=hint)
    return _insert_below(source, *apart[0], snippet, doing)


def insert_at(source: Source, anchor: Match, snippet: Snippet, doing: str, *, before: bool) -> Edit:
    block, index = line_of(source, anchor, doing, first=before)
    if before:
        return insert(source, block, index, snippet, near="before")
    return insert(source, block, index + 1, snippet, near="after")


def _insert_below(
    source: Source, after: Match, before: Match, snippet: Snippet, doing: str
) -> Edit:
    """Between two statements, below what others have put directly under the first of them."""
    block, index = line_of(source, after, doing, first=False)
    _, end = line_of(source, before, doing, first=True)
    there = Span(extent(source, block, index + 1).start, extent(source, block, end - 1).end)
    if name := shared_name(source.text(there), snippet.text):
        what = (
            f"what stands between the two uses {name} as the code does, and one of them assigns it"
        )
        hint = "say with `after` or `before` alone in which order they go"
        raise source.drifted(doing, what, block.body[index + 1], hint=hint)
    while (
        index + 1 < end
        and extent(source, block, index).end == extent(source, block, index + 1).start
    ):
        index += 1
    return insert(source, block, index + 1, snippet, near="after")


def _runs(block: cst.BaseSuite | cst.Module, snippet: Snippet) -> list[range]:
    """Where the statements of the snippet stand in a block, one after another."""
    here, size = flatten(block), len(snippet.nodes)
    return [
        range(i, i + size)
        for i in range(len(here) - size + 1)
        if same(here[i : i + size], snippet.nodes)
    ]


def _live(block: cst.BaseSuite | cst.Module, snippet: Snippet) -> list[range]:
    """Those of the runs that nothing before them keeps from running."""
    end = leaving(block)
    return [run for run in _runs(block, snippet) if end is None or run.start <= end[0]]


def holds(block: cst.BaseSuite | cst.Module, snippet: Snippet) -> bool:
    return bool(_live(block, snippet))


def inside_run(match: Match, snippet: Snippet) -> bool:
    if match.body is None:
        return False
    at = position(match)
    return any(at.start >= run.start and at.stop <= run.stop for run in _runs(match.body, snippet))


def _between(
    after: Match, before: Match, snippet: Snippet, sides: tuple[list[Match], list[Match]]
) -> bool:
    """Whether the code stands somewhere between two statements of one block or, where that has
    either of them once, anywhere in it."""
    if after.body is None:
        return False
    first, last, runs = position(after).stop, position(before).start, _live(after.body, snippet)
    once = any(sum(match.body is after.body for match in matches) == 1 for matches in sides)
    return any(once or (first <= run.start and run.stop <= last) for run in runs)


def stands(anchor: Match, snippet: Snippet, *, before: bool, anywhere: bool) -> bool:
    """Whether the code is beside the anchor or, where that is the block's only one, anywhere in the
    block.
    """
    if anchor.body is None:
        return True
    at, runs = position(anchor), _live(anchor.body, snippet)
    return any(
        anywhere or (run.stop == at.start if before else run.start == at.stop) for run in runs
    )
