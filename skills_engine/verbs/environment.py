"""The skills' own tests before a publication, and the fork's own environment after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.graft.project import read_project
from skills_engine.transaction.scratch import scratch
from skills_engine.tree import Tree
from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from skills_engine.check.plan import TestPlan
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.types import Progress

__all__ = ["bring_up_to_date", "run_skill_tests", "test_plan"]


def run_skill_tests(
    fork: Fork,
    tree: str,
    tests: Sequence[str],
    networked: Collection[str] = (),
    words: Sequence[str] = (),
    *,
    silence: float | None = None,
) -> Progress[str | None]:
    """Run tests in a scratch worktree; None when they pass, otherwise what they printed.

    Those that are `networked`, by their packages' declaration, run apart from the others. `words`
    are more of pytest's own arguments; `silence` ends tests that say nothing for so many seconds.
    """
    from skills_engine.check.environment import default_cache, ensure_environment  # noqa: PLC0415
    from skills_engine.check.tests import run_tests  # noqa: PLC0415

    yield Event("prepare an environment for the tests")
    plan = test_plan(fork, Tree(fork.objects, tree))
    python = ensure_environment(plan, cache=default_cache(), report=_deaf)
    for network in (False, True):
        some = [path for path in tests if (path in networked) is network]
        if not some:
            continue
        yield Event(f"test{' with the network' if network else ''}: {', '.join(some)}")
        with scratch(fork.git, tree) as folder:
            run = run_tests(
                python,
                folder,
                some,
                timeout=600,
                silence=silence,
                report=_deaf,
                network=network,
                words=words,
                plan=plan,
            )
        if not run.passed:
            return f"{run.output}\n{run.reason}"
    return None


def test_plan(fork: Fork, tree: Tree) -> TestPlan:
    """What it takes to run the tests of a tree, by what the tree itself says."""
    from skills_engine.check.plan import TestSettings, plan_of  # noqa: PLC0415

    said = read_project(tree)
    settings = TestSettings(said.test, said.test_requires, said.test_path)
    return plan_of(tree, settings, fork.core.version if fork.managed else "0")


def bring_up_to_date(fork: Fork, computed: Computed) -> Progress[tuple[str, ...]]:
    """Install what is newly needed into the fork's own environment. What fails there is said, not
    raised.
    """
    from skills_engine.check.projects import projects  # noqa: PLC0415
    from skills_engine.check.update import bring_up_to_date as update  # noqa: PLC0415

    after = Tree(fork.objects, computed.tree)
    old, new = (
        [text for each in projects(tree) for text in each.dependencies()]
        for tree in (fork.tree, after)
    )
    listed = computed.intent.after.core.dependencies
    if listed:
        old, new = (_more(kept, listed, tree) for kept, tree in ((old, fork.tree), (new, after)))
    if old == new:
        return ()

    yield Event("bring the fork's environment up to date")
    uv = after.read("uv.lock") is not None
    done = update(fork.repository.root, old, new, uv=uv, report=_deaf)
    said = ". ".join(part for part in (done.message, done.hint) if part)
    return (said,) if said else ()


def _more(known: list[str], path: str, tree: Tree) -> list[str]:
    """With what a requirements file lists that is none of a project's own."""
    from skills_engine.check.projects import listed  # noqa: PLC0415

    return known + listed(tree, path) if path.endswith((".txt", ".in")) else known


def _deaf(text: str) -> None:
    """The events of the verb say it already."""
