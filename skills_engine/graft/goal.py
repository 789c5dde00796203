"""From what was asked to a set of skills: dependencies, versions and conflicts resolved before
anything is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skills_engine.errors import Refused
from skills_engine.graft.intent import Goal
from skills_engine.graft.project import places
from skills_engine.graft.sources import FoundPackage, find, found, on_disk
from skills_engine.manifest import MIGRATIONS, Core, PackageSource, Pin, parse_yaml
from skills_engine.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skills_engine.graft.fork import Fork
    from skills_engine.package.model import Package

__all__ = [
    "Resolved",
    "accepts",
    "changes_of",
    "for_apply",
    "for_pin",
    "for_rebase",
    "for_uninstall",
    "for_upgrade",
    "newest",
]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A goal, what it adds and removes, and what a person should know about how it came about."""

    goal: Goal
    added: tuple[Pin, ...] = ()
    removed: tuple[Pin, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Change:
    """A breaking change of the core: what `keeps` a skill keeps as it was, or what skills the core
    `includes` from now on.
    """

    since: str
    what: str
    keeps: str
    includes: tuple[str, ...]


@dataclass
class _Chosen:
    """The skills chosen so far, by name."""

    fork: Fork
    core: Core
    base: Tree
    pins: dict[str, Pin]
    included: dict[str, str]
    """Skills that the core itself has by now, each with the version since which it has."""
    packages: dict[str, Package] = field(default_factory=dict)

    def package(self, name: str) -> Package:
        if name not in self.packages:
            self.packages[name] = self.fork.pinned(self.pins[name])
        return self.packages[name]

    def choose(self, choice: FoundPackage) -> None:
        if choice.package.manifest is None:
            raise Refused(
                f"{choice.pin.name} is instructions for an assistant: it has nothing that the "
                "engine could apply",
                hint=f"read it: skills show {choice.pin.name}",
            )
        self.pins[choice.pin.name] = choice.pin
        self.packages[choice.pin.name] = choice.package

    def goal(self) -> Goal:
        """Checked as a whole. Raises Refused for the first version, dependency or conflict that
        does not fit.
        """
        for name in sorted(self.pins):
            manifest = self.package(name).manifest
            if manifest is None:
                continue
            if not accepts(manifest.core, self.core.version):
                raise Refused(
                    f"{name} {manifest.version} is for core {manifest.core}, and this fork's "
                    f"is {self.core.version}",
                    hint="look for a version of it that fits: skills upgrade, or ask its author",
                )
            for other, versions in manifest.depends:
                there = self.pins.get(other)
                if there is None and other in self.included:
                    continue
                if there is None:
                    raise Refused(
                        f"{name} needs {other}, which is not installed",
                        hint=f"run: skills apply {other}",
                    )
                if not accepts(versions, there.version):
                    raise Refused(
                        f"{name} needs {other} {versions}, and {there.version} is installed",
                        hint="skills upgrade",
                    )
            for other, versions in manifest.conflicts:
                there = self.pins.get(other)
                if there is not None and accepts(versions, there.version):
                    raise Refused(
                        f"{name} and {other} exclude each other",
                        hint=f"run: skills uninstall {other}",
                    )
        return Goal(self.core, tuple(self.pins[name] for name in sorted(self.pins)))


def accepts(versions: str, version: str) -> bool:
    """Whether a version is in a PEP 440 range; an empty range and `*` accept every one, and
    pre-releases count.
    """
    if versions in {"", "*"}:
        return True
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415
    from packaging.version import InvalidVersion  # noqa: PLC0415

    try:
        return SpecifierSet(versions).contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _chosen(fork: Fork, core: Core | None = None) -> _Chosen:
    core = core or fork.core
    base = Tree(fork.objects, fork.git.tree_of(core.base))
    core = places(core, fork.tree, base)
    included = {
        name: change.since
        for change in _changes(base)
        if accepts(f">={change.since}", core.version)
        for name in change.includes
    }
    return _Chosen(fork, core, base, dict(fork.pins), included)


def for_apply(fork: Fork, wanted: Sequence[str]) -> Resolved:
    """Skills by name, path or URL, and what they depend on. A name that is installed stays as it
    is.
    """
    chosen = _chosen(fork)
    notes = []
    queue = [(item, "") for item in wanted]
    while queue:
        item, needed_by = queue.pop(0)
        if item in fork.pins:
            pinned = fork.pins[item]
            there = fork.package_tree(item)
            newer = there is not None and there != pinned.package
            notes.append(
                f"{item} {pinned.version} is installed already"
                + ("; its package was changed since: skills upgrade " + item if newer else "")
            ) if not needed_by else None
            continue
        if item in chosen.included:
            notes.append(f"{item} is part of the core since {chosen.included[item]}")
            continue
        choice = find(fork, item, chosen.base)
        if (
            choice.pin.name in chosen.pins
            and chosen.pins[choice.pin.name].digest == choice.pin.digest
        ):
            continue
        chosen.choose(choice)
        if needed_by:
            notes.append(
                f"{choice.pin.name} {choice.pin.version} comes along: {needed_by} needs it"
            )
        depends = choice.package.manifest.depends if choice.package.manifest else ()
        queue += [(name, choice.pin.name) for name, _ in depends if name not in chosen.pins]
    return _resolved(fork, chosen, notes)


def for_uninstall(fork: Fork, names: Sequence[str]) -> Resolved:
    """Without the named skills. Raises Refused when another one needs them."""
    chosen = _chosen(fork)
    for name in names:
        if name not in chosen.pins and name in fork.pins:
            continue
        if name not in fork.pins:
            installed = ", ".join(fork.pins) or "none"
            raise Refused(f"{name} is not installed", hint=f"installed: {installed}")
        del chosen.pins[name]
    for name in sorted(chosen.pins):
        manifest = chosen.package(name).manifest
        lost = [other for other, _ in manifest.depends if other in names] if manifest else []
        if lost:
            raise Refused(
                f"{name} needs {lost[0]}",
                hint=f"take both off: skills uninstall {' '.join(names)} {name}",
            )
    return _resolved(fork, chosen, [])


def for_upgrade(fork: Fork, names: Sequence[str]) -> Resolved:
    """The named skills (all that are not pinned) at the version that their source has now."""
    chosen = _chosen(fork)
    notes = []
    for name in names or tuple(fork.pins):
        if name not in fork.pins:
            raise Refused(f"{name} is not installed", hint=f"run: skills apply {name}")
        pin = fork.pins[name]
        if pin.held and names:
            raise Refused(f"{name} {pin.version} is pinned", hint=f"run: skills unpin {name}")
        if not (names or pin.held) and (gone := _gone(fork, pin)):
            notes.append(f"{name} {pin.version} stays: {gone} is not there any more")
            continue
        newer = None if pin.held else newest(fork, pin, chosen.base)
        if newer is None or newer.pin.digest == pin.digest:
            notes.append(f"{name} {pin.version} is {'pinned' if pin.held else 'up to date'}")
            continue
        chosen.choose(newer)
        notes += changes_of(newer, pin)
    _add_dependencies(chosen, notes)
    return _resolved(fork, chosen, notes)


def _gone(fork: Fork, pin: Pin) -> str:
    """The folder that a skill was applied from, where it is gone; else empty."""
    applied_from = fork.git.settings.value(f"skills.{pin.name}.path") or ""
    is_there = pin.source.kind != "local" or Path(applied_from).is_dir()
    return "" if is_there else applied_from


def changes_of(newer: FoundPackage, pin: Pin) -> list[str]:
    """What its changelog says of the versions since the one that is installed."""
    from skills_engine.package.changelog import between  # noqa: PLC0415

    lines = between(newer.package.files, pin.version, newer.pin.version)
    return [f"{pin.name} {line}" for line in lines]


def for_pin(fork: Fork, names: Sequence[str], *, held: bool) -> Resolved:
    """The named skills pinned where they are, or no longer."""
    pins = dict(fork.pins)
    for name in names:
        if name not in pins:
            installed = ", ".join(fork.pins) or "none"
            raise Refused(f"{name} is not installed", hint=f"installed: {installed}")
        pins[name] = replace(pins[name], held="pinned" if held else "")
    return Resolved(Goal(fork.core, tuple(pins[name] for name in sorted(pins))))


def newest(fork: Fork, pin: Pin, base: Tree) -> FoundPackage | None:
    """What the owner made of the package comes first, committed or not; then what its source has. A
    copy from elsewhere stays one, and leaves with the skill.
    """
    edited = on_disk(fork, pin.name) or fork.package_tree(pin.name)
    if edited is not None and edited != pin.package:
        copied = pin.source.kind in {"git", "local"}
        source = PackageSource("local") if copied else PackageSource("fork")
        return found(fork, pin.name, edited, base, source)
    if pin.source.kind == "git":
        return find(fork, pin.source.url, base)
    applied_from = fork.git.settings.value(f"skills.{pin.name}.path")
    if pin.source.kind == "local" and applied_from:
        return find(fork, applied_from, base)
    upstream = fork.package_tree(pin.name, base)
    if pin.source.kind == "upstream" and upstream is not None:
        return found(fork, pin.name, upstream, base, PackageSource())
    return None


def for_rebase(fork: Fork, onto: str, *, without: Iterable[str] = ()) -> Resolved:
    """All skills on a newer base: those of upstream at upstream's version, and what its migrations
    ask for.
    """
    tree = Tree(fork.objects, fork.git.tree_of(onto))
    chosen = _chosen(fork, fork.core_at(onto, fork.recorded.upstream, fork.recorded.branch))
    notes = []
    for name in without:
        del chosen.pins[name]
        notes.append(f"{name} is left out")
    for name, pin in list(chosen.pins.items()):
        if name in chosen.included and pin.source.kind in {"upstream", "fork"}:
            del chosen.pins[name]
            notes.append(
                f"{name} is part of the core since {chosen.included[name]}: it is taken off, and "
                "your edits in it stay"
            )
            continue
        if pin.source.kind != "upstream":
            continue
        if pin.held:
            notes.append(f"{name} {pin.version} is pinned, and stays as you applied it")
            continue
        oid = fork.package_tree(name, tree)
        if oid is None:
            notes.append(
                f"upstream has no package of {name} any more; the one that you applied stays"
            )
        elif oid != pin.package:
            newer = found(fork, name, oid, tree, PackageSource())
            if newer.pin.version != pin.version:
                notes.append(f"{name} {pin.version} → {newer.pin.version}")
                notes += changes_of(newer, pin)
            chosen.choose(newer)
    notes += _changed(fork, chosen, tree, set(without))
    _add_dependencies(chosen, notes)
    return _resolved(fork, chosen, notes)


def _changes(tree: Tree) -> list[_Change]:
    """The breaking changes that upstream lists. Raises Refused where the list cannot be read."""
    data = tree.read(MIGRATIONS)
    listed = parse_yaml(MIGRATIONS, data) or [] if data is not None else []
    changes = []
    for entry in listed if isinstance(listed, list) else [None]:
        keys = entry if isinstance(entry, dict) else {}
        since, keeps, what = (str(keys.get(key, "")) for key in ("since", "keeps", "what"))
        includes = keys.get("includes", [])
        if not (since and what and bool(keeps) != bool(includes)) or not isinstance(includes, list):
            raise Refused(
                f"{MIGRATIONS}: every entry needs `since`, `what`, and either `keeps` (a skill) or "
                "`includes` (a list of skills)",
                hint="tell upstream",
            )
        changes.append(_Change(since, what, keeps, tuple(map(str, includes))))
    return changes


def _changed(fork: Fork, chosen: _Chosen, tree: Tree, without: set[str]) -> list[str]:
    """Skills that keep what upstream changed since the version that the fork stood on."""
    notes = []
    for change in _changes(tree):
        since, keeps, what = change.since, change.keeps, change.what
        crossed = not accepts(f">={since}", fork.core.version) and accepts(
            f">={since}", chosen.core.version
        )
        if not keeps or not crossed or keeps in chosen.pins or keeps in without:
            continue
        oid = fork.package_tree(keeps, tree)
        if oid is None:
            raise Refused(
                f"{MIGRATIONS}: there is no skill {keeps}, which is to keep: {what}",
                hint="tell upstream",
            )
        chosen.choose(found(fork, keeps, oid, tree, PackageSource()))
        notes.append(
            f"since {since}: {what}. {keeps} keeps it as it was; for the new way: skills "
            f"uninstall {keeps}"
        )
    return notes


def _add_dependencies(chosen: _Chosen, notes: list[str]) -> None:
    """A newer version may need skills that the older one did not."""
    queue = sorted(chosen.pins)
    while queue:
        name = queue.pop(0)
        manifest = chosen.package(name).manifest
        for other, _ in manifest.depends if manifest else ():
            if other not in chosen.pins and other not in chosen.included:
                choice = find(chosen.fork, other, chosen.base)
                chosen.choose(choice)
                notes.append(f"{other} {choice.pin.version} comes along: {name} needs it")
                queue.append(other)


def _resolved(fork: Fork, chosen: _Chosen, notes: list[str]) -> Resolved:
    goal = chosen.goal()
    before = set(fork.pins.values())
    added = tuple(pin for pin in goal.pins if pin not in before)
    gone = tuple(pin for name, pin in fork.pins.items() if name not in chosen.pins)
    return Resolved(goal, added, gone, tuple(notes))
