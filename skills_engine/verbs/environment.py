"""The skills' own tests before a publication, and the fork's own environment after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.transaction.scratch import scratch
from skills_engine.tree import Tree
from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.types import Progress

__all__ = ["bring_up_to_date", "run_skill_tests"]


def run_skill_tests(
    fork: Fork,
    tree: str,
    tests: Sequence[str],
    networked: Collection[str] = (),
    words: Sequence[str] = (),
) -> Progress[str | None]:
    """Run tests in a scratch worktree; None when they pass, otherwise what they printed.

    Those that are `networked`, by their packages' declaration, run apart from the others. `words`
    are more of pytest's own arguments.
    """
    from skills_engine.check.environment import default_cache, ensure_environment  # noqa: PLC0415
    from skills_engine.check.tests import run_tests  # noqa: PLC0415

    files = Tree(fork.objects, tree)
    pyproject, lock = files.read("pyproject.toml") or b"", files.read("uv.lock")
    yield Event("prepare an environment for the tests")
    python = ensure_environment(pyproject, lock, cache=default_cache(), report=_deaf)
    for network in (False, True):
        some = [path for path in tests if (path in networked) is network]
        if not some:
            continue
        yield Event(f"test{' with the network' if network else ''}: {', '.join(some)}")
        with scratch(fork.git, tree) as folder:
            run = run_tests(
                python, folder, some, timeout=600, report=_deaf, network=network, words=words
            )
        if not run.passed:
            return f"{run.output}\n{run.reason}"
    return None


def bring_up_to_date(fork: Fork, computed: Computed) -> Progress[tuple[str, ...]]:
    """Install what is newly needed into the fork's own environment. What fails there is said, not
    raised.
    """
    before = fork.tree.read("pyproject.toml") or b""
    after = Tree(fork.objects, computed.tree).read("pyproject.toml") or b""
    if before == after:
        return ()
    from skills_engine.check.update import bring_up_to_date as update  # noqa: PLC0415

    yield Event("bring the fork's environment up to date")
    lock = Tree(fork.objects, computed.tree).read("uv.lock")
    done = update(fork.repository.root, before, after, lock=lock, report=_deaf)
    said = ". ".join(part for part in (done.message, done.hint) if part)
    return (said,) if said else ()


def _deaf(text: str) -> None:
    """The events of the verb say it already."""
