"""The laws that count: words, comments, imports, uses, and edges and order within rows."""

from __future__ import annotations

import ast
import re
from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from skills_engine.judge.doubt import Doubt, due, undue
from skills_engine.judge.sequence import ALIKE, likeness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.judge.reading import CountedStatement, Four, Reading, Scoped

__all__ = ["comments", "dead", "edges", "imports", "pairs", "places", "twice", "words"]

_LONG = 12
"""Elements above which a row is not read pair by pair."""


def words(four: Four) -> Iterator[Doubt]:
    """Each word stands as often as both sides made it stand. What both took away or added alike,
    statement by statement, counts once or twice, whatever else they did to the word.
    """
    alike: Counter[tuple[str, str, str]] | None = None
    for (scope, word), counts in undue([reading.words for reading in four]):
        alike = _alike(four) if alike is None else alike
        low, high = due(*counts[:3])
        added, gone = alike["added", scope, word], alike["gone", scope, word]
        if not low - added <= counts[3] <= high + gone:
            yield Doubt("tok", word, scope, counts)


def _alike(four: Four) -> Counter[tuple[str, str, str]]:
    """The words, by scope, of statements that both sides added, and that both took away."""
    bags = [Counter((s.scope, s.key) for s in reading.statements) for reading in four[:3]]
    found = Counter[tuple[str, str, str]]()
    known = {(s.scope, s.key): s for reading in four[:3] for s in reading.statements}
    for fact, said in known.items():
        base, ours, theirs = (bag[fact] for bag in bags)
        added, gone = min(ours - base, theirs - base), min(base - ours, base - theirs)
        if added > 0 or (gone > 0 and not _rewritten(said, four)):
            words = said.words + Counter(said.title.split()[1:] if said.defines else ())
            for word, n in words.items():
                found["added" if added > 0 else "gone", fact[0], word] += n * max(added, gone)
    return found


def _rewritten(said: CountedStatement, four: Four) -> bool:
    """Whether a side has a statement in the place of one of the base that is gone, or may have."""
    old = {(s.scope, s.key) for s in four[0].statements}
    return any(
        (s.scope, s.key) not in old and likeness(s, said) >= ALIKE
        for side in four[1:3]
        for s in side.statements
    )


def comments(four: Four) -> Iterator[Doubt]:
    """Each comment stands as often as both sides made it stand; one that nobody touched, beside
    what it stood beside.
    """
    for (scope, text), counts in undue([reading.comments for reading in four]):
        yield Doubt("com", text, scope, counts)
    bags = [reading.remarks for reading in four]
    for (line, below), n in bags[0].items():
        if n == bags[1][line, below] == bags[2][line, below] != bags[3][line, below]:
            where = f"above {below}" if below else "where it was"
            yield Doubt("com", line, "", says=f"would no longer stand {where}")
    titles = [{name for _, name in reading.bound} for reading in four]
    for mine, his in ((1, 2), (2, 1)):
        for fact in four[mine].captions - four[0].captions:
            there = fact in four[3].captions or fact[1] not in titles[3] or not bags[3]
            if not there and fact[1] in titles[his]:
                says = f"would no longer stand above {fact[1]}"
                yield Doubt("com", fact[0], "", says=says)


def imports(four: Four) -> Iterator[Doubt]:
    """Each import is there if a side brought it, or both left it. One that is new and that nothing
    uses may be missing.
    """
    base, ours, theirs, result = (reading.imports for reading in four)
    for fact in base | ours | theirs | result:
        scope, module, name, alias = fact
        counts = (fact in base, fact in ours, fact in theirs, fact in result)
        wanted = (counts[1] and counts[2]) or (not counts[0] and (counts[1] or counts[2]))
        bound = alias or name.partition(".")[0]
        unused = not counts[0] and all(bound != used for _, used in four[3].used)
        if wanted != counts[3] and not (wanted and unused):
            what = f"the import of {f'{module}.' if module else ''}{name}"
            yield Doubt("imp", what, scope, tuple(map(int, counts)))
    yield from _imported_otherwise(base, ours, theirs)
    yield from _imported_otherwise(base, theirs, ours)


_Import = tuple[str, str, str, str]


