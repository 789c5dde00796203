"""A change of a tree turned into a skill package, and the proof that the package makes it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from skills_engine.codemods.operation import perform
from skills_engine.codemods.registry import decode
from skills_engine.errors import CannotEnsure, Refused, Unparsable
from skills_engine.package.decode import operations
from skills_engine.package.implied import implied
from skills_engine.package.paths import reserved
from skills_engine.package.reader import read
from skills_engine.package.reference import entry as written
from skills_engine.record.delta import Delta, Entry, Said
from skills_engine.record.environment import ManifestKeys, asked
from skills_engine.record.file import record_file
from skills_engine.record.overlay import Overlay
from skills_engine.record.prose import ProseStep, steps, steps_in_order
from skills_engine.record.renames import renames
from skills_engine.record.stub import stub

if TYPE_CHECKING:
    from skills_engine.codemods.files import Files

__all__ = ["ChangedFile", "Changes", "Recording", "record_package"]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file before and after: None where it is not there."""

    before: bytes | None
    after: bytes | None
    executable: bool = False


Changes = Mapping[str, ChangedFile]


@dataclass(frozen=True, slots=True)
class Recording:
    """A package's files by path, with what its operations say, and where applying it does not give
    the change.

    `executable` are those of the files that are programs.
    """

    files: Mapping[str, bytes]
    executable: frozenset[str]
    operations: tuple[str, ...]
    differences: tuple[str, ...]


def record_package(
    name: str,
    changes: Changes,
    around: Files,
    *,
    core: str,
    about: str = "",
    depends: Mapping[str, str] | None = None,
    loose: bool = False,
) -> Recording:
    """Record `changes`, which are against the tree `around`. `about` is a sentence that says what
    they do.

    `core` is the range of versions that the package names, `depends` the skills that it stands on.
    `loose`: see `record_file`.
    """
    kept = {path: change for path, change in sorted(changes.items()) if not reserved(path)}
    moved = _moves(kept)
    adds = {
        path: change
        for path, change in kept.items()
        if change.before is None and path not in moved.values() and path not in _DATA
    }
    wants = asked({path: (change.before, change.after) for path, change in kept.items()})
    world = Overlay(around)
    for path, change in adds.items():
        world.write(path, change.after or b"")
    for keys in implied_by(wants):
        try:
            perform(decode(keys), world)
        except (CannotEnsure, Refused, Unparsable):
            continue  # the comparison at the end says so
    made = {path for path, change in kept.items() if world.read(path) != change.before}
    both = {p: (c.before, c.after) for p, c in kept.items() if c.before and c.after}
    named = [(path, _one(entry)) for path, entry in renames(both, world)]
    said = [*_whole_files(kept, moved), *named, *_changed(kept, world, made, loose=loose)]
    entries = [entry for _, one in said for entry in one.entries or ()]
    tests = sorted(path for path in adds if re.fullmatch(r"(.*/)?test_\w+\.py", path))
    files = {f"add/{path}": change.after or b"" for path, change in adds.items()}
    draft = "" if tests else stub(name, entries)
    if draft:
        tests = [f"tests/test_{name.replace('-', '_')}.py"]
        files[f"add/{tests[0]}"] = draft.encode()
    manifest = _manifest(
        core, depends or {}, wants, sorted(p.removeprefix("add/") for p in files), tests
    )
    executable = frozenset(f"add/{path}" for path, change in adds.items() if change.executable)
    for grouped in (steps, steps_in_order):
        files["SKILL.md"] = _page(name, about, manifest, grouped(said), draft=bool(draft)).encode()
        told, wrong = _proved(name, files, executable, kept, around, {t for t in tests if draft})
        if not wrong:
            break  # else one operation may need what another one makes, or its place as it was
    return Recording(files, executable, told, wrong)


_DATA = (".env.example",)
"""Files that a manifest makes where there are none."""


def implied_by(wants: ManifestKeys) -> Iterator[Mapping[str, Any]]:
    """The entries that the manifest will stand for."""
    page = (
        "---\nname: x\ndescription: x y "
        f"z\n---\n{_fenced('manifest', _plain(_manifest('>=0', {}, wants, [], [])))}"
    )
    yield from implied(read("x", {"SKILL.md": page.encode()}))


def _moves(changes: Changes) -> dict[str, str]:
    """Files that went, by path, and where the same bytes came."""
    gone = {path: change.before for path, change in changes.items() if change.after is None}
    new = {
        change.after: path
        for path, change in changes.items()
        if change.before is None and change.after
    }
    return {path: new[data] for path, data in gone.items() if data in new}


