"""A change of one file, cut into deltas, each with the ways to say it, from the most general to the
most literal.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skills_engine.codemods.operation import Malformed, perform
from skills_engine.codemods.registry import decode
from skills_engine.data.snippet import is_alone
from skills_engine.errors import CannotEnsure, Refused, Unparsable
from skills_engine.lines import bare_lines
from skills_engine.record.literal import snippets
from skills_engine.record.overlay import Overlay
from skills_engine.types import Outcome

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["Delta", "Entries", "Entry", "Said", "compose", "say"]

Entry = Mapping[str, Any]
"""One entry of a `codemod` block."""
Entries = tuple[Entry, ...]

_NO_WAY = (Malformed, Unparsable, Refused, ValueError, RecursionError)
"""What an operation raises that does not fit, or is none."""
_COUNTED = frozenset({"statement", "argument", "wrap"})
"""Operations that take `nth` where several places match."""
_NEIGHBOURS = frozenset({"after", "before"})
_NAMED = {"text": ("before",), "no-statement": ("code",)}
"""The keys that say what must be there, where they are others than patterns and neighbours."""
_MANY = 4
"""Lines of a pattern above which a snippet of half of them is better."""
_MORE = 8
"""Lines that a snippet may have more, so that it says its place when that has drifted."""
_MOST = 12
"""How many of several matching places are tried."""


@dataclass(frozen=True)
class Delta:
    """Bytes `start` to `end` of the file before read `new` after. `ways` are lists of entries that
    may say so.

    `about` names what changed, for a heading: `App.start`, `CHANNELS`; empty for the module itself.
    """

    start: int
    end: int
    new: bytes
    ways: Sequence[Entries] = field(repr=False, default=())
    about: str = ""
    turn: int = 1
    """What goes (0) makes room for a name that something else defines, what changes (1) is told
    from what is new (2) and has the same code, and imports go last (3), unused by then."""


@dataclass(frozen=True, slots=True)
class Said:
    """A delta, and the entries that make it; `entries` is None where no way gave the same bytes."""

    delta: Delta
    entries: Entries | None


def compose(data: bytes, deltas: Sequence[Delta]) -> bytes:
    """The file with those deltas made. They do not overlap; several at one place follow one another
    as given.
    """
    out: list[bytes] = []
    at = 0
    for delta in sorted(deltas, key=lambda delta: delta.start):
        out += [data[at : delta.start], delta.new]
        at = delta.end
    return b"".join([*out, data[at:]])


def say(
    path: str, before: bytes, deltas: Sequence[Delta], around: Files, *, loose: bool = False
) -> tuple[list[Said], bytes]:
    """Choose, delta by delta, the first way that gives just the bytes that it should, on what came
    before it.

    Ways that must count places come after those that name them, and snippets last. With `loose`,
    other blank lines will do. The file as it reads then comes second.
    """
    order = deque(sorted(range(len(deltas)), key=lambda i: (deltas[i].turn, i)))
    late: set[int] = set()
    made: list[int] = []
    here = before
    said: list[Said] = []
    while order:
        index = order.popleft()
        wanted = compose(before, [deltas[i] for i in sorted([*made, index])])
        if order and index not in late and path.endswith(".py") and not _parses(wanted):
            late.add(index)  # the last statement of a block goes after another one came
            order.append(index)
            continue
        same = _alike(deltas, index, order)
        if same is not None:
            others, entry = same
            more = compose(before, [deltas[i] for i in sorted([*made, index, *others])])
            found = _Trial(path, around, more, loose).first(here, [({**entry, "all": True},)])
            if found is not None:
                said.append(Said(deltas[index], found))
                made += [index, *others]
                order = deque(i for i in order if i not in others)
                here = more
                continue
        trial = _Trial(path, around, wanted, loose)
        found = trial.first(here, deltas[index].ways)
        found = found or trial.first(here, deltas[index].ways, counted=True)
        if found is None or _long(found):
            shorter = trial.snippet(here)
            if found is None or (shorter is not None and 2 * _lines(shorter) <= _lines(found)):
                found = shorter
        said.append(Said(deltas[index], found))
        if found is not None:
            made.append(index)
            here = wanted
    return said, here


def _alike(
    deltas: Sequence[Delta], index: int, order: Iterable[int]
) -> tuple[list[int], Entry] | None:
    """The other deltas that exchange the same code of the same definition, and the entry that says
    so; None where there are none.
    """
    entry = _replacement(deltas[index])
    others = [i for i in order if entry is not None and _replacement(deltas[i]) == entry]
    return (others, entry) if entry is not None and others else None


def _replacement(delta: Delta) -> Entry | None:
    alone = (way[0] for way in delta.ways if len(way) == 1)
    return next((entry for entry in alone if entry["ensure"] == "replace"), None)


def _parses(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


@dataclass(frozen=True)
class _Trial:
    path: str
    around: Files
    wanted: bytes
    loose: bool

    def first(
        self, before: bytes, ways: Iterable[Entries], *, counted: bool = False
    ) -> Entries | None:
        """The entries of the first way that makes what is wanted; `counted`: with `nth` where it
        takes that.
        """
        for way in ways:
            for entries, after in self._branches(before, way, counted=counted):
                if self._right(after) and self._sound(before, entries):
                    return entries
        return None

    def snippet(self, before: bytes) -> Entries | None:
        """The shortest snippet that makes what is wanted, or one of some more lines that nothing
        else there is like.
        """
        shortest: Entries | None = None
        for way in snippets(self.path, before, self.wanted):
            if shortest and _lines(way) > _lines(shortest) + _MORE:
                break
            if any(self._right(after) for _, after in self._branches(before, way, counted=False)):
                if is_alone(before, str(way[0]["before"])):
                    return way
                shortest = shortest or way
        return shortest

    def _right(self, after: bytes) -> bool:
        return after == self.wanted or (self.loose and _bare(after) == _bare(self.wanted))

    def _sound(self, before: bytes, entries: Entries) -> bool:
        """Whether of two neighbours each says the same place: where the ground has drifted, one
        alone will decide.
        """
        if not any(entry.keys() >= _NEIGHBOURS and entry["ensure"] != "text" for entry in entries):
            return True
        for one in _NEIGHBOURS:
            alone = tuple(
                {key: value for key, value in entry.items() if key != one} for entry in entries
            )
            if any(
                not self._right(after) for _, after in self._branches(before, alone, counted=False)
            ):
                return False
        return True

    def _branches(
        self, before: bytes, way: Entries, *, counted: bool
    ) -> Iterator[tuple[Entries, bytes]]:
        if not way:
            yield (), before
            return
        for entry, after in self._results(before, way[0], counted=counted):
            for rest, last in self._branches(after, way[1:], counted=counted):
                yield (entry, *rest), last

    def _results(
        self, before: bytes, entry: Entry, *, counted: bool
    ) -> Iterator[tuple[Entry, bytes]]:
        """What the file becomes, for every place that the entry may mean."""
        try:
            yield entry, self._apply(before, entry)
            return
        except CannotEnsure as error:
            if (
                not counted
                or error.outcome is not Outcome.AMBIGUOUS
                or entry["ensure"] not in _COUNTED
            ):
                return
        except _NO_WAY:
            return
        for nth in range(1, _MOST + 1):
            numbered = {**entry, "nth": nth}
            try:
                yield numbered, self._apply(before, numbered)
            except (CannotEnsure, *_NO_WAY):
                return

    def _apply(self, before: bytes, entry: Entry) -> bytes:
        world = Overlay(self.around)
        world.write(self.path, before)
        perform(decode(entry), world)
        if world.written.keys() != {self.path}:
            raise Refused("other files would change too")
        return world.written[self.path] or b""


def _long(entries: Entries) -> bool:
    """Whether a change names many lines of what is there: the more it names, the more of it can
    drift.
    """
    return _lines(entries) > _MANY


def _lines(entries: Entries) -> int:
    """The lines that must be there for the entries to find their places; of two neighbours one is
    enough.
    """
    found = 0
    for entry in entries:
        kind = entry["ensure"]
        found += sum(_count(entry, key) for key in _NAMED.get(kind, ("pattern", "statements")))
        if kind not in _NAMED:
            found += min((_count(entry, key) for key in _NEIGHBOURS if key in entry), default=0)
    return found


def _count(entry: Entry, key: str) -> int:
    return len(bare_lines(str(entry.get(key, ""))))


def _bare(data: bytes) -> list[bytes]:
    """The lines that are not blank."""
    return [line for line in bare_lines(data) if line.strip()]
