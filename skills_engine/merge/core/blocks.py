"""Whole lines - statements, clauses, decorators, entries - merged with the comments and blank lines
they own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.merge.core.alignment import align
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.insertions import Run, runs
from skills_engine.merge.core.order import Aligned, arrange
from skills_engine.merge.core.replaced import overlaps_joined, stretch
from skills_engine.merge.core.row_style import OTHERWISE, left_behind
from skills_engine.merge.core.sequences import merge_seq
from skills_engine.merge.core.tree import Block, Node, Seq, Unit
from skills_engine.merge.core.unit_parts import UnitPart, added_by_both
from skills_engine.merge.core.unit_text import (
    gap3,
    indent3,
    indented,
    line_ended,
    reason,
    role,
    rows,
)
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.walk import Walk

__all__ = ["merge_block"]


class _Body:
    """One merge of three blocks."""

    def __init__(self, walk: Walk, base: Block, ours: Block, theirs: Block) -> None:
        self.walk = walk
        self.base, self.ours, self.theirs = base, ours, theirs
        self.indent = indent3(base, ours, theirs)
        parts_b, parts_o, parts_t = (
            [UnitPart(unit, walk.rules) for unit in block.units] for block in (base, ours, theirs)
        )
        self.by_ours, self.by_theirs = align(parts_b, parts_o), align(parts_b, parts_t)
        same = added_by_both((parts_b, parts_o, parts_t), self.by_ours, self.by_theirs)
        sizes = len(ours.units), len(theirs.units)
        free = frozenset(at for at, unit in enumerate(base.units) if unit.role == "import")
        self.entries = arrange(*sizes, self.by_ours, self.by_theirs, same, free)
        self.weak = self.by_ours.weak | self.by_theirs.weak
        self.covered: set[int] = set()
        """Entries (by id) that stand in a region beside them."""

    def units(self, entry: Aligned) -> tuple[Unit | None, Unit | None, Unit | None]:
        return (
            None if entry.base is None else self.base.units[entry.base],
            None if entry.ours is None else self.ours.units[entry.ours],
            None if entry.theirs is None else self.theirs.units[entry.theirs],
        )

    def _nodes(self, entry: Aligned) -> tuple[Node | None, Node | None, Node | None]:
        b, o, t = (None if unit is None else unit.node for unit in self.units(entry))
        return b, o, t

    def texts(self, entry: Aligned) -> tuple[str, str, str]:
        """The entry's three texts in the merge's indentation, '' where there is none."""
        b, o, t = self.units(entry)
        return (
            b.under(self.base.indent, self.indent) if b else "",
            o.under(self.ours.indent, self.indent) if o else "",
            t.under(self.theirs.indent, self.indent) if t else "",
        )

    def clash(self, entry: Aligned, reason: str) -> list[Chunk]:
        return [Conflicting(*self.texts(entry), reason)]

    def pieces(self, entry: Aligned) -> list[Chunk] | None:
        """The entry's merged text without its gap, or None where it is gone."""
        b, o, t = self.units(entry)
        text_b, text_o, text_t = self.texts(entry)
        if b is None:
            return self._added(entry)
        if o is None or t is None:
            return self._deleted(entry)
        revives_o, revives_t = (bool(self.walk.revivals.within(unit)) for unit in (o, t))
        if text_t == text_o or (text_t == text_b and not revives_o):
            return [text_o]
        if text_o == text_b and not revives_t:
            return [text_t]
        why = f"both sides changed {b.title}"
        kept = t.means(o) or (t.means(b) and not revives_o)
        taken = o.means(b) and not revives_t
        if entry.base not in self.weak or o.means(b) or t.means(b):
            try:
                made = self._edited(b, o, t)
                clashes = [piece for piece in made if isinstance(piece, Conflicting)]
                if not clashes or not (kept or taken):
                    return made
            except NodeConflict as conflict:
                why = str(conflict)
        if kept:
            return [text_o]
        if taken:
            return [text_t]
        return self.clash(entry, reason(why, o.title))

    def _edited(self, b: Unit, o: Unit, t: Unit) -> list[Chunk]:
        lead_b, lead_o, lead_t = (
            indented(unit.lead, block.indent, self.indent)
            for unit, block in ((b, self.base), (o, self.ours), (t, self.theirs))
        )
        lead: Chunk = lead_o
        if lead_t not in (lead_b, lead_o):
            lead = (
                lead_t
                if lead_o == lead_b
                else Conflicting(lead_b, lead_o, lead_t, f"both sides changed {o.title}")
            )
        trail = o.trail
        if t.trail.strip() not in (b.trail.strip(), o.trail.strip()):
            if o.trail.strip() != b.trail.strip():
                raise NodeConflict(f"both sides changed the comment at {o.title}")
            trail = t.trail
        node = self.walk.node(b.node, o.node, t.node)
        margin = o.version.text[o.code : o.node.start]
        made = [lead, margin, *(_explained(piece, o.title) for piece in node)]
        return line_ended(made, trail)

    def _added(self, entry: Aligned) -> list[Chunk] | None:
        _, o, t = self.units(entry)
        _, text_o, text_t = self.texts(entry)
        alone = t if o is None else o if t is None else None
        if alone is not None and self.walk.revivals.within(alone):
            return self._revived(entry, alone)
        if o is None:
            return [text_t]
        if t is None or t.sig == o.sig:
            if t is not None and not set(t.said) <= set(o.said):
                return self.clash(entry, f"both sides add {o.title}")
            return [text_o]
        merged = _imports(self.walk, None, o, t) if o.key == t.key else None
        if merged:
            return [merged]
        names = ", ".join(o.rebinds(t)) if o.key != t.key else ""
        why = f"each side adds another {names}" if names else f"both sides add {o.title}"
        return [Conflicting("", text_o, text_t, why)]

    def _revived(self, entry: Aligned, unit: Unit) -> list[Chunk]:
        """What one side moved or wrapped and the other deleted, with what stood beside it and went
        along.
        """
        mine = entry.ours is not None
        back, moved = self.walk.revivals.within(unit), set(unit.holds)

        def along(other: Aligned) -> bool:
            base, o, t = self.units(other)
            return base is not None and (o if mine else t) is None and base.sig in moved

        first = last = next(k for k, other in enumerate(self.entries) if other is entry)
        while first and along(self.entries[first - 1]):
            first -= 1
        while last + 1 < len(self.entries) and along(self.entries[last + 1]):
            last += 1
        run = self.entries[first : last + 1]
        self.covered.update(id(other) for other in run if other is not entry)
        stood = {other.base for other in run}
        base = [b for k, b in enumerate(self.base.units) if k in stood or b.sig in back]
        left = [other for each in run if (other := self.units(each)[2 if mine else 1]) is not None]
        text_b = rows([(b, b.under(self.base.indent, self.indent)) for b in base])
        texts = (
            unit.under(self.ours.indent, self.indent),
            rows([(t, t.under(self.theirs.indent, self.indent)) for t in left]),
        )
        if not mine:
            texts = (
                rows([(o, o.under(self.ours.indent, self.indent)) for o in left]),
                unit.under(self.theirs.indent, self.indent),
            )
        sides = ("theirs", "ours") if mine else ("ours", "theirs")
        lost = self.walk.revivals.lost(sides[0], back)
        title = next((b.title for b in base if b.sig in back), "") or self.walk.revivals.title(back)
        does = "moves" if unit.sig in back or unit.role == "definition" else "wraps"
        return [Conflicting(text_b, *texts, f"{sides[0]} {lost} what {sides[1]} {does}: {title}")]

    def _deleted(self, entry: Aligned) -> list[Chunk] | None:
        b, o, t = self.units(entry)
        text_b, text_o, text_t = self.texts(entry)
        left, text = (t, text_t) if o is None else (o, text_o)
        if left is None or b is None:
            return None
        if text == text_b or left.means(b):
            return None
        if b.role == left.role == "filler":
            said = [comment for comment in left.said if comment not in b.said]
            return ["".join(f"{self.indent}{comment}\n" for comment in said)]
        merged = _imports(self.walk, b, left, None)
        if merged is not None:
            return [indented(merged, left.node.indent, self.indent)] if merged else None
        if self.walk.keeps == ("theirs" if o is None else "ours"):
            self.walk.notes.append(f"kept your change of {b.title}")
            return [text]
        sides = ("ours", "theirs") if o is None else ("theirs", "ours")
        lost = self.walk.revivals.lost(sides[0], b.holds)
        return self.clash(entry, f"{sides[0]} {lost} what {sides[1]} edited: {b.title}")

    def gap(self, entry: Aligned, before: Aligned | None) -> str:
        """The blank lines above an entry; `before` is the entry above it, None for the first."""
        if before is None:
            return gap3(
                *(
                    block.units[0].gap if block.units else None
                    for block in (self.base, self.ours, self.theirs)
                )
            )
        gap_b, gap_o, gap_t = (
            unit.gap if unit is not None and at else None
            for unit, at in zip(
                self.units(entry), (entry.base, entry.ours, entry.theirs), strict=True
            )
        )
        if (
            entry.ours is None
            and entry.theirs
            and role(self.units(entry)) == role(self.units(before)) == "import"
        ):
            above = self.theirs.units[entry.theirs - 1].role
            if above != "import" or before.base is None:
                return "" if above != "import" else gap_t or ""
        if gap_o is None and gap_t is None:
            if role(self.units(entry)) == role(self.units(before)) == "import":
                return ""
            after = before.theirs + 1 if before.theirs is not None else len(self.theirs.units)
            if entry.ours is not None and after < len(self.theirs.units):
                return self.theirs.units[after].gap
            follower = 1 if entry.ours is None and len(self.ours.units) > 1 else 0
            return self.ours.units[follower].gap if follower else ""
        return gap3(gap_b, gap_o, gap_t)

    def assembled(self) -> list[Chunk]:
        made = {id(entry): self.pieces(entry) for entry in self.entries}
        rows = [self._nodes(entry) for entry in self.entries]
        for at, entry in enumerate(self.entries):
            if made[id(entry)] is not None and left_behind(rows, at):
                title = next(unit.title for unit in self.units(entry) if unit is not None)
                made[id(entry)] = self.clash(entry, f"the neighbours of {title} {OTHERWISE}")
        made.update(dict.fromkeys(self.covered))
        for first, last, about in self._contradictions(made):
            row = self.entries[first:last]
            inner = [_conflict_in(made[id(entry)]) for entry in row]
            clashes = [about, *(each for each in inner if each is not None)]
            made.update(dict.fromkeys(map(id, row)))
            made[id(row[0])] = [self._whole(first, last, clashes)]
        out: list[Chunk] = []
        before: Aligned | None = None
        code = False
        for run in self._runs(made):
            decided = run.gone and any(_conflict_in(made[id(entry)]) for entry in run.entries)
            if run.conflict and not decided:
                out += [self.gap(run.entries[0], before), self._rival(run)]
                before, code = run.entries[-1], True
                continue
            for entry in run.entries:
                out += [self.gap(entry, before), *(made[id(entry)] or [])]
                before = entry
                code = code or any(
                    unit is not None and unit.role != "comment" for unit in self.units(entry)
                )
        if not code and self.ours.scope != "entries" and self.indent:
            raise NodeConflict("nothing is left of a body")
        tails = self.base.tail, self.ours.tail, self.theirs.tail
        return [*out, tails[2] if tails[1] == tails[0] else tails[1]]

    def _runs(self, made: dict[int, list[Chunk] | None]) -> list[Run]:
        todo = [
            entry
            for entry in self.entries
            if made[id(entry)] is not None and not self._idle(entry, made)
        ]
        return list(runs(self.entries, todo, self.units, self.ours.scope, len(self.base.units)))

    def _contradictions(
        self, made: dict[int, list[Chunk] | None]
    ) -> list[tuple[int, int, Conflicting]]:
        """Stretches of entries where one side put something in the place of what the other one
        edited, or added something beside, each with the reason."""
        found: list[tuple[int, int, Conflicting]] = []

        def look(span: tuple[int, int], sides: Sequence[str], about: Conflicting) -> None:
            grown = span
            for side in (*sides, *sides[:-1]):
                grown = stretch(
                    self.entries, lambda entry: role(self.units(entry)), grown, side == "theirs"
                )
            if grown != span:
                found.append((*grown, about))

        for at, entry in enumerate(self.entries):
            about = _conflict_in(made[id(entry)])
            if about and entry.base is not None and None in (entry.ours, entry.theirs):
                look((at, at + 1), ["ours" if entry.ours is None else "theirs"], about)
        for run in self._runs(made):
            if run.conflict and not (
                run.gone and any(_conflict_in(made[id(e)]) for e in run.entries)
            ):
                first = self.entries.index(run.entries[0])
                last = self.entries.index(run.entries[-1]) + 1
                sides = [run.gone] if run.gone else ["ours", "theirs"]
                look((first, last), sides, self._rival(run))
        return overlaps_joined(found)

    def _whole(self, first: int, last: int, clashes: list[Conflicting]) -> Conflicting:
        """Entries in a row as one conflict, with what both sides deleted there."""
        there = {entry.base for entry in self.entries}
        around = [
            [entry.base for entry in row if entry.base is not None]
            for row in (self.entries[:first], self.entries[first:last], self.entries[last:])
        ]
        low, high = max(around[0], default=-1), min(around[2], default=len(self.base.units))
        gone = [at for at in range(low + 1, high) if at not in there]
        three = [self.units(entry) for entry in self.entries[first:last]]
        whole = self._conflict(
            [self.base.units[at] for at in sorted((*around[1], *gone))],
            sorted((o for _, o, _ in three if o), key=lambda unit: unit.start),
            sorted((t for _, _, t in three if t), key=lambda unit: unit.start),
            clashes[0].reason,
        )
        return replace(whole, about="".join(c.base + c.ours + c.theirs for c in clashes))

    def _idle(self, entry: Aligned, made: dict[int, list[Chunk] | None]) -> bool:
        """A `pass` of theirs, where ours has statements."""
        b, o, t = self.units(entry)
        if b is not None or o is not None or t is None or t.role != "filler":
            return False
        return any(
            made[id(other)] is not None
            and any(u is not None and u.role != "comment" for u in self.units(other))
            for other in self.entries
            if other is not entry
        )

    def _rival(self, run: Run) -> Conflicting:
        three = [self.units(entry) for entry in run.entries]
        mine = [unit for _, unit, _ in three if unit]
        his = [unit for _, _, unit in three if unit]
        return self._conflict([], mine, his, run.conflict)

    def _conflict(
        self, base: list[Unit], ours: list[Unit], theirs: list[Unit], why: str
    ) -> Conflicting:
        b, o, t = (
            rows([(unit, unit.under(block.indent, self.indent)) for unit in units])
            for units, block in ((base, self.base), (ours, self.ours), (theirs, self.theirs))
        )
        return Conflicting(b, o, t, why)


