"""Python, judged: the laws on the readings of four texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skills_engine.judge import counting, sequence, variables
from skills_engine.judge.doubt import Doubt
from skills_engine.judge.pieces import ParsedText, parsed, shared
from skills_engine.judge.reading import Body, CountedStatement, Four, Reading, read

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Mapping

__all__ = ["LAWS", "Law", "doubts"]

_SAME = 0.5
"""The share of words in common from which a definition is taken for another one renamed."""

Law = Callable[[Four], "Iterator[Doubt]"]

LAWS: dict[str, Law] = {
    "tok": counting.words,
    "edge": counting.edges,
    "stmt": sequence.statements,
    "pair": counting.pairs,
    "order": sequence.order,
    "com": counting.comments,
    "imp": counting.imports,
    "place": counting.places,
    "anchor": sequence.anchors,
    "twice": counting.twice,
    "var": variables.variables,
    "dead": counting.dead,
}


def parse(text: str) -> ast.Module | None:
    try:
        return parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def doubts(base: str, ours: str, theirs: str, result: str) -> Iterator[Doubt]:
    """What a result has not as the three versions make it due. A version that does not parse allows
    no judgement.
    """
    texts = (base, ours, theirs, result)
    parsed = [parse(text) for text in texts]
    modules = [module for module in parsed if module is not None]
    if len(modules) < 4:
        if all(module is not None for module in parsed[:3]):
            yield Doubt("syntax", "the result", "", says="would not parse")
        return
    sources = [ParsedText(text, module) for text, module in zip(texts, modules, strict=True)]
    alike = shared(sources)
    b, o, t, r = (read(source, alike) for source in sources)
    mine, his = _renamed(b, o), _renamed(b, t)
    four: Four = (b, _called(o, mine), _called(t, his), _called(r, {**his, **mine}))
    for law in LAWS.values():
        yield from law(four)


def _renamed(base: Reading, side: Reading) -> dict[str, str]:
    """The scopes that only the side has, by the base's that they were: half of the words at
    least are the same.
    """
    named = [{scope for scope, _ in reading.words} for reading in (base, side)]
    if named[0] >= named[1] or named[1] >= named[0]:
        return {}
    old, new = _scopes(base), _scopes(side)
    found: dict[str, str] = {}
    for scope in sorted(new.keys() - old.keys()):
        likeness = {
            other: _jaccard(old[other], new[scope])
            for other in sorted(old.keys() - new.keys() - set(found.values()))
        }
        best = max(likeness, key=lambda other: likeness[other], default=None)
        if best is not None and likeness[best] >= _SAME:
            found[scope] = best
    return found


def _scopes(reading: Reading) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for (scope, word), n in reading.words.items():
        if scope not in found:
            found[scope] = Counter()
        found[scope][word] = n
    return found


def _jaccard(one: Counter[str], other: Counter[str]) -> float:
    return (one & other).total() / max(1, (one | other).total())


def _called(reading: Reading, names: Mapping[str, str]) -> Reading:
    """A reading with scopes called otherwise."""
    if not names:
        return reading

    said = {
        id(s): replace(s, scope=names[s.scope])
        for s in (*reading.sequence, *reading.statements)
        if s.scope in names
    }

    def all_of(statements: list[CountedStatement]) -> list[CountedStatement]:
        return [said.get(id(s), s) for s in statements]

    return Reading(
        words=_counted(reading.words, names),
        edges=_counted(reading.edges, names),
        labels=_counted(reading.labels, names),
        rows=[(names.get(row[0], row[0]), *row[1:]) for row in reading.rows],
        bodies=[
            Body(
                body.owner,
                body.role,
                names.get(body.scope, body.scope),
                all_of(body.statements),
            )
            for body in reading.bodies
        ],
        sequence=all_of(reading.sequence),
        statements=all_of(reading.statements),
        comments=_counted(reading.comments, names),
        remarks=reading.remarks,
        captions=reading.captions,
        imports={(names.get(fact[0], fact[0]), *fact[1:]) for fact in reading.imports},
        bound={(names.get(where, where), name) for where, name in reading.bound},
        used={(names.get(where, where), name) for where, name in reading.used},
        module=reading.module,
    )


def _counted(facts: Counter[Any], names: Mapping[str, str]) -> Counter[Any]:
    """Facts that begin with their scope, counted with scopes called otherwise."""
    found = Counter[Any]()
    for fact, n in facts.items():
        found[(names[fact[0]], *fact[1:]) if fact[0] in names else fact] += n
    return found
