"""An operation that stopped: what it wanted, and the conflicts that it waits for.

The state lies in the git directory. The owner's checkout is as it was, and
conflict markers stand in a worktree of the engine's own, never in a file that
the bot runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from skills_engine.errors import Refused, SkillsError
from skills_engine.graft.conflicts import FileConflict, Stage
from skills_engine.graft.intent import WAITING, Goal, Intent
from skills_engine.manifest import Core, PackageSource, Pin, skill_path
from skills_engine.resolve.definition import definition_at
from skills_engine.transaction.journal import pending_path
from skills_engine.transaction.scratch import add_worktree, remove_worktree
from skills_engine.tree import Tree
from skills_engine.types import Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skills_engine.git import Git, Repository
    from skills_engine.graft.fold import SkillRefused
    from skills_engine.graft.fork import Fork
    from skills_engine.graft.operation import Computed

__all__ = [
    "Pending",
    "Unreadable",
    "Waiting",
    "check_none",
    "clean",
    "drop",
    "load",
    "note",
    "save",
    "set_aside",
    "stopped",
]

_SCHEMA = 2
"""Of the note. The first had no number, and of its conflicts the paths alone."""


class Unreadable(Refused):
    """The note of the operation that waits is damaged, or a newer engine's."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that waits for a decision.

    `digest` says the same of two conflicts if path, kind and all versions are the same; it is empty
    for what the checks found. `places` has a line for each of the file's regions.
    """

    path: str
    kind: str
    marked: bool
    digest: str
    versions: tuple[Stage, ...]
    places: tuple[Stopped, ...]

    @classmethod
    def of(cls, conflict: FileConflict, text: bytes) -> Waiting:
        told = [(region.line, region.reason or conflict.reason) for region in conflict.regions]
        places = tuple(
            Stopped(
                conflict.path,
                line,
                reason,
                conflict.kind,
                definition_at(conflict.path, text, line) if conflict.marked else "",
            )
            for line, reason in told or [(1, conflict.reason)]
        )
        named = [conflict.path, conflict.kind]
        named += [f"{v.number} {v.path} {v.mode:o} {v.oid}" for v in conflict.versions]
        seed = "\0".join(named).encode("utf-8", "surrogateescape") + b"\0"
        digest = hashlib.sha256(seed + (text if conflict.marked else b"")).hexdigest()
        return cls(conflict.path, conflict.kind, conflict.marked, digest, conflict.versions, places)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that a decision is about."""
        return tuple(dict.fromkeys([self.path, *(version.path for version in self.versions)]))


@dataclass(frozen=True, slots=True)
class Pending:
    """A stopped operation. `refused` names the skills whose operations found no place; otherwise
    `merged` is the tree that the merge left, with its markers.
    """

    intent: Intent
    head: str
    merged: str | None
    conflicts: tuple[Waiting, ...]
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, fork: Fork, computed: Computed, notes: tuple[str, ...] = ()) -> Pending:
        return cls(computed.intent, fork.head, computed.tree, stopped(fork, computed), (), notes)

    @classmethod
    def refused_by(
        cls, intent: Intent, head: str, refused: Sequence[SkillRefused], notes: tuple[str, ...] = ()
    ) -> Pending:
        places = [
            Stopped(f"{skill_path(each.skill)}/SKILL.md", each.line, each.message, "skill")
            for each in refused
        ]
        waiting = tuple(Waiting(at.path, "skill", False, "", (), (at,)) for at in places)
        return cls(intent, head, None, waiting, tuple(each.skill for each in refused), notes)

    @staticmethod
    def folder(repository: Repository) -> Path:
        """The worktree in which conflicts are resolved."""
        return repository.state / "conflict"

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(waiting.path for waiting in self.conflicts))

    @property
    def places(self) -> tuple[Stopped, ...]:
        return tuple(place for waiting in self.conflicts for place in waiting.places)

    @property
    def reason(self) -> str:
        """Why it stopped, in a line."""
        first, *more = self.places
        return f"{first}{f' (and {len(more)} more)' if more else ''}"

    def without(self, names: set[str]) -> Intent:
        """The same intent, the named skills left out."""
        pins = tuple(pin for pin in self.intent.after.pins if pin.name not in names)
        kept = tuple(pin for pin in self.intent.skills if pin.name not in names)
        title = f"{self.intent.title} (without {', '.join(sorted(names))})"
        return replace(
            self.intent, title=title, after=replace(self.intent.after, pins=pins), skills=kept
        )


def stopped(fork: Fork, computed: Computed) -> tuple[Waiting, ...]:
    """All conflicts of a merge, and what the checks found in it."""
    tree = Tree(fork.objects, computed.tree)
    found = [
        Waiting.of(conflict, (tree.read(conflict.path) or b"") if conflict.marked else b"")
        for conflict in computed.merge.conflicts
    ]
    for finding in computed.findings:
        place = finding.place
        data = tree.read(place.path) or b""
        around = definition_at(place.path, data, place.line)
        told = Stopped(place.path, place.line, finding.message, "check", around)
        found.append(Waiting(place.path, "check", False, "", (), (told,)))
    return tuple(found)


def check_none(repository: Repository) -> None:
    """Raises Refused while an operation waits to be continued."""
    if pending_path(repository).exists():
        raise Refused(
            "an earlier operation stopped at a conflict and waits",
            hint="run: skills continue, skills skip or skills abort (skills status shows it)",
        )


