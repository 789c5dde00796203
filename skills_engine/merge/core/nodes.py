"""A node merged from three versions: who changed what, then part by part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.merge.core.blocks import merge_block
from skills_engine.merge.core.chunks import Conflicting
from skills_engine.merge.core.sequences import merge_seq
from skills_engine.merge.core.tree import Block, Fixed, Seq, comments_in
from skills_engine.merge.core.walk import Walk
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from skills_engine.merge.core.chunks import Chunk
    from skills_engine.merge.core.tree import Node

__all__ = ["TreeMerge"]

_BLANK = re.compile(r"#[^\n]*|\\\n|\s+")


class TreeMerge(Walk):
    """Merges nodes of every shape."""

    def node(self, base: Node, ours: Node, theirs: Node) -> list[Chunk]:
        """The merged text, in ours' layout where both have one. Raises NodeConflict."""
        if theirs.text == ours.text or (theirs.reads(base) and not self.revivals.within(ours)):
            return [ours.text]
        if ours.reads(base) and not _both_blocks(ours, theirs) and not self.revivals.within(theirs):
            self.theirs.add("edit")
            return [theirs.under(ours.indent)]
        if theirs.means(ours) or (theirs.means(base) and not self.revivals.within(ours)):
            return [ours.text]
        try:
            return self._parts(base, ours, theirs)
        except NodeConflict:
            if not ours.means(base):
                raise
            self.theirs.add("edit")
            return [theirs.under(ours.indent)]

    def _parts(self, base: Node, ours: Node, theirs: Node) -> list[Chunk]:
        if not base.kind == ours.kind == theirs.kind:
            raise NodeConflict("")
        match base.shape, ours.shape, theirs.shape:
            case Fixed() as b, Fixed() as o, Fixed() as t:
                return self._fixed((base, b), (ours, o), (theirs, t))
            case Seq() as b, Seq() as o, Seq() as t:
                before, after = (
                    ours.version.text[ours.start : o.start],
                    ours.version.text[o.end : ours.end],
                )
                return [before + merge_seq(self, (base, b), (ours, o), (theirs, t)) + after]
            case Block() as b, Block() as o, Block() as t:
                return merge_block(self, b, o, t)
        raise NodeConflict("")

    def _fixed(
        self, base: tuple[Node, Fixed], ours: tuple[Node, Fixed], theirs: tuple[Node, Fixed]
    ) -> list[Chunk]:
        parts = list(zip(base[1].parts, ours[1].parts, theirs[1].parts, strict=False))
        if not len(parts) == len(base[1].parts) == len(ours[1].parts) == len(theirs[1].parts):
            raise NodeConflict("")
        between = list(zip(_between(*base), _between(*ours), _between(*theirs), strict=True))
        glue = [_glue(three, outer=k in {0, len(parts)}) for k, three in enumerate(between)]
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


def _both_blocks(ours: Node, theirs: Node) -> bool:
    return isinstance(ours.shape, Block) and isinstance(theirs.shape, Block)


def _between(node: Node, shape: Fixed) -> list[str]:
    text, at, out = node.version.text, node.start, []
    for part in shape.parts:
        out.append(text[at : part.start])
        at = part.end
    return [*out, text[at : node.end]]


def _glue(three: tuple[str, str, str], *, outer: bool) -> str:
    """Ours' text between two parts; theirs' where only theirs changed a comment there.

    Parentheses at a node's own ends (`outer`) are redundant ones.
    """
    base, ours, theirs = three
    if theirs in (base, ours):
        return ours
    if len({_bare(glue, outer=outer) for glue in three}) > 1:
        raise NodeConflict("")
    said = comments_in(base), comments_in(ours), comments_in(theirs)
    if said[2] in said[:2]:
        return ours
    if said[0] == said[1]:
        return theirs
    raise NodeConflict("")


def _bare(glue: str, *, outer: bool) -> str:
    bare = _BLANK.sub("", glue)
    return bare.strip("()") if outer else bare
