"""`publish`: packages checked, and entered into an index that others look into."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused, TestsFailed
from skills_engine.graft.fork import Fork
from skills_engine.graft.index import IndexEntry, write_index
from skills_engine.graft.project import read_project
from skills_engine.graft.sources import read_directory
from skills_engine.package.capabilities import capabilities
from skills_engine.types import Event
from skills_engine.verbs.lint import lint
from skills_engine.verbs.paths import package_folders
from skills_engine.verbs.test import Ways, try_out
from skills_engine.verbs.trials.trial import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.types import Progress

__all__ = ["Published", "publish"]


@dataclass(frozen=True, slots=True)
class Published:
    """The index, and the entries that were written into it."""

    index: str
    entries: tuple[IndexEntry, ...]


def publish(
    directory: Path, names: Sequence[str], index: Path, source: str, *, check: bool, trust: bool
) -> Progress[Published]:
    """Enter packages (names or paths; all of the fork without any) into the index at a path.

    Each must be without a mistake; with `check` it is tried on this core as `test` does, with its
    own tests. `source` is the git address of the repository that they stand in: without it they are
    named by their place beside the index. Raises Refused or TestsFailed, with nothing written.
    """
    problems = yield from lint(directory, names)
    if problems:
        raise Refused(
            f"{problems[0]}" + (f" (and {len(problems) - 1} more)" if problems[1:] else ""),
            hint="mend them first: skills lint",
        )
    if check:
        trials = yield from try_out(directory, names, Ways(), run=True, trust=trust)
        wrong = [trial for trial in trials if trial.verdict is not Verdict.RIGHT]
        if wrong:
            raise TestsFailed(
                f"{' + '.join(wrong[0].skills)} does not pass: {wrong[0].found}",
                hint="see: skills test; nothing was written",
            )
    fork = Fork.open(directory)
    try:
        yield Event(f"write {index}")
        entries = []
        for folder in package_folders(fork, names):
            package = fork.load(folder.name, read_directory(fork, folder))
            if package.manifest is None:
                continue
            home = read_project(fork.tree).home
            asks = capabilities(package, home=home)
            entries.append(
                IndexEntry(
                    package.name,
                    package.manifest.version,
                    package.digest,
                    package.description,
                    _source(fork, folder, index, source),
                    package.manifest.core,
                    (*asks.code, *asks.other),
                )
            )
        write_index(index, entries)
        return Published(str(index), tuple(entries))
    finally:
        fork.close()


def _source(fork: Fork, folder: Path, index: Path, source: str) -> str:
    root = fork.repository.root.resolve()
    if not source:
        return Path(os.path.relpath(folder.resolve(), index.absolute().parent.resolve())).as_posix()
    if not folder.resolve().is_relative_to(root):
        raise Refused(f"{folder} is not in {root}, which {source} is to be the address of")
    return f"{source}#{folder.resolve().relative_to(root).as_posix()}"
