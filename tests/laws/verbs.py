"""The verbs, as functions from a commit in memory to the next: what a verb asks for, and what the
engine computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laws.memory import Memory
from skills_engine.graft.fork import Fork
from skills_engine.graft.goal import Resolved, for_apply, for_rebase, for_uninstall
from skills_engine.graft.intent import Intent, cache_ref
from skills_engine.graft.operation import Computed, compute
from skills_engine.manifest import CORE, Core, render
from skills_engine.types import result

__all__ = ["Line"]


class Line:
    """A fork in memory. Each verb gives what the engine computed; `take` makes that the fork's next
    commit.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.git = Memory()
        self.base = self.git.record(self.git.store(files))
        core = Core("https://example.org/bot", "main", self.base, "0.1.0")
        self.git.record(self.git.store({CORE: render(core)}, self.tree), self.base)

    @property
    def tree(self) -> str:
        return self.git.tree_of(self.git.refs["HEAD"])

    @property
    def files(self) -> dict[str, bytes]:
        return self.git.files(self.tree)

    @property
    def fork(self) -> Fork:
        return Fork(self.git)

    def edit(self, files: Mapping[str, bytes]) -> None:
        """The owner's commit, after which the tree has these files and no others."""
        self.git.record(self.git.store(files), self.git.refs["HEAD"])

    def upstream(self, files: Mapping[str, bytes]) -> str:
        """A commit of upstream on its base; HEAD stays where it is."""
        head = self.git.refs["HEAD"]
        try:
            return self.git.record(self.git.store(files), self.base)
        finally:
            self.git.refs["HEAD"] = head

    def apply(self, *names: str) -> Computed:
        fork = self.fork
        return self._compute(fork, "apply", for_apply(fork, names))

    def uninstall(self, *names: str) -> Computed:
        fork = self.fork
        return self._compute(fork, "uninstall", for_uninstall(fork, names))

    def rebase(self, onto: str) -> Computed:
        fork = self.fork
        return self._compute(fork, "rebase", for_rebase(fork, onto))

    def take(self, computed: Computed) -> None:
        """Publish, as far as that is pure: a commit, and the graft where later verbs look for it."""
        assert computed.clean, computed.merge.conflicts or computed.findings
        after = computed.intent.after
        self.git.refs[cache_ref(self.git.tree_of(after.core.base), after)] = computed.wanted.tree
        self.git.record(computed.tree, computed.head)

    def _compute(self, fork: Fork, verb: str, found: Resolved) -> Computed:
        intent = Intent(verb, verb, fork.goal, found.goal, (*found.added, *found.removed))
        return result(compute(fork, intent))


def contents(files: Mapping[str, bytes], names: Sequence[str]) -> str:
    """Files as a person reads them, for the message of a failed test."""
    return "".join(f"--- {name}\n{files.get(name, b'').decode()}" for name in names)
