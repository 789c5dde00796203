"""Texts of units, as they stand in a merge: rows, gaps, indentation, reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.lines import split_lines
from skills_engine.merge.core.chunks import Conflicting

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.tree import Block, Node, Unit

__all__ = ["gap3", "indent3", "indented", "line_ended", "reason", "role", "rows"]


def rows(rows: list[tuple[Unit, str]]) -> str:
    """Units' texts below one another, with the blank lines between them."""
    return "".join((unit.gap if k else "") + text for k, (unit, text) in enumerate(rows))


def reason(detail: str, title: str) -> str:
    if not detail or detail.startswith("both sides changed"):
        return f"both sides changed {title}"
    return detail if title in detail else f"{detail} in {title}"


def role(units: tuple[Unit | None, Unit | None, Unit | None]) -> str:
    return next((unit.role for unit in units if unit is not None), "")


def gap3(base: str | None, ours: str | None, theirs: str | None) -> str:
    if ours is None or (ours == base and theirs is not None):
        return theirs or ""
    return ours


def indent3(base: Node | Block, ours: Node | Block, theirs: Node | Block) -> str:
    """The indentation of a merge: ours', or theirs' where ours left it alone."""
    return theirs.indent if ours.indent == base.indent else ours.indent


def indented(text: str, old: str, new: str) -> str:
    if old == new:
        return text
    lines = split_lines(text)
    return "".join(
        new + line[len(old) :] if line.startswith(old) and line.strip() else line for line in lines
    )


def line_ended(made: list[Chunk], trail: str) -> list[Chunk]:
    """The pieces of a unit with what stands behind its node; a node may hold the end of its last
    line, as one with a body does, or not.
    """
    last = next((piece for piece in reversed(made) if piece), "")
    if isinstance(last, str) and last.endswith("\n") and not trail.strip():
        return made
    ended = isinstance(last, Conflicting) or trail.endswith("\n")
    return [*made, trail if ended else trail + "\n"]
