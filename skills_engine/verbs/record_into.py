"""`record --into`: what was edited where a skill is applied goes back into its package.

Where the skill has a worktree (`skills dev`), that is what was edited; otherwise what HEAD has
beyond base and skills, in a fork that has the skill. Files that the package adds are replaced;
every other change becomes operations after those that are there. The version is raised.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skills_engine.data.yaml_document import YamlDocument
from skills_engine.errors import Refused
from skills_engine.graft.files import GraftFiles
from skills_engine.graft.fold import fold
from skills_engine.graft.fork import Fork
from skills_engine.graft.intent import Goal
from skills_engine.graft.side import as_here
from skills_engine.graft.sources import find
from skills_engine.manifest import AGENTS, SKILLS, is_manifest
from skills_engine.package.model import ADD
from skills_engine.record.package import ChangedFile, record_package
from skills_engine.tree import EXECUTABLE, Tree, difference
from skills_engine.types import Event
from skills_engine.verbs.dev import Desk
from skills_engine.verbs.record import Recorded, core_range, write_package

if TYPE_CHECKING:
    from pathlib import Path

    from skills_engine.graft.fold import Graft
    from skills_engine.package.model import Manifest, Package
    from skills_engine.types import Progress

__all__ = ["record_into"]

_BLOCK = re.compile(r"(?ms)^(?P<open>`{3,})yaml manifest\n(?P<text>.*?)^(?P=open)$")
_VERSION = re.compile(r"^(version:\s*['\"]?)([0-9.]*?)([0-9]+)(['\"]?\s*)$", re.MULTILINE)
_TEST = re.compile(r"(.*/)?test_\w+\.py")


def record_into(directory: Path, name: str) -> Progress[Recorded]:
    """Take the edits into the package, and prove that it makes them. Writes the package only.

    Raises Refused where nothing was edited, or the skill is applied nowhere.
    """
    desk = Desk(directory, name)
    fork = Fork.open(directory)
    try:
        base = Tree(fork.objects, fork.git.tree_of(fork.core.base if fork.managed else fork.head))
        found = find(fork, str(desk.package), base)
        manifest = found.package.manifest
        if manifest is None:
            raise Refused(f"{desk.name} has no manifest block", hint="it is only instructions")
        yield Event("see what was edited")
        if desk.made:
            before, after = desk.edited(fork.git)
            goal = None
        elif desk.name in fork.pins:
            graft = yield from fold(fork.git, fork.goal, fork.applicable)
            before, after = (
                as_here(fork.objects, base.oid(), graft.tree, fork.tree_oid),
                fork.tree_oid,
            )
            goal = fork.goal
        else:
            raise Refused(
                f"{desk.name} is applied nowhere that could have been edited",
                hint=f"run: skills dev {desk.name}",
            )
        changes, left = _changes(fork, before, after)
        if not changes:
            raise Refused("nothing was edited", hint=f"edit in {desk.folder}" if desk.made else "")
        yield Event(f"record {len(changes)} files")
        around = GraftFiles(fork.git, fork.head, Tree(fork.objects, before))
        files, told = _edited(found.package, manifest, changes, around)
        _remove(desk.package, found.package, files)
        executable = frozenset(f"{ADD}{p}" for p, change in changes.items() if change.executable)
        write_package(desk.package, files, (found.package.executable | executable) & files.keys())
        made = yield from _again(fork, desk, goal)
        wrong = tuple(
            path
            for path, *_ in difference(fork.objects, made.tree, after)
            if path in changes and not is_manifest(path)
        )
        if desk.made:
            desk.stand_on(fork.git, made.tree, fork.head)
        differences = tuple(f"{path}: the package gives something else" for path in wrong)
        return Recorded(
            desk.name, str(desk.package), tuple(sorted(files)), told, not wrong, differences, left
        )
    finally:
        fork.close()


def _changes(fork: Fork, before: str, after: str) -> tuple[dict[str, ChangedFile], tuple[str, ...]]:
    changes, left = {}, []
    for path, old, new in difference(fork.objects, before, after):
        entries = [entry for entry in (old, new) if entry is not None]
        if is_manifest(path) or path.startswith((f"{SKILLS}/", f"{AGENTS}/")):
            continue
        if not all(entry.is_file for entry in entries):
            left.append(path)
            continue
        was, now = (fork.objects.read(e.oid) if e is not None else None for e in (old, new))
        changes[path] = ChangedFile(was, now, executable=new is not None and new.mode == EXECUTABLE)
    return changes, tuple(left)


def _edited(
    package: Package, manifest: Manifest, changes: dict[str, ChangedFile], around: GraftFiles
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files of the package with the changes in them, and what was made of each."""
    files, told = dict(package.files), []
    page = files["SKILL.md"].decode()
    block = _BLOCK.search(page)
    if block is None:
        raise Refused("SKILL.md has no manifest block that could be edited")
    yaml = block["text"].encode()
    core: dict[str, ChangedFile] = {}
    for path, change in changes.items():
        own = path in manifest.adds
        if not own and (change.before is not None or change.after is None):
            core[path] = change
            continue
        if change.after is None:
            del files[ADD + path]
            yaml = YamlDocument.of(yaml).remove_element("adds", path)
            if path in manifest.tests:
                yaml = YamlDocument.of(yaml).remove_element("tests", path)
            told.append(f"no longer adds {path}")
            continue
        files[ADD + path] = change.after
        told.append(f"{'replaces' if own else 'adds'} {path}")
        if not own:
            yaml = YamlDocument.of(yaml).ensure_element("adds", path)
            if _TEST.fullmatch(path):
                yaml = YamlDocument.of(yaml).ensure_element("tests", path)
    sections = ""
    if core:
        recording = record_package(
            package.name, core, around, core=core_range(manifest.version), about="More"
        )
        drafted = recording.files["SKILL.md"].decode()
        sections = "\n" + drafted[drafted.find("\n## ") + 1 :] if "\n## " in drafted else ""
        told += (said for said in recording.operations if not said.startswith("add tests/test_"))
        yaml = _asked(yaml, drafted)
    raised = _VERSION.sub(lambda m: f"{m[1]}{m[2]}{int(m[3]) + 1}{m[4]}", yaml.decode(), count=1)
    start, end = block.span("text")
    files["SKILL.md"] = (page[:start] + raised + page[end:].rstrip("\n") + "\n" + sections).encode()
    return files, tuple(told)


