"""The verb `test`: skills tried on the core, alone and together, as their authors need it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import Goal
from skills_engine.manifest import SKILLS
from skills_engine.types import Event
from skills_engine.verbs.accept import accept_trial
from skills_engine.verbs.reports import Options
from skills_engine.verbs.trials.kept import TrialLog
from skills_engine.verbs.trials.spread import Bench, Spread
from skills_engine.verbs.trials.subjects import Subjects
from skills_engine.verbs.trials.trial import Case, Trial, TrialKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from skills_engine.types import Progress
    from skills_engine.verbs.trials.cluster import Cluster

__all__ = ["Ways", "summary", "try_out"]


@dataclass(frozen=True, slots=True)
class Ways:
    """What is tried beside each skill alone, on which commits (the fork's base without any), and by
    how many processes.
    """

    pairs: bool = False
    triples: bool = False
    drift: bool = False
    owner: bool = False
    mutate: bool = False
    cores: tuple[str, ...] = ()
    jobs: int = 1
    scheduler: str = ""
    """Of Dask: other machines try them, instead of processes here."""
    resume: bool = False
    """Take over what a run that was ended has tried of the same packages on the same core."""


def try_out(
    directory: Path,
    names: Sequence[str],
    ways: Ways,
    *,
    run: bool,
    trust: bool = False,
    seen: Callable[[Trial], None] | None = None,
) -> Progress[tuple[Trial, ...]]:
    """Each skill alone with exactly what it needs, twice, taken off again; and in the other ways.

    `names` are names or paths; without any, all are tried. `seen` gets each trial as it ends.
    Raises Refused where there is nothing to try: that is no success; Untrusted where tests of a
    package that is not upstream's would run without a room of their own, and nobody accepted that.
    """
    fork = Fork.open(directory)
    bench = journal = None
    try:
        subjects = Subjects.read(fork, names)
        if run or ways.mutate:
            goal = Goal(subjects.base, tuple(subjects.skills[n].pin for n in subjects.asked))
            accept_trial(fork, goal, Options(trust=trust))
        bench = Bench(directory, tuple(names), run, frozenset(fork.accepted))
        yield Event("see what there is to try")
        cases = list(_cases(bench, subjects, ways))
        if not cases:
            raise Refused(
                f"there is no skill to try in {SKILLS}", hint="name one, or the directory of one"
            )
        journal = TrialLog(fork.repository.root, bench, resume=ways.resume)
        known = [(case, journal.known(case)) for case in cases]
        trials = [trial for _, trial in known if trial is not None]
        for trial in trials:
            if seen is not None:
                seen(trial)
        todo = [case for case, trial in known if trial is None]
        for trial in _spread(bench, ways).run(todo):
            journal.keep(_case(trial), trial)
            trials.append(trial)
            if seen is not None:
                seen(trial)
            yield Event(f"tried {len(trials)} of {len(cases)}: {' + '.join(trial.skills)}")
        place = {case: number for number, case in enumerate(cases)}
        return tuple(sorted(trials, key=lambda each: place[_case(each)]))
    finally:
        if journal is not None:
            journal.close()
        fork.close()
        if bench is not None:
            bench.close()


def _spread(bench: Bench, ways: Ways) -> Spread | Cluster:
    if not ways.scheduler:
        return Spread(bench, ways.jobs or os.cpu_count() or 1)
    from skills_engine.verbs.trials.cluster import Cluster  # noqa: PLC0415  (who asks for it alone)

    return Cluster(bench, ways.scheduler)


def _cases(bench: Bench, subjects: Subjects, ways: Ways) -> Iterator[Case]:
    for core in ways.cores or ("",):
        for number in (1, 2, 3):
            if number == 1 or (ways.pairs, ways.triples)[number - 2]:
                for names in combinations(subjects.skills, number):
                    wanted = set(names) & set(subjects.asked)
                    if wanted and not subjects.exclude(names):
                        yield Case(TrialKind.TOGETHER, names, "", core)
        others = {
            TrialKind.DRIFT: ways.drift,
            TrialKind.OWNER: ways.owner,
            TrialKind.MUTATE: ways.mutate,
        }
        for kind in (kind for kind, on in others.items() if on):
            for name in subjects.asked:
                yield from bench.cases(kind, name, core)


def _case(trial: Trial) -> Case:
    return Case(TrialKind(trial.kind), trial.skills, trial.what, trial.core)


def summary(trials: Sequence[Trial]) -> dict[str, Counter[str]]:
    """How many of each kind of trial came to which verdict."""
    found: dict[str, Counter[str]] = {}
    for trial in trials:
        found.setdefault(trial.kind, Counter())[trial.verdict] += 1
    return found
