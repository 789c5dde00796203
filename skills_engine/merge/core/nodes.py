"""A node merged from three versions: who changed what, then part by part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeVar

from skills_engine.merge.core.blocks import merge_block
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.levels import stands_in, value_in
from skills_engine.merge.core.sequences import merge_seq, set_as
from skills_engine.merge.core.tree import Block, Fixed, Seq, comments_in
from skills_engine.merge.core.unit_text import indent3, indented
from skills_engine.merge.core.walk import Walk
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.tree import Node

__all__ = ["NodeMerge"]

T = TypeVar("T")
Side = Literal["", "ours", "theirs"]
_OTHER: dict[Side, Side] = {"ours": "theirs", "theirs": "ours", "": ""}
Said = tuple[str, ...]

_BLANK = re.compile(r"#[^\n]*|\\\n|\s+")


class NodeMerge(Walk):
    """Merges nodes of every shape."""

    def node(self, base: Node, ours: Node, theirs: Node) -> list[Chunk]:
        """The merged text. What one side left alone is the other side's, layout included. Raises
        NodeConflict."""
        if base.text == ours.text == theirs.text and base.indent == ours.indent == theirs.indent:
            return [ours.text]
        indent = indent3(base, ours, theirs)
        if theirs.text == ours.text or (theirs.reads(base) and not self.revivals.within(ours)):
            return [ours.under(indent)]
        if ours.reads(base) and not self.revivals.within(theirs):
            return [theirs.under(indent)]
        kept = theirs.means(ours) or (theirs.means(base) and not self.revivals.within(ours))
        taken = not kept and ours.means(base) and not self.revivals.within(theirs)
        try:
            made = self._parts(base, ours, theirs)
            if not (kept or taken) or all(isinstance(piece, str) for piece in made):
                return made
        except NodeConflict:
            if not (kept or taken):
                raise
        return [theirs.under(indent) if taken else ours.under(indent)]

    def swapped(self) -> NodeMerge:
        """A walk for which theirs is ours."""
        return NodeMerge(self.revivals, self.rules, _OTHER[self.keeps], self.notes)

    def _parts(self, base: Node, ours: Node, theirs: Node) -> list[Chunk]:
        nested = self._nested(base, ours, theirs)
        if nested is not None:
            return nested
        if not base.kind == ours.kind == theirs.kind:
            return [self._in_other_brackets(base, ours, theirs)]
        if self._of_another(base, ours, theirs) or self._of_another(base, theirs, ours):
            raise NodeConflict("")
        match base.shape, ours.shape, theirs.shape:
            case Fixed() as b, Fixed() as o, Fixed() as t:
                return self._fixed((base, b), (ours, o), (theirs, t))
            case Seq() as b, Seq() as o, Seq() as t:
                if set_as(b, o) and not set_as(b, t):
                    walk: Walk = self.swapped()
                    ours, theirs, o, t = theirs, ours, t, o
                else:
                    walk = self
                text = merge_seq(walk, (base, b), (ours, o), (theirs, t))
                return [_enclosing(ours, o, text)]
            case Block() as b, Block() as o, Block() as t:
                return merge_block(self, b, o, t)
        raise NodeConflict("")

    def _in_other_brackets(self, base: Node, ours: Node, theirs: Node) -> str:
        """The other side's elements in the brackets that one side put around the base's: a list
        for a tuple."""
        if ours.kind == base.kind:
            return self.swapped()._in_other_brackets(base, theirs, ours)
        b, o, t = (self.rules.ordered(node) for node in (base, ours, theirs))
        if b is None or o is None or t is None or theirs.kind != base.kind:
            raise NodeConflict("")
        if [item.sig for item in b.items] != [item.sig for item in o.items]:
            raise NodeConflict("")
        text = merge_seq(self, (base, b), (ours, o), (theirs, t))
        return _enclosing(ours, o, text)

    def _of_another(self, base: Node, side: Node, other: Node) -> bool:
        """Whether a side has another call in a call's place, which has none of its arguments, and
        the other side changed these: they belong to what is gone."""
        if self.rules.head(side) == self.rules.head(base):
            return False
        was, now, then = (self.rules.row(node) for node in (base, side, other))
        if was is None or now is None or then is None:
            return False
        rows = [[(item.sig, item.key) for item in row.items] for row in (was, now, then)]
        if rows[0] == rows[2]:
            return False
        sigs, keys = {sig for sig, _ in rows[1]}, {key for _, key in rows[1] if key is not None}
        return not any(sig in sigs or key in keys for sig, key in rows[0])

    def _nested(self, base: Node, ours: Node, theirs: Node) -> list[Chunk] | None:
        """The merge where a side wrapped the base's node: the other side's edit goes within."""
        in_ours, in_theirs = (
            self._inside(base, side, other) for side, other in ((ours, theirs), (theirs, ours))
        )
        if in_ours and in_theirs:
            raise NodeConflict("")
        if in_theirs:
            text = self._placed(self.swapped(), theirs, ours, *in_theirs)
            return [indented(text, theirs.indent, indent3(base, ours, theirs))]
        if in_ours:
            text = self._placed(self, ours, theirs, *in_ours)
            return [indented(text, ours.indent, indent3(base, ours, theirs))]
        return None

    def _inside(self, base: Node, side: Node, other: Node) -> tuple[Node, Node, Node, Node] | None:
        """Where a side wrapped the base's node: that node in all three, and what holds it."""
        found = stands_in(self.rules, base, side)
        if found is not None:
            return (base, other, *found)
        if side.kind == base.kind or base.kind != other.kind:
            return None
        values = [self.rules.value(node) for node in (base, other)]
        if values[0] is None or values[1] is None or not self.rules.nests(values[0]):
            return None
        if _around(base, values[0]) != _around(other, values[1]):
            return None
        found = value_in(values[0], side)
        return None if found is None else (values[0], values[1], *found)

    def _placed(
        self, walk: Walk, side: Node, _other: Node, base: Node, edited: Node, inner: Node, at: Node
    ) -> str:
        """A side's text with the node in it merged."""
        text = walk.inline(base, inner, edited)
        if edited.kind != base.kind:
            text = self.rules.enclosed(text, edited, at)
        whole = side.version.text
        return whole[side.start : inner.start] + text + whole[inner.end : side.end]

    def _fixed(
        self, base: tuple[Node, Fixed], ours: tuple[Node, Fixed], theirs: tuple[Node, Fixed]
    ) -> list[Chunk]:
        parts = list(zip(base[1].parts, ours[1].parts, theirs[1].parts, strict=False))
        if not len(parts) == len(base[1].parts) == len(ours[1].parts) == len(theirs[1].parts):
            raise NodeConflict("")
        between = list(zip(_between(*base), _between(*ours), _between(*theirs), strict=True))
        glue = [_glue(three) for three in between[1:-1]]
        before, after = _outer(between[0], between[-1]) if parts else (between[0][1], "")
        glue = [before, *glue, *([after] if parts else [])]
        body = ours[1].parts[-1] if parts else None
        if (
            body is None
            or not isinstance(body.shape, Block)
            or not all(isinstance(p.shape, Block) for p in parts[-1])
        ):
            return self._run(parts, glue)
        try:
            header = self._run(parts[:-1], glue[:-1])
            if not all(isinstance(piece, str) for piece in header):
                raise NodeConflict("")
        except NodeConflict as torn:
            heads = [
                node.version.text[node.start : shape.parts[-1].start]
                for node, shape in (base, ours, theirs)
            ]
            header = [Conflicting(heads[0], heads[1], heads[2], str(torn))]
        return [*header, *self.node(*parts[-1]), glue[-1]]

    def _run(self, parts: list[tuple[Node, Node, Node]], glue: list[str]) -> list[Chunk]:
        pieces: list[Chunk] = [glue[0]]
        for part, after in zip(parts, glue[1:], strict=True):
            pieces += self.node(*part)
            pieces.append(after)
        return pieces