def load(repository: Repository) -> Pending | None:
    """The operation that waits, whichever version noted it. Raises Unreadable where none did."""
    path = pending_path(repository)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        schema = found.pop("schema", _SCHEMA if "conflicts" in found else 1)
        if schema not in {1, _SCHEMA}:
            raise ValueError("it was written by a newer version of skills")
        return _decoded(_of_the_first_schema(found) if schema == 1 else found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(
            f"{path} cannot be read: {error}",
            hint="run: skills abort (the note and the files of its conflicts are set aside)",
        ) from None


def _of_the_first_schema(found: dict[str, Any]) -> dict[str, Any]:
    """Its conflicts were decided when no markers were left in them; a record of each was kept."""
    page, refused = "skill" if found["refused"] else "text", found["refused"]
    conflicts = [
        {
            "path": path,
            "kind": page,
            "marked": refused is None,
            "digest": "",
            "versions": (),
            "places": [{"path": path, "line": 1, "reason": found["reason"], "kind": page}],
        }
        for path in found["paths"] or ([f"{skill_path(refused)}/SKILL.md"] if refused else [])
    ]
    kept = {key: found[key] for key in ("intent", "head", "merged")}
    return {**kept, "conflicts": conflicts, "refused": [refused] if refused else [], "notes": []}


def _decoded(found: dict[str, Any]) -> Pending:
    intent = found["intent"]
    after = _goal(intent["after"])
    if after is None:
        raise ValueError("it names no goal")
    skills = tuple(_pin(pin) for pin in intent["skills"])
    trailers = tuple((key, value) for key, value in intent.get("trailers", ()))
    goals = {"before": _goal(intent["before"]), "after": after}
    whole = Intent(**{**intent, **goals, "skills": skills, "trailers": trailers})
    waiting = tuple(
        Waiting(
            **{
                **each,
                "versions": tuple(Stage(**version) for version in each["versions"]),
                "places": tuple(Stopped(**place) for place in each["places"]),
            }
        )
        for each in found["conflicts"]
    )
    lists = {key: tuple(found[key]) for key in ("refused", "notes")}
    return Pending(whole, found["head"], found["merged"], waiting, **lists)


def save(
    fork: Fork, pending: Pending, shown: str | None = None, settled: Sequence[Waiting] = ()
) -> None:
    """Keep a stopped operation, with its worktree if there is something to resolve in files.

    `shown` is what lies in the worktree, if not the merge's own tree; of what is `settled` the
    index has no versions left to choose from.
    """
    folder = Pending.folder(fork.repository)
    try:
        fork.objects.flush()
        # a new worktree below the note of an operation that waited before would be taken for its
        pending_path(fork.repository).unlink(missing_ok=True)
        remove_worktree(fork.git, folder)
        if pending.merged is not None:
            open_ = [waiting for waiting in pending.conflicts if waiting not in settled]
            versions = [
                (v.number, v.path, v.mode, v.oid) for waiting in open_ for v in waiting.versions
            ]
            add_worktree(fork.git, folder, pending.head, shown or pending.merged, versions)
        _hold(fork.git, pending)
        note(fork.repository, pending)
    except (OSError, SkillsError):
        clean(fork.git)
        raise


def note(repository: Repository, pending: Pending) -> None:
    """Write a stopped operation down; its worktree is there already."""
    path = pending_path(repository)
    partial = path.with_suffix(".partial")
    partial.write_text(
        json.dumps({"schema": _SCHEMA, **asdict(pending)}, indent=1), encoding="utf-8"
    )
    os.replace(partial, path)  # noqa: PTH105  (the pair reads better so)


def drop(fork: Fork) -> bool:
    """Forget the stopped operation and its worktree; whether there was one."""
    path = pending_path(fork.repository)
    folder = Pending.folder(fork.repository)
    there = path.exists()
    path.unlink(missing_ok=True)
    if folder.exists():
        remove_worktree(fork.git, folder)
    if there:
        _let_go(fork.git)
    return there


def _hold(git: Git, pending: Pending) -> None:
    """Refs for the merge and the packages, which are in no commit yet."""
    needed = [oid for oid in (pending.head, pending.merged) if oid is not None]
    needed += [pin.package for pin in (*pending.intent.after.pins, *pending.intent.skills)]
    git.update_refs(
        [f"update {WAITING}{oid} {oid}" for oid in dict.fromkeys(needed)], message="skills: waits"
    )


def _let_go(git: Git) -> None:
    refs = git.run("for-each-ref", "--format=%(refname)", WAITING).decode().split()
    if refs:
        git.update_refs([f"delete {ref}" for ref in refs], message="skills: waits no more")


def set_aside(fork: Fork) -> Path:
    """What cannot be read waits no more: the note, and the files of its conflicts as they are now,
    go to a folder of their own, which is given.
    """
    place = fork.repository.state / "aside" / f"abort-{time.time_ns() // 1_000_000}"
    place.mkdir(parents=True)
    folder = Pending.folder(fork.repository)
    if folder.exists():
        folder.rename(place / folder.name)
        (place / folder.name / ".git").unlink(missing_ok=True)
    pending_path(fork.repository).replace(place / "pending.json")
    remove_worktree(fork.git, folder)
    _let_go(fork.git)
    return place


def clean(git: Git) -> None:
    """Remove what a killed `save` or `drop` left. The lock is held."""
    path = pending_path(git.repository)
    path.with_suffix(".partial").unlink(missing_ok=True)
    if not path.exists():
        remove_worktree(git, Pending.folder(git.repository))


def _goal(found: dict[str, Any] | None) -> Goal | None:
    if found is None:
        return None
    return Goal(Core(**found["core"]), tuple(_pin(pin) for pin in found["pins"]))


def _pin(found: dict[str, Any]) -> Pin:
    return Pin(**{**found, "source": PackageSource(**found["source"])})
