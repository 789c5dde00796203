"""From what was computed to what a person reads."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from skills_engine.resolve.pending import stopped as waiting_of
from skills_engine.tree import REGULAR, SUBMODULE, difference
from skills_engine.types import Outcome, Stopped
from skills_engine.verbs.reports import ChangeReport, SkillChange, file_changes
from skills_engine.visible import one_line

if TYPE_CHECKING:
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed
    from skills_engine.manifest import Pin
    from skills_engine.tree import Entry

__all__ = ["describe", "diff_of", "stopped", "text_of"]


def describe(fork: Fork, computed: Computed, notes: tuple[str, ...] = ()) -> ChangeReport:
    intent = computed.intent
    return ChangeReport(
        verb=intent.verb,
        title=intent.title,
        dry_run=False,
        commit=None,
        base=intent.after.core.base,
        skills=_skills(computed),
        files=file_changes(fork, fork.begun or computed.head_tree, computed.tree),
        notes=(*notes, *computed.merge.notes),
        merged=computed.merge.merged,
        conflicts=stopped(fork, computed),
    )


def stopped(fork: Fork, computed: Computed) -> tuple[Stopped, ...]:
    """Conflicts of the merge, or what the checks found."""
    return tuple(place for waiting in waiting_of(fork, computed) for place in waiting.places)


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
            same = was is not None and was.package == now.package
            operations = () if same else done.get(name, ())
            found.append(SkillChange(name, now.version, _how(was, now), operations))
    return tuple(found)


def _how(was: Pin | None, now: Pin) -> str:
    if was is None:
        return "applied"
    if was.version != now.version:
        way = "downgraded" if _is_older(now.version, was.version) else "upgraded"
        return f"{way} from {was.version}"
    if was.package != now.package or was.held == now.held:
        return "renewed"
    return "pinned" if now.held else "unpinned"


def _is_older(version: str, than: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    try:
        return Version(version) < Version(than)
    except InvalidVersion:
        return False


def diff_of(fork: Fork, old: str, new: str) -> str:
    """A unified diff between two trees, of which the new one may exist in memory only.

    It has every line that differs, of whatever bytes; of a link its target, and of a submodule its
    commit. Of what is no text, sizes and digests.
    """
    import difflib  # noqa: PLC0415

    out = []
    for path, before, after in difference(fork.objects, old, new):
        sides = (_content(fork, before), _content(fork, after))
        names = (f"a/{path}" if before else "/dev/null", f"b/{path}" if after else "/dev/null")
        out.append(_mode(path, before, after))
        header = [f"--- {one_line(names[0])}\n", f"+++ {one_line(names[1])}\n"]
        if any(_is_binary(side) for side in sides):
            out += [*header, f"Binary file: {_measure(sides[0])} → {_measure(sides[1])}\n"]
            continue
        one, two = (_lines(text_of(side)) for side in sides)
        hunks = [*difflib.unified_diff(one, two)][2:]
        out += header
        for line in hunks:
            out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)


def _mode(path: str, before: Entry | None, after: Entry | None) -> str:
    """A line where the kind of file or its executable bit is worth a word, or nothing."""
    modes = [side.mode if side is not None else REGULAR for side in (before, after)]
    return f"{one_line(path)}: mode {modes[0]:o} → {modes[1]:o}\n" if modes[0] != modes[1] else ""


def _content(fork: Fork, entry: Entry | None) -> bytes:
    if entry is None:
        return b""
    if entry.mode == SUBMODULE:
        return b"Subproject commit " + entry.oid.encode()
    return fork.objects.read(entry.oid)


def _is_binary(data: bytes) -> bool:
    """Whether nobody could read it as text: a NUL alone does not hide what stands around it."""
    return data.count(b"\0") * 20 > len(data)


def _measure(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()[:16]
    return f"{len(data)} bytes, sha256 {digest}" if data else "nothing"


def text_of(data: bytes) -> str:
    """UTF-8 with whatever is none of it as `\\xNN`, so that different bytes read differently."""
    return data.decode("utf-8", "backslashreplace")


def _lines(text: str) -> list[str]:
    """Parted at line feeds alone, each with its own."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
