"""Elements of lists, arguments, parameters, imported names: merged in ours' layout."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from skills_engine.lines import bare_lines
from skills_engine.merge.core.alignment import Alignment, align
from skills_engine.merge.core.layout import Layout, blank_of, comment3
from skills_engine.merge.core.levels import below, value_in
from skills_engine.merge.core.order import Aligned, arrange
from skills_engine.merge.core.row_style import OTHERWISE, left_behind
from skills_engine.merge.core.tree import Item, Seq, comments_in, words
from skills_engine.merge.types import NodeConflict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from skills_engine.merge.core.rules import Rules
    from skills_engine.merge.core.tree import Node
    from skills_engine.merge.core.walk import Walk

__all__ = ["merge_seq", "set_as"]

_ORDERS: tuple[Callable[[str], tuple[str, ...]], ...] = (
    lambda text: (text,),
    lambda text: (text.lower(),),
    lambda text: ("0" if text.isupper() else "1" if text[:1].isupper() else "2", text),
)


class _Part:
    """An item as `align` sees it."""

    def __init__(self, item: Item) -> None:
        self.sig, self.kind, self.key = item.sig, item.node.kind, item.key
        self.strong = item.key is not None
        self.placed, self.nameless = not item.free, item.key is None
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
        part, above = parts_o[mine], _above(by_ours, mine)
        if (part.placed or part.nameless) and above != _above(by_theirs, his):
            raise NodeConflict(f"both sides add {_short(o.items[mine].node)}, at different places")
    ends = all(item.free for seq in (o, t) for item in seq.items[-1:])
    entries = arrange(len(o.items), len(t.items), by_ours, by_theirs, same, row=ends)
    layout = Layout(b, ours[0], o, theirs[0], t)
    kept: list[tuple[Aligned, str]] = []
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
        close = comment3(b.close, o.close, t.close)
        head = comment3(b.head, o.head, t.head)
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
    first, *leads = [blank_of(item.lead) for item in seq.items]
    between = Counter(leads).most_common(1)[0][0] if leads else ""
    return first, between, blank_of(seq.close), seq.items[-1].separated


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
    walk: Walk, entry: Aligned, seqs: tuple[Seq, Seq, Seq], indent: str, weak: frozenset[int]
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


def _item(entry: Aligned, ours: Seq, theirs: Seq) -> Item:
    return ours.items[entry.ours] if entry.ours is not None else theirs.items[entry.theirs or 0]


def _short(node: Node) -> str:
    line = node.text.split("\n")[0]
    return line if len(line) <= 40 else line[:37] + "..."


def _in_order(
    kept: list[tuple[Aligned, str]], base: Seq, ours: Seq, theirs: Seq
) -> list[tuple[Aligned, str]]:
    """Where all keep their elements sorted, what theirs adds stands where it sorts among what ours
    adds.

    A base of one or two elements is sorted by chance, and the order must not depend on which skill
    came first.
    """

    def places(entry: Aligned) -> tuple[str, ...]:
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
    for run in _additions(kept):
        out[run] = sorted(kept[run], key=lambda pair: places(pair[0]))
    return out


def _additions(kept: list[tuple[Aligned, str]]) -> Iterator[slice]:
    """Runs of what the base has not."""
    numbered = enumerate(kept)
    for new, run in groupby(numbered, lambda each: each[1][0].base is None):
        places = [number for number, _ in run]
        if new:
            yield slice(places[0], places[-1] + 1)


def _named(
    rules: Rules, kept: list[tuple[Aligned, str]], ours: Node, o: Seq, theirs: Node, t: Seq
) -> list[tuple[Aligned, str]]:
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
    kept: list[tuple[Aligned, str]], ours: Seq, theirs: Seq
) -> list[tuple[Aligned, str]]:
    """Where one side adds arguments by position and the other by keyword at one place, syntax gives
    the order.
    """
    out = list(kept)
    for run in _additions(kept):
        bound = [entry for entry, _ in kept[run] if not _item(entry, ours, theirs).free]
        sides = {entry.ours is None for entry in bound}
        if len(sides) == 1 and all(
            _item(entry, ours, theirs).node.kind != "marker" for entry in bound
        ):
            out[run] = sorted(kept[run], key=lambda pair: _item(pair[0], ours, theirs).free)
    return out


def _no_rivals(kept: list[tuple[Aligned, str]], ours: Seq, theirs: Seq) -> None:
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
            raise NodeConflict(f"both sides add at one place: {bare_lines(text)[0]}")


def _none_left_behind(kept: list[tuple[Aligned, str]], base: Seq, ours: Seq, theirs: Seq) -> None:
    """Conflict where an element is written as its neighbours were before the other side wrote
    them all in another way.
    """
    rows = [
        (_node(base, entry.base), _node(ours, entry.ours), _node(theirs, entry.theirs))
        for entry, _ in kept
    ]
    for at, (_, text) in enumerate(kept):
        if left_behind(rows, at):
            raise NodeConflict(f"the neighbours of {bare_lines(text)[0]} {OTHERWISE}")


def _node(seq: Seq, at: int | None) -> Node | None:
    return None if at is None else seq.items[at].node
