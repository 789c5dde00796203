"""Elements of lists, arguments, parameters, imported names: merged in ours' layout."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from skills_engine.merge.core.alignment import Alignment, align
from skills_engine.merge.core.levels import below, value_in
from skills_engine.merge.core.order import Entry, arrange
from skills_engine.merge.core.row_style import OTHERWISE, left_behind
from skills_engine.merge.core.tree import Item, Seq, comments_in, words
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from skills_engine.merge.core.rules import Rules
    from skills_engine.merge.core.tree import Node
    from skills_engine.merge.core.walk import Walk

__all__ = ["merge_seq", "set_as"]

_ORDERS: tuple[Callable[[str], tuple[str, ...]], ...] = (
    lambda text: (text,),
    lambda text: (text.lower(),),
    lambda text: ("0" if text.isupper() else "1" if text[:1].isupper() else "2", text),
)
_LAST_BLANK = re.compile(r"\s*\Z")


class _Part:
    """An item as `align` sees it."""

    def __init__(self, item: Item) -> None:
        self.sig, self.kind, self.key = item.sig, item.node.kind, item.key
        self.strong = item.key is not None
        self.placed = not item.free
        self._text = item.node

    @property
    def value(self) -> int:
        return self.sig

    @cached_property
    def inner(self) -> frozenset[int]:
        return frozenset(node.sig for node, _ in below(self._text))

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(words(self._text.text))


def merge_seq(
    walk: Walk, base: tuple[Node, Seq], ours: tuple[Node, Seq], theirs: tuple[Node, Seq]
) -> str:
    """What stands between the brackets. Raises NodeConflict."""
    b, o, t = base[1], ours[1], theirs[1]
    parts_b, parts_o, parts_t = ([_Part(item) for item in seq.items] for seq in (b, o, t))
    by_ours, by_theirs = align(parts_b, parts_o), align(parts_b, parts_t)
    new_o = [k for k in range(len(o.items)) if k not in by_ours.back]
    new_t = [k for k in range(len(t.items)) if k not in by_theirs.back]
    same = _same(parts_o, parts_t, new_o, new_t)
    for mine, his in same.items():
        if parts_o[mine].placed and _above(by_ours, mine) != _above(by_theirs, his):
            raise NodeConflict(f"both sides add {_short(o.items[mine].node)}, at different places")
    entries = arrange(len(o.items), len(t.items), by_ours, by_theirs, same)
    layout = _Layout(b, ours[0], o, theirs[0], t)
    kept: list[tuple[Entry, str]] = []
    for entry in entries:
        text = _element(walk, entry, (b, o, t), layout.indent, by_ours.weak | by_theirs.weak)
        if text is not None:
            kept.append((entry, text))
    if ours[0].kind == "ImportFrom":
        kept = _named(walk.rules, kept, ours[0], o, theirs[0], t)
    kept = _positional_first(_in_order(kept, b, o, t), o, t)
    _no_rivals(kept, o, t)
    _none_left_behind(kept, b, o, t)
    if kept and (o.items or b.items) and not o.infix:
        close = _comment3(b.close, o.close, t.close)
        head = _comment3(b.head, o.head, t.head)
    elif not kept and not t.items and not comments_in(o.head + o.close):
        close, head = t.close, t.head  # theirs knows how the empty brackets were written
    else:
        close, head = o.close, o.head
    if not kept and o.filled:
        raise NodeConflict("nothing is left")
    return layout.text(kept, head, close)


def set_as(base: Seq, side: Seq) -> bool:
    """Whether two versions of a row are laid out alike; rows of one element tell that only of each
    other.
    """
    sizes = len(base.items), len(side.items)
    if not all(sizes) or (min(sizes) == 1 and sizes[0] != sizes[1]):
        return True
    return _setting(base) == _setting(side)


def _setting(seq: Seq) -> tuple[str, str, str, bool]:
    first, *leads = [_blank(item.lead) for item in seq.items]
    between = Counter(leads).most_common(1)[0][0] if leads else ""
    return first, between, _blank(seq.close), seq.items[-1].separated


def _same(
    parts_o: list[_Part], parts_t: list[_Part], new_o: list[int], new_t: list[int]
) -> dict[int, int]:
    """What both sides added, by ours."""

    def label(part: _Part) -> Hashable:
        return ("key", part.key) if part.strong else ("sig", part.sig)

    count_o, count_t = (Counter(label(p) for p in parts) for parts in (parts_o, parts_t))
    where = {label(parts_t[k]): k for k in new_t}
    return {
        k: where[name]
        for k in new_o
        if (name := label(parts_o[k])) in where and count_o[name] == count_t[name] == 1
    }


def _above(alignment: Alignment, at: int) -> int:
    """The element of the base that an added one follows; -1 for none."""
    back = alignment.back
    return next((back[k] for k in range(at - 1, -1, -1) if k in back), -1)


def _element(
    walk: Walk, entry: Entry, seqs: tuple[Seq, Seq, Seq], indent: str, weak: frozenset[int]
) -> str | None:
    """The entry's own text, or None if it is gone."""
    b, o, t = (
        seq.items[at] if at is not None else None
        for seq, at in zip(seqs, (entry.base, entry.ours, entry.theirs), strict=True)
    )
    if b is None:
        if t is not None and o is None:
            return t.node.under(indent)
        if o is not None and t is not None and o.sig != t.sig:
            raise NodeConflict(f"both sides add {_short(o.node)}")
        return o.node.text if o is not None else None
    if o is None or t is None:
        left = t if o is None else o
        if left is None or left.node.reads(b.node) or left.sig == b.sig:
            return None
        if walk.keeps == ("theirs" if o is None else "ours"):
            walk.notes.append(f"kept your change of {_short(b.node)}")
            return left.node.under(indent) if o is None else left.node.text
        sides = ("ours", "theirs") if o is None else ("theirs", "ours")
        raise NodeConflict(f"{sides[0]} deletes what {sides[1]} edited: {_short(b.node)}")
    wrapped = any(value_in(b.node, side.node) for side in (o, t))
    if entry.base in weak and o.sig != b.sig and t.sig not in (b.sig, o.sig) and not wrapped:
        raise NodeConflict(f"both sides changed {_short(b.node)}")
    return walk.inline(b.node, o.node, t.node)