def _asked(yaml: bytes, drafted: str) -> bytes:
    """The manifest with the packages and settings that the recorded one asks for."""
    import yaml as reader  # noqa: PLC0415

    block = _BLOCK.search(drafted)
    wants = reader.safe_load(block["text"]) if block else {}
    for wanted in wants.get("dependencies", ()):
        yaml = YamlDocument.of(yaml).ensure_element("dependencies", wanted)
    for key in ("environment", "services", "volumes"):
        for name, value in wants.get(key, {}).items():
            yaml = YamlDocument.of(yaml).ensure_value((key, name), value, replace=True)
    return yaml


def _remove(folder: Path, package: Package, files: dict[str, bytes]) -> None:
    for path in package.files.keys() - files.keys():
        (folder / path).unlink(missing_ok=True)


def _again(fork: Fork, desk: Desk, goal: Goal | None) -> Progress[Graft]:
    """What the package gives now: on the core, or in the place of the one that the fork has."""
    if goal is None:
        subjects = desk.subjects()
        try:
            graft = subjects.graft((desk.name,))
            subjects.fork.objects.flush(graft.tree)
            return graft
        finally:
            subjects.fork.close()
    base = Tree(fork.objects, fork.git.tree_of(goal.core.base))
    pin = find(fork, str(desk.package), base).pin
    pins = tuple(pin if each.name == pin.name else each for each in goal.pins)
    return (yield from fold(fork.git, Goal(goal.core, pins), fork.applicable, cached=False))