def _imported_otherwise(
    base: set[_Import], one: set[_Import], two: set[_Import]
) -> Iterator[Doubt]:
    """Imports that one side has from another module, or by another name, and the other side edits
    or deletes; or to whose names it adds.
    """
    says = "is imported otherwise by one side, and edited or deleted by the other"
    moved: dict[tuple[str, str], set[str]] = {}
    for scope, module, name, alias in base - one:
        new = {f for f in one - base if f[0] == scope and f[2] == name and _parts(f, module, alias)}
        if new and (scope, module, name, alias) not in two and not new <= two:
            yield Doubt("imp", name, scope, says=says)
        moved.setdefault((scope, module), set()).update(f[1] for f in new if module)
    for (scope, module), places in moved.items():
        left = any(f[:2] == (scope, module) for f in one)
        added = sorted(f[2] for f in two - base if f[:2] == (scope, module))
        if added and not left and len(places) == 1 and module not in places:
            says = f"is added to what the other side imports from {min(places)}"
            yield Doubt("imp", f"{module}.{added[0]}", scope, says=says)


def _parts(fact: _Import, module: str, alias: str) -> bool:
    """Whether an import is another one's edit: its module or its alias is another one."""
    return (fact[1] != module) != (fact[3] != alias)


def dead(four: Four) -> Iterator[Doubt]:
    """A name that the result binds is used in it, if it is where a side binds it."""
    _, ours, theirs, result = four
    uses = [_uses(reading) for reading in (ours, theirs, result)]
    for scope, name in sorted(result.bound):
        if _used(uses[2], scope, name):
            continue
        sides = [
            _used(where, scope, name)
            for side, where in zip((ours, theirs), uses, strict=False)
            if (scope, name) in side.bound
        ]
        if sides and all(sides) and name not in _names(result.module):
            yield Doubt("dead", name, scope, says="is bound, and what used it is gone")


def _uses(reading: Reading) -> dict[str, list[str]]:
    """Each name with the scopes that it is used in."""
    found: dict[str, list[str]] = {}
    for where, name in reading.used:
        found.setdefault(name, []).append(where)
    return found


def _used(uses: dict[str, list[str]], scope: str, name: str) -> bool:
    return any(
        where == scope or not scope or where.startswith(f"{scope}.") for where in uses.get(name, ())
    )


def _names(module: ast.Module) -> set[str]:
    """All that a module may call something by, strings included."""
    found: set[str] = set()
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Load() | ast.Del()) | ast.Attribute(attr=name):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.update(re.findall(r"\w+", text))
    return found


def twice(four: Four) -> Iterator[Doubt]:
    """What both sides wrote once, and the base had not, does not stand twice."""
    base, ours, theirs, result = (
        Counter(
            (each.scope, each.key) for each in reading.statements if each.clause or each.telling
        )
        for reading in four
    )
    for fact, n in result.items():
        if n > 1 and not base[fact] and ours[fact] == theirs[fact] == 1:
            title = next(s.title for s in four[3].statements if (s.scope, s.key) == fact)
            yield Doubt("twice", title, fact[0], says="would stand twice, as both sides added it")


class _Hands:
    """What a side did to the labels and edges of the base."""

    def __init__(self, base: Reading, side: Reading) -> None:
        self.base, self.side = base, side
        lowered = base.edges - side.edges
        self.emptied = {(scope, parent, role) for scope, parent, role, _ in lowered}
        self.taken = {(scope, child) for scope, _, _, child in lowered}

    def touched(self, fact: tuple[str, str, str, str], *, few: bool) -> bool:
        scope, parent, role, child = fact
        if self.base.edges[fact] != self.side.edges[fact]:
            return True
        if few and ((scope, parent, role) in self.emptied or (scope, child) in self.taken):
            return True
        return self.moved(scope, (parent, child), few=few)

    def moved(self, scope: str, labels: tuple[str, ...], *, few: bool) -> bool:
        """Whether the side has fewer of one of the labels (or more, where the result has too
        many).
        """
        changes = [self.side.labels[scope, n] - self.base.labels[scope, n] for n in labels]
        return any(change < 0 if few else change > 0 for change in changes)


def edges(four: Four) -> Iterator[Doubt]:
    """What hangs on what is as the sides made it, unless both had a hand in it."""
    hands = [_Hands(four[0], side) for side in four[1:3]]
    for fact, counts in undue([reading.edges for reading in four]):
        few = counts[3] < due(*counts[:3])[0]
        if not all(hand.touched(fact, few=few) for hand in hands):
            scope, parent, role, child = fact
            yield Doubt("edge", f"{child} ({role} of {parent})", scope, counts)


