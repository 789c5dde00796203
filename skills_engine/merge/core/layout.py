"""The layout of elements between their brackets: on one line or a line each, with comments."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import Item, Seq, comments_in
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skills_engine.merge.core.order import Aligned
    from skills_engine.merge.core.tree import Node

__all__ = ["Layout", "blank_of", "comment3"]

_LAST_BLANK = re.compile(r"\s*\Z")


def comment3(base: str, ours: str, theirs: str) -> str:
    said = comments_in(base), comments_in(ours), comments_in(theirs)
    if said[2] in said[:2]:
        return ours
    if said[0] == said[1]:
        return theirs
    raise NodeConflict("both sides changed a comment")


class Layout:
    """How ours sets its elements, and how an element of theirs is set among them."""

    def __init__(
        self, base: Seq, ours_node: Node, ours: Seq, theirs_node: Node, theirs: Seq
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.indent_o, self.indent_t = ours_node.indent, theirs_node.indent
        leads = [item.lead for item in ours.items]
        blanks = [blank_of(lead) for lead in leads[1:]]
        if blanks:
            self.between = Counter(blanks).most_common(1)[0][0]
        elif leads and "\n" in leads[0] and not ours.infix:
            self.between = blank_of(leads[0])
        elif ours.infix and len(theirs.items) > 1:
            self.between = theirs.items[1].lead
        else:
            self.between = " "
        if ours.infix and len(leads) > 1:
            self.between = leads[1]
        self.wide = "\n" in self.between
        self.indent = (
            self.between.rpartition("\n")[2] if self.wide and not ours.infix else self.indent_o
        )

    def text(self, kept: list[tuple[Aligned, str]], head: str, close: str) -> str:
        """Everything between the brackets."""
        out = head
        for at, (entry, text) in enumerate(kept):
            lead = self._lead(entry, at)
            trail, pre = self._after(entry)
            if "#" in _last_line(out) and not lead.startswith("\n"):
                raise NodeConflict("a comment would swallow an element")
            last = at == len(kept) - 1
            separated = not self.ours.infix and (not last or self._closed(entry, len(kept)))
            out += lead + text + (pre + self.ours.separator if separated else "") + trail
        if "#" in _last_line(out) and kept and not close.startswith("\n"):
            raise NodeConflict("a comment would swallow a bracket")
        return out + close

    def _lead(self, entry: Aligned, at: int) -> str:
        if entry.ours is not None:
            lead = self._own_lead(entry.ours, at)
            above = self._theirs_alone(entry, lambda item: comments_in(item.lead))
            return lead if above is None else self._said(above, blank_of(lead))
        item = self.theirs.items[entry.theirs or 0]
        said = [] if self.ours.infix else comments_in(item.lead)
        if not self.ours.items and self.ours.close:
            return self.between if at else ""
        if not self.ours.items:
            return item.lead.replace("\n" + self.indent_t, "\n" + self.indent_o)
        if at == 0:
            return "" if self.ours.infix else self._said(said, blank_of(self.ours.items[0].lead))
        if self.wide and not said and item.lead.count("\n") > 1:
            return "\n" * (item.lead.count("\n") - 1) + self.between
        return self._said(said, self.between)

    def _own_lead(self, index: int, at: int) -> str:
        """The lead of ours' element at `index`, which the merge has at `at`."""
        lead = self.ours.items[index].lead
        if at == 0 and index != 0:
            if self.ours.infix:
                return ""
            return lead if "#" in lead else blank_of(self.ours.items[0].lead)
        if at > 0 and index == 0 and "#" not in lead and "\n" not in lead:
            return self.between
        return lead

    def _said(self, said: Sequence[str], blank: str) -> str:
        if not said:
            return blank
        if "\n" not in blank:
            raise NodeConflict("there is no line for a comment")
        return "".join(blank + comment for comment in said) + blank

    def _after(self, entry: Aligned) -> tuple[str, str]:
        """The trail and what stands before the separator."""
        if entry.ours is not None:
            item = self.ours.items[entry.ours]
            behind = self._theirs_alone(entry, lambda item: comments_in(item.trail))
            return (
                item.trail if behind is None else "".join("  " + said for said in behind)
            ), item.pre
        trail = self.theirs.items[entry.theirs or 0].trail
        return ("  " + trail.lstrip() if trail else ""), ""

    def _theirs_alone(
        self, entry: Aligned, said: Callable[[Item], tuple[str, ...]]
    ) -> tuple[str, ...] | None:
        """The comments at an element of ours where only theirs changed them, else None. Raises
        NodeConflict where both did.
        """
        if entry.ours is None or entry.theirs is None:
            return None
        ours, theirs = said(self.ours.items[entry.ours]), said(self.theirs.items[entry.theirs])
        base = said(self.base.items[entry.base]) if entry.base is not None else ()
        if theirs in (base, ours):
            return None
        if ours == base:
            return theirs
        raise NodeConflict("both sides changed a comment")

    def _closed(self, entry: Aligned, size: int) -> bool:
        """Whether a separator follows the last element."""
        if self.ours.single and size == 1:
            return True
        if not self.ours.trailing:
            return False
        if not self.ours.items:
            return self.theirs.items[-1].separated
        if self.ours.single and len(self.ours.items) == 1:
            if self.theirs.single and len(self.theirs.items) > 1:
                return self.theirs.items[-1].separated or "\n" in self.ours.close
            return "\n" in self.ours.close
        return self.ours.items[-1].separated


def blank_of(lead: str) -> str:
    match = _LAST_BLANK.search(lead)
    blank = match.group() if match else ""
    if "#" in lead and not blank.startswith("\n"):
        return "\n" + blank
    return "\n" + blank.rpartition("\n")[2] if "\n" in blank else blank


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2] if "#" in text else ""
