"""The plan of a run of tests: the packages, the command, the folders that tests import from,
and what an installed project would have beside its code.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skills_engine.check.projects import ProjectMetadata, listed, projects
from skills_engine.check.requirements import document, normal, parsed, without_itself
from skills_engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skills_engine.check.projects import RepositoryFiles

__all__ = ["TestPlan", "TestSettings", "default_requires", "plan_of"]

_GROUPS = ("test", "tests", "testing", "dev")
_LISTS = (
    *("requirements-test.txt", "requirements-tests.txt", "test-requirements.txt"),
    *("test_requirements.txt", "requirements/test.txt", "requirements/tests.txt"),
    *("requirements/testing.txt", "tests/requirements.txt", "requirements-dev.txt"),
    *("requirements_dev.txt", "dev-requirements.txt", "requirements/dev.txt", "requirements.txt"),
)
_ENGINE = "graftbot"


@dataclass(frozen=True, slots=True)
class TestSettings:
    """What a repository says of its tests in `[tool.skills]`; empty is what is usual."""

    __test__ = False

    command: str = ""
    requires: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestPlan:
    """`constraints` are the versions of the repository's lock file; `folders` are globs; `metadata`
    and `generated` are files to write, by their paths. `own`: it is the engine's own repository,
    whose tests run where the engine does.
    """

    __test__ = False

    requirements: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("src",)
    metadata: Mapping[str, str] = field(default_factory=dict)
    generated: Mapping[str, str] = field(default_factory=dict)
    uv: bool = False
    own: bool = False


def plan_of(files: RepositoryFiles, settings: TestSettings, version: str = "0") -> TestPlan:
    """Raises Refused for a requirement that is none, or a group or extra that is not there."""
    every = projects(files)
    top = every[0]
    command = tuple(shlex.split(settings.command))
    wanted = tuple(_resolved(files, every, settings.requires or default_requires(files)))
    if (not command or "pytest" in command) and not any(_is_pytest(text) for text in wanted):
        wanted = (*wanted, "pytest")
    folders = [f"{each.folder}src" for each in every] + [each.folder for each in every[1:]]
    return TestPlan(
        tuple(sorted(set(wanted))),
        command,
        tuple(_locked(files, wanted)),
        (*settings.path, *folders),
        dict(_metadata(every, version)),
        dict(_generated(top, version)),
        uv=files.read("uv.lock") is not None or bool(top.tool("uv")),
        own=normal(top.name) == _ENGINE,
    )


def _locked(files: RepositoryFiles, wanted: Iterable[str]) -> Iterator[str]:
    """`name==version` for each package that uv.lock or poetry.lock has in one version, from an
    index; but for those that something wanted contradicts, as what a skill newly asks for may.
    """
    lock = files.read("uv.lock") or files.read("poetry.lock")
    packages = document(lock or b"", "the lock file").get("package", ())
    versions: dict[str, set[str]] = {}
    for each in packages if isinstance(packages, list) else ():
        source = each.get("source") if isinstance(each, dict) else None
        elsewhere = isinstance(source, dict) and "registry" not in source
        if isinstance(each, dict) and not elsewhere and isinstance(each.get("version"), str):
            versions.setdefault(normal(str(each.get("name"))), set()).add(each["version"])
    asked = [parsed(text) for text in wanted]
    for name, found in sorted(versions.items()):
        version = next(iter(found))
        mine = [each for each in asked if normal(each.name) == name]
        if len(found) == 1 and all(each.specifier.contains(version, True) for each in mine):
            yield f"{name}=={version}"


def _is_pytest(text: str) -> bool:
    return normal(parsed(text).name) == "pytest"


def default_requires(files: RepositoryFiles) -> tuple[str, ...]:
    """What tests need where nothing is said, as pip is told: the project, if there is one, and the
    first of its test groups, extras, tox's, or requirements files.
    """
    top, *members = projects(files)
    is_project = bool(top.name or members) or files.read("setup.py") is not None
    itself = (".",) if is_project else ()
    groups, extras = top.groups(), top.extras()
    for name in _GROUPS:
        if name in groups:
            return (*itself, f"--group {name}")
        if name in extras:
            return (f".[{name}]",)
    deps = [line for line in top.said("testenv", "deps") if "{" not in line and ":" not in line]
    more = top.said("testenv", "extras")
    if deps or more:
        return (*([f".[{','.join(more)}]"] if more else itself), *deps)
    path = next((path for path in _LISTS if files.read(path) is not None), None)
    return (*itself, f"-r {path}") if path else itself


def _resolved(
    files: RepositoryFiles, every: Sequence[ProjectMetadata], asked: Iterable[str]
) -> Iterator[str]:
    top = every[0]
    names = {normal(each.name) for each in every if each.name}
    extras = {normal(key): texts for key, texts in top.extras().items()}
    for entry in asked:
        for text in _meant(files, every, extras, entry):
            for each in without_itself([text], normal(top.name), extras, frozenset()):
                if normal(parsed(each).name) not in names:
                    yield each


def _meant(
    files: RepositoryFiles,
    every: Sequence[ProjectMetadata],
    extras: Mapping[str, list[str]],
    entry: str,
) -> Iterator[str]:
    """The requirements that an entry, as pip takes it, stands for."""
    words = re.sub(r"^(-e|--editable)[ =]*", "", entry.strip())
    here = re.fullmatch(r"\.(?:\[([^\]]*)\])?", words)
    group = re.fullmatch(r"--group[ =]+(\S+)", words)
    listing = re.fullmatch(r"(?:-r|--requirement)[ =]*(\S+)", words)
    if here is not None:
        yield from (text for each in every for text in each.dependencies())
        for name in filter(None, (each.strip() for each in (here[1] or "").split(","))):
            if normal(name) not in extras:
                raise _absent("extra", name, extras)
            yield from extras[normal(name)]
    elif group is not None:
        groups = {normal(key): texts for key, texts in every[0].groups().items()}
        if normal(group[1]) not in groups:
            raise _absent("dependency group", group[1], groups)
        yield from groups[normal(group[1])]
    elif listing is not None:
        if files.read(listing[1]) is None:
            raise Refused(
                f"test-requires in [tool.skills]: there is no file {listing[1]}",
                hint="name a requirements file of this repository",
            )
        for line in listed(files, listing[1]):
            if line.startswith("."):
                yield from _meant(files, every, extras, line)
            else:
                yield line
    else:
        yield words


def _absent(what: str, name: str, there: Iterable[str]) -> Refused:
    return Refused(
        f"test-requires in [tool.skills]: the project has no {what} {name}",
        hint=f"there are: {', '.join(sorted(there)) or 'none'}",
    )


def _metadata(every: Sequence[ProjectMetadata], version: str) -> Iterator[tuple[str, str]]:
    """Of each project what `importlib.metadata` would say of it, were it installed."""
    for each in every:
        if not each.name:
            continue
        said = each.table.get("version") or each.poetry.get("version")
        number = said if isinstance(said, str) else version
        info = f"{normal(each.name).replace('-', '_')}-{number}.dist-info"
        yield f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {each.name}\nVersion: {number}\n"
        lines = []
        scripts = each.table.get("scripts") or each.poetry.get("scripts")
        points = dict(each.table.get("entry-points") or each.tool("poetry", "plugins") or {})
        for group, entries in {"console_scripts": scripts, **points}.items():
            if isinstance(entries, dict) and entries:
                pairs = (f"{key} = {value}" for key, value in entries.items())
                lines += [f"[{group}]", *(pair for pair in pairs if "{" not in pair)]
        if "options.entry_points" in each.config:
            for group in each.config["options.entry_points"]:
                lines += [f"[{group}]", *each.said("options.entry_points", group)]
        if lines:
            yield f"{info}/entry_points.txt", "\n".join(lines) + "\n"


def _generated(top: ProjectMetadata, version: str) -> Iterator[tuple[str, str]]:
    """The modules that a build would write the version into."""
    scm = top.tool("setuptools_scm")
    hook = top.tool("hatch", "build", "hooks", "vcs")
    for path in (scm.get("version_file"), scm.get("write_to"), hook.get("version-file")):
        if isinstance(path, str) and path.endswith(".py"):
            yield path, f"__version__ = version = {version!r}\n"
