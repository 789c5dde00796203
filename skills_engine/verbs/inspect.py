"""The verbs that look inside: show, diff, blame. They compute grafts and write nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.fold import Graft, fold
from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import Goal
from skills_engine.graft.project import read_project
from skills_engine.graft.side import Side, as_here, as_it_came
from skills_engine.lines import bare_lines
from skills_engine.manifest import package_folder
from skills_engine.transaction.worktree import as_edited
from skills_engine.tree import Tree
from skills_engine.types import Event
from skills_engine.verbs.accept import tested_by
from skills_engine.verbs.describe import diff_of, text_of
from skills_engine.verbs.paths import from_top

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.types import Progress

__all__ = ["Line", "Shown", "blame", "diff", "show"]


@dataclass(frozen=True, slots=True)
class Shown:
    """All of a skill: what it says, and what it would do, operation by operation."""

    name: str
    description: str
    version: str | None
    installed: str | None
    digest: str
    prose: str
    operations: tuple[str, ...]
    adds: tuple[str, ...]
    dependencies: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    depends: tuple[tuple[str, str], ...]
    code: tuple[str, ...]
    other: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, and whose it is: `upstream`, `you`, or the name of a skill."""

    number: int
    owner: str
    text: str


def show(directory: Path, name: str) -> Shown:
    """A skill's text and operations; the package in the fork, before the one that is installed."""
    from skills_engine.codemods.registry import decode  # noqa: PLC0415
    from skills_engine.graft.sources import find  # noqa: PLC0415
    from skills_engine.package.capabilities import capabilities  # noqa: PLC0415
    from skills_engine.package.decode import operations as decoded  # noqa: PLC0415
    from skills_engine.package.implied import implied  # noqa: PLC0415

    fork = Fork.open(directory)
    try:
        base = Tree(fork.objects, fork.git.tree_of(fork.core.base)) if fork.managed else fork.tree
        choice = find(fork, name, base)
        package, manifest = choice.package, choice.package.manifest
        steps = [f"add {path}" for path in manifest.adds] if manifest else []
        core = fork.core if fork.managed else fork.core_at(fork.head)
        asks = implied(package, dependencies=core.dependencies, environment=core.environment)
        steps += [decode(keys).describe() for keys in asks]
        steps += [operation.describe() for _, operation in decoded(package)]
        pin = fork.pins.get(package.name)
        by = tested_by(fork, fork.goal) if fork.managed else ()
        asked = capabilities(package, home=read_project(fork.tree).home, tested_by=by)
        return Shown(
            package.name,
            package.description,
            manifest.version if manifest else None,
            pin.version if pin else None,
            package.digest,
            package.prose,
            tuple(steps),
            manifest.adds if manifest else (),
            manifest.dependencies if manifest else (),
            tuple((setting.key, setting.comment) for setting in manifest.environment)
            if manifest
            else (),
            manifest.depends if manifest else (),
            asked.code,
            asked.other,
            tuple(
                (path, text_of(data)) for path, data in package.files.items() if path != "SKILL.md"
            ),
        )
    finally:
        fork.close()


def _base(fork: Fork) -> str:
    return fork.git.tree_of(fork.core.base)


def _graft(fork: Fork, goal: Goal | None = None) -> Progress[Graft]:
    return (yield from fold(fork.git, goal or fork.goal, fork.applicable))


def diff(directory: Path, name: str | None) -> Progress[str]:
    """The owner's own edits, committed or not, as a diff from the graft; or what one skill
    contributes to the graft.
    """
    fork = Fork.open(directory)
    try:
        yield Event("compute the graft")
        graft = yield from _graft(fork)
        if name is None:
            here = as_edited(fork.git, fork.tree_oid)
            return diff_of(fork, as_here(fork.objects, _base(fork), graft.tree, here), here)
        if name not in fork.pins:
            raise Refused(
                f"{name} is not installed", hint=f"installed: {', '.join(fork.pins) or 'none'}"
            )
        rest = tuple(pin for pin in fork.goal.pins if pin.name not in {name, *_needing(fork, name)})
        with_it = (*rest, fork.pins[name])
        one = yield from _graft(fork, Goal(fork.core, rest))
        two = yield from _graft(fork, Goal(fork.core, with_it))
        return diff_of(fork, one.tree, two.tree)
    finally:
        fork.close()


def _needing(fork: Fork, name: str) -> set[str]:
    found = {name}
    for pin in fork.pins.values():
        manifest = fork.pinned(pin).manifest
        if manifest and any(other in found for other, _ in manifest.depends):
            found.add(pin.name)
    return found


def _brought_by(fork: Fork, path: str) -> str | None:
    """The skill whose manifest or package a file is: the fold has those from its beginning."""
    for pin in fork.pins.values():
        package = pin.source.kind != "fork" and path.startswith(
            f"{package_folder(fork.tree, pin.name)}/"
        )
        if path == pin.path or package:
            return pin.name
    return None


def blame(directory: Path, path: str, line: int | None) -> Progress[tuple[Line, ...]]:
    """Whose each line of a tracked file is; `path` counts from `directory`, which may be any in the
    fork.

    Lines are followed through the fold, skill by skill, as diff sees them.
    """
    import difflib  # noqa: PLC0415

    fork = Fork.open(directory)
    try:
        named, path = path, from_top(fork.repository.root, directory, path)
        tree = as_edited(fork.git, fork.tree_oid)
        here = Tree(fork.objects, tree).read(path)
        if here is None:
            raise Refused(
                f"{named} is not a file that git tracks",
                hint=f"paths count from {directory.absolute()}",
            )
        base = Tree(fork.objects, _base(fork)).read(path) or b""
        versions = [("upstream", base)]
        waits_for = _brought_by(fork, path)

        def grafted(name: str, done: Tree) -> None:
            nonlocal waits_for
            waits_for = None if name == waits_for else waits_for
            data = versions[0][1] if waits_for else done.read(path) or b""
            versions.append((name, data))

        graft = yield from fold(fork.git, fork.goal, fork.applicable, after=grafted)
        side = Side.between(fork.objects, graft.tree, tree, settled=True)
        if side.concerns(path, versions[-1][1]):
            versions = [(name, as_it_came(side, path, base, data)) for name, data in versions]
        versions.append(("you", here))
        owners: list[str] = []
        text: list[bytes] = []
        for owner, data in versions:
            lines = bare_lines(data)
            matcher = difflib.SequenceMatcher(None, text, lines, autojunk=False)
            fresh = [owner] * len(lines)
            for block in matcher.get_matching_blocks():
                fresh[block.b : block.b + block.size] = owners[block.a : block.a + block.size]
            owners, text = fresh, lines
        if line is not None and not 1 <= line <= len(text):
            raise Refused(f"{path} has {len(text)} lines, not {line}")
        found = (
            Line(n, o, t.decode("utf-8", "replace"))
            for n, (o, t) in enumerate(zip(owners, text, strict=True), 1)
        )
        return tuple(item for item in found if line is None or item.number == line)
    finally:
        fork.close()
