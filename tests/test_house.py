"""Habits of this code base that no linter knows."""

from __future__ import annotations

import ast
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "container", "skills_engine")
MODULES = [
    path.relative_to(ROOT)
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
    if path.read_bytes()
]
QUESTIONS = {"What", "Where", "Whether", "How", "When", "Which", "Who", "Why"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_s_docstring_begins_with_what_the_thing_is(room: str) -> None:
    first = {
        path: (ast.get_docstring(ast.parse((ROOT / path).read_bytes())) or "Why").split()[0]
        for path in MODULES
        if path.parts[0] == room
    }
    assert {path: word for path, word in first.items() if word in QUESTIONS} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_public_class_has_a_name_of_its_own(room: str) -> None:
    owners: dict[str, list[Path]] = {}
    for path in MODULES:
        if path.parts[0] == room:
            for node in ast.parse((ROOT / path).read_bytes()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    owners.setdefault(node.name, []).append(path)
    assert {name: paths for name, paths in owners.items() if len(paths) > 1} == {}


def test_no_file_is_too_long_to_be_read_in_one_sitting() -> None:
    lines = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def test_nothing_waits_in_a_way_that_loses_its_end() -> None:
    """`asyncio.wait_for`, before Python 3.12, swallows a cancellation that comes in the instant in
    which what it waits for is done: a service then outlives the bot's end. `timeout` does not.
    """
    code = [*(ROOT / "bot").rglob("*.py"), *(ROOT / ".claude/skills").glob("*/add/bot/**/*.py")]
    calls = ("asyncio.wait_for(", "import wait_for")
    assert [path for path in code if any(call in path.read_text("utf-8") for call in calls)] == []


def test_no_law_has_a_time_limit() -> None:
    """Hypothesis gives each example 200 ms unless it is told otherwise."""
    patient = {"laws", "LAW"}  # settings that a file makes for all of its own
    limited = [
        f"{path.name}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (said := [ast.unparse(one) for one in node.decorator_list])
        if any(one.startswith("given(") for one in said)
        if not any("deadline=None" in one or one in patient for one in said)
    ]
    assert limited == []


def test_every_requirement_is_met_by_the_lock() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    locked = [Requirement(line) for line in lines if not line.startswith("#")]
    pinned = {canonicalize_name(one.name): next(iter(one.specifier)).version for one in locked}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    asked = [*project["project"]["dependencies"], *groups["test"], *groups["dev"]]
    unmet = [
        one
        for one in map(Requirement, filter(lambda one: isinstance(one, str), asked))
        if not one.specifier.contains(pinned.get(canonicalize_name(one.name), "0"))
    ]
    assert unmet == []


def test_tests_stand_in_folders_named_as_the_rooms_that_they_test() -> None:
    """What no room has is a program of its own, or tests what lies outside of the two packages."""
    rooms = {path.name for path in (ROOT / "skills_engine").iterdir() if path.is_dir()}
    others = {"bot", "channels", "containers", "skills", "laws", "tests"}
    folders = {path.parent.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders <= rooms | others
    assert folders > {"merge", "check", "codemods", "verbs"}


def test_no_module_needs_itself() -> None:
    """Imports for types and late ones count: what goes in a circle is understood as a whole or not
    at all.
    """
    names = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    needs = {
        name: {
            whole if (whole := f"{node.module}.{alias.name}") in names else node.module
            for node in ast.walk(ast.parse((ROOT / path).read_bytes()))
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        & names.keys()
        for name, path in names.items()
    }
    assert len(needs) > 400
    assert tuple(TopologicalSorter(needs).static_order())
