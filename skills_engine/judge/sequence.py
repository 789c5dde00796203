"""The laws of order: statements stand as they were written, in the order that the sides gave them,
and what was added keeps a neighbour.
"""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from skills_engine.judge.doubt import Doubt, due

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from skills_engine.judge.reading import Body, CountedStatement, Four, Reading

__all__ = ["ALIKE", "anchors", "likeness", "order", "statements"]

ALIKE = 0.6
"""The share of words in common from which a statement is taken for another one rewritten."""
_MANY = 60
"""Names above which only neighbours are compared."""


def statements(four: Four) -> Iterator[Doubt]:
    """A statement that a side wrote stands as written, or is joined with what the other side
    changed there into one that neither wrote. One that nobody touched stands as it is.
    """
    bags = [Counter((s.scope, s.key) for s in reading.statements) for reading in four]
    found = {(s.scope, s.key): s for reading in four for s in reading.statements}
    extra = Counter[str]()
    changed = (Counter[str](), Counter[str](), Counter[str]())
    missing: list[tuple[tuple[str, str], tuple[int, int, int, int]]] = []
    for fact in set().union(*bags):
        counts = (bags[0][fact], bags[1][fact], bags[2][fact], bags[3][fact])
        low, high = due(*counts[:3])
        extra[fact[0]] += max(0, counts[3] - high)
        for side in (1, 2):
            changed[side][fact[0]] += counts[side] != counts[0]
        if counts[0] == counts[1] == counts[2] != counts[3] and counts[0]:
            yield Doubt("stmt", found[fact].title, fact[0], counts)
        if counts[3] < low:
            missing.append((fact, counts))
    for mine in (1, 2):
        lost = [(fact, c) for fact, c in missing if c[mine] > c[0]]
        for scope in sorted({fact[0] for fact, _ in lost}):
            here = [(fact, c) for fact, c in lost if fact[0] == scope]
            here = [each for each in here if not _held(found[each[0]], four, 3 - mine)]
            joined = min(extra[scope], changed[3 - mine][scope])
            if sum(due(*c[:3])[0] - c[3] for _, c in here) > joined:
                fact, counts = here[0]
                yield Doubt("stmt", found[fact].title, scope, counts)


def _held(lost: CountedStatement, four: Four, other: int) -> bool:
    """Whether a statement of the other side says all that was added in a lost one, and nothing that
    was taken away.
    """
    old = max(
        (s for s in four[0].statements if s.scope == lost.scope),
        key=lambda s: likeness(s, lost),
        default=None,
    )
    if old is None:
        return False
    added, gone = lost.words - old.words, old.words - lost.words
    if not added and not gone:
        return False
    there = {s.key for s in four[3].statements}
    return any(
        s.scope == lost.scope
        and s.key in there
        and s.words >= added
        and all(s.words[word] <= lost.words[word] for word in gone)
        for s in four[other].statements
    )


def _placed(one: CountedStatement, other: CountedStatement) -> float:
    """Whether one of two statements at the same place may be the other one rewritten."""
    plain = one.scope == other.scope and not (one.defines or other.defines)
    return 1.0 if plain else likeness(one, other)


def likeness(one: CountedStatement, other: CountedStatement) -> float:
    """From 0 to 1: how much a statement is another one rewritten."""
    if one.shared or other.shared or one.scope != other.scope:
        return 0.0
    if one.title == other.title and one.named:
        return 1.0
    if one.defines or other.defines:
        return 0.0
    total = one.words.total() + other.words.total()
    return 2 * (one.words & other.words).total() / total if total else 0.0


# --- order


def order(four: Four) -> Iterator[Doubt]:
    """Statements stand in the order of the side that moved them, or of both."""
    scopes = [_by_scope(reading.sequence) for reading in four]
    for scope in scopes[3]:
        rows = [by_scope.get(scope, []) for by_scope in scopes]
        names = [[s.key for s in row] for row in rows]
        if all(row == names[3] for row in names[:3]):
            continue
        names[1:] = [_named_in(rows[0], row, positional=True) for row in rows[1:]]
        for side in (1, 2):  # what a side rewrote is called so in the result, wherever it stands
            called = {s.key: name for s, name in zip(rows[side], names[side], strict=True)}
            names[3] = [called.get(s.key, n) for s, n in zip(rows[3], names[3], strict=True)]
        titles = {
            key: s.title
            for row, keys in zip(rows, names, strict=True)
            for key, s in zip(keys, row, strict=True)
        }
        once = [_once(row, keys) for row, keys in zip(rows, names, strict=True)]
        defined = {s.key for row in rows for s in row if s.defines}
        for one, other in (*reversals(once), *_gone_along(once, defined)):
            says = f"would stand before {titles[other] or 'another statement'}"
            yield Doubt("order", titles[one] or "a statement", scope, says=says)