def _item(entry: Entry, ours: Seq, theirs: Seq) -> Item:
    return ours.items[entry.ours] if entry.ours is not None else theirs.items[entry.theirs or 0]


def _short(node: Node) -> str:
    line = node.text.split("\n")[0]
    return line if len(line) <= 40 else line[:37] + "..."


def _in_order(
    kept: list[tuple[Entry, str]], base: Seq, ours: Seq, theirs: Seq
) -> list[tuple[Entry, str]]:
    """Where all keep their elements sorted, what theirs adds stands where it sorts among what ours
    adds.

    A base of one or two elements is sorted by chance, and the order must not depend on which skill
    came first.
    """

    def places(entry: Entry) -> tuple[str, ...]:
        return order(_item(entry, ours, theirs).node.text)

    if len(base.items) < 3:
        return kept
    for order in _ORDERS:
        if all(
            row == sorted(row)
            for row in ([order(i.node.text) for i in seq.items] for seq in (base, ours, theirs))
        ):
            break
    else:
        return kept
    out = list(kept)
    at = 0
    while at < len(out):
        end = at
        while end < len(out) and out[end][0].base is None:
            end += 1
        out[at:end] = sorted(out[at:end], key=lambda pair: places(pair[0]))
        at = end + 1
    return out


def _named(
    rules: Rules, kept: list[tuple[Entry, str]], ours: Node, o: Seq, theirs: Node, t: Seq
) -> list[tuple[Entry, str]]:
    """Imported names of theirs where all imports of both files are in one order, and so is what
    ours has here.
    """
    order = rules.name_order(ours.version.text, theirs.version.text)
    if order is None or not all(
        _ordered([i.node.text for i in seq.items], order) for seq in (o, t)
    ):
        return kept
    out = [pair for pair in kept if pair[0].ours is not None]
    for pair in kept:
        if pair[0].ours is None:
            place = next(
                (k for k, (_, text) in enumerate(out) if order(text) > order(pair[1])), len(out)
            )
            out.insert(place, pair)
    return out


def _ordered(texts: list[str], order: Callable[[str], tuple[str, ...]]) -> bool:
    return all(order(one) <= order(two) for one, two in pairwise(texts))


def _positional_first(
    kept: list[tuple[Entry, str]], ours: Seq, theirs: Seq
) -> list[tuple[Entry, str]]:
    """Where one side adds arguments by position and the other by keyword at one place, syntax gives
    the order.
    """
    out = list(kept)
    at = 0
    while at < len(out):
        end = at
        while end < len(out) and out[end][0].base is None:
            end += 1
        run = out[at:end]
        bound = [entry for entry, _ in run if not _item(entry, ours, theirs).free]
        sides = {entry.ours is None for entry in bound}
        if len(sides) == 1 and all(
            _item(entry, ours, theirs).node.kind != "marker" for entry in bound
        ):
            out[at:end] = sorted(run, key=lambda pair: _item(pair[0], ours, theirs).free)
        at = end + 1
    return out