def _between(node: Node, shape: Fixed) -> list[str]:
    text, at, out = node.version.text, node.start, []
    for part in shape.parts:
        out.append(text[at : part.start])
        at = part.end
    return [*out, text[at : node.end]]


def _around(node: Node, value: Node) -> str:
    """A node's text but for its value's."""
    whole = node.version.text
    return whole[node.start : value.start] + "\0" + whole[value.end : node.end]


def _glue(three: tuple[str, str, str]) -> str:
    """The text between two parts: of the side that changed it, ours' where both did."""
    _one_changed([_BLANK.sub("", glue) for glue in three])
    return _chosen(three, *(comments_in(glue) for glue in three))


def _outer(first: tuple[str, str, str], last: tuple[str, str, str]) -> tuple[str, str]:
    """The text before a node's first part and behind its last, both of one side: parentheses there
    are redundant ones.
    """
    _one_changed(
        [_BLANK.sub("", one + "\0" + two).strip("()") for one, two in zip(first, last, strict=True)]
    )
    three = [(one, other) for one, other in zip(first, last, strict=True)]
    return _chosen(three, *(comments_in(one + other) for one, other in three))


def _one_changed(words: Sequence[str]) -> None:
    """Raise NodeConflict where both sides changed words (`async`) between a node's parts."""
    base, ours, theirs = words
    if ours != base and theirs not in (base, ours):
        raise NodeConflict("")


def _chosen(three: Sequence[T], base: Said, ours: Said, theirs: Said) -> T:
    """Of three texts with their comments the one that a side changed."""
    if three[2] in (three[0], three[1]):
        return three[1]
    if three[1] == three[0] or (ours == base and theirs != base):
        return three[2]
    if theirs in (base, ours):
        return three[1]
    raise NodeConflict("")


def _enclosing(node: Node, row: Seq, text: str) -> str:
    """A node's text with another one for its elements."""
    whole = node.version.text
    return whole[node.start : row.start] + text + whole[row.end : node.end]
