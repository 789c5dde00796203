"""What tests on real repositories share.

repos   a git repository in a directory, its commands, its files from dicts
forks   a small upstream with three skills, its next version, forks of it, an owner's loose ends
state   everything that law 5 speaks of, as a value that can be compared
cli     the program `skills`, run as a process
merging git's own line merge
conflicts forks that conflict with their upstream

    from harness import fork_of, skills, state, upstream

    def test_a_refusal_changes_nothing(tmp_path):
        fork = fork_of(upstream(tmp_path / "upstream"), tmp_path / "fork")
        before = state(fork)
        assert skills(fork, "apply", "no-such-skill").code == 1
        assert state(fork) == before
"""

from harness.cli import Ran, console, environment, skills, skills_command
from harness.forks import advance, fork_of, live_in, upgrade_package, upstream
from harness.repos import Repo
from harness.state import State, state

__all__ = [
    "Ran",
    "Repo",
    "State",
    "advance",
    "console",
    "environment",
    "fork_of",
    "live_in",
    "skills",
    "skills_command",
    "state",
    "upgrade_package",
    "upstream",
]