def _by_scope(row: Sequence[CountedStatement]) -> dict[str, list[CountedStatement]]:
    found: dict[str, list[CountedStatement]] = {}
    for statement in row:
        found.setdefault(statement.scope, []).append(statement)
    return found


def _opcodes(one: list[str], other: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """difflib's, of what is left when common ends are cut off, if that is something in both."""
    first, last = 0, 0
    least = min(len(one), len(other))
    while first < least and one[first] == other[first]:
        first += 1
    while last < least - first and one[-1 - last] == other[-1 - last]:
        last += 1
    left, right = one[first : len(one) - last], other[first : len(other) - last]
    if not left or not right:
        return  # nothing stands in another's place
    for tag, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        yield tag, i + first, j + first, k + first, m + first


def _once(row: Sequence[CountedStatement], keys: Sequence[str]) -> list[str]:
    counts = Counter(keys)
    return [k for s, k in zip(row, keys, strict=True) if counts[k] == 1 and s.telling]


def _named(base: Sequence[CountedStatement], side: Sequence[CountedStatement]) -> list[str]:
    """The keys of a side's statements, each scope for itself."""
    old, names = _by_scope(base), dict[int, str]()
    for scope, row in _by_scope(side).items():
        there = _named_in(old.get(scope, []), row, positional=False)
        names.update({id(s): name for s, name in zip(row, there, strict=True)})
    return [names[id(s)] for s in side]


def _named_in(
    base: Sequence[CountedStatement], side: Sequence[CountedStatement], *, positional: bool
) -> list[str]:
    """The keys of a side's statements; one that is a statement of the base rewritten has that
    one's.
    """
    old, new = [s.key for s in base], [s.key for s in side]
    names, there, often = list(new), set(old), Counter(new)
    for tag, i, j, k, m in _opcodes(old, new):
        if tag != "replace":
            continue
        new_ones = [at for at in range(k, m) if often[new[at]] == 1 and new[at] not in there]
        gone = [at for at in range(i, j) if old[at] not in often]
        if positional and j - i == m - k:
            likely = [(_placed(base[i + at - k], side[at]), i + at - k, at) for at in new_ones]
        else:
            likely = [(likeness(base[n], side[at]), n, at) for at in new_ones for n in gone]
        free = set(gone)
        for share, n, at in sorted(likely, key=lambda each: -each[0]):
            if share >= ALIKE and n in free and names[at] == new[at]:
                free.discard(n)
                names[at] = old[n]
    return names


def reversals(rows: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Names of the result that stand the other way round in a side which has both, though the
    other side did not put them so.
    """
    base, ours, theirs = ({name: at for at, name in enumerate(row)} for row in rows[:3])
    moved = [_moved(base, rows[side]) for side in (1, 2)]
    for mine, his, side in ((ours, theirs, 1), (theirs, ours, 0)):
        known = [name for name in rows[3] if name in mine]
        every = all(moved) and len(known) <= _MANY
        for one, other in combinations(known, 2) if every else pairwise(known):
            if mine[one] < mine[other]:
                continue
            old = one in base and other in base
            kept = old and base[one] < base[other]
            wanted = one in his and other in his and his[one] < his[other]
            if not (wanted and not kept) and (old or not moved[side]):
                yield one, other


def _gone_along(
    rows: Sequence[Sequence[str]], defined: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Names of the result of which a side put one right beside the other, which the other side let
    stand where it was, and which stand the other way round: the addition went along with its other
    neighbour, which was moved.
    """
    base = {name: at for at, name in enumerate(rows[0])}
    places = {name: at for at, name in enumerate(rows[3])}
    for side, other in ((rows[1], rows[2]), (rows[2], rows[1])):
        if not _moved(base, other):
            continue
        stays = _unmoved([base[name] for name in other if name in base])
        for one, two in pairwise(name for name in side if name not in defined):
            new, old = (one, two) if two in base else (two, one)
            there = new not in base and base.get(old) in stays and new in places and old in places
            if there and places[two] < places[one]:
                yield two, one


def _unmoved(order: Sequence[int]) -> set[int]:
    """The numbers that each longest rising part of a row of them has."""
    size = len(order)
    below, above = [1] * size, [1] * size
    for at in range(size):
        below[at] += max((below[k] for k in range(at) if order[k] < order[at]), default=0)
    for at in reversed(range(size)):
        later = (above[k] for k in range(at + 1, size) if order[k] > order[at])
        above[at] += max(later, default=0)
    longest = max((b + a for b, a in zip(below, above, strict=True)), default=0)
    part = [at for at in range(size) if below[at] + above[at] == longest]
    ranks = Counter(below[at] for at in part)
    return {order[at] for at in part if ranks[below[at]] == 1}


def _moved(base: dict[str, int], row: Sequence[str]) -> bool:
    places = [base[name] for name in row if name in base]
    return any(one > other for one, other in pairwise(places))


# --- neighbours


class _Bodies:
    """A reading's bodies, and what its statements are called: by themselves, and as in the base
    where they stood there.
    """

    def __init__(self, base: Sequence[CountedStatement], reading: Reading) -> None:
        row = reading.sequence
        self.bodies = reading.bodies
        self.names = {
            s.key: frozenset((s.key, name)) for s, name in zip(row, _named(base, row), strict=True)
        }
        self.all = frozenset[str]().union(*self.names.values())

    def end(self, body: Body, step: int) -> frozenset[str]:
        """What the top (-1) or the end (1) of a body is called."""
        side = "above" if step < 0 else "below"
        if body.role in {"elif", "orelse"}:  # another clause may have come between it and its `if`
            return frozenset((f"{side} {body.scope} {body.role}",))
        owners = self.names.get(body.owner, frozenset((body.owner,)))
        return frozenset(f"{side} {body.scope} {owner} {body.role}" for owner in owners)

    def beside(self, body: Body, at: int, step: int, known: frozenset[str]) -> frozenset[str]:
        """The next statement above or below one that `known` holds, or the end of the body."""
        at += step
        while 0 <= at < len(body.statements):
            names = self.names[body.statements[at].key]
            if names & known:
                return names
            at += step
        return self.end(body, step)

    def left(self, body: Body, run: tuple[int, int], result: _Bodies, there: Body) -> bool:
        """Whether a run's body is another one in the result, and a neighbour is still in the old
        one.
        """
        if result.end(there, 1) & self.end(body, 1):
            return False
        beside = [at for at in (run[0] - 1, run[1] + 1) if 0 <= at < len(body.statements)]
        known = frozenset[str]().union(*(self.names[body.statements[at].key] for at in beside))
        return any(
            result.end(other, 1) & self.end(body, 1)
            and any(result.names[s.key] & known for s in other.statements)
            for other in result.bodies
        )


def anchors(four: Four) -> Iterator[Doubt]:
    """A run of statements that a side added keeps a neighbour: the statement above or below it, or
    the end of the body that it stood at. A definition that both added may stand at either place,
    imports on a condition anywhere.
    """
    base = four[0].sequence
    old = frozenset(s.key for s in base)
    sides = [_Bodies(base, reading) for reading in four[1:3]]
    result = _Bodies(base, four[3])
    for side in sides:
        for key in result.names.keys() & side.names.keys():
            result.names[key] |= side.names[key]
    where = {s.key: (body, at) for body in result.bodies for at, s in enumerate(body.statements)}
    often = {key for key, n in Counter(s.key for s in four[3].sequence).items() if n > 1}
    for side in sides:
        for body in side.bodies:
            for first, last in _runs([side.names[s.key] & old for s in body.statements]):
                said = body.statements[first]
                added = body.statements[first : last + 1]
                if all(s.guard for s in added):
                    continue
                if all(s.defines and all(s.key in each.names for each in sides) for s in added):
                    continue
                ends = ((said, first, -1), (body.statements[last], last, 1))
                if not all(s.key in where and s.key not in often for s, _, _ in ends):
                    continue
                if not any(
                    side.beside(body, at, step, side.all)
                    & result.beside(*where[s.key], step, side.all)
                    for s, at, step in ends
                ):
                    says = "would stand where neither of its neighbours is"
                    yield Doubt("anchor", said.title, body.scope, says=says)
                elif side.left(body, (first, last), result, where[said.key][0]):
                    says = "would go along with one of its neighbours, and the other one stays"
                    yield Doubt("anchor", said.title, body.scope, says=says)


def _runs(known: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """The runs (first and last) of statements that the base does not know."""
    at = 0
    while at < len(known):
        end = at
        while end < len(known) and not known[end]:
            end += 1
        if end > at:
            yield at, end - 1
        at = end + 1