def _no_rivals(kept: list[tuple[Entry, str]], ours: Seq, theirs: Seq) -> None:
    """NodeConflict where both sides add at one place and the order means something (positional
    arguments).
    """
    bound = {e.ours is None for e, _ in kept if e.base is None and not _item(e, ours, theirs).free}
    ordered = len(bound) < 2
    for (one, _), (two, text) in pairwise(kept):
        if one.base is not None or two.base is not None or (one.ours is None) == (two.ours is None):
            continue
        if one.theirs is not None and two.theirs is not None:
            continue
        free = [_item(entry, ours, theirs).free for entry in (one, two)]
        if not all(free) and not (ordered and free == [False, True]):
            raise NodeConflict(f"both sides add beside {text.splitlines()[0]}")


def _none_left_behind(kept: list[tuple[Entry, str]], base: Seq, ours: Seq, theirs: Seq) -> None:
    """Conflict where an element is written as its neighbours were before the other side wrote
    them all in another way.
    """
    rows = [
        (_node(base, entry.base), _node(ours, entry.ours), _node(theirs, entry.theirs))
        for entry, _ in kept
    ]
    for at, (_, text) in enumerate(kept):
        if left_behind(rows, at):
            raise NodeConflict(f"the neighbours of {text.splitlines()[0]} {OTHERWISE}")


def _node(seq: Seq, at: int | None) -> Node | None:
    return None if at is None else seq.items[at].node


def _comment3(base: str, ours: str, theirs: str) -> str:
    said = comments_in(base), comments_in(ours), comments_in(theirs)
    if said[2] in said[:2]:
        return ours
    if said[0] == said[1]:
        return theirs
    raise NodeConflict("both sides changed a comment")


class _Layout:
    """How ours sets its elements, and how an element of theirs is set among them."""

    def __init__(
        self, base: Seq, ours_node: Node, ours: Seq, theirs_node: Node, theirs: Seq
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.indent_o, self.indent_t = ours_node.indent, theirs_node.indent
        leads = [item.lead for item in ours.items]
        blanks = [_blank(lead) for lead in leads[1:]]
        if blanks:
            self.between = Counter(blanks).most_common(1)[0][0]
        elif leads and "\n" in leads[0] and not ours.infix:
            self.between = _blank(leads[0])
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

    def text(self, kept: list[tuple[Entry, str]], head: str, close: str) -> str:
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

    def _lead(self, entry: Entry, at: int) -> str:
        if entry.ours is not None:
            lead = self._own_lead(entry.ours, at)
            above = self._theirs_alone(entry, lambda item: comments_in(item.lead))
            return lead if above is None else self._said(above, _blank(lead))
        item = self.theirs.items[entry.theirs or 0]
        said = [] if self.ours.infix else comments_in(item.lead)
        if not self.ours.items and self.ours.close:
            return self.between if at else ""
        if not self.ours.items:
            return item.lead.replace("\n" + self.indent_t, "\n" + self.indent_o)
        if at == 0:
            return "" if self.ours.infix else self._said(said, _blank(self.ours.items[0].lead))
        if self.wide and not said and item.lead.count("\n") > 1:
            return "\n" * (item.lead.count("\n") - 1) + self.between
        return self._said(said, self.between)

    def _own_lead(self, index: int, at: int) -> str:
        """The lead of ours' element at `index`, which the merge has at `at`."""
        lead = self.ours.items[index].lead
        if at == 0 and index != 0:
            if self.ours.infix:
                return ""
            return lead if "#" in lead else _blank(self.ours.items[0].lead)
        if at > 0 and index == 0 and "#" not in lead and "\n" not in lead:
            return self.between
        return lead

    def _said(self, said: Sequence[str], blank: str) -> str:
        if not said:
            return blank
        if "\n" not in blank:
            raise NodeConflict("there is no line for a comment")
        return "".join(blank + comment for comment in said) + blank

    def _after(self, entry: Entry) -> tuple[str, str]:
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
        self, entry: Entry, said: Callable[[Item], tuple[str, ...]]
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

    def _closed(self, entry: Entry, size: int) -> bool:
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


def _blank(lead: str) -> str:
    match = _LAST_BLANK.search(lead)
    blank = match.group() if match else ""
    if "#" in lead and not blank.startswith("\n"):
        return "\n" + blank
    return "\n" + blank.rpartition("\n")[2] if "\n" in blank else blank


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2] if "#" in text else ""
