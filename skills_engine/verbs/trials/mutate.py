"""A skill with one part broken: some test of its own goes red, or nobody would notice.

Each operation is left out in turn. Each line that the skill brings and that calls into the core is
broken in turn: the call is one of a name that nothing has.
"""

from __future__ import annotations

import ast
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skills_engine.errors import SkillsError
from skills_engine.graft.fold import fold
from skills_engine.graft.operation import networked_tests
from skills_engine.package.model import ADD
from skills_engine.types import result
from skills_engine.verbs.environment import run_skill_tests
from skills_engine.verbs.trials.edit import Definition, EditedText
from skills_engine.verbs.trials.trial import Case, Trial, TrialKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skills_engine.manifest import Pin
    from skills_engine.package.model import Package
    from skills_engine.verbs.trials.subjects import Subjects

__all__ = ["Unbroken", "mutants", "run_mutant", "unbroken"]

_BROKEN = "a_call_that_was_broken"

_SILENT = 60
"""Seconds without a sign after which broken tests hang, and twice what the whole ones last."""


@dataclass(frozen=True, slots=True)
class Unbroken:
    """The tests of a skill that nobody broke: how long they last, and what fails there already."""

    seconds: float
    failed: str = ""


def mutants(subjects: Subjects, skill: str) -> Iterator[Case]:
    """What is broken, by the line that it stands in."""
    for what in _mutants(subjects.package(skill)):
        yield Case(TrialKind.MUTATE, (skill,), what, subjects.base.base)


def unbroken(subjects: Subjects, skill: str) -> Unbroken:
    """Raises what applying the skill does."""
    began = time.monotonic()
    failed = _failed(subjects, subjects.package(skill))
    return Unbroken(time.monotonic() - began, failed or "")


def run_mutant(subjects: Subjects, case: Case, whole: Unbroken) -> Trial:
    """Right is a test that fails, or hangs; a package that cannot be applied without the part is
    as good.
    """
    (name,) = case.skills
    broken = _mutants(subjects.package(name))[case.what]
    if broken.manifest is None or not broken.manifest.tests:
        return Trial.of(case, Verdict.WRONG, "the skill has no tests")
    if whole.failed:
        found = "the tests fail with no part broken, so nothing is known"
        return Trial.of(case, Verdict.REFUSED, found, whole.failed, ok=False)
    try:
        failed = _failed(subjects, broken, _SILENT + 2 * whole.seconds)
    except SkillsError as error:
        return Trial.of(case, Verdict.RIGHT, error.message)
    if failed is None:
        return Trial.of(case, Verdict.WRONG, "no test fails without it")
    hangs = failed.rpartition("\n")[2].startswith("the tests hang")
    return Trial.of(case, Verdict.RIGHT, "a test hangs" if hangs else "a test fails")


def _failed(subjects: Subjects, package: Package, silence: float | None = None) -> str | None:
    """What the package's own tests say when they fail."""
    fork, goal = subjects.fork, subjects.goal((package.name,))

    def load(pin: Pin) -> Package:
        return package if pin.name == package.name else fork.applicable(pin)

    graft = result(fold(fork.git, goal, load, cached=False))
    tests = package.manifest.tests if package.manifest else ()
    networked = networked_tests(fork, goal.pins)
    ran = run_skill_tests(fork, graft.tree, tests, networked, ("-x",), silence=silence)
    return result(ran)


def _mutants(package: Package) -> dict[str, Package]:
    found = {}
    for step in package.steps:
        for entry in step.entries:
            steps = tuple(
                replace(each, entries=tuple(e for e in each.entries if e is not entry))
                for each in package.steps
            )
            what = f"SKILL.md:{entry.line}: {entry.keys['ensure']}"
            found[what] = replace(package, steps=steps)
    tests = set(package.manifest.tests) if package.manifest else set()
    own = {path for path in package.added() if path.endswith(".py")}
    for path in sorted(own - tests):
        if path.startswith("tests/"):
            continue
        source = package.files[ADD + path].decode()
        for line, text in _broken(source, own):
            files = {**package.files, ADD + path: text.encode()}
            found[f"{path}:{line}"] = replace(package, files=files)
    return found


def _broken(source: str, own: set[str]) -> Iterator[tuple[int, str]]:
    """The lines with a call into the core, each with the source in which its calls are broken."""
    text = EditedText(source.replace("\r\n", "\n"))
    lines: dict[int, list[ast.Call]] = {}
    for call in _calls(text.tree, own):
        lines.setdefault(call.lineno, []).append(call)
    for line, calls in sorted(lines.items()):
        outer = min(calls, key=lambda call: call.col_offset)
        edit = (text.start(outer.func), text.end(outer.func), _BROKEN)
        yield line, text.edited([edit])


def _calls(tree: ast.Module, own: set[str]) -> Iterator[ast.Call]:
    """Calls of what is imported from the project and is not the skill's own; and of methods that a
    class has from a base of the core.
    """
    tops = {path.partition("/")[0] for path in own}
    mine = {path.removesuffix(".py").replace("/", ".") for path in own}
    imported = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        if node.module.partition(".")[0] in tops and node.module not in mine
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _root(node.func) in imported:
            yield node
        if isinstance(node, ast.ClassDef) and any(_root(base) in imported for base in node.bases):
            own_methods = {each.name for each in node.body if isinstance(each, Definition)}
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Attribute)
                    and isinstance(call.func.value, ast.Name)
                    and call.func.value.id == "self"
                    and call.func.attr not in own_methods
                ):
                    yield call


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
