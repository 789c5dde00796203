"""Additions of both sides at one place: where their order means nothing they stand together, else
they conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.merge.core.tree import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skills_engine.merge.core.order import Aligned
    from skills_engine.merge.core.tree import Unit

    Units = Callable[[Aligned], tuple[Unit | None, Unit | None, Unit | None]]

__all__ = ["FREE", "Run", "runs"]

_ORDERS: tuple[Callable[[str], tuple[str, ...]], ...] = (
    lambda text: (text,),
    lambda text: (text.removeprefix("from ").removeprefix("import ").lower(),),
)
ELSE = ("else", None, None)
FREE = {"import", "definition", "comment", "decorator", "entry"}


@dataclass(frozen=True, slots=True)
class Run:
    """Entries in a row; `conflict` is why they conflict as a whole, or ''; `gone` is the side that
    has no longer what additions of the other one stood beside, if that is the reason."""

    entries: tuple[Aligned, ...]
    conflict: str = ""
    gone: str = ""


def runs(
    entries: list[Aligned],
    kept: list[Aligned],
    units: Units,
    scope: str,
    size: int,
) -> Iterable[Run]:
    """The kept entries in order. `entries` are all, of a base with `size` units, so that it shows
    where what an addition stood beside, or in whose place it is, is gone.
    """
    alive = {id(entry) for entry in kept}
    there = {entry.base for entry in entries}
    at = 0
    while at < len(entries):
        end = at
        while end < len(entries) and _new(entries[end]):
            end += 1
        if end == at:
            if id(entries[at]) in alive:
                yield Run((entries[at],))
            at += 1
            continue
        beside = (*entries[max(at - 1, 0) : at], *entries[end : end + 1])
        above = entries[at - 1].base if at else -1
        under = entries[end].base if end < len(entries) else size
        both = (
            above is not None
            and under is not None
            and not there.issuperset(range(above + 1, under))
        )
        gone_o = [e.base is not None and e.ours is None for e in beside]
        gone_t = [e.base is not None and e.theirs is None for e in beside]
        lost = {
            "ours": len(gone_o) if both else sum(gone_o),
            "theirs": len(gone_t) if both else sum(gone_t),
        }
        yield from _settled([e for e in entries[at:end] if id(e) in alive], units, scope, lost)
        at = end


def _settled(new: list[Aligned], units: Units, scope: str, lost: dict[str, int]) -> Iterable[Run]:
    """Additions at one place: in order, or as one run that is conflict."""
    ours = [entry for entry in new if entry.ours is not None]
    theirs = [entry for entry in new if entry.ours is None]
    units_o = [unit for entry in ours if (unit := units(entry)[1])]
    units_t = [unit for entry in theirs if (unit := units(entry)[2])]
    if scope != "entries":
        reason = _rivalry(units_t, units_o, scope) if ours and theirs else ""
        gone = [
            (side, why)
            for side, units_ in (("ours", units_t), ("theirs", units_o))
            if (why := _unanchored(units_, side, lost))
        ]
        if reason or gone:
            yield Run(tuple(new), reason) if reason else Run(tuple(new), gone[0][1], gone[0][0])
            return
    if ours and theirs:
        head_o, head_t = _head(units_o), _head(units_t)
        imports = [
            *zip(ours[:head_o], units_o, strict=False),
            *zip(theirs[:head_t], units_t, strict=False),
        ]
        new = [*_sorted(imports), *ours[head_o:], *theirs[head_t:]]
        new.sort(key=lambda entry: any(u is not None and u.case == ELSE for u in units(entry)))
    for entry in new:
        yield Run((entry,))


def _sorted(imports: list[tuple[Aligned, Unit]]) -> list[Aligned]:
    """Imports of both sides; those of theirs among ours where both are in the order of their
    text.
    """
    ours = [(entry, unit) for entry, unit in imports if entry.ours is not None]
    theirs = [(entry, unit) for entry, unit in imports if entry.ours is None]
    plain = all(unit.role == "import" and not unit.gap for _, unit in imports)
    for order in _ORDERS:
        rows = [[order(unit.node.text) for _, unit in side] for side in (ours, theirs)]
        if plain and all(row == sorted(row) for row in rows):
            return [
                entry for entry, _ in sorted(imports, key=lambda pair: order(pair[1].node.text))
            ]
    return [entry for entry, _ in imports]


def _head(units: list[Unit]) -> int:
    """How many units at the front are a docstring or imports, with the comments above them."""
    head = 0
    for at, unit in enumerate(units):
        if unit.role in {"import", "docstring"}:
            head = at + 1
        elif unit.role != "comment":
            break
    return head


def _rivalry(theirs: list[Unit], ours: list[Unit], scope: str) -> str:
    """Why the order of two sides' additions matters, or ''."""
    names_t, names_o = _names(theirs), _names(ours)
    both = names_t & names_o
    if both:
        return f"both sides add {min(both)}"
    if all(any(unit.role == "docstring" for unit in side) for side in (theirs, ours)):
        return "both sides add a docstring"
    if scope == "clauses" and (
        _exclusive([*theirs, *ours]) or [ELSE] in ([u.case for u in theirs], [u.case for u in ours])
    ):
        return ""
    if _imports_first(theirs, ours) or _imports_first(ours, theirs):
        return ""
    for unit in (*theirs, *ours):
        if unit.role not in FREE and unit.role not in {"assignment", "docstring"}:
            return f"both sides add at one place: {unit.title}"
    if scope == "statements":
        said_t, said_o = _words(theirs), _words(ours)
        crossed = {n for n in names_t if n.rpartition(".")[2] in said_o} | {
            n for n in names_o if n.rpartition(".")[2] in said_t
        }
        if crossed:
            return f"both sides add code that uses {min(crossed)}"
    return ""


def _exclusive(units: list[Unit]) -> bool:
    """Whether of clauses at most one can hold, whatever their order; an `else` is the last."""
    cases = [unit.case for unit in units]
    asked = [case for case in cases if case is not None and case != ELSE]
    return (
        None not in cases
        and len({case[:2] for case in asked}) <= 1
        and len({case[2] for case in asked}) == len(asked) >= len(cases) - 1
    )


def _imports_first(imports: list[Unit], others: list[Unit]) -> bool:
    """Whether one side adds only imports, which the other side's statements neither use nor undo:
    no calls for their own sake, no stores into what may be imported."""
    if not all(
        unit.role == "comment" or (unit.role == "import" and unit.binds) for unit in imports
    ):
        return False
    for unit in others:
        stores = unit.role == "assignment" and not str(unit.key[1]).isidentifier()  # type: ignore[index]
        if unit.node.kind == "Expr" or stores:
            return False
    return {name for unit in imports for name, _ in unit.binds}.isdisjoint(_words(others))


def _unanchored(units: list[Unit], other: str, lost: dict[str, int]) -> str:
    """Why additions have no place any more, or '': the other side deleted what stood beside."""
    free = FREE | ({"guard"} if lost[other] > 1 else {"guard", "assignment"})
    for unit in units if lost[other] else ():
        if unit.role not in free and unit.role not in {"docstring", "filler"}:
            return f"what stood beside {unit.title} is no longer there in {other}"
    return ""


def _names(units: list[Unit]) -> set[str]:
    return {str(unit.title) for unit in units if unit.role in {"definition", "assignment"}}


def _words(units: list[Unit]) -> set[str]:
    return {word for unit in units for word in words(unit.node.text)}


def _new(entry: Aligned) -> bool:
    return entry.base is None and (entry.ours is None or entry.theirs is None)