def merge_block(walk: Walk, base: Block, ours: Block, theirs: Block) -> list[Chunk]:
    """The pieces of a body. Raises NodeConflict where its order cannot be told."""
    return _Body(walk, base, ours, theirs).assembled()


def _conflict_in(made: list[Chunk] | None) -> Conflicting | None:
    return next((piece for piece in made or () if isinstance(piece, Conflicting)), None)


def _explained(piece: Chunk, title: str) -> Chunk:
    if isinstance(piece, Conflicting) and not piece.reason:
        return Conflicting(piece.base, piece.ours, piece.theirs, f"both sides changed {title}")
    return piece


def _imports(walk: Walk, base: Unit | None, one: Unit, two: Unit | None) -> str | None:
    """Imports from one module as a set of names; '' when none is left, None for what is no such
    import.
    """
    shapes = [unit.node.shape if unit else None for unit in (base, one, two)]
    mine = shapes[1]
    if (
        one.role != "import"
        or not isinstance(mine, Seq)
        or not all(isinstance(s, Seq | None) for s in shapes)
    ):
        return None
    empty = Seq(one.node.end, one.node.end, "", [], "", trailing=mine.trailing, filled=True)
    seqs: list[tuple[Node, Seq]] = [
        (unit.node if unit else one.node, shape if isinstance(shape, Seq) else empty)
        for unit, shape in zip((base, one, two), shapes, strict=True)
    ]
    try:
        names = merge_seq(walk, *seqs)
    except NodeConflict:
        return "" if two is None else None
    text = one.version.text
    return text[one.start : mine.start] + names + text[mine.end : one.end]