def pairs(four: Four) -> Iterator[Doubt]:
    """Elements of a row stand in the order that the sides gave them."""
    bags = [_pairs(reading) for reading in four]
    found = list(undue(bags))
    rows = [_by_place(bag) for bag in bags[:3]] if found else []
    hands = {side: _Hands(four[0], four[side]) for side in (1, 2) if found}
    for fact, counts in found:
        scope, parent, role, one, other = fact
        few = counts[3] < due(*counts[:3])[0]
        had = [
            bags[0][fact] != bags[side][fact]
            or hands[side].moved(scope, (parent, one, other), few=few)
            or (few and not hands[side].taken.isdisjoint({(scope, one), (scope, other)}))
            or (not _settled(rows[0], fact) and _stirred(rows[0], rows[side], fact))
            for side in (1, 2)
        ]
        if not all(had):
            yield Doubt("pair", f"{one} before {other} ({role} of {parent})", scope, counts)


_Pair = tuple[str, str, str, str, str]


def _pairs(reading: Reading) -> Counter[_Pair]:
    return Counter(
        (scope, parent, role, one, other)
        for scope, parent, role, row in reading.rows
        if 1 < len(row) <= _LONG
        for one, other in combinations(row, 2)
        if one != other
    )


_Place = tuple[str, str, str]


def _by_place(bag: Counter[_Pair]) -> dict[_Place, dict[_Pair, int]]:
    """Pairs by the rows that they are of."""
    found: dict[_Place, dict[_Pair, int]] = {}
    for pair, n in bag.items():
        found.setdefault(pair[:3], {})[pair] = n
    return found


def _settled(base: dict[_Place, dict[_Pair, int]], fact: _Pair) -> bool:
    """Whether an element is new beside one of the base, in a row whose order means something: the
    side that only moved the old one does not say where the new one stands.
    """
    place, ends = fact[:3], fact[3:]
    if place[1].startswith("{") or place[2] == "key" or all(end.endswith("=") for end in ends):
        return False
    old = {end for pair in base.get(place, ()) for end in pair[3:]}
    return len(old.intersection(ends)) == 1


def _stirred(
    base: dict[_Place, dict[_Pair, int]],
    side: dict[_Place, dict[_Pair, int]],
    fact: _Pair,
) -> bool:
    """Whether a side put either of a pair elsewhere in its row."""
    old, new = (rows.get(fact[:3], {}) for rows in (base, side))
    ends = set(fact[3:])
    return any(old.get(pair) != new.get(pair) for pair in old | new if ends & set(pair[3:]))


_ROWS = {"arguments", "elts", "key", "base", "parameter", "decorator"}


def places(four: Four) -> Iterator[Doubt]:
    """An element that a side added stands in its row, or beside an element that it had there."""
    base = _sizes(four[0])
    there: dict[Scoped, list[_Row]] = {}
    for each in four[3].rows:
        there.setdefault((each[0], each[2]), []).append(each)
    for side in four[1:3]:
        sizes = _sizes(side)
        for scope, parent, role, row in side.rows:
            if role not in _ROWS or sizes[scope, parent, role] <= base[scope, parent, role]:
                continue
            for label in row:
                fact = (scope, parent, role, label)
                if side.edges[fact] <= four[0].edges[fact] or four[0].labels[scope, label]:
                    continue
                if not _kept(there.get((scope, role), []), fact, set(row) - {label}):
                    yield Doubt("place", label, scope, says=f"was added to {parent}, which is gone")


def _sizes(reading: Reading) -> Counter[tuple[str, str, str]]:
    """How many elements the rows of a parent have."""
    found = Counter[tuple[str, str, str]]()
    for scope, parent, role, row in reading.rows:
        found[scope, parent, role] += len(row)
    return found


_Row = tuple[str, str, str, tuple[str, ...]]


def _kept(rows: list[_Row], fact: tuple[str, str, str, str], beside: set[str]) -> bool:
    """Whether what a side added is nowhere in rows of its scope and role, or is in the one where
    it was, or beside an element that it had."""
    _, parent, _, label = fact
    there = [each for each in rows if label in each[3]]
    return not there or any(
        each[1].rstrip("'") == parent.rstrip("'") or beside & set(each[3]) for each in there
    )
