"""Cases over processes: each opens the fork for itself, and tries what it is given."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from skills_engine.graft.fork import Fork
from skills_engine.verbs.trials.drift import Drift
from skills_engine.verbs.trials.mutate import Unbroken, mutants, run_mutant, unbroken
from skills_engine.verbs.trials.subjects import Subjects
from skills_engine.verbs.trials.together import run_together
from skills_engine.verbs.trials.trial import TrialKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skills_engine.verbs.trials.trial import Case, Trial

__all__ = ["Bench", "Spread"]


@dataclass
class Bench:
    """Where cases are tried: the fork's directory, the names as they were asked for, whether tests
    run.
    """

    directory: Path
    names: Sequence[str]
    run_tests: bool
    accepted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._subjects: dict[str, Subjects] = {}
        self._drift: dict[tuple[str, str], Drift] = {}
        self._unbroken: dict[tuple[str, str], Unbroken] = {}

    def subjects(self, core: str) -> Subjects:
        """On a commit; on the core for an empty one."""
        if core not in self._subjects:
            fork = Fork.open(self.directory)
            fork.accepted |= self.accepted
            self._subjects[core] = Subjects.read(fork, self.names, core)
        return self._subjects[core]

    def drift(self, core: str, skill: str) -> Drift:
        if (core, skill) not in self._drift:
            self._drift[core, skill] = Drift(self.subjects(core), skill)
        return self._drift[core, skill]

    def unbroken(self, core: str, skill: str) -> Unbroken:
        if (core, skill) not in self._unbroken:
            self._unbroken[core, skill] = unbroken(self.subjects(core), skill)
        return self._unbroken[core, skill]

    def cases(self, kind: TrialKind, skill: str, core: str) -> list[Case]:
        """What there is to try of a skill, but for `together`."""
        if kind is TrialKind.MUTATE:
            return list(mutants(self.subjects(core), skill))
        return list(self.drift(core, skill).cases(kind))

    def run(self, case: Case) -> Trial:
        """What became of it; it lasted so many seconds."""
        began = time.monotonic()
        if case.kind is TrialKind.TOGETHER:
            trial = run_together(self.subjects(case.core), case, run=self.run_tests)
        elif case.kind is TrialKind.MUTATE:
            whole = self.unbroken(case.core, case.skills[0])
            trial = run_mutant(self.subjects(case.core), case, whole)
        else:
            trial = self.drift(case.core, case.skills[0]).run(case)
        return replace(trial, seconds=round(time.monotonic() - began, 3))

    def close(self) -> None:
        for subjects in self._subjects.values():
            subjects.fork.close()


class Spread:
    """Cases tried by so many processes at once; by this one where that is one."""

    def __init__(self, bench: Bench, jobs: int) -> None:
        self.bench, self.jobs = bench, jobs

    def run(self, cases: Sequence[Case]) -> Iterator[Trial]:
        """The trials as they come."""
        if self.jobs == 1 or len(cases) == 1:
            yield from map(self.bench.run, cases)
            return
        bench = self.bench
        given = (bench.directory, tuple(bench.names), bench.run_tests, bench.accepted)
        with ProcessPoolExecutor(
            min(self.jobs, len(cases)), multiprocessing.get_context("spawn"), _begin, given
        ) as pool:
            waiting = [pool.submit(_run, case) for case in cases]
            try:
                for done in as_completed(waiting):
                    yield done.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


_BENCH: list[Bench] = []
"""The bench of a process that was started for cases."""


def _begin(*given: Any) -> None:
    _BENCH.append(Bench(*given))


def _run(case: Case) -> Trial:
    return _BENCH[0].run(case)
