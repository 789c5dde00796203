"""The ladder of help when a merge stops, before its owner is asked: recorded resolutions, then an
assistant.

A rung answers for whole files or not at all, and its answer must pass the
checks that every merge must pass; otherwise the conflict stays as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skills_engine.graft.checking import checked
from skills_engine.tree import Tree
from skills_engine.types import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.resolve.recorded import Resolution
    from skills_engine.types import Progress

__all__ = ["climb", "keep"]


def climb(fork: Fork, computed: Computed, *, assistant: bool = True) -> Progress[Computed]:
    """The operation with its conflicts resolved where a rung knows how. `assistant`: whether it may
    be asked.
    """
    if not any(conflict.regions for conflict in computed.merge.conflicts):
        return computed
    from skills_engine.resolve.assistant import AssistantCommand  # noqa: PLC0415  (most merges have no conflict)

    computed = _tried(fork, computed, _recorded(fork, computed), "a recorded resolution")
    asked = AssistantCommand.of(fork) if assistant else None
    if asked is None or not computed.merge.conflicts:
        return computed
    yield Event("ask the assistant", lasting=True)
    try:
        answers = asked.resolve(computed)
    except OSError as error:
        return _noted(computed, f"the assistant could not be asked: {error}")
    if not answers:
        return _noted(computed, "the assistant resolved nothing")
    after = _tried(fork, computed, answers, "the assistant's resolution")
    return keep(fork, after, answers) if after.clean else after


def keep(fork: Fork, computed: Computed, made: Sequence[Resolution]) -> Computed:
    """The operation with its new resolutions in its tree, to be committed with it."""
    tree = Tree(fork.objects, computed.tree)
    for resolution in made:
        tree.write(resolution.place, resolution.render())
    return replace(computed, merge=replace(computed.merge, tree=tree.oid()))


def _recorded(fork: Fork, computed: Computed) -> list[Resolution]:
    from skills_engine.resolve.recorded import find  # noqa: PLC0415

    tree = Tree(fork.objects, computed.tree)
    found = []
    for conflict in computed.merge.conflicts:
        data = tree.read(conflict.path) if conflict.regions else None
        if data is not None and (known := find(fork.tree, conflict.path, data)) is not None:
            found.append(known)
    return found


def _tried(fork: Fork, computed: Computed, answers: Sequence[Resolution], rung: str) -> Computed:
    """With the answers in place, if the checks find nothing in them; else with a note that says
    what they found.
    """
    if not answers:
        return computed
    tree = Tree(fork.objects, computed.tree)
    for answer in answers:
        tree.write(answer.path, answer.resolved)
    paths = {answer.path for answer in answers}
    merge = computed.merge
    merge = replace(
        merge,
        tree=tree.oid(),
        conflicts=tuple(conflict for conflict in merge.conflicts if conflict.path not in paths),
        merged=(*merge.merged, *((answer.path, f"{rung} ({answer.by})") for answer in answers)),
        notes=(*merge.notes, *(f"{answer.path}: {rung} was used" for answer in answers)),
    )
    _, findings = checked(fork, merge, computed.intent.after.core.base)
    wrong = [f for f in findings if f.place.path in paths or not merge.conflicts]
    if wrong:
        return _noted(
            computed, f"{rung} does not pass the checks: {wrong[0].place}: {wrong[0].message}"
        )
    return replace(computed, merge=merge, findings=())


def _noted(computed: Computed, note: str) -> Computed:
    return replace(computed, merge=replace(computed.merge, notes=(*computed.merge.notes, note)))
