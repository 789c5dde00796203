"""Whole lines - statements, clauses, decorators, entries - merged with the comments and blank lines
they own.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from skills_engine.merge.core.alignment import Alignment, align
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.insertions import Run, runs
from skills_engine.merge.core.levels import below
from skills_engine.merge.core.order import Aligned, arrange
from skills_engine.merge.core.row_style import OTHERWISE, left_behind
from skills_engine.merge.core.sequences import merge_seq
from skills_engine.merge.core.tree import Block, Node, Seq, Unit, words
from skills_engine.merge.core.unit_text import gap3, indent3, indented, reason, role, rows
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.rules import Rules
    from skills_engine.merge.core.walk import Walk

__all__ = ["merge_block"]


class _Part:
    """A unit as `align` sees it."""

    def __init__(self, unit: Unit, rules: Rules) -> None:
        self.sig, self.kind, self.key, self.strong = unit.sig, unit.node.kind, unit.key, unit.strong
        self.unit, self._rules, self.placed = unit, rules, False

    @cached_property
    def value(self) -> int:
        """That of a statement's expression, if it says enough to be known again; else none's."""
        node = self._rules.value(self.unit.node)
        return node.sig if node is not None and node.shape is not None else -1

    @cached_property
    def inner(self) -> frozenset[int]:
        return frozenset(node.sig for node, _ in below(self.unit.node))

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(words(self.unit.node.text))


class _Body:
    """One merge of three blocks."""

    def __init__(self, walk: Walk, base: Block, ours: Block, theirs: Block) -> None:
        self.walk = walk
        self.base, self.ours, self.theirs = base, ours, theirs
        self.indent = indent3(base, ours, theirs)
        parts_b, parts_o, parts_t = (
            [_Part(unit, walk.rules) for unit in block.units] for block in (base, ours, theirs)
        )
        self.by_ours, self.by_theirs = align(parts_b, parts_o), align(parts_b, parts_t)
        same = _same((parts_b, parts_o, parts_t), self.by_ours, self.by_theirs)
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
        return _line_ended(made, trail)

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
        out: list[Chunk] = []
        before: Aligned | None = None
        code = False
        todo = [
            entry
            for entry in self.entries
            if made[id(entry)] is not None and not self._idle(entry, made)
        ]
        for run in runs(self.entries, todo, self.units, self.ours.scope, len(self.base.units)):
            first = run.entries[0]
            decided = run.alone and any(
                isinstance(piece, Conflicting)
                for entry in run.entries
                for piece in made[id(entry)] or ()
            )
            if run.conflict and not decided:
                out += [self.gap(first, before), self._rival(run)]
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
        ours = rows([(unit, unit.under(self.ours.indent, self.indent)) for unit in mine])
        theirs = rows([(unit, unit.under(self.theirs.indent, self.indent)) for unit in his])
        return Conflicting("", ours, theirs, run.conflict)


def merge_block(walk: Walk, base: Block, ours: Block, theirs: Block) -> list[Chunk]:
    """The pieces of a body. Raises NodeConflict where its order cannot be told."""
    return _Body(walk, base, ours, theirs).assembled()


def _same(
    parts: tuple[list[_Part], list[_Part], list[_Part]], by_ours: Alignment, by_theirs: Alignment
) -> dict[int, int]:
    """What both sides added: the same definition or import anywhere, one name for two things
    anywhere, the same statement at the same place.
    """
    _, ours, theirs = parts
    back_o, back_t = by_ours.back, by_theirs.back
    places = {}
    base = -1
    for k, part in enumerate(theirs):
        base = back_t.get(k, base)
        if k not in back_t:
            places[("key", part.key) if part.strong else (base, part.sig)] = k
    found: dict[int, int] = {}
    base = -1
    for k, part in enumerate(ours):
        base = back_o.get(k, base)
        there = places.get(("key", part.key) if part.strong else (base, part.sig))
        if k not in back_o and there is not None and there not in found.values():
            found[k] = there
    named = {
        name: k for k, part in enumerate(theirs) if k not in back_t for name, _ in part.unit.binds
    }
    for k, part in enumerate(ours if named else ()):
        if k in back_o or k in found:
            continue
        for name, _ in sorted(part.unit.binds):
            there = named.get(name)
            if (
                there is not None
                and there not in found.values()
                and part.unit.rebinds(theirs[there].unit)
            ):
                found[k] = there
                break
    return found


def _line_ended(made: list[Chunk], trail: str) -> list[Chunk]:
    """The pieces of a unit with what stands behind its node; a node may hold the end of its last
    line, as one with a body does, or not.
    """
    last = next((piece for piece in reversed(made) if piece), "")
    if isinstance(last, str) and last.endswith("\n") and not trail.strip():
        return made
    ended = isinstance(last, Conflicting) or trail.endswith("\n")
    return [*made, trail if ended else trail + "\n"]


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
