"""From entries to operations: their code, their paths, and what an owner must accept."""

from __future__ import annotations

import pytest

from skills_engine.codemods.files import MemoryFiles
from skills_engine.codemods.operations.custom import Custom
from skills_engine.codemods.registry import decode
from skills_engine.errors import PackageError
from skills_engine.package.capabilities import Capabilities, capabilities
from skills_engine.package.decode import operations
from skills_engine.package.implied import implied
from skills_engine.package.lint import lint
from skills_engine.package.model import Package, PackageFiles
from skills_engine.package.reader import read
from skills_engine.types import Outcome

CODEMOD = b"""
from libcst.codemod import VisitorBasedCodemodCommand


class Loud(VisitorBasedCodemodCommand):
    def leave_Name(self, original_node, updated_node):
        return updated_node.with_changes(value=updated_node.value.upper())
"""
HEAD = """---
name: x
description: An example.
---
# Change it

It changes the code, as it must.

"""


def page(manifest: str = "", *entries: str) -> bytes:
    """A SKILL.md; without lines of a manifest's own, its first entry is in line 14."""
    text = f"{HEAD}```yaml manifest\nversion: 1.0.0\ncore: '>=0'\n{manifest}```\n"
    text += "```yaml codemod\n" + "\n".join(entries) + "\n```\n" if entries else ""
    return text.encode()


def package(manifest: str, *entries: str, **files: bytes) -> Package:
    named = {path.replace("__", "/").replace("_py", ".py"): data for path, data in files.items()}
    return read("x", {"SKILL.md": page(manifest, *entries), **named})


def test_a_custom_codemod_has_its_code_and_runs() -> None:
    x = package(
        "",
        "- {ensure: custom, class: 'codemods/loud.py:Loud', in: m.py}",
        codemods__loud_py=CODEMOD,
    )
    [(_, operation)] = operations(x)
    assert isinstance(operation, Custom)
    files = MemoryFiles({"m.py": b"a = b  # c\n"})
    assert operation.apply(files).outcome is Outcome.APPLIED
    assert files.contents == {"m.py": b"A = B  # c\n"}


@pytest.mark.parametrize(
    ("entry", "line", "message"),
    [
        (
            "- {ensure: custom, in: m.py,\n   class: 'codemods/quiet.py:Quiet'}",
            15,
            "no file codemods/quiet.py",
        ),
        (
            "- {ensure: custom, in: m.py,\n   class: 'codemods/loud.py:Quiet'}",
            15,
            "defines no class Quiet",
        ),
        (
            "- {ensure: custom, in: m.py,\n   class: 'loud.py:Loud'}",
            15,
            "'loud.py:Loud' names no class",
        ),
        (
            "- {ensure: custom, in: m.py, class: 'codemods/loud.py:Loud',\n   code: x}",
            15,
            "custom has no key 'code'",
        ),
        (
            "- {ensure: docstring, docstring: x,\n   in: ../m.py}",
            15,
            "'../m.py' has the segment '..'",
        ),
        ("- {ensure: docstring, docstring: x,\n   in: .git/hooks/m.py}", 15, "git's own"),
        (
            "- {ensure: docstring, docstring: x,\n   in: MANIFESTS/m.py}",
            15,
            "MANIFESTS/m.py is the engine's own",
        ),
        (
            "- {ensure: docstring, docstring: x,\n   in: .claude/skills/y/m.py}",
            15,
            "is the engine's own",
        ),
        (
            "- {ensure: docstring, docstring: x, of: 'manifests.a:B'}",
            14,
            "manifests/a.py is the engine's own",
        ),
        ("- {ensure: dependency,\n   dependency: 'not one'}", 15, "not one"),
    ],
)
def test_an_entry_that_is_no_operation(entry: str, line: int, message: str) -> None:
    files: PackageFiles = {"SKILL.md": page("", entry), "codemods/loud.py": CODEMOD}
    problems = lint("x", files)
    assert [problem.line for problem in problems if message in problem.message] == [line], problems
    with pytest.raises(PackageError) as caught:
        operations(read("x", files))
    assert caught.value.problems == problems


def test_what_a_manifest_implies_are_operations_that_hold() -> None:
    x = read(
        "x",
        {
            "SKILL.md": page(
                "dependencies: [aiogram]\n"
                "services: {cache: {image: valkey, volumes: ['data:/data']}}\nvolumes: {data: }\n"
                "environment: {TOKEN: {comment: the token, default: none}}\n"
            )
        },
    )
    before = {
        "pyproject.toml": b'[project]\ndependencies = [\n    "rich",\n]\n',
        "compose.yaml": b"services:\n  bot:\n    image: bot\n",
        ".env.example": b"A=1\n",
    }
    files = MemoryFiles(before)
    assert [decode(keys).apply(files).outcome for keys in implied(x)] == [Outcome.APPLIED] * 3
    assert b"aiogram" in files.contents["pyproject.toml"]
    assert b"\nvolumes:\n  data:\n" in files.contents["compose.yaml"]
    assert b"valkey" in files.contents["compose.yaml"]
    assert b"TOKEN=none" in files.contents[".env.example"]
    assert [decode(keys).apply(files).outcome for keys in implied(x)] == [Outcome.ALREADY] * 3


def test_a_package_that_stays_at_home_asks_for_nothing() -> None:
    x = package(
        "adds: [bot/new.py]\n",
        "- {ensure: docstring, docstring: x, in: bot/main.py}",
        "- {ensure: docstring, docstring: x, of: 'bot.app:App'}",
        add__bot__new_py=b"",
    )
    assert capabilities(x) == Capabilities()
    assert (
        capabilities(read("y", {"SKILL.md": b"---\nname: y\ndescription: y\n---\n"}))
        == Capabilities()
    )


def test_what_a_package_asks_for() -> None:
    x = read(
        "x",
        {
            "SKILL.md": page(
                "adds: [tests/test_x.py, tests/conftest.py, docs/x.md]\n"
                "tests: [tests/test_x.py]\ndependencies: [aiogram>=3]\n"
                "services: {cache: {image: y}}\nenvironment: {A: b}\n",
                "- {ensure: custom, class: 'codemods/loud.py:Loud', in: ['bot/*.py', 'tools/*.py']}",
                "- {ensure: docstring, docstring: x, of: 'tools.build:main'}",
                "- {ensure: dependency, dependency: rich}",
                "- {ensure: service, service: db, spec: {image: x}}",
            ),
            "codemods/loud.py": CODEMOD,
            "add/tests/test_x.py": b"",
            "add/tests/conftest.py": b"",
            "add/docs/x.md": b"",
        },
    )
    asked = capabilities(x)
    assert asked.code == (
        "changes tests/conftest.py",
        "changes tools/*.py",
        "changes tools/build.py",
        "installs aiogram>=3",
        "installs rich",
        "runs its own codemod codemods/loud.py:Loud",
        "runs the service cache",
        "runs the service db",
        "runs the tests in tests/test_x.py",
    )
    assert asked.other == ("changes .env.example", "changes docs/x.md")
    assert "changes tools/build.py" not in capabilities(x, home=("tools/**",)).code