def _whole_files(changes: Changes, moved: Mapping[str, str]) -> Iterator[tuple[str, Said]]:
    for path, change in changes.items():
        if path in moved:
            yield path, _one({"ensure": "move-file", "path": path, "to": moved[path]})
        elif change.after is None:
            digest = hashlib.sha256(change.before or b"").hexdigest()
            yield path, _one({"ensure": "no-file", "path": path, "was_sha256": digest})


def _one(entry: Entry) -> Said:
    return Said(Delta(0, 0, b""), (entry,))


def _changed(
    changes: Changes, world: Overlay, made: set[str], *, loose: bool
) -> Iterator[tuple[str, Said]]:
    """What is left of each file; `made` are those that the manifest has changed already."""
    for path, change in changes.items():
        now = world.read(path)
        if change.before is None or change.after is None or now is None or now == change.after:
            continue
        if path in made and _same_words(now, change.after):
            # in another order: said as a difference, not written as a snippet
            continue
        for one in record_file(path, now, change.after, world, loose=loose):
            yield path, one


def _same_words(one: bytes, other: bytes) -> bool:
    return sorted(one.split()) == sorted(other.split())


def _manifest(
    core: str, depends: Mapping[str, str], wants: ManifestKeys, adds: list[str], tests: list[str]
) -> dict[str, Any]:
    found = {
        "version": "1.0.0",
        "core": core,
        "depends": dict(depends),
        "dependencies": list(wants.dependencies),
        "environment": dict(wants.environment),
        "services": dict(wants.services),
        "volumes": dict(wants.volumes),
        "adds": adds,
        "tests": tests,
    }
    return {key: value for key, value in found.items() if value}


def _plain(found: Mapping[str, Any]) -> str:
    """As an author writes it: lists of words on a line, files one below another."""
    out = []
    for key, value in found.items():
        flow = None if key == "dependencies" else False
        out.append(
            yaml.safe_dump(
                {key: value},
                sort_keys=False,
                allow_unicode=True,
                width=110,
                default_flow_style=flow,
            )
        )
    return "".join(out)


def _fenced(kind: str, text: str) -> str:
    marks = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", text))])
    return f"{marks}yaml {kind}\n{text.rstrip()}\n{marks}\n"


def _page(
    name: str, about: str, manifest: Mapping[str, Any], told: list[ProseStep], *, draft: bool
) -> str:
    title = name.removeprefix("add-").replace("-", " ").capitalize()
    summary = about.strip().rstrip(".") or title
    head = yaml.safe_dump(
        {"name": name, "description": f"{summary}. Use when the owner asks for it."},
        sort_keys=False,
        allow_unicode=True,
        width=2000,
    )
    parts = [f"---\n{head}---\n# {title}\n", f"{summary}.\n", _fenced("manifest", _plain(manifest))]
    if draft:
        parts.append(
            "The test is a draft: it asserts that the operations were made, not what they are "
            "for.\n"
        )
    for step in told:
        block = "".join(
            written(str(e["ensure"]), {k: v for k, v in e.items() if k != "ensure"})
            for e in step.entries
        )
        parts.append(f"## {step.heading}\n\n{step.prose}\n\n{_fenced('codemod', block)}")
    return "\n".join(parts)


def _proved(
    name: str,
    files: Mapping[str, bytes],
    executable: frozenset[str],
    changes: Changes,
    around: Files,
    extra: set[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the package's operations say, and where the tree that they give is not the one that was
    recorded.

    The page is read back, so what is proved is what was written. `extra` are files that the
    recording brings itself.
    """
    package = read(name, files, executable=executable)
    world = Overlay(around)
    told: list[str] = []
    wrong: list[str] = []
    for path, data in package.added().items():
        if path not in extra and world.read(path) is not None:
            wrong.append(f"{path}: something is there already")
        world.write(path, data)
        told.append(f"add {path}")
    for operation in (
        *(decode(keys) for keys in implied(package)),
        *(op for _, op in operations(package)),
    ):
        told.append(operation.describe())
        try:
            perform(operation, world)
        except (CannotEnsure, Refused, Unparsable) as error:
            wrong.append(error.message)
    for path in sorted({*changes, *world.written} - extra):
        wanted = changes[path].after if path in changes else around.read(path)
        if world.read(path) != wanted:
            wrong.append(_difference(path, world.read(path), wanted))
    return tuple(told), tuple(wrong)


def _difference(path: str, found: bytes | None, wanted: bytes | None) -> str:
    if found is None or wanted is None:
        return f"{path}: it {'should not be' if wanted is None else 'is not'} there"
    one, other = found.split(b"\n"), wanted.split(b"\n")
    line = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False), 1) if a != b),
        min(len(one), len(other)),
    )
    return f"{path}:{line}: it differs from what was recorded"
