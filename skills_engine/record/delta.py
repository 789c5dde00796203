"""A change of one file, cut into deltas, each with the ways to say it, from the most general to the most literal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from skills_engine.codemods.operation import Malformed
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, Refused, Unparsable
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
_MOST = 12
"""How many of several matching places are tried."""


@dataclass(frozen=True)
class Delta:
    """Bytes `start` to `end` of the file before read `new` after. `ways` are lists of entries that may say so.

    `about` names what changed, for a heading: `App.start`, `CHANNELS`; empty for the module itself.
    """

    start: int
    end: int
    new: bytes
    ways: Iterable[Entries] = field(repr=False, default=())
    about: str = ""
    urgent: bool = False
    """Whether it goes before the others: it makes room for a name that another one defines."""


@dataclass(frozen=True, slots=True)
class Said:
    """A delta, and the entries that make it; `entries` is None where no way gave the same bytes."""

    delta: Delta
    entries: Entries | None


def compose(data: bytes, deltas: Sequence[Delta]) -> bytes:
    """The file with those deltas made. They do not overlap; several at one place follow one another as given."""
    out: list[bytes] = []
    at = 0
    for delta in sorted(deltas, key=lambda delta: delta.start):
        out += [data[at : delta.start], delta.new]
        at = delta.end
    return b"".join([*out, data[at:]])


def say(path: str, before: bytes, deltas: Sequence[Delta], around: Files) -> list[Said]:
    """Choose, delta by delta, the first way that gives just the bytes that it should, on what came before it."""
    order = sorted(range(len(deltas)), key=lambda i: (not deltas[i].urgent, i))
    made: list[int] = []
    here = before
    said: list[Said] = []
    for index in order:
        wanted = compose(before, [deltas[i] for i in sorted([*made, index])])
        ways = chain(deltas[index].ways, snippets(path, here, wanted))
        trial = _Trial(path, around, wanted)
        found = next((entries for way in ways if (entries := trial.run(here, way)) is not None), None)
        said.append(Said(deltas[index], found))
        if found is not None:
            made.append(index)
            here = wanted
    return said


@dataclass(frozen=True)
class _Trial:
    path: str
    around: Files
    wanted: bytes

    def run(self, before: bytes, way: Entries) -> Entries | None:
        """The entries (with `nth` where it takes that) if they make what is wanted, else None."""
        return next((entries for entries, after in self._branches(before, way) if after == self.wanted), None)

    def _branches(self, before: bytes, way: Entries) -> Iterator[tuple[Entries, bytes]]:
        if not way:
            yield (), before
            return
        for entry, after in self._results(before, way[0]):
            for rest, last in self._branches(after, way[1:]):
                yield (entry, *rest), last

    def _results(self, before: bytes, entry: Entry) -> Iterator[tuple[Entry, bytes]]:
        """What the file becomes, for every place that the entry may mean."""
        try:
            yield entry, self._apply(before, entry)
            return
        except CannotEnsure as error:
            if error.outcome is not Outcome.AMBIGUOUS or entry["ensure"] not in _COUNTED:
                return
        except _NO_WAY:
            return
        for nth in range(1, _MOST + 1):
            counted = {**entry, "nth": nth}
            try:
                yield counted, self._apply(before, counted)
            except (CannotEnsure, *_NO_WAY):
                return

    def _apply(self, before: bytes, entry: Entry) -> bytes:
        world = Overlay(self.around)
        world.write(self.path, before)
        decode(entry).apply(world)
        if world.written.keys() != {self.path}:
            raise Refused("other files would change too")
        return world.written[self.path] or b""
