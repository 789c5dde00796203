"""A log of trials in the cache of their owner, so that a run which was ended goes on."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, TextIO

from skills_engine.check.environment import default_cache
from skills_engine.verbs.trials.trial import Trial

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.verbs.trials.spread import Bench
    from skills_engine.verbs.trials.trial import Case

__all__ = ["TrialLog"]


class TrialLog:
    """A line a trial of the skills of a repository, which itself is only looked at. A run begins it
    anew, or goes on with it (`resume`): a trial counts again only of the same packages on the same
    core. Where it cannot be written, no run can go on with this one.
    """

    def __init__(self, root: Path, bench: Bench, *, resume: bool) -> None:
        self._bench = bench
        path = default_cache("trials") / f"{sha256(os.fsencode(root)).hexdigest()}.jsonl"
        self._known = _read(path) if resume else {}
        self._file: TextIO | None = None
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a" if resume else "w", encoding="utf-8")
            self._file.write("\n")  # behind half a line

    def known(self, case: Case) -> Trial | None:
        """What came of a case before."""
        return self._known.get(self._key(case))

    def keep(self, case: Case, trial: Trial) -> None:
        if self._file is not None:
            self._file.write(json.dumps([self._key(case), asdict(trial)]) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _key(self, case: Case) -> str:
        subjects = self._bench.subjects(case.core)
        pins = [(pin.name, pin.package) for pin in subjects.pins(case.skills)]
        said = [case.kind, case.what, case.skills, subjects.base.base, pins, self._bench.run_tests]
        return sha256(json.dumps(said).encode()).hexdigest()


def _read(path: Path) -> dict[str, Trial]:
    """The last line of a run that was killed may be half a line."""
    found = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError:
        return {}
    for line in lines:
        try:
            key, said = json.loads(line)
            found[key] = Trial(**said | {"skills": tuple(said["skills"])})
        except (ValueError, TypeError, KeyError):
            continue
    return found
