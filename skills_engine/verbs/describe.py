"""From what was computed to what a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skills_engine.tree import difference
from skills_engine.types import Outcome
from skills_engine.verbs.reports import ChangeReport, SkillChange, Stopped, file_changes

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.manifest import Pin

__all__ = ["describe", "diff_of", "stopped"]


def describe(fork: Fork, computed: Computed, notes: tuple[str, ...] = ()) -> ChangeReport:
    intent = computed.intent
    return ChangeReport(
        verb=intent.verb,
        title=intent.title,
        dry_run=False,
        commit=None,
        base=intent.after.core.base,
        skills=_skills(computed),
        files=file_changes(fork, computed.head_tree, computed.tree),
        notes=(*notes, *computed.merge.notes),
        merged=computed.merge.merged,
        conflicts=stopped(computed),
    )


def stopped(computed: Computed) -> tuple[Stopped, ...]:
    """Conflicts of the merge, or what the checks found."""
    found = []
    for conflict in computed.merge.conflicts:
        places = [(region.line, region.reason or conflict.reason) for region in conflict.regions]
        found += [
            Stopped(conflict.path, line, reason)
            for line, reason in places or [(1, conflict.reason)]
        ]
    found += [Stopped(f.place.path, f.place.line, f.message) for f in computed.findings]
    return tuple(found)


def _skills(computed: Computed) -> tuple[SkillChange, ...]:
    intent = computed.intent
    before = {pin.name: pin for pin in intent.before.pins} if intent.before else {}
    after = {pin.name: pin for pin in intent.after.pins}
    done = {
        name: tuple(change.summary for change in changes if change.outcome is Outcome.APPLIED)
        for name, changes in computed.wanted.changes
    }
    found = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if now is None and was is not None:
            found.append(SkillChange(name, was.version, "uninstalled"))
        elif now is not None:
            found.append(SkillChange(name, now.version, _how(was, now), done.get(name, ())))
    return tuple(found)


def _how(was: Pin | None, now: Pin) -> str:
    if was is None:
        return "applied"
    return f"upgraded from {was.version}" if was.version != now.version else "renewed"


def diff_of(fork: Fork, old: str, new: str) -> str:
    """A unified diff between two trees, of which the new one may exist in memory only."""
    import difflib  # noqa: PLC0415

    out = []
    for path, before, after in difference(fork.objects, old, new):
        sides = [
            fork.objects.read(side.oid) if side and side.is_file else b""
            for side in (before, after)
        ]
        if any(b"\0" in side[:8000] for side in sides):
            out.append(f"Binary file {path} differs\n")
            continue
        one, two = (side.decode("utf-8", "replace").splitlines(keepends=True) for side in sides)
        names = (f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null")
        if before and after and before.mode != after.mode:
            out.append(f"{path}: mode {before.mode:o} → {after.mode:o}\n")
        elif one == two:
            out.append(
                f"--- {names[0]}\n+++ {names[1]}\n"
            )  # an empty file, or a link, that comes or goes
        for line in difflib.unified_diff(one, two, *names):
            out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)
