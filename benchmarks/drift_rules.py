"""The rules of the merge of Python and the laws of its judge: one list, each with what it rests on,
and how to leave it out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from skills_engine.judge import Doubt
from skills_engine.judge import python as judge
from skills_engine.judge.reading import Four

__all__ = ["RULES", "Rule", "left_out", "watched"]


@dataclass(frozen=True)
class Rule:
    """`place` is the module and the function in it that the rule is asked by; without it the rule
    is a law of the judge. `neutral` is what the function answers where the rule has nothing to say.
    """

    name: str
    evidence: str
    place: str = ""
    neutral: object = ""


_MERGE = "skills_engine.merge."
RULES = (
    Rule("resurrected", "the base had the word, a side that has others uses it nowhere any more",
         _MERGE + "python.language:resurrected"),
    Rule("undefined", "Python's symbol tables: no line binds a name that both sides bind",
         _MERGE + "python.language:undefined"),
    Rule("doubled", "a definition, import or statement stands twice that each side has once",
         _MERGE + "python.language:doubled"),
    Rule("revived", "the base has it once, one side nowhere, the other elsewhere",
         _MERGE + "python.language:revived"),
    Rule("renames", "each use that the side kept reads the new name, in two definitions at least",
         _MERGE + "python.language:renames", {}),
    Rule("followed", "the lines of an edit stand word for word once in both, moved",
         _MERGE + "python.language:followed", ()),
    Rule("left behind", "both neighbours in a row were given one other form",
         _MERGE + "core.blocks:left_behind", False),
    Rule("order of names", "two lists of names a file at least, all in one order",
         _MERGE + "python.rules:name_order", None),
    Rule("wrapped", "the base's node stands inside the side's",
         _MERGE + "core.nodes:stands_in", None),
    Rule("guards", "a statement holds only imports and names for what is imported",
         _MERGE + "python.tree:guards_imports", False),
    *(Rule(f"law {name}", (law.__doc__ or "").split(".")[0].strip().replace("\n    ", " "))
      for name, law in judge.LAWS.items()),
    Rule("judge", "all laws at once", _MERGE + "core.rules:doubt"),
)  # fmt: skip


def _function(rule: Rule) -> tuple[object, str]:
    module, _, name = rule.place.partition(":")
    return importlib.import_module(module), name


@contextmanager
def left_out(rule: Rule) -> Iterator[None]:
    """The merge without a rule."""
    if not rule.place:
        name = rule.name.removeprefix("law ")
        law = judge.LAWS[name]
        judge.LAWS[name] = lambda _four: iter(())
        try:
            yield
        finally:
            judge.LAWS[name] = law
        return
    module, name = _function(rule)
    function = getattr(module, name)
    setattr(module, name, lambda *_args, **_kept: rule.neutral)
    try:
        yield
    finally:
        setattr(module, name, function)


@contextmanager
def watched(rules: tuple[Rule, ...]) -> Iterator[set[str]]:
    """The merge, and the names of the rules that had something to say."""
    spoke: set[str] = set()
    kept: list[tuple[object, str, object]] = []
    laws = dict(judge.LAWS)
    for name, law in laws.items():
        judge.LAWS[name] = _heard(law, f"law {name}", spoke)
    for rule in rules:
        if rule.place:
            module, name = _function(rule)
            function = getattr(module, name)
            kept.append((module, name, function))
            setattr(module, name, _asked(function, rule, spoke))
    try:
        yield spoke
    finally:
        judge.LAWS.update(laws)
        for module, name, function in kept:
            setattr(module, name, function)


def _heard(law: judge.Law, name: str, spoke: set[str]) -> judge.Law:
    def heard(four: Four) -> Iterator[Doubt]:
        for found in law(four):
            spoke.add(name)
            yield found

    return heard


def _asked(function: Callable[..., object], rule: Rule, spoke: set[str]) -> Callable[..., object]:
    def asked(*args: object, **options: object) -> object:
        answer = function(*args, **options)
        if rule.name == "followed":
            answer = list(cast("Iterator[object]", answer))
        if answer not in (rule.neutral, [], None, ""):
            spoke.add(rule.name)
        return answer

    return asked
