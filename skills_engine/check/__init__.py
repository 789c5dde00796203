"""Checks that a clean merge must pass before it is published.

`check` is pure: bytes in, findings out. The skills' own tests (`tests.py`) run
in an environment of the engine's own (`environment.py`); `update.py` brings
the fork's environment up to date afterwards.
"""

from skills_engine.check.checks import check
from skills_engine.check.finding import Changed, CheckedTree, Finding, Rule
from skills_engine.check.newer import unchecked

__all__ = ["Changed", "CheckedTree", "Finding", "Rule", "check", "unchecked"]
